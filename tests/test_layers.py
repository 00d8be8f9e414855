"""The package is built in layers: imports go strictly down, and what is private stays in its own subpackage."""

import ast
import functools
import tomllib
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

import sklearn_ml4fp
from sklearn_ml4fp._optional import EXTRA_OF

PACKAGE = Path(sklearn_ml4fp.__file__).parent
ROOT = Path(__file__).parents[1]
LAYERS = (
    {path.stem for path in PACKAGE.glob("_*.py")} - {"__init__"},  # what several subpackages need
    {"data", "metrics", "nn"},
    {"preprocessing", "augmentation", "resampling", "model_selection", "datasets", "engine"},
    {"estimators"},
    {"inspection", "export"},
    {"lab_book"},
)
LAYER_OF = {unit: layer for layer, units in enumerate(LAYERS) for unit in units}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
SCIKIT = ("sklearn", "joblib", "skorch")  # packages whose private names stand in `_compat` alone


class Imported(NamedTuple):
    """One imported name, ``from module import name``; the name is empty in ``import module``."""

    module: str
    name: str
    inside: bool  # of a function, or of TYPE_CHECKING

    @property
    def parts(self) -> list[str]:
        return [*self.module.split("."), *([self.name] if self.name else [])]

    def __str__(self) -> str:
        return ".".join(self.parts)


def imports_of(source: str, package: str = "sklearn_ml4fp") -> list[Imported]:
    """What the source of a module in ``package`` imports, relatively or absolutely, at its top or inside a function."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [Imported(alias.name, "", node.col_offset > 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found += [Imported(stem, alias.name, node.col_offset > 0) for alias in node.names]
    return found


@functools.cache
def imports_in(path: Path) -> list[Imported]:
    return imports_of(path.read_text(), ".".join(["sklearn_ml4fp", *path.relative_to(PACKAGE).parts[:-1]]))


def unit_of(path: Path) -> str:
    """A module of the top, or the subpackage that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def ours(imported: list[Imported]) -> set[str]:
    return {one.parts[1] for one in imported if one.parts[0] == "sklearn_ml4fp" and len(one.parts) > 1}


def wrong_layers(unit: str, imported: list[Imported]) -> set[str]:
    """Units that ``unit`` may not import: unknown ones, and any that are not in a lower layer.

    The modules of the lowest layer may import each other; `test_no_circle` keeps them in an order.
    """
    layer = LAYER_OF[unit]
    return {
        other
        for other in ours(imported) - {unit}
        if LAYER_OF.get(other, len(LAYERS)) >= layer and not (layer == 0 and other in LAYERS[0])
    }


def private_files(unit: str, imported: list[Imported]) -> set[str]:
    """Private files of other subpackages, and private names of other modules, that ``unit`` imports."""
    others = [one for one in imported if one.parts[0] == "sklearn_ml4fp" and unit not in one.parts[1:2]]
    return {str(one) for one in others if any(part.startswith("_") for part in one.parts[2:])}


def private_elsewhere(imported: list[Imported]) -> set[str]:
    """Private names of scikit-learn, joblib and skorch among what is imported."""
    return {str(one) for one in imported if one.parts[0] in SCIKIT and any(p.startswith("_") for p in one.parts)}


def in_files(look) -> dict[str, set[str]]:
    """What ``look(unit, imported)`` finds in each file of the package, where it finds something."""
    found = {str(path.relative_to(PACKAGE)): look(unit_of(path), imports_in(path)) for path in MODULES}
    return {file: what for file, what in found.items() if what}


def test_every_module_is_in_a_layer():
    assert {unit_of(path) for path in MODULES} <= LAYER_OF.keys()


def test_imports_go_down():
    assert not in_files(wrong_layers)


@pytest.mark.parametrize(
    ("unit", "source"),
    [
        ("_events", "from .estimators import FeedForwardClassifier"),
        ("_events", "def f():\n    import sklearn_ml4fp.estimators"),
        ("_events", "from . import metrics"),
        ("_events", "from ._no_such_module import x"),
        ("_events", "from . import FeedForwardClassifier"),
        ("metrics", "from sklearn_ml4fp.data import PointClouds"),
        ("estimators", "from sklearn_ml4fp.attic import x"),
    ],
)
def test_imports_sideways_up_and_to_unknown_places_are_found(unit, source):
    assert wrong_layers(unit, imports_of(source))


@pytest.mark.parametrize("source", ["from ._params import hp", "import sklearn_ml4fp", "import numpy"])
def test_imports_that_are_allowed_at_the_bottom(source):
    assert not wrong_layers("_events", imports_of(source))


def test_no_circle():
    """The modules of the whole package can be put in an order in which each imports only earlier ones."""
    stems = {".".join(["sklearn_ml4fp", *path.relative_to(PACKAGE).with_suffix("").parts]): path for path in MODULES}
    paths = {stem.removesuffix(".__init__"): path for stem, path in stems.items()}
    edges = {
        stem: {str(one) if str(one) in paths else one.module for one in imports_in(path)} & paths.keys() - {stem}
        for stem, path in paths.items()
    }
    while free := {stem for stem, needed in edges.items() if not needed & edges.keys()}:
        edges = {stem: needed for stem, needed in edges.items() if stem not in free}
    assert not edges, f"in or behind a circle: {sorted(edges)}"


def test_private_files_are_imported_by_their_own_subpackage_alone():
    assert not in_files(private_files)


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn_ml4fp.data._ragged import positions",
        "import sklearn_ml4fp.data._ragged",
        "from sklearn_ml4fp.data import _ragged",
        "from sklearn_ml4fp._events import _mix",
    ],
)
def test_imports_of_private_files_are_found(source):
    assert private_files("datasets", imports_of(source))
    assert not private_files("data", imports_of("from ._ragged import positions", "sklearn_ml4fp.data"))


