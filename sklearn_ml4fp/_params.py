"""Hyperparameters, declared once: default, valid range, search range, domain and meaning."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, dataclass_transform

from ._compat import Interval, StrOptions, make_constraint, strict
from ._keeping import FilledUp

AT_LEAST_ONE = Interval(Integral, 1, None, closed="left")  # what a number of layers, nodes, events may be
REQUIRED = inspect.Parameter.empty  # in the place of a default: the constructor asks for the value

_IN_WORDS: dict[Any, str] = {
    "boolean": "bool",
    "cv_object": "int, splitter, iterable or None",
    "random_state": "int, RandomState or None",
    "verbose": "int or bool",
    Integral: "int",
    Real: "float",
}


def _described(constraint: Any) -> str:
    """Describe a constraint in the words of numpydoc, else in those of scikit-learn."""
    if isinstance(constraint, StrOptions):  # in alphabetical order: sets have no fixed order
        return f"a str among {{{', '.join(map(repr, sorted(constraint.options)))}}}"
    name = constraint.__name__ if isinstance(constraint, type) else str(make_constraint(constraint))
    return _IN_WORDS.get(constraint, name) if isinstance(constraint, str | type) else name


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """Declaration of one hyperparameter, made by `hp`."""

    default: Any
    valid: tuple[Any, ...]
    search: tuple[float, float] | None
    scale: Literal["linear", "log"]
    choices: tuple[Any, ...] | None
    only_with: tuple[str, tuple[Any, ...]] | None
    doc: str
    kind: str

    @property
    def describes_itself_as(self) -> str:
        """Text of a numpydoc parameter: type, default, meaning, and the domain of a search."""
        kinds = self.kind or " or ".join(map(_described, self.valid))
        domain = f" A search looks from {self.search[0]:g} to {self.search[1]:g}" if self.search else ""
        domain += ", on a logarithmic scale." if self.search and self.scale == "log" else "." if self.search else ""
        domain += f" A search tries {', '.join(map(repr, self.choices))}." if self.choices else ""
        if self.only_with:
            domain += f" It acts only with ``{self.only_with[0]}`` {' or '.join(map(repr, self.only_with[1]))}."
        default = "" if self.default is REQUIRED else f", default={self.default!r}"
        return f"{kinds}{default}\n    {self.doc}{domain}"


def hp(
    default: Any,
    *,
    doc: str,
    valid: Any = None,
    search: tuple[float, float] | None = None,
    scale: Literal["linear", "log"] = "linear",
    choices: tuple[Any, ...] | None = None,
    only_with: tuple[str, tuple[Any, ...]] | None = None,
    kind: str = "",
) -> Any:
    """Declare a hyperparameter as a field of a `Declared` class.

    Parameters
    ----------
    default : object
        Default value; it may lie outside ``search``, as a weight decay of 0 does. `REQUIRED` for none.
    doc : str
        Meaning, in a sentence or two.
    valid : constraint or tuple of constraints, default=None
        Values that ``fit`` accepts: a type, an :class:`Interval`, None, or a tuple of these. Not needed if ``choices``
        are strings.
    search : (low, high), default=None
        Range of a search; None keeps a numeric hyperparameter out of searches.
    scale : {"linear", "log"}, default="linear"
        Scale on which a search draws from ``search``.
    choices : tuple, default=None
        Values that a search tries, for a hyperparameter without an order.
    only_with : (name, values), default=None
        Another hyperparameter and those of its choices with which this one has an effect, such as
        ``("optimizer", ("sgd", "rmsprop"))`` for a momentum. With the others ``fit`` ignores it.
    kind : str, default=""
        Description of the values that are accepted, for the documentation; empty for that of ``valid``.

    Returns
    -------
    Hyperparameter
        Declaration of the field. A type checker takes it for any value, so that the field keeps its annotation.

    See Also
    --------
    Interval : Numbers from one to another.
    NetworkEstimator : Base of every network, with the hyperparameters of training.
    """
    if valid is None:
        if not choices or not all(isinstance(choice, str) for choice in choices):
            raise TypeError("hp() needs valid= unless choices= are strings.")
        valid = StrOptions(set(choices))
    if search is not None and choices is not None:
        raise TypeError("hp() takes search= (a range) or choices= (a list), not both.")
    allowed = tuple(map(strict, valid if isinstance(valid, tuple) else (valid,)))
    return Hyperparameter(default, allowed, search, scale, choices, only_with, doc, kind)


Written = Callable[..., None]
Bases = tuple[type, ...]


def _own_fields(base: type) -> dict[str, Hyperparameter]:
    return vars(base).get("_own_hyperparameters", {})


def _written_init(base: type) -> Written | None:
    """Return the ``__init__`` in the class's own body, of a `Declared` class or of a mixin before one."""
    return vars(base).get("_written_init" if issubclass(base, Declared) else "__init__")


