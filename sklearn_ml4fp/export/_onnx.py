"""Export of a fitted pipeline as one ONNX graph, checked before it is written."""

from __future__ import annotations

from numbers import Integral
from os import PathLike
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from .._optional import needs
from .._whole_file import whole_file
from ._model_file import _path

_LEAST_OPSET = 17


def to_onnx(model: Any, X: Any, path: str | PathLike[str], *, opset: int = 17) -> None:
    """Write a fitted pipeline, from the raw columns to its predictions, to a file as one ONNX graph.

    The file runs in any program with onnxruntime, in C++ too, without Python and without this package. Before it is
    kept, onnxruntime runs it on ``X``, on one event, on none, and on one without points: its outputs are those of
    the model to 1e-5, of a probability or in units of the spread of a target; else nothing is written, and the error
    says which step differs.

    Inputs are float32: a table ``X`` of shape (n, d) with NaN for what is absent, or images ``X`` (n, c, h, w), or
    point clouds as ``points`` (n, p, d), ``mask`` (n, p) with 1 for a point and 0 for padding, and ``event`` (n, k)
    where there are event columns. `Graphs` have ``edges`` (n, e, 2) as well, int64, the places of origin and end among
    the points, ``edge_mask`` (n, e), and ``edge_values`` (n, e, d_edge) where edges have features. A cross-fitted model
    takes the ids of the events as well, ``event_id`` (n,) or (n, columns), int64, and chooses for each event the model
    that has not seen it. Of ids that are text, or with a splitter of your own, a graph computes no fold: the outputs
    are those of all models then, (n, n_folds, ...), and the program takes those of the fold ``model.cv_.assign(ids)``.

    The outputs are ``probabilities`` (n, n_classes); ``prediction`` of a regressor, and ``std`` of one with the loss
    ``"gaussian_nll"``; ``prediction`` of a classifier without probabilities, which is the position in ``classes``,
    int64; and ``transformed`` of a transformer. With ``output="point"`` or ``"edge"`` these have the axes (n, p) or
    (n, e) in the place of (n,). What they are stands in the metadata of the file.

    Parameters
    ----------
    model : estimator
        Fitted network, transformer, search or cross-fitted model, or a scikit-learn composition of them and of
        scikit-learn's own classes.
    X : table of shape (n_events, n_columns), images, point clouds, or Graphs
        Events with which the graph is checked, in the form in which the model takes them: some thousand that hold
        everything that occurs, such as absent values. One is needed at least.
    path : str or path
        The file; the usual ending is ``.onnx``. It is written beside and then renamed.
    opset : int, default=17
        Version of ONNX's operators, from 17 on: the newest that the runtime of the experiment knows. A maximum over
        given edges, as in the attention of ParticleTransformer along them, needs 18.

    Raises
    ------
    ValueError
        A step cannot be exported, or the outputs of the graph differ from those of the model; the error names the
        step.
    TypeError
        ``model`` is no estimator, or ``X`` no table of numbers, images, point clouds or graphs.
    ImportError
        Without onnx, onnxruntime and skl2onnx, which the extra ``export`` installs.

    Warns
    -----
    UserWarning
        A few events lie so close to an edge (of a tree, a pixel, a step of an isotonic regression, between two nearest
        points) that rounding to float32 changes the prediction of the model. Where nothing jumps there is no exception.

    See Also
    --------
    save_model : Keep a model for Python.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import onnxruntime
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ml4fp import FeedForwardClassifier, ZScoreScaler, to_onnx
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> model = make_pipeline(ZScoreScaler(), FeedForwardClassifier(width=8, max_epochs=1, random_state=0))
    >>> _ = model.fit(X, X[:, 0] > 0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_onnx(model, X, Path(folder) / "model.onnx")
    ...     session = onnxruntime.InferenceSession(Path(folder) / "model.onnx")
    >>> [probabilities] = session.run(["probabilities"], {"X": X[:5].astype("float32")})
    >>> bool(np.abs(probabilities - model.predict_proba(X[:5])).max() < 1e-5)
    True
    """
    onnx, path = needs("onnx"), _path(path)
    needs("onnxruntime")
    if not isinstance(model, BaseEstimator) or isinstance(model, type):
        raise TypeError(f"model is a {type(model).__name__}: expected a fitted estimator or a composition of them.")
    newest = onnx.defs.onnx_opset_version()
    if not isinstance(opset, Integral) or isinstance(opset, bool) or not _LEAST_OPSET <= opset <= newest:
        raise ValueError(f"opset={opset!r}: expected a whole number from {_LEAST_OPSET} to {newest}.")
    check_is_fitted(model)
    from ._onnx_pipeline import checked  # here, since it loads what any model may be made of

    content = checked(model, X, int(opset)).SerializeToString()
    with whole_file(path) as beside:
        beside.write_bytes(content)
