"""Files of fitted models, for Python and as ONNX graphs for any program, and of their scores."""

from typing import TYPE_CHECKING

from .._lazy import lazily

if TYPE_CHECKING:  # what an editor and a type checker see
    from ._model_file import describe_model, load_model, save_model
    from ._on_dask import predict_on_dask
    from ._onnx import to_onnx
    from ._scores import write_scores

__all__ = ["describe_model", "load_model", "predict_on_dask", "save_model", "to_onnx", "write_scores"]

__getattr__, __dir__ = lazily(__name__, __all__)
