r"""Extensive air showers by parametrisation: the shower, its footprint on the ground, its front.

Energies in GeV, depths in g/cm^2, lengths in m, times in ns, angles in rad.

References
----------
.. [M] J. Matthews, "A Heitler model of extensive air showers", Astropart. Phys. 22 (2005) 387.
.. [GH] T. K. Gaisser, A. M. Hillas, Proc. 15th Int. Cosmic Ray Conf. 8 (1977) 353.
.. [S] C. Song et al., "Energy estimation of ultra high energy cosmic rays using the fluorescence technique", Astropart.
   Phys. 14 (2000) 7.
.. [NKG] K. Kamata, J. Nishimura, Prog. Theor. Phys. Suppl. 6 (1958) 93; K. Greisen, Annu. Rev. Nucl. Sci. 10 (1960) 63.
.. [L] J. Linsley, "Thickness of the particle swarm in cosmic-ray air showers", J. Phys. G 12 (1986) 51.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammaln

Array = NDArray[np.float64]

PION_CRITICAL_ENERGY = 20.0  # GeV [M]
MUON_EXPONENT = 0.9  # between 0.85 of [M] and the 0.92 to 0.93 of full simulations
ELONGATION = 58.0  # g/cm^2 per decade of energy [M]
# 470 at 1 PeV by [M], which counts the first interaction only; full simulations lie about 100 deeper, as [M] notes.
DEPTH_AT_PEV = 570.0
ATTENUATION = 70.0  # Gaisser and Hillas's lambda
LOSS = 2.19e-3  # GeV per g/cm^2 and electron, averaged over their spectrum [S]
GROUND_DEPTH, SEA_LEVEL_DEPTH, SCALE_HEIGHT = 880.0, 1030.0, 8000.0  # 1260 m above the sea
MOLIERE_RADIUS = 87.0  # 9.2 g/cm^2 at 1.06 kg/m^3
MUON_RADIUS = 320.0  # Greisen's [NKG]
LIGHT = 0.299792458  # m/ns
FRONT_WIDTH, FRONT_RADIUS, FRONT_EXPONENT = 2.6, 30.0, 1.5  # ns, m [L]


def muon_number(energy: Array, mass_number: Array) -> Array:
    r"""Mean number of muons: A showers of energy E/A, :math:`N_\mu = A\,(E/(A\,\xi_\pi))^\beta` [M]."""
    return mass_number * (energy / (mass_number * PION_CRITICAL_ENERGY)) ** MUON_EXPONENT


def mean_depth_of_maximum(energy: Array, mass_number: Array) -> Array:
    """Mean depth of the maximum, that of a proton of energy E/A [M]."""
    return DEPTH_AT_PEV + ELONGATION * np.log10(energy / mass_number / 1e6)


def gaisser_hillas(depth: Array, depth_of_maximum: Array, electromagnetic_energy: Array) -> Array:
    r"""Number of electrons at a depth [GH].

    :math:`N = N_{max} (X/X_{max})^\xi e^{\xi (1 - X/X_{max})}` with :math:`\xi = X_{max}/\lambda`. The energy lost
    along the whole shower, :math:`\alpha \int N dX`, is the electromagnetic energy: it fixes :math:`N_{max}`.
    """
    shape = depth_of_maximum / ATTENUATION
    # integral of the profile in units of N_max: X_max (e/xi)^xi Gamma(xi + 1) / xi
    length = depth_of_maximum * np.exp(shape * (1 - np.log(shape)) + gammaln(shape + 1)) / shape
    ratio = depth / depth_of_maximum
    return electromagnetic_energy / (LOSS * length) * np.exp(shape * (np.log(ratio) + 1 - ratio))


def shower_age(depth: Array, depth_of_maximum: Array) -> Array:
    """3 / (1 + 2 X_max / X): 1 at the maximum, more after it."""
    return 3 / (1 + 2 * depth_of_maximum / depth)


def electron_density(r: Array, age: Array) -> Array:
    """Electrons per m^2 at distance r from the axis, of a shower of one electron: Nishimura, Kamata, Greisen [NKG]."""
    norm = gamma(4.5 - age) / (2 * np.pi * MOLIERE_RADIUS**2 * gamma(age) * gamma(4.5 - 2 * age))
    u = r / MOLIERE_RADIUS
    return norm * u ** (age - 2) * (1 + u) ** (age - 4.5)


def muon_density(r: Array) -> Array:
    """Muons per m^2 at distance r from the axis, of a shower of one muon: Greisen's function [NKG]."""
    norm = gamma(2.5) / (2 * np.pi * MUON_RADIUS**2 * gamma(1.25) ** 2)
    u = r / MUON_RADIUS
    return norm * u**-0.75 * (1 + u) ** -2.5


def distance_to_maximum(depth_of_maximum: Array, cos_zenith: Array) -> Array:
    """Distance from the ground to the maximum in an isothermal atmosphere; 1 km where it lies below the ground."""
    height = SCALE_HEIGHT * np.log(GROUND_DEPTH / (depth_of_maximum * cos_zenith))
    return np.maximum(height / cos_zenith, 1000.0)


def front_delay(r: Array, radius: Array) -> Array:
    """Delay of the spherical front of a given radius after a plane front, at distance r from the axis."""
    return (np.hypot(radius, r) - radius) / LIGHT


def front_width(r: Array) -> Array:
    """Spread of the arrival times of single particles at distance r [L]."""
    return FRONT_WIDTH * (1 + r / FRONT_RADIUS) ** FRONT_EXPONENT
