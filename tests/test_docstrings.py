"""Docstrings lead the reader on: what is public names its neighbours, and every name that is given exists."""

import inspect
import re
from importlib import import_module

import pytest

import sklearn_ml4fp

DOCUMENTED = {
    name: one
    for name in sklearn_ml4fp.__all__
    if inspect.isclass(one := getattr(sklearn_ml4fp, name)) or inspect.isfunction(one)
}


def neighbours(documentation: str) -> list[str]:
    """Names in the section See Also of a docstring."""
    section = re.search(r"\nSee Also\n-+\n(.*?)(?=\n\n[A-Z][a-z ]+\n-+\n|\Z)", documentation, re.DOTALL)
    lines = section[1].splitlines() if section else []
    return [name for line in lines if " : " in line for name in line.split(" : ")[0].split(", ")]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_see_also_names_public_things(name):
    named = neighbours(inspect.getdoc(DOCUMENTED[name]))
    assert named, "add a section See Also"
    for one in named:
        module, _, attribute = one.rpartition(".")
        assert hasattr(import_module(module or "sklearn_ml4fp"), attribute), one
    assert name not in named or len(named) > 1
