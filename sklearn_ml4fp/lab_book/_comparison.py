"""What differs between two runs, in words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

_ROUNDING = 1e-6  # relative difference of scores that are taken for the same


@dataclass
class Comparison:
    """What differs between two runs; each difference is a pair, of which None says that there is no such thing.

    Parameters
    ----------
    scores, data, parameters, seeds, versions, machine : dict
        By name what differs; what is alike is left out. The scores differ where they do by more than 1e-6 of their
        size.
    """

    scores: dict[str, tuple] = field(default_factory=dict)
    data: dict[str, tuple] = field(default_factory=dict)
    parameters: dict[str, tuple] = field(default_factory=dict)
    seeds: dict[str, tuple] = field(default_factory=dict)
    versions: dict[str, tuple] = field(default_factory=dict)
    machine: dict[str, tuple] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    def __str__(self) -> str:
        lines = []
        for one in fields(self):
            for name, (a, b) in getattr(self, one.name).items():
                lines.append(f"{one.name}: {name}: {_shown(a)} -> {_shown(b)}")
        return "\n".join(lines) or "nothing differs"


@dataclass
class Reproduction(Comparison):
    """What differs between a recorded run and the same fit now.

    Parameters
    ----------
    agrees : bool
        Whether data and scores are the same.
    model : estimator
        The fitted estimator.
    """

    agrees: bool = False
    model: Any = None

    def __bool__(self) -> bool:
        return not self.agrees

    def __str__(self) -> str:
        differences = Comparison(*(getattr(self, one.name) for one in fields(Comparison)))
        verdict = "data and scores agree" if self.agrees else "data or scores do not agree"
        return f"{verdict}\n{differences}"


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "none" if value is None else str(value)


def _differing(a: dict[str, Any], b: dict[str, Any]) -> dict[str, tuple]:
    return {name: (a.get(name), b.get(name)) for name in {**a, **b} if a.get(name) != b.get(name)}


def _are_close(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=_ROUNDING)


def _of_data(a: dict[str, Any], b: dict[str, Any]) -> dict[str, tuple]:
    """What differs in the data: shapes, sums, and columns by their names."""
    found: dict[str, tuple] = {}
    for part in {**a, **b}:
        one, other = a.get(part), b.get(part)
        if one is None or other is None:
            found[part] = tuple(None if x is None else f"shape {x['shape']}" for x in (one, other))
            continue
        shapes = tuple(str(x["shape"]) for x in (one, other))
        if shapes[0] != shapes[1]:
            found[f"shape of {part}"] = shapes
        for name, pair in _differing(one["columns"], other["columns"]).items():
            is_there = tuple(None if value is None else f"hash {value}" for value in pair)
            found[f"column {name} of {part}" if name else part] = is_there
        if list(one["columns"]) != list(other["columns"]) and set(one["columns"]) == set(other["columns"]):
            found[f"order of the columns of {part}"] = tuple(", ".join(x["columns"]) for x in (one, other))
        if one.get("sum") != other.get("sum"):
            found[f"sum of {part}"] = one.get("sum"), other.get("sum")
    return found


def compare(a: dict[str, Any], b: dict[str, Any]) -> Comparison:
    """Compare two records, with their ``scores``."""
    scores = {**a["scores"], **b["scores"]}
    pairs = {name: (a["scores"].get(name), b["scores"].get(name)) for name in scores}
    seeds = a["seeds"]["values"], b["seeds"]["values"]
    others = [
        {name: one for name, one in record["parameters"].items() if name not in known}
        for record, known in zip((a, b), seeds, strict=True)
    ]
    return Comparison(
        scores={name: pair for name, pair in pairs.items() if not _are_close(*pair)},
        data=_of_data(a["data"], b["data"]),
        parameters=_differing(*others),
        seeds=_differing(*seeds),
        versions=_differing(a["versions"], b["versions"]),
        machine=_differing(a["machine"], b["machine"]),
    )