def _parameters_of(written: Written) -> tuple[dict[str, inspect.Parameter], bool]:
    """Return the named parameters of a written ``__init__``, and whether it passes ``**kwargs`` to the next one."""
    parameters = list(inspect.signature(written).parameters.values())[1:]
    named = {one.name: one for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)}
    return named, any(one.kind is one.VAR_KEYWORD for one in parameters)


def _names_taken(bases: Bases) -> list[str]:
    """List the names that the constructor takes: the fields down to a written ``__init__``, and its own parameters."""
    names: list[str] = []
    for i, base in enumerate(bases):
        names += _own_fields(base)
        if (written := _written_init(base)) is not None:
            named, hands_on = _parameters_of(written)
            return list(dict.fromkeys([*named, *names, *(_names_taken(bases[i + 1 :]) if hands_on else [])]))
    return list(dict.fromkeys(names))


def _defaults(bases: Bases) -> dict[str, Any]:
    """Collect the default of every field and written parameter, from the most derived class."""
    defaults: dict[str, Any] = {}
    for base in reversed(bases):
        defaults |= {name: parameter.default for name, parameter in _own_fields(base).items()}
        if (written := _written_init(base)) is not None:
            named = _parameters_of(written)[0].values()
            defaults |= {one.name: one.default for one in named if one.default is not one.empty}
    return defaults


def _refuse_unknown(owner: type[Declared], given: set[str]) -> None:
    if given:
        raise TypeError(
            f"{owner.__name__} has no hyperparameter {sorted(given)}; it has {sorted(owner._hyperparameters)}."
        )


def _generated_init() -> Any:
    """Make the keyword-only ``__init__`` that assigns every hyperparameter and does nothing else."""

    def __init__(self: Declared, **params: Any) -> None:
        declared = self._fields  # of the object's own class, whose written __init__ may have called this by super()
        _refuse_unknown(type(self), params.keys() - declared.keys())
        for name, parameter in declared.items():
            if (value := params.get(name, parameter.default)) is REQUIRED:
                raise TypeError(f"{type(self).__name__} needs {name}=, which has no default.")
            setattr(self, name, value)

    return __init__


def _around(written: Written, cls: type[Declared], names: set[str], defaults: dict[str, Any]) -> Any:
    """Make an ``__init__`` of one that is written, which takes the fields of more derived classes as well."""
    named, hands_on = _parameters_of(written)
    redeclared = {
        name: defaults[name] for name, one in named.items() if defaults.get(name, one.empty) is not one.default
    }

    @wraps(written)
    def __init__(self: Declared, *args: Any, **params: Any) -> None:
        of_subclass = set() if type(self) is cls else self._fields.keys()  # whose __init__ has called this by super()
        _refuse_unknown(type(self), params.keys() - names - of_subclass)
        beside = {} if hands_on else {name: params.pop(name) for name in params.keys() - named.keys()}
        by_position = [*named][: len(args)]
        written(self, *args, **{name: one for name, one in redeclared.items() if name not in by_position} | params)
        for name, value in beside.items():
            setattr(self, name, value)

    return __init__


