"""Write a fitted model to a file, and read it: skops' tree of objects and arrays, in a checked archive."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from .._errors import first_line
from .._keeping import keeping
from .._optional import needs
from .._processes import writes
from .._whole_file import whole_file
from ._archive import Damaged, check, complete, description_of
from ._description import FORMAT, describe, versions
from ._requests import without_owners
from ._trusted import is_trusted


def _path(path: Any) -> Path:
    if not isinstance(path, (str, PathLike)):
        raise TypeError(f"path={path!r}: expected the path of a model file, as a str or a pathlib.Path.")
    return Path(path)


def save_model(model: Any, path: str | PathLike[str], *, optimizer: bool = False) -> None:
    """Write a fitted model to a file, from which `load_model` makes it again without running code of the file.

    The file holds the model and none of the events. It is written beside ``path`` and then renamed, so that a
    program that is killed leaves the file that was there before, or the new one. Before that it is read once, so that
    a file that is kept can be loaded. Of several processes that train one network, the first one writes it.

    Parameters
    ----------
    model : estimator
        A fitted network, transformer, search or cross-fitted model, or any scikit-learn composition of them, such as
        a Pipeline.
    path : str or path
        The file. skops reads it as well; the usual ending is ``.skops``.
    optimizer : bool, default=False
        Whether the state of the networks' optimisers is kept, with which ``partial_fit`` and a warm start go on
        exactly as they would have; for Adam it is twice the size of the weights.

    Raises
    ------
    ValueError
        A part of the model cannot be kept, such as a lambda function; the error names it.
    ImportError
        Without skops, which the extra ``export`` installs.

    See Also
    --------
    load_model : Read the file.
    describe_model : Say what is in it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_ml4fp import FeedForwardClassifier, MissingValueImputer, load_events, load_model, save_model
    >>> X, y = load_events(return_X_y=True)
    >>> model = make_pipeline(MissingValueImputer(), FeedForwardClassifier(max_epochs=1, random_state=0))
    >>> _ = model.fit(X[:500], y[:500])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, Path(folder) / "model.skops")
    ...     again = load_model(Path(folder) / "model.skops")
    >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    skops, path = needs("skops.io"), _path(path)
    if not isinstance(model, BaseEstimator):
        raise TypeError(f"model is a {type(model).__name__}: expected a fitted estimator or a composition of them.")
    if not writes(model):
        return
    model = without_owners(model)
    with keeping(optimizer=optimizer):
        try:
            content = skops.dumps(model)
            types = skops.get_untrusted_types(data=content)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they are for those who load it
                skops.loads(content, trusted=types)
        except Exception as error:  # each kind of object fails elsewhere in skops
            where, what = _culprit(model, "model", set()) or ("model", model)
            raise ValueError(
                f"{where}, a {type(what).__name__}, cannot be kept in a model file: expected arrays, numbers, text, "
                f"and objects made of them. Leave it out, or pickle the model. ({first_line(error)})"
            ) from error
    asked = [name for name in types if not is_trusted(name)]
    with whole_file(path) as beside:
        beside.write_bytes(complete(content, describe(model, asked)))


def load_model(path: str | PathLike[str], *, trusted: Iterable[str | type] = ()) -> Any:
    """Read a model that `save_model` has written.

    No code of the file is run: only objects of types that do nothing but hold data are made, and networks are built
    from their hyperparameters. What a file cannot be checked for is whether the model in it is good.

    Parameters
    ----------
    path : str or path
        The file.
    trusted : iterable of str or type, default=()
        Further types that may be made, by their full names or themselves: your own classes, and scikit-learn's trees,
        which crash in a prediction if their numbers were tampered with. ``describe_model(path)["trusted"]`` names
        those that the model needs; pass only what you know.

    Returns
    -------
    estimator
        The fitted model. A network that was on a GPU is on the processor where there is no GPU.

    Raises
    ------
    ValueError
        The file is damaged or no model file, has a newer format, or holds types that are not trusted.
    ImportError
        Without skops, which the extra ``export`` installs.

    Warns
    -----
    UserWarning
        The file comes from another version of scikit-learn.

    See Also
    --------
    save_model : Write the file.
    """
    skops, path = needs("skops.io"), _path(path)
    content = path.read_bytes()
    with _explained(path):
        with ZipFile(io.BytesIO(content)) as archive:
            description = description_of(archive, len(content))
            _check_format(path, description)
            check(archive)
        types = skops.get_untrusted_types(data=content)
    named = {one if isinstance(one, str) else f"{one.__module__}.{one.__name__}" for one in trusted}
    if asked := [name for name in types if name not in named and not is_trusted(name)]:
        raise ValueError(
            f"{path} holds what is not trusted: {', '.join(asked)}. If you know these types and where the file comes "
            f"from, pass trusted={asked}."
        )
    theirs = _of_another_version(path, description)
    with _explained(path, theirs), warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        model = skops.loads(content, trusted=types)
    if theirs:
        warnings.warn(f"{theirs}: its predictions may differ.", UserWarning, stacklevel=2)
    return model


