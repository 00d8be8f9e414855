"""Kinds of points in one set, by the columns that tell them."""

from __future__ import annotations

from collections.abc import Sequence

from .._roles import column_for, is_position, words_of


def kinds_among(declared: Sequence[str | int] | None, names: Sequence[str]) -> tuple[int, ...]:
    """Find the columns that tell the kinds of points: the declared ones, else two or more whose last word is kind.

    Raises
    ------
    ValueError
        There is no such feature, or there is only one.
    """
    if declared is None:
        found = tuple(i for i, name in enumerate(names) if words_of(name)[-1:] == ("kind",))
        return found if len(found) > 1 else ()
    given = f"kinds={tuple(declared)!r}"
    if strange := [one for one in declared if not isinstance(one, str) and not is_position(one, len(names))]:
        raise ValueError(f"{given}: there is no {strange[0]!r} among the features {tuple(names)}.")
    found = tuple(column_for(names, one, given) if isinstance(one, str) else int(one) for one in declared)
    if len(set(found)) != len(found) or len(found) == 1:
        raise ValueError(f"{given}: expected one feature for each of several kinds, or () for points of one kind.")
    return found