def _init_of(cls: type[Declared], bases: Bases) -> Any:
    """Make the ``__init__`` of a class, with a signature that ``get_params`` and ``clone`` can read."""
    names, defaults = _names_taken(bases), _defaults(bases)
    written = next(filter(None, map(_written_init, bases)), None)
    init = _generated_init() if written is None else _around(written, cls, set(names), defaults)
    kinds = {} if written is None else {name: one.kind for name, one in _parameters_of(written)[0].items()}
    empty, keyword = inspect.Parameter.empty, inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(name, kinds.get(name, keyword), default=defaults.get(name, empty)) for name in names
    ]
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    init.__signature__ = inspect.Signature([itself, *parameters])
    init.__qualname__ = f"{cls.__name__}.__init__"
    return init


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


def _attributes_of(cls: type[Declared]) -> list[str]:
    """Lines of the Attributes section; what has no heading of its own adds to what the next base says."""
    pieces: list[list[str]] = []
    for base in cls.__mro__:
        if piece := inspect.cleandoc(vars(base).get("_attributes_doc", "")).splitlines():
            pieces.insert(0, piece)
            if piece[0] == "Attributes":
                break
    return [line for piece in pieces for line in piece]


def _doc_of(cls: type[Declared]) -> str:
    """Compose the docstring of a class: its own text, what its family shares, and what its declarations say."""
    text, sections = _parts(vars(cls)["__doc__"])
    shared_text, shared_sections = _parts(cls._shared_doc)
    parameters = [f"{name} : {one.describes_itself_as}" for name, one in cls._hyperparameters.items()]
    generated = {"Parameters": "\n".join(["Parameters", "----------", *parameters])} | _parts(
        "\n".join(_attributes_of(cls))
    )[1]
    everything = generated | shared_sections | sections
    order = [title for title in _SECTIONS if title in everything]
    order += [title for title in everything if title not in _SECTIONS]
    return "\n\n".join(filter(None, [text, shared_text, *(everything[title] for title in order)])) + "\n"


@dataclass_transform(kw_only_default=True)  # to a type checker, what hp() returns is the default itself
class Declared(FilledUp):
    """Base of every class whose hyperparameters are fields made with `hp`.

    The fields give the signature of ``__init__`` that ``get_params`` and ``clone`` read, scikit-learn's
    ``_parameter_constraints``, the Parameters section of the docstring, and the spaces of the searches. Where several
    classes declare a field, Python's order of attribute look-up decides, also in a diamond.

    A subclass may write its own ``__init__``, which calls ``super().__init__``: for other defaults, for fewer
    hyperparameters, or for parameters that are no hyperparameters. The parameters in its signature can be set and are
    validated. With ``**params``, which it passes on, so can all parameters of the next ``__init__``. Fields of the same
    class, or of a more derived one, are keyword arguments also if the signature does not name them.
    """

    _hyperparameters: ClassVar[dict[str, Hyperparameter]] = {}  # what the constructor takes
    _fields: ClassVar[dict[str, Hyperparameter]] = {}  # and what a written __init__ has fixed
    _own_hyperparameters: ClassVar[dict[str, Hyperparameter]] = {}
    _written_init: ClassVar[Written | None] = None  # the __init__ in the class's own body
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {}  # what scikit-learn's validation reads
    _attributes_doc: ClassVar[str] = ""  # the Attributes section, where a class has learned state
    # What the docstrings of several classes have in common: text, and sections such as References. It follows the
    # text of each class; a section that the class writes itself replaces the shared one.
    _shared_doc: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Hyperparameter)}
        for name in own:
            delattr(cls, name)  # an instance without this attribute must raise an error, not return a declaration
        cls._own_hyperparameters, cls._written_init = own, vars(cls).get("__init__")
        bases = cls.__mro__[: cls.__mro__.index(Declared)]
        defaults = _defaults(bases)
        declared: dict[str, Hyperparameter] = {}
        for name, parameter in (item for base in bases for item in _own_fields(base).items()):
            declared.setdefault(name, replace(parameter, default=defaults[name]))
        cls._fields = declared
        cls._hyperparameters = {name: declared[name] for name in _names_taken(bases) if name in declared}
        cls._parameter_constraints = {name: list(one.valid) for name, one in cls._hyperparameters.items()}
        cls.__init__ = _init_of(cls, bases)  # type: ignore[method-assign]
        if "__doc__" in vars(cls) and cls.__doc__ is not None:
            cls.__doc__ = _doc_of(cls)
