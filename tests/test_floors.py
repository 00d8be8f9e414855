"""The house keeps its floors: imports go strictly down, and rooms on one floor do not import each other."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import sklearn_ml4fp

PACKAGE = Path(sklearn_ml4fp.__file__).parent
FLOOR = {
    "_params": 0, "_events": 0, "_distributions": 0, "_holdout": 0, "_validation": 0, "_compat": 0, "_progress": 0,
    "_kinematics": 0, "_particles": 0, "_sampler": 0, "_segments": 0,
    "data": 1, "metrics": 1, "nn": 1,
    "preprocessing": 2, "augmentation": 2, "resampling": 2, "model_selection": 2, "datasets": 2, "engine": 2,
    "estimators": 3,
    "inspection": 4, "export": 4,
}  # fmt: skip
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Names of the rooms that a module imports, at the top or inside a function, relatively or absolutely."""
    package = ["sklearn_ml4fp", *path.relative_to(PACKAGE).parts[:-1]]
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names]
        else:
            continue
        parts = [name.split(".") for name in names]
        rooms |= {part[1] for part in parts if part[0] == "sklearn_ml4fp" and len(part) > 1}
    return rooms - {room_of(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    floor = FLOOR[room_of(path)]
    wrong = {room for room in imported_rooms(path) if FLOOR.get(room, -1) >= floor and floor > 0}
    assert not wrong, f"{path.name} on floor {floor} imports {wrong}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_two_levels_of_nesting(path):
    assert len(path.relative_to(PACKAGE).parts) <= 2


@pytest.mark.parametrize("room", ["nn", "data"])
def test_the_lowest_rooms_know_no_framework(room):
    """nn is torch alone, data is numpy alone: everything optional stands inside the function that needs it."""
    allowed = {"nn": {"torch"}, "data": {"numpy"}}[room]
    standard = {"__future__", "collections", "dataclasses", "functools", "importlib", "itertools", "math", "typing"}
    for path in (PACKAGE / room).glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import):
                tops = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                tops = {(node.module or "").split(".")[0]}
            else:
                continue
            assert tops <= allowed | standard, f"{path.name} imports {tops}"


def test_the_flat_list_is_the_union_of_the_rooms():
    """A name that is public in a room can be imported from the top, and the other way round."""
    rooms = sorted(set(sklearn_ml4fp._ROOM_OF.values()))
    in_rooms = {name: room for room in rooms for name in import_module(f"sklearn_ml4fp.{room}").__all__}
    assert in_rooms == sklearn_ml4fp._ROOM_OF
    assert all(getattr(sklearn_ml4fp, name) is not None for name in sklearn_ml4fp.__all__)
    assert set(sklearn_ml4fp.__all__) <= set(dir(sklearn_ml4fp))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'NoSuchNetwork'"):
        sklearn_ml4fp.NoSuchNetwork
