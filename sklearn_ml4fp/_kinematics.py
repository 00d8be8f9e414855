"""Kinematics of four-momenta, in GeV and rad with c = 1; the only copy of each formula.

A four-momentum is the last axis of an array, ordered (E, px, py, pz). The formulas are those of the review "Kinematics"
of the Particle Data Group (S. Navas et al., Phys. Rev. D 110 (2024) 030001).
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


# --- formulas of one component: e, px, py, pz, pt, eta, phi, m, rapidity ---


def _px(pt: Array, phi: Array) -> Array:
    return pt * np.cos(phi)


def _py(pt: Array, phi: Array) -> Array:
    return pt * np.sin(phi)


def _pt(px: Array, py: Array) -> Array:
    return np.hypot(px, py)


def _phi(px: Array, py: Array) -> Array:
    return np.arctan2(py, px)


def _pz(pt: Array, eta: Array) -> Array:
    return pt * np.sinh(eta)


def _pz_of_rapidity(pt: Array, m: Array, rapidity: Array) -> Array:
    return np.hypot(pt, m) * np.sinh(rapidity)


def _eta(pt: Array, pz: Array) -> Array:
    return np.arcsinh(pz / pt)


def _rapidity(e: Array, pz: Array) -> Array:
    return np.arctanh(pz / e)


def _energy(pt: Array, pz: Array, m: Array) -> Array:
    return np.sqrt(pt**2 + pz**2 + m**2)


def _mass(e: Array, *momenta: Array) -> Array:
    """Mass by the energy and orthogonal momenta: px, py, pz, or pT, pz."""
    return np.sqrt(np.maximum(e**2 - sum(p**2 for p in momenta), 0.0))


# component -> the components that it follows from, and the formula; the first that can be applied is
_FORMULAS: dict[str, tuple[tuple[tuple[str, ...], Callable[..., Array]], ...]] = {
    "px": ((("pt", "phi"), _px),),
    "py": ((("pt", "phi"), _py),),
    "pt": ((("px", "py"), _pt),),
    "phi": ((("px", "py"), _phi),),
    "pz": (
        (("pt", "eta"), _pz),
        (("pt", "m", "rapidity"), _pz_of_rapidity),
        (("e", "rapidity"), lambda e, rapidity: e * np.tanh(rapidity)),
    ),
    "eta": ((("pt", "pz"), _eta),),
    "rapidity": ((("e", "pz"), _rapidity),),
    "e": ((("pt", "pz", "m"), _energy),),
    "m": ((("e", "pt", "pz"), _mass),),
}


def way_to(
    wanted: str, known: Collection[str], _asked: tuple[str, ...] = ()
) -> Callable[[Callable[[str], Array]], Array] | None:
    """Find how a component of momenta follows from the known ones; None where it does not.

    The result takes a function that gives a known component, which is called for no other than those that are needed.
    """
    if wanted in known:
        return lambda values: values(wanted)
    for inputs, formula in _FORMULAS.get(wanted, ()):
        if not {wanted, *_asked} & set(inputs):
            ways = [way_to(one, known, (*_asked, wanted)) for one in inputs]
            if None not in ways:
                return lambda values, formula=formula, ways=ways: formula(*(way(values) for way in ways))  # type: ignore[misc]
    return None


# --- four-momenta ---


def wrap_phi(phi: ArrayLike) -> Array:
    """Bring angles to [-pi, pi): (x + pi) mod 2 pi - pi."""
    wrapped: Array = (np.asarray(phi) + np.pi) % (2 * np.pi) - np.pi
    return wrapped


def from_rapidity(pt: ArrayLike, y: ArrayLike, phi: ArrayLike, mass: ArrayLike = 0.0) -> Array:
    """Compute four-momenta (..., 4) from transverse momentum, rapidity, azimuth and mass."""
    pt, y, phi, mass = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (pt, y, phi, mass)))
    energy = np.hypot(pt, mass) * np.cosh(y)
    return np.stack([energy, _px(pt, phi), _py(pt, phi), _pz_of_rapidity(pt, mass, y)], axis=-1)


def from_pseudorapidity(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike = 0.0) -> Array:
    """Compute four-momenta (..., 4) from transverse momentum, pseudorapidity, azimuth and mass."""
    pt, eta, phi, mass = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (pt, eta, phi, mass)))
    pz = _pz(pt, eta)
    return np.stack([_energy(pt, pz, mass), _px(pt, phi), _py(pt, phi), pz], axis=-1)


def transverse_momentum(p: Array) -> Array:
    """Transverse momentum, sqrt(px^2 + py^2)."""
    return _pt(p[..., 1], p[..., 2])


def azimuth(p: Array) -> Array:
    """Azimuth, atan2(py, px), in [-pi, pi]."""
    return _phi(p[..., 1], p[..., 2])


def rapidity(p: Array) -> Array:
    """Rapidity, atanh(pz / E)."""
    return _rapidity(p[..., 0], p[..., 3])


def pseudorapidity(p: Array) -> Array:
    """Pseudorapidity, asinh(pz / pT)."""
    return _eta(transverse_momentum(p), p[..., 3])


def invariant_mass(p: Array) -> Array:
    """Invariant mass, sqrt(E^2 - |p|^2); 0 where rounding makes the square negative."""
    return _mass(*np.moveaxis(p, -1, 0))


def delta_r(y1: ArrayLike, phi1: ArrayLike, y2: ArrayLike, phi2: ArrayLike) -> Array:
    """Distance sqrt((y1 - y2)^2 + (phi1 - phi2)^2) on the cylinder, of rapidities or of pseudorapidities."""
    distance: Array = np.hypot(np.subtract(y1, y2), wrap_phi(np.subtract(phi1, phi2)))
    return distance


def boost(p: Array, velocity: ArrayLike) -> Array:
    """Boost four-momenta: a particle at rest gets the ``velocity`` (..., 3), in units of c.

    Raises
    ------
    ValueError
        A velocity is not below that of light.
    """
    velocity = np.asarray(velocity, dtype=np.float64)
    square = (velocity**2).sum(axis=-1)
    if np.any(square >= 1):
        raise ValueError(f"velocities must be below 1, the speed of light; got {np.sqrt(square.max()):g}.")
    gamma = 1 / np.sqrt(1 - square)
    along = (p[..., 1:] * velocity).sum(axis=-1)
    energy = gamma * (p[..., 0] + along)
    # gamma^2 / (gamma + 1) is (gamma - 1) / v^2 without the division by zero
    factor = gamma**2 / (gamma + 1) * along + gamma * p[..., 0]
    return np.concatenate([energy[..., np.newaxis], p[..., 1:] + factor[..., np.newaxis] * velocity], axis=-1)
