"""Components of momenta from each other: px, py, pz, E and pT, eta, phi, m."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._kinematics import way_to
from .._optional import is_awkward, needs
from .._roles import is_bare, role_of

COMPONENTS = ("px", "py", "pz", "e", "pt", "eta", "phi", "m", "rapidity")


def component_of(name: str) -> str | None:
    """Return the component that a word stands for (``PT``, ``mass``, ``E``); None for other words."""
    role = role_of(name) if is_bare(name) else None
    role = "rapidity" if role == "y" else role
    return role if role in COMPONENTS else None


def _flat(array: Any) -> tuple[Any, Any]:
    """Return the numbers of an array in float64, and the lengths of its lists, if it has any."""
    if not is_awkward(array):
        return np.asarray(array, dtype=np.float64), None
    ak = needs("awkward")
    if array.ndim > 2 or array.fields:
        raise ValueError(f"expected numbers, or one list of numbers per event, got {array.type}.")
    counts = ak.num(array) if array.ndim == 2 else None
    numbers = ak.to_numpy(ak.flatten(array) if array.ndim == 2 else array, allow_missing=True)
    return np.ma.filled(numbers.astype(np.float64), np.nan), counts


def _alike(one: tuple[Any, Any], other: tuple[Any, Any]) -> bool:
    """Return whether numbers have one shape, and their lists, if any, the same lengths."""
    (numbers, counts), (others, other_counts) = one, other
    if counts is None or other_counts is None:
        return numbers.shape == others.shape and counts is other_counts
    return len(counts) == len(other_counts) and bool(np.all(counts == other_counts))


def _as_given(numbers: Any, given: Any, counts: Any) -> Any:
    """Give results the type and the lists of what they were computed from."""
    if not is_awkward(given):
        return numbers
    ak = needs("awkward")
    return ak.Array(numbers) if counts is None else ak.unflatten(numbers, counts)


def momentum_components(known: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
    """Compute components of momenta from others: px, py, pz, E from pT, eta, phi, m, and back.

    Parameters
    ----------
    known : mapping of str to array-like
        Components of the same shape, in GeV and rad. Their names are the words that the whole package knows: px, py,
        pz, e (energy), pt, eta, phi, m (mass), rapidity (y), in upper or lower case. Awkward arrays may hold one list
        of numbers per event. Other names are ignored.
    wanted : sequence of str
        Names of the components to be computed.

    Returns
    -------
    dict of str to array
        One array per name in ``wanted``, float64, in the shape of the known ones. A mass is 0 where rounding makes
        its square negative; eta is infinite along the beam.

    Raises
    ------
    ValueError
        A wanted name is no component, two known names stand for one, the shapes differ, or the known components do
        not tell a wanted one.

    See Also
    --------
    EventSource : Reads files, and computes components that they lack.
    JetConstituentFeatures : Components relative to a jet.

    References
    ----------
    .. [1] S. Navas et al. (Particle Data Group), "Kinematics", Phys. Rev. D 110 (2024) 030001.

    Examples
    --------
    >>> from sklearn_ml4fp import momentum_components
    >>> momentum_components({"px": [3.0], "py": [4.0], "pz": [0.0], "E": [13.0]}, ["pt", "m"])
    {'pt': array([5.]), 'm': array([12.])}
    """
    asked = {name: component_of(name) for name in wanted}
    if strange := [name for name, one in asked.items() if one is None]:
        raise ValueError(f"{strange} are no components of a momentum: expected names among {COMPONENTS}.")
    names: dict[str, str] = {}
    for name in known:
        one = component_of(name)
        if one in names:
            raise ValueError(f"{names[one]!r} and {name!r} are both {one}: give one of them.")
        if one is not None:
            names[one] = name
    flat: dict[str, tuple[Any, Any]] = {}

    def numbers(one: str) -> Any:
        if one not in flat:
            flat[one] = _flat(known[names[one]])
            if not _alike(flat[one], next(iter(flat.values()))):
                given = [names[key] for key in flat]
                raise ValueError(f"{given} have different lengths: expected one number of each per particle.")
        return flat[one][0]

    found = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, one in asked.items():
            way = way_to(str(one), names)
            if way is None:
                raise ValueError(f"{name!r} does not follow from {list(names.values())}.")
            value = way(numbers)
            found[name] = _as_given(value, known[names[next(iter(flat))]], next(iter(flat.values()))[1])
    return found
