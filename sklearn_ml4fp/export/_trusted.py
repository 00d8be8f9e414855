"""Types that a model file may hold without the user being asked: none of them does anything but hold data.

A file can have any of them called with what stands in it, so that no function or class may be among them that reads,
writes or runs something. The nets of skorch are not, because their state is a pickle; nor the distributions of scipy,
whose state is code; nor trees, whose numbers scikit-learn takes for places in memory without a check.
"""

from __future__ import annotations

from importlib import import_module
from inspect import isclass, isfunction
from typing import Any

_CLASSES = ("augmentation", "data", "estimators", "model_selection", "preprocessing", "resampling")
# subpackages whose public classes, or functions, are trusted
_OF_CLASSES = (
    *(f"sklearn_ml4fp.{room}" for room in _CLASSES),
    "sklearn.model_selection",
    "imblearn.combine",
    "imblearn.over_sampling",
    "imblearn.under_sampling",
    "torch.optim",
)
_OF_FUNCTIONS = ("sklearn_ml4fp.metrics", "sklearn.metrics")
_OF_OTHERS = {
    "numpy": ("dtype",),
    "optuna.distributions": ("CategoricalDistribution", "FloatDistribution", "IntDistribution"),
    "sklearn.calibration": ("_CalibratedClassifier", "_SigmoidCalibration"),
    "sklearn.compose._column_transformer": ("_RemainderColsList",),  # of scikit-learn 1.6
    "sklearn.metrics._scorer": ("_MultimetricScorer", "_PassthroughScorer", "_Scorer"),
    "sklearn.utils._bunch": ("Bunch",),
    "sklearn.utils._metadata_requests": ("MetadataRequest", "MethodMetadataRequest"),
}
_OF_OURS = {
    "sklearn_ml4fp.engine._recipe": ("Recipe",),
    "sklearn_ml4fp.engine._schedules": ("Schedule",),
    "sklearn_ml4fp.estimators._inputs": (
        "ImageInput",
        "ImageOrSequenceInput",
        "SequenceInput",
        "TableInput",
        "TableOrSequenceInput",
    ),
    "sklearn_ml4fp.estimators._frame_inputs": ("FrameInput",),
    "sklearn_ml4fp.estimators._number_inputs": ("NumberInput", "NumberOrImageInput"),
    "sklearn_ml4fp.estimators._point_encoding": ("Angle", "PointEncoding", "TableEncoding"),
    "sklearn_ml4fp.estimators._set_inputs": ("GraphInput", "KinematicInput", "SetInput"),
    "sklearn_ml4fp.estimators._entries": ("EntryClassTarget", "EntryNumberTarget"),
    "sklearn_ml4fp.estimators._targets": ("ClassTarget", "NumberTarget"),
    "sklearn_ml4fp.estimators._transverse_momentum": ("TransverseMomentum",),
    "sklearn_ml4fp.metrics._scorers": ("_EitherClassScorer", "_WeightedScorer"),
    "sklearn_ml4fp.model_selection._history": ("FileHistory", "History"),
    "sklearn_ml4fp.model_selection._kept_spaces": ("DimensionParts",),
}
_PRIVATE = {f"{module}.{name}" for of in (_OF_OTHERS, _OF_OURS) for module, names in of.items() for name in names}
_NEVER = {"sklearn_ml4fp.model_selection._dask.DaskBackend"}  # opens a connection


def is_trusted(name: str) -> bool:
    """Whether the type or function of this full name only holds or computes something."""
    if name in _PRIVATE:
        return True
    module, _, own = name.rpartition(".")
    return name not in _NEVER and (
        any(_is_public(package, module, own, isclass) for package in _OF_CLASSES)
        or any(_is_public(package, module, own, isfunction) for package in _OF_FUNCTIONS)
    )


def _is_public(package: str, module: str, own: str, kind: Any) -> bool:
    """Whether ``own`` of a module in the package is what the package shows under this name."""
    if not module.startswith(f"{package}."):
        return False
    public = import_module(package)
    shown = getattr(public, own, None) if own in public.__all__ else None
    return kind(shown) and shown.__module__ == module
