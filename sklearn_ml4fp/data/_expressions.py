"""Expressions of columns, as in a cut: read as a tree of known operations, never run as Python."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._optional import is_awkward, needs

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.And: np.logical_and,
    ast.Or: np.logical_or,
    ast.Not: np.logical_not,
    ast.Invert: operator.invert,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _over_points(name: str) -> Callable[[Any], Any]:
    """Make a function that reduces the list of each event to one number."""

    def reduce(array: Any) -> Any:
        if not is_awkward(array) or array.ndim < 2:
            raise ValueError(f"{name}(...) takes one list per event, got one number per event.")
        return getattr(needs("awkward"), "num" if name == "count" else name)(array, axis=1)

    return reduce


_OF_NUMBERS = (
    *("abs", "sqrt", "exp", "log", "log10", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsinh"),
    *("arctan2", "hypot", "minimum", "maximum", "isfinite", "isnan"),
)
_OF_POINTS = ("sum", "any", "all", "min", "max", "count")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in _OF_NUMBERS},
    **{name: _over_points(name) for name in _OF_POINTS},
}


class Expression:
    """An expression of columns: arithmetic, comparisons, ``and``/``or``/``not`` (or & | ~), and some functions.

    Columns are named as in the file, also with points (``Jet.PT``). ``sum``, ``any``, ``all``, ``min``, ``max`` and
    ``count`` go over the points of each event, other functions act on every number.

    Raises
    ------
    ValueError
        The text is no expression, or holds something else than these.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise ValueError(f"{text!r} is no expression ({error.msg}).") from error
        _check(tree, text)
        self._tree = tree

    def __call__(self, columns: Mapping[str, Any]) -> Any:
        return _value(self._tree, columns)

    def may_hold(self, range_of: Callable[[str], tuple[Any, Any] | None]) -> bool:
        """Return False if no event can fulfil a condition, by the least and greatest numbers of columns, where known.

        >>> Expression("pt > 20 and n == 2").may_hold({"pt": (0.0, 15.0)}.get)
        False
        """
        return _possible(self._tree, range_of)

    def __repr__(self) -> str:
        return repr(self.text)


def _refuse(node: ast.AST, text: str) -> ValueError:
    part = ast.unparse(node)
    return ValueError(
        f"{text!r} holds {part!r}: expected numbers, texts, names of columns, operators and the functions "
        f"{', '.join(FUNCTIONS)}. For more, give a function that takes the columns."
    )


def _check(node: ast.AST, text: str) -> None:
    """Refuse all but the operations above, and comparisons that & and | tear apart (a > 1 & b > 2)."""
    parts: Sequence[ast.AST]
    match node:
        case ast.BinOp(left, op, right):
            parts, known = [left, right], type(op) in _OPERATORS
        case ast.UnaryOp(op, operand):
            parts, known = [operand], type(op) in _OPERATORS
        case ast.BoolOp(_, values):
            parts, known = [*values], True
        case ast.Compare(left, ops, others):
            parts, known = [left, *others], all(type(op) in _OPERATORS for op in ops)
            bits = (ast.BitAnd, ast.BitOr)
            if len(ops) > 1 and any(isinstance(one, ast.BinOp) and isinstance(one.op, bits) for one in parts):
                raise ValueError(f"{text!r}: & and | bind before comparisons; write 'and', 'or', or (a > 1) & (b > 2).")
        case ast.Call(ast.Name(name), parts, []):
            known = name in FUNCTIONS
        case ast.Constant(value):
            parts, known = [], isinstance(value, (bool, int, float, str))
        case _:
            parts, known = [], _name(node) is not None
    if not known:
        raise _refuse(node, text)
    for part in parts:
        _check(part, text)


def _name(node: ast.AST) -> str | None:
    """Return the name of a column, which may have points."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _name(node.value)) is not None:
        return f"{before}.{node.attr}"
    return None


def _value(node: ast.AST, columns: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_value(left, columns), _value(right, columns))
        case ast.UnaryOp(op, operand):
            return _OPERATORS[type(op)](_value(operand, columns))
        case ast.BoolOp(op, values):
            both = _value(values[0], columns)
            for one in values[1:]:
                both = _OPERATORS[type(op)](both, _value(one, columns))
            return both
        case ast.Compare(left, ops, others):
            sides = [_value(one, columns) for one in (left, *others)]
            result = _OPERATORS[type(ops[0])](sides[0], sides[1])
            for i, comparison in enumerate(ops[1:], start=1):
                result = np.logical_and(result, _OPERATORS[type(comparison)](sides[i], sides[i + 1]))
            return result
        case ast.Call(ast.Name(name), arguments, []):
            return FUNCTIONS[name](*(_value(one, columns) for one in arguments))
    return columns[str(_name(node))]


def _possible(node: ast.AST, range_of: Callable[[str], tuple[Any, Any] | None]) -> bool:
    """Return whether a condition may hold in some event; True for all that is not a number against a column."""
    match node:
        case ast.BoolOp(ast.And(), values):
            return all(_possible(one, range_of) for one in values)
        case ast.BoolOp(ast.Or(), values):
            return any(_possible(one, range_of) for one in values)
        case ast.BinOp(left, ast.BitAnd(), right):
            return _possible(left, range_of) and _possible(right, range_of)
        case ast.BinOp(left, ast.BitOr(), right):
            return _possible(left, range_of) or _possible(right, range_of)
        case ast.Call(ast.Name("any"), [inner], []):
            return _possible(inner, range_of)
        case ast.Compare(left, ops, others):
            sides = [left, *others]
            return all(_may_be(sides[i], op, sides[i + 1], range_of) for i, op in enumerate(ops))
    return True


def _may_be(left: ast.AST, op: ast.cmpop, right: ast.AST, range_of: Callable[[str], tuple[Any, Any] | None]) -> bool:
    sides: list[Any] = []
    for side in (left, right):
        try:
            number = ast.literal_eval(side)
        except ValueError:
            name = _name(side)
            sides.append(None if name is None else range_of(name))
        else:
            sides.append((number, number) if isinstance(number, (int, float)) else None)
    if sides[0] is None or sides[1] is None:
        return True
    (low, high), (least, greatest) = sides
    match op:
        case ast.Lt():
            return bool(low < greatest)
        case ast.LtE():
            return bool(low <= greatest)
        case ast.Gt():
            return bool(high > least)
        case ast.GtE():
            return bool(high >= least)
        case ast.Eq():
            return bool(low <= greatest and high >= least)
    return True
