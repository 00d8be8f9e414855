"""Kinematics of four-momenta, in GeV and rad with c = 1; the only copy of each formula.

A four-momentum is the last axis of an array, ordered (E, px, py, pz). The formulas are those of the review "Kinematics"
of the Particle Data Group (S. Navas et al., Phys. Rev. D 110 (2024) 030001).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def wrap_phi(phi: ArrayLike) -> Array:
    """Bring angles to [-pi, pi): (x + pi) mod 2 pi - pi."""
    wrapped: Array = (np.asarray(phi) + np.pi) % (2 * np.pi) - np.pi
    return wrapped


def from_rapidity(pt: ArrayLike, y: ArrayLike, phi: ArrayLike, mass: ArrayLike = 0.0) -> Array:
    """Compute four-momenta (..., 4) from transverse momentum, rapidity, azimuth and mass."""
    pt, y, phi, mass = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (pt, y, phi, mass)))
    transverse_mass = np.hypot(pt, mass)
    return np.stack(
        [transverse_mass * np.cosh(y), pt * np.cos(phi), pt * np.sin(phi), transverse_mass * np.sinh(y)], axis=-1
    )


def from_pseudorapidity(pt: ArrayLike, eta: ArrayLike, phi: ArrayLike, mass: ArrayLike = 0.0) -> Array:
    """Compute four-momenta (..., 4) from transverse momentum, pseudorapidity, azimuth and mass."""
    pt, eta, phi, mass = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (pt, eta, phi, mass)))
    pz = pt * np.sinh(eta)
    energy = np.sqrt(pt**2 + pz**2 + mass**2)
    return np.stack([energy, pt * np.cos(phi), pt * np.sin(phi), pz], axis=-1)


def transverse_momentum(p: Array) -> Array:
    """Transverse momentum, sqrt(px^2 + py^2)."""
    return np.hypot(p[..., 1], p[..., 2])


def azimuth(p: Array) -> Array:
    """Azimuth, atan2(py, px), in [-pi, pi]."""
    return np.arctan2(p[..., 2], p[..., 1])


def rapidity(p: Array) -> Array:
    """Rapidity, atanh(pz / E)."""
    return np.arctanh(p[..., 3] / p[..., 0])


def pseudorapidity(p: Array) -> Array:
    """Pseudorapidity, asinh(pz / pT)."""
    return np.arcsinh(p[..., 3] / transverse_momentum(p))


def invariant_mass(p: Array) -> Array:
    """Invariant mass, sqrt(E^2 - |p|^2); 0 where rounding makes the square negative."""
    square = p[..., 0] ** 2 - (p[..., 1:] ** 2).sum(axis=-1)
    return np.sqrt(np.maximum(square, 0.0))


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
