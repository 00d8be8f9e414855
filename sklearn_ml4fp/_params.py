"""Hyperparameters, declared once: default, valid range, search range, domain and meaning."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, dataclass_transform

from ._compat import StrOptions, make_constraint


def _described(constraint: Any) -> str:
    """scikit-learn's words, but options in alphabetical order: its set has another one in every build of the docs."""
    if isinstance(constraint, StrOptions):
        return f"a str among {{{', '.join(map(repr, sorted(constraint.options)))}}}"
    return str(make_constraint(constraint))


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """What there is to know about one hyperparameter; made by `hp`."""

    default: Any
    valid: tuple[Any, ...]
    search: tuple[float, float] | None
    scale: Literal["linear", "log"]
    choices: tuple[Any, ...] | None
    only_with: tuple[str, tuple[Any, ...]] | None
    doc: str

    @property
    def describes_itself_as(self) -> str:
        """Text of a numpydoc parameter: its type, its default, its meaning and where a search looks."""
        kinds = " or ".join(map(_described, self.valid))
        domain = f" A search looks from {self.search[0]:g} to {self.search[1]:g}" if self.search else ""
        domain += ", on a logarithmic scale." if self.search and self.scale == "log" else "." if self.search else ""
        domain += f" A search tries {', '.join(map(repr, self.choices))}." if self.choices else ""
        if self.only_with:
            domain += f" It acts only with ``{self.only_with[0]}`` {' or '.join(map(repr, self.only_with[1]))}."
        return f"{kinds}, default={self.default!r}\n    {self.doc}{domain}"


def hp(
    default: Any,
    *,
    doc: str,
    valid: Any = None,
    search: tuple[float, float] | None = None,
    scale: Literal["linear", "log"] = "linear",
    choices: tuple[Any, ...] | None = None,
    only_with: tuple[str, tuple[Any, ...]] | None = None,
) -> Any:
    """Declare a hyperparameter as a field of a `Declared` class.

    Parameters
    ----------
    default : object
        Its default; it may lie outside ``search`` (a weight decay of 0, say).
    doc : str
        Its meaning, in a sentence or two.
    valid : constraint or tuple of constraints, default=None
        What ``fit`` accepts, as scikit-learn's parameter constraints. May be left out where ``choices`` are strings.
    search : (low, high), default=None
        The range in which a search looks; None keeps a numeric hyperparameter out of searches.
    scale : {"linear", "log"}, default="linear"
        The scale on which a search draws from ``search``.
    choices : tuple, default=None
        The values that a search tries, for a hyperparameter without an order.
    only_with : (name, values), default=None
        Another hyperparameter and those of its choices with which this one has an effect, such as
        ``("optimizer", ("sgd", "rmsprop"))`` for a momentum. With the others ``fit`` ignores it.

    Returns
    -------
    Hyperparameter
        To a type checker: any value, so that the field keeps its annotation.
    """
    if valid is None:
        if not choices or not all(isinstance(choice, str) for choice in choices):
            raise TypeError("hp() needs valid= unless choices= are strings.")
        valid = StrOptions(set(choices))
    if search is not None and choices is not None:
        raise TypeError("hp() takes search= (a range) or choices= (a list), not both.")
    return Hyperparameter(
        default, valid if isinstance(valid, tuple) else (valid,), search, scale, choices, only_with, doc
    )


def _init_of(cls: type[Declared]) -> Any:
    """Make the keyword-only ``__init__`` that assigns every hyperparameter and does nothing else."""
    declared = cls._hyperparameters

    def __init__(self: Declared, **params: Any) -> None:
        if unknown := sorted(params.keys() - declared.keys()):
            raise TypeError(f"{cls.__name__} has no hyperparameter {unknown}; it has {sorted(declared)}.")
        for name, parameter in declared.items():
            setattr(self, name, params.get(name, parameter.default))

    keyword = inspect.Parameter.KEYWORD_ONLY
    __init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        + [inspect.Parameter(name, keyword, default=parameter.default) for name, parameter in declared.items()]
    )
    __init__.__qualname__ = f"{cls.__name__}.__init__"
    return __init__


# The order of sections in numpydoc's guide.
_SECTIONS = ("Parameters", "Attributes", "See Also", "Notes", "References", "Examples")


def _parts(doc: str) -> tuple[str, dict[str, str]]:
    """Split a docstring into the text before its first section, and its sections by title."""
    text: list[str] = []
    sections: dict[str, list[str]] = {}
    current = text
    lines = inspect.cleandoc(doc).splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=False):
        if line and below and not below.strip("-"):
            current = sections[line] = []
        current.append(line)
    return "\n".join(text).strip(), {title: "\n".join(body).strip() for title, body in sections.items()}


def _doc_of(cls: type[Declared]) -> str:
    """Compose the docstring of a class: its own text, what its family shares, and what its declarations say."""
    text, sections = _parts(vars(cls)["__doc__"])
    shared_text, shared_sections = _parts(cls._shared_doc)
    parameters = [f"{name} : {one.describes_itself_as}" for name, one in cls._hyperparameters.items()]
    generated = {"Parameters": "\n".join(["Parameters", "----------", *parameters])} | _parts(cls._attributes_doc)[1]
    everything = generated | shared_sections | sections
    order = [title for title in _SECTIONS if title in everything]
    order += [title for title in everything if title not in _SECTIONS]
    return "\n\n".join(filter(None, [text, shared_text, *(everything[title] for title in order)])) + "\n"


@dataclass_transform(kw_only_default=True)  # to a type checker, what hp() returns is the default itself
class Declared:
    """Base of every class whose hyperparameters are fields made with `hp`.

    From the fields come the ``__init__`` signature that ``get_params`` and ``clone`` read, scikit-learn's
    ``_parameter_constraints``, the Parameters section of the docstring, and the spaces of the searches. A field of a
    more derived class wins, in the order of Python's own attribute look-up, also in a diamond.
    """

    _hyperparameters: ClassVar[dict[str, Hyperparameter]] = {}
    _own_hyperparameters: ClassVar[dict[str, Hyperparameter]] = {}
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}  # what scikit-learn's validation reads
    _attributes_doc: ClassVar[str] = ""  # the Attributes section, where a class has learned state
    # What the docstrings of several classes have in common: text, and sections such as References. It follows the
    # text of each class; a section that the class writes itself replaces the shared one.
    _shared_doc: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Hyperparameter)}
        for name in own:
            delattr(cls, name)  # an instance that lacks a hyperparameter shall say so, not show a declaration
        cls._own_hyperparameters = own
        declared: dict[str, Hyperparameter] = {}
        for base in cls.__mro__:
            for name, parameter in vars(base).get("_own_hyperparameters", {}).items():
                declared.setdefault(name, parameter)
        cls._hyperparameters = declared
        cls._parameter_constraints = {name: list(parameter.valid) for name, parameter in declared.items()}
        cls.__init__ = _init_of(cls)  # type: ignore[method-assign]
        if "__doc__" in vars(cls) and cls.__doc__ is not None:
            cls.__doc__ = _doc_of(cls)
