"""Docstrings lead the reader on: what is public names its neighbours, and every name that is given exists."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import sklearn_ml4fp

PACKAGE = Path(sklearn_ml4fp.__file__).parent
ROOT = Path(__file__).parents[1]
DOCSTRINGS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
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


# A docstring that begins with one of these does not say what the thing is or does.
UNCLEAR = re.compile(r"(What|Which|Those|That|How|Who|Whose|Where|Everything|Nothing|As|It|They)\b")


def public_docstrings():
    """Qualified names and docstrings of the public classes and functions, and of their public methods."""
    for name, one in DOCUMENTED.items():
        yield name, inspect.getdoc(one)
        for key in dir(one) if inspect.isclass(one) else ():
            member = inspect.getattr_static(one, key)
            member = getattr(member, "__func__", getattr(member, "fget", member))
            if not key.startswith("_") and getattr(member, "__module__", "").startswith("sklearn_ml4fp."):
                yield f"{name}.{key}", inspect.getdoc(member) or ""


def test_public_docstrings_begin_with_a_verb_or_a_noun():
    assert [name for name, documentation in public_docstrings() if UNCLEAR.match(documentation)] == []


def test_the_package_is_called_by_the_usual_words():
    """Package, module, layer: a reader has to know no others."""
    unusual = re.compile(r"\bhouse\b|\brooms\b|\bfloors\b|\b(?:the|its|each|every|one|another) (?:room|floor)\b")
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.rst", *(ROOT / "docs").glob("*.rst")]
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    for path in PACKAGE.rglob("*.py"):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, DOCSTRINGS)]
        texts[str(path.relative_to(PACKAGE))] = "\n".join(ast.get_docstring(node) or "" for node in nodes)
    assert {name: found for name, text in texts.items() if (found := unusual.findall(text))} == {}
