"""Optional packages: one way to import them, and one error that says how to install a missing one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# The extra of this package with which each optional package comes.
EXTRA_OF = {
    "awkward": "hep",
    "dask": "dask",
    "h5py": "hep",
    "distributed": "dask",
    "matplotlib": "plot",
    "mlflow": "mlflow",
    "mplhep": "plot",
    "onnx": "export",
    "onnxruntime": "export",
    "optuna": "optuna",
    "pooch": "download",
    "pyarrow": "hep",
    "pythia8mc": "simulate",
    "requests": "download",
    "skl2onnx": "export",
    "skops": "export",
    "tables": "download",
    "torch_scatter": "scatter",
    "uproot": "hep",
}

PROJECT_OF = {"skopt": "scikit-optimize"}  # of packages that are always installed, if the project has another name


def needs(module: str, *, otherwise: str = "") -> Any:
    """Import an optional package that the present task needs.

    Parameters
    ----------
    module : str
        Name of the package, or of a module in it (``"matplotlib.pyplot"``).
    otherwise : str
        Other way out, for the error.

    Returns
    -------
    module
        Imported module.

    Raises
    ------
    ImportError
        The package is not installed, or is broken. The error names the extra that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] == package
        what = "is missing; install it" if missing else f"cannot be imported ({error}); install it anew"
        name = f'"sklearn-ml4fp[{EXTRA_OF[package]}]"' if package in EXTRA_OF else PROJECT_OF.get(package, package)
        raise ImportError(f"{package} {what} with: pip install {name}{'. ' if otherwise else ''}{otherwise}") from error


def where_installed(module: str) -> Any | None:
    """Import an optional package that only helps; None if it is not installed, or is broken."""
    try:
        return import_module(module)
    except (ImportError, OSError):  # a compiled extension of another torch cannot be loaded
        return None


def comes_from(values: Any, package: str) -> bool:
    """Return whether the class of an object comes from a package, which need not be installed."""
    return type(values).__module__.split(".")[0] == package


def is_awkward(X: Any) -> bool:
    """Return whether ``X`` is an awkward array, or a list of its events, as scikit-learn makes it by slicing."""
    return comes_from(X[0] if isinstance(X, (list, tuple)) and X else X, "awkward")