def test_private_names_of_scikit_learn_joblib_and_skorch_stand_in_one_place():
    """A name that is missing in ``_compat.py`` is added there."""
    assert set(in_files(lambda unit, imported: private_elsewhere(imported))) == {"_compat.py", "_compat_dask.py"}


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn.utils._param_validation import Interval",
        "from sklearn.utils import _safe_indexing",
        "import joblib._dask",
        "def f():\n    from skorch.utils import _infer_predict_nonlinearity",
    ],
)
def test_private_names_of_others_are_found(source):
    assert private_elsewhere(imports_of(source))


# Names with an underscore that are no secrets: of named tuples, of torch, and hooks of scikit-learn's base classes.
OPEN = {
    "_replace",
    "_asdict",
    "_foreach_copy_",
    "_foreach_lerp_",
    "_foreach_norm",
    "_fused_adam_",
    "_fused_adamw_",
    "_buffers",
    "_modules",
    "_parameters",
}
HOOKS = {"_validate_params", "_reset"}
LOOKING_UP = {"getattr", "hasattr", "setattr"}


def private_attributes(source: str, defined: set[str]) -> set[str]:
    """Attributes that are read, begin with one underscore, and are defined nowhere in the package."""
    nodes = list(ast.walk(ast.parse(source)))
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    calls = (node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") in LOOKING_UP)
    read |= {one.value for call in calls for one in call.args[1:2] if isinstance(one, ast.Constant)}
    return {name for name in read - defined - OPEN - HOOKS if name.startswith("_") and not name.startswith("__")}


def defined_names(source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    found = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    found |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    return found | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def test_private_attributes_of_others_are_read_in_one_place():
    """The Dask backend is a subclass of joblib's, and works inside of it."""
    defined = set().union(*(defined_names(path.read_text()) for path in MODULES))
    found = {str(path.relative_to(PACKAGE)): private_attributes(path.read_text(), defined) for path in MODULES}
    assert {name for name, read in found.items() if read} <= {"_compat.py", "model_selection/_dask.py"}, found
    for reading in ("scorer._scorers", 'getattr(scorer, "_scorers", None)'):
        assert private_attributes(f"def f(scorer):\n    return {reading}", {"f"}) == {"_scorers"}


def test_two_levels_of_nesting():
    assert not [path for path in MODULES if len(path.relative_to(PACKAGE).parts) > 2]


# ``nn`` is torch alone, ``data`` is numpy alone: everything optional stands inside the function that needs it.
FRAMEWORKS = {"nn": {"torch"}, "data": {"numpy"}}
STANDARD = {
    "__future__",
    "abc",
    "ast",
    "collections",
    "contextlib",
    "copy",
    "dataclasses",
    "difflib",
    "functools",
    "glob",
    "importlib",
    "io",
    "itertools",
    "json",
    "numbers",
    "math",
    "operator",
    "os",
    "pathlib",
    "pickle",
    "types",
    "typing",
    "warnings",
}


@pytest.mark.parametrize("unit", FRAMEWORKS)
def test_the_lowest_subpackages_know_no_framework(unit):
    for path in (PACKAGE / unit).glob("*.py"):
        tops = {one.parts[0] for one in imports_in(path) if not one.inside} - {"sklearn_ml4fp"}
        assert tops <= FRAMEWORKS[unit] | STANDARD, f"{path.name} imports {tops}"


OPTIONAL = {*EXTRA_OF, "pandas", "polars"}


def test_optional_packages_are_imported_by_needs():
    """`needs` gives one clear error for all of them, `where_installed` goes on without."""
    assert not in_files(lambda unit, imported: {one.parts[0] for one in imported} & OPTIONAL)


def test_scikit_learns_checks_of_arrays_stand_behind_ours():
    """They drop numpy's masks, and take what is under them; `_missing` converts before it calls them."""
    checks = {"validate_data", "check_array", "check_X_y", "column_or_1d", "_check_sample_weight"}
    found = in_files(lambda unit, imported: {str(one) for one in imported if one.name in checks} if unit else set())
    assert {one for names in found.values() for one in names if one.startswith("sklearn.")} == set()
    assert found


def test_optional_packages_are_in_the_extra_that_the_error_names():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for package, extra in EXTRA_OF.items():
        carrier = "pooch" if package == "requests" else package.replace("_", "-")  # pooch downloads with it
        assert any(requirement.startswith(carrier) for requirement in extras[extra]), package


LONGEST = 400  # lines


def test_no_file_is_longer_than_one_reads_at_a_time():
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in MODULES}
    assert {file: length for file, length in lengths.items() if length > LONGEST} == {}


def test_the_flat_list_is_the_union_of_the_subpackages():
    """A name that is public in a subpackage can be imported from the top, and the other way round."""
    places = {module.split(".")[0] for module in sklearn_ml4fp._MODULE_OF.values() if "." in module}
    inside = [name for place in places for name in import_module(f"sklearn_ml4fp.{place}").__all__]
    assert sorted(inside) == sorted(sklearn_ml4fp._MODULE_OF)
    assert all(getattr(sklearn_ml4fp, name) is not None for name in sklearn_ml4fp.__all__)
    assert set(sklearn_ml4fp.__all__) <= set(dir(sklearn_ml4fp))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'NoSuchNetwork'"):
        sklearn_ml4fp.NoSuchNetwork
