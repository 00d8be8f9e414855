"""Features of the particles in a jet, as jet taggers use them."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._kinematics import azimuth, pseudorapidity, transverse_momentum, wrap_phi
from .._particles import CLASSES, look_up
from .._segments import segment_ids, segment_sum
from ..data import PointClouds
from ._clouds import CloudTransformer
from ._from_sources import takes_sources
from ._momenta import MomentumMixin

KINEMATIC = ("delta_eta", "delta_phi", "log_pt", "log_e", "log_pt_rel", "delta_r")


@takes_sources
class JetConstituentFeatures(MomentumMixin, CloudTransformer):
    r"""Features of each particle relative to its jet, as jet taggers use them.

    With the jet's four-momentum as the sum of those of its particles: :math:`\Delta\eta` and :math:`\Delta\phi` to the
    jet's axis, :math:`\ln p_T`, :math:`\ln E`, :math:`\ln(p_T/p_{T,\text{jet}})` and
    :math:`\Delta R = \sqrt{\Delta\eta^2 + \Delta\phi^2}` (momenta in GeV); where the points have a ``pdgid``, their
    charge and six columns of 0 and 1 for charged hadron, neutral hadron, photon, electron, muon and other. They are
    those of ParticleNet [1]_. Points and event columns stay as many as they were.

    Momenta are the features ``pt``, ``y`` or ``eta``, and ``phi``, or ``px``, ``py`` and ``pz``, by the last word of
    their names (``Jet_pt``, ``part_px``). The energy is ``e``, else that of the mass ``m``, else that of the mass that
    belongs to the ``pdgid``, else that of no mass. What is not seen as such in a detector is of the class other,
    without mass and charge: CMS's ids 1 and 2 of energy in the forward calorimeter, 0 for unknown.

    Attributes
    ----------
    roles_ : dict of str to str
        Feature that was taken for ``pt``, ``y``, ``eta``, ``phi``, ``px``, ``py``, ``pz``, ``e``, ``m`` and ``pdgid``.

    Raises
    ------
    ValueError
        If the points have no momenta, or several features have one of these names; if a pT or an energy is not
        positive.

    See Also
    --------
    ParticleWise : Apply any transformer to the points.
    ToList, ToSet, ToImage : Other representations of jets.

    References
    ----------
    .. [1] H. Qu, L. Gouskos, "Jet tagging via particle clouds", Phys. Rev. D 101 (2020) 056019, arXiv:1902.08570,
       table 2.

    Examples
    --------
    >>> from sklearn_ml4fp import JetConstituentFeatures, PointClouds
    >>> jet = PointClouds([[60.0, 0.0, 3.1], [40.0, 0.2, -3.1]], [0, 2], ["pt", "eta", "phi"])
    >>> JetConstituentFeatures().fit_transform(jet).column("log_pt_rel").round(3)
    array([-0.51 , -0.915])
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the names of the columns of point clouds ``X``."""
        self._learn_roles(self._learn(X))
        return self

    def transform(self, X: Any) -> PointClouds:
        """Compute point clouds with the new features."""
        clouds = self._check(X)
        momenta = self._four_momenta(clouds)
        given = clouds.column(self.roles_["pt"]) if "pt" in self.roles_ else transverse_momentum(momenta)
        for what, column in (("transverse momenta", given), ("energies", momenta[:, 0])):
            if not np.all(column > 0):
                raise ValueError(f"{what} must be positive, their logarithm is a feature; drop such points.")
        jet = segment_sum(momenta, clouds.offsets)[segment_ids(clouds.offsets)]
        pt = transverse_momentum(momenta)
        delta_eta = pseudorapidity(momenta) - pseudorapidity(jet)
        delta_phi = wrap_phi(azimuth(momenta) - azimuth(jet))
        columns = [
            delta_eta,
            delta_phi,
            np.log(pt),
            np.log(momenta[:, 0]),
            np.log(pt / transverse_momentum(jet)),
            np.hypot(delta_eta, delta_phi),
        ]
        if "pdgid" in self.roles_:
            _, charge, kind = look_up(clouds.column(self.roles_["pdgid"]))
            columns += [charge, *(kind == np.arange(len(CLASSES))[:, np.newaxis])]
        values = np.stack(columns, axis=1, dtype=clouds.values.dtype, casting="unsafe")
        return clouds.with_values(values, self.get_feature_names_out().tolist())

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the new features."""
        check_is_fitted(self, "feature_names_in_")
        kinds = ("charge", *(f"is_{name}" for name in CLASSES)) if "pdgid" in self.roles_ else ()
        return np.array([*KINEMATIC, *kinds], dtype=object)