def describe_model(path: str | PathLike[str]) -> dict[str, Any]:
    """Say what is in a model file, without loading the model.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    dict
        ``class``, ``steps`` (classes of the parts by name), ``hyperparameters``, ``columns`` (their names in order, or
        their number), ``classes``, ``target`` (mean and standard deviation of a network's targets, in the unit of
        ``y``), ``trusted`` (types that `load_model` must be told to trust), ``versions``, ``date``, ``size`` in
        bytes, and ``format``. The file says this about itself; nothing of it has been checked.

    Raises
    ------
    ValueError
        The file is damaged or no model file, or has a newer format.

    See Also
    --------
    load_model : Load the model.
    """
    path = _path(path)
    size = path.stat().st_size
    with _explained(path), ZipFile(path) as archive:
        description = description_of(archive, size)
    _check_format(path, description)
    return {**description, "size": size}


class _Refused(ValueError):
    """An error that says by itself what is the matter."""


@contextmanager
def _explained(path: Path, theirs: str = "") -> Iterator[None]:
    """Make one error of whatever a file that is damaged, or was tampered with, breaks."""
    try:
        yield
    except _Refused:
        raise
    except Exception as error:  # each kind of damage breaks it elsewhere
        reason = str(error) if isinstance(error, Damaged) else first_line(error)
        raise ValueError(
            f"{path} cannot be loaded: expected a complete file that save_model has written, but {reason}."
            f"{f' {theirs}.' if theirs else ''}"
        ) from error


def _check_format(path: Path, description: dict[str, Any]) -> None:
    if description["format"] > FORMAT:
        raise _Refused(
            f"{path} has format {description['format']}, and this version of sklearn_ml4fp, "
            f"{versions()['sklearn_ml4fp']}, reads formats up to {FORMAT}: install a newer one."
        )


def _of_another_version(path: Path, description: dict[str, Any]) -> str:
    """Say from which other version of scikit-learn a file comes; nothing if it is the same."""
    theirs, ours = description.get("versions", {}).get("scikit-learn"), versions()["scikit-learn"]
    return "" if theirs == ours else f"{path} was written with scikit-learn {theirs}, and this is {ours}"


def _culprit(thing: Any, name: str, seen: set[int]) -> tuple[str, Any] | None:
    """Find the innermost part of an object that cannot be kept, and what it is called; None if all of it can be."""
    if id(thing) in seen or _can_be_kept(thing):
        return None
    seen.add(id(thing))
    if isinstance(thing, dict):
        parts = [(f"{name}[{key!r}]", value) for key, value in thing.items()]
    elif isinstance(thing, list | tuple | set):
        parts = [(f"{name}[{i}]", value) for i, value in enumerate(thing)]
    else:
        parts = [(f"{name}.{key}", value) for key, value in getattr(thing, "__dict__", {}).items()]
        parts = [(key, value) for key, value in parts if not key.endswith((".net_", "._fitted"))]
    found = (_culprit(value, key, seen) for key, value in parts)
    return next((one for one in found if one is not None), (name, thing))


def _can_be_kept(thing: Any) -> bool:
    skops = needs("skops.io")
    try:
        content = skops.dumps(thing)
        skops.loads(content, trusted=skops.get_untrusted_types(data=content))
    except Exception:  # as above
        return False
    return True
