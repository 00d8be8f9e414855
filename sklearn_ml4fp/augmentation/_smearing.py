"""Changes within what a detector resolves: of each object by itself, of all together, or of which objects are seen."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .._compat import Interval, StrOptions
from .._params import hp
from .._roles import words_of
from ._base import Augmenter
from ._events import Batch, Block, objects_of

_COLUMNS = (str, tuple, list)
# A Gaussian of relative width below one is positive in at least 84 % of the draws: 60 draws fail once in 1e47.
_REDRAWS = 60


def _momenta(block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums of p_x, p_y over the objects of each event that have a φ, and of the jets' pT (GeV)."""
    n = len(block.values)
    px, py, ht = np.zeros(n), np.zeros(n), np.zeros(n)
    for objects in objects_of(block):
        pt = np.nan_to_num(block.values[:, objects.columns["pt"]])
        if "phi" in objects.columns:
            phi = np.nan_to_num(block.values[:, objects.columns["phi"]])
            px += (pt * np.cos(phi)).sum(axis=1)
            py += (pt * np.sin(phi)).sum(axis=1)
        if objects.kind == "jet":
            ht += pt.sum(axis=1)
    return px, py, ht


class _Consistent:
    """Keeps a table consistent while objects change: sorted by pT as before, H_T and missing pT by the change."""

    def __init__(self, batch: Batch) -> None:
        self.block = batch.blocks[0] if batch.blocks and batch.dropped is None else None

    def __enter__(self) -> None:
        if self.block is not None:
            self.before = _momenta(self.block)
            self.sorted = [one for one in objects_of(self.block) if self._is_sorted(one.columns["pt"])]

    def _is_sorted(self, columns: list[int]) -> bool:
        pt = np.nan_to_num(self.block.values[:, columns], nan=-np.inf)  # type: ignore[union-attr]
        return len(columns) > 1 and bool((pt[:, :-1] >= pt[:, 1:]).all())

    def __exit__(self, *error: object) -> None:
        if self.block is None or error[0] is not None:
            return
        values = self.block.values
        column = {words_of(name): i for i, name in enumerate(self.block.names)}
        px, py, ht = (after - before for after, before in zip(_momenta(self.block), self.before, strict=True))
        if ("ht",) in column:
            values[:, column["ht",]] += ht
        met, phi = column.get(("met",), column.get(("met", "pt"))), column.get(("met", "phi"))
        if met is not None and phi is not None:
            x = values[:, met] * np.cos(values[:, phi]) - px
            y = values[:, met] * np.sin(values[:, phi]) - py
            changed = (px != 0) | (py != 0)
            values[changed, met] = np.hypot(x, y)[changed]
            values[changed, phi] = np.arctan2(y, x)[changed]
        for objects in self.sorted:
            order = np.argsort(-np.nan_to_num(values[:, objects.columns["pt"]], nan=-np.inf), axis=1, kind="stable")
            for columns in objects.columns.values():
                values[:, columns] = np.take_along_axis(values[:, columns], order, axis=1)


class Smear(Augmenter):
    """Vary each value by itself, within its uncertainty.

    The standard deviation is σ(x) = a·√x ⊕ b·x ⊕ c, where ⊕ adds squares: with a in √GeV it is the energy resolution of
    a calorimeter (stochastic, constant and noise term); b alone is a relative uncertainty, c alone an absolute one.
    Tracks are Gaussian in 1/pT: ``of="inverse"`` applies the formula to 1/x.

    In a table with names (``jet1_pt``, ``jet1_phi``, ...), objects that were sorted by pT are sorted anew, ``ht``
    follows the change of the jets' pT, and ``met`` with ``met_phi`` balance the change of all objects that have a φ.
    Missing values stay missing.

    See Also
    --------
    Shift : Change all objects of an event together.
    Compose : Several augmenters in a row.

    References
    ----------
    C. W. Fabjan and F. Gianotti, "Calorimetry for particle physics", Rev. Mod. Phys. 75 (2003) 1243.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import Smear
    >>> X = pd.DataFrame({"jet1_pt": [50.0], "jet1_phi": [0.0], "ht": [50.0]})
    >>> smeared = Smear(stochastic=0.8, relative=0.05, random_state=0).augment(X)
    >>> bool((smeared.jet1_pt == smeared.ht)[0] and smeared.jet1_pt[0] != 50)
    True
    """

    _target_parameters: ClassVar = ()  # a measurement varies, the truth stays

    columns: Any = hp(
        "pt", valid=_COLUMNS, doc="What varies: a word for all columns that end so, or names and numbers."
    )
    stochastic: float = hp(
        0.0, valid=Interval(Real, 0, None, closed="left"), search=(0.0, 1.0), doc="The a in σ = a·√x ⊕ b·x ⊕ c (√GeV)."
    )
    relative: float = hp(
        0.0, valid=Interval(Real, 0, 1, closed="left"), search=(0.0, 0.2), doc="The b in σ = a·√x ⊕ b·x ⊕ c."
    )
    absolute: float = hp(
        0.0,
        valid=Interval(Real, 0, None, closed="left"),
        doc="The c in σ = a·√x ⊕ b·x ⊕ c, in the unit of the columns.",
    )
    of: str = hp("value", valid=StrOptions({"value", "inverse"}), doc="Whether x or 1/x is Gaussian.")
    positive: bool = hp(
        True, valid="boolean", doc="Whether values keep their sign, by drawing again; False for angles and η."
    )

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        with _Consistent(batch):
            for block, columns in batch.columns(self.columns, "Smear"):
                block.values[:, columns] = self._smeared(block.values[:, columns], rng)

    def _smeared(self, values: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        with np.errstate(divide="ignore"):
            x = values.astype(np.float64) if self.of == "value" else 1 / values.astype(np.float64)
        size = np.abs(x)
        sigma = np.sqrt(self.stochastic**2 * size + (self.relative * x) ** 2 + self.absolute**2)
        new = x + sigma * rng.standard_normal(x.shape)
        for _ in range(_REDRAWS if self.positive else 0):
            wrong = new * x < 0
            if not wrong.any():
                break
            new = np.where(wrong, x + sigma * rng.standard_normal(x.shape), new)
        new = np.where((new * x < 0) & self.positive | ~np.isfinite(x), x, new)
        with np.errstate(divide="ignore"):
            return (new if self.of == "value" else 1 / new).astype(values.dtype)


class Shift(Augmenter):
    """Scale all objects of an event up or down together: an uncertainty of the energy scale.

    All listed columns of an event are multiplied by exp(s·z) with one Gaussian z per event; s is the relative
    uncertainty of the scale. Angles stay. ``ht``, ``met`` and ``met_phi`` follow as in `Smear`.

    See Also
    --------
    Smear : Change each value by itself.
    Compose : Several augmenters in a row.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import Shift
    >>> X = pd.DataFrame({"jet1_pt": [50.0], "jet2_pt": [25.0]})
    >>> shifted = Shift(scale=0.02, random_state=0).augment(X)
    >>> bool(abs(shifted.jet1_pt[0] / shifted.jet2_pt[0] - 2) < 1e-12)
    True
    """

    _target_parameters: ClassVar = ()  # a measurement varies, the truth stays

    columns: Any = hp(
        ("pt", "m", "e", "px", "py", "pz"),
        valid=_COLUMNS,
        doc="What is scaled: words, or names and numbers of columns; by default all of a four-momentum.",
    )
    scale: float = hp(
        0.02,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.0, 0.1),
        doc="Relative uncertainty of the scale.",
    )

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        factor = np.exp(self.scale * rng.standard_normal(batch.n))
        with _Consistent(batch):
            for block, columns in batch.columns(self.columns, "Shift"):
                block.values[:, columns] *= factor[block.event, None]


class DropParticles(Augmenter):
    """Lose particles at random, as an inefficient detector does; one of each event always stays.

    Points leave their cloud. In a table with names (``jet1_pt``, ``jet1_eta``, ...) the columns of a lost object become
    NaN, objects that were sorted by pT close ranks, and ``ht``, ``met`` and ``met_phi`` follow as in `Smear`.

    See Also
    --------
    Smear : Change the particles instead.
    PermuteParticles : Change their order.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ml4fp import DropParticles
    >>> X = pd.DataFrame({"jet1_pt": [50.0], "jet2_pt": [30.0], "ht": [80.0]})
    >>> DropParticles(probability=0.9, random_state=1).augment(X).ht[0] in (30.0, 50.0, 80.0)
    True
    """

    _target_parameters: ClassVar = ()  # a measurement varies, the truth stays

    probability: float = hp(
        0.1,
        valid=Interval(Real, 0, 1, closed="left"),
        search=(0.0, 0.5),
        doc="Probability with which a particle is lost.",
    )

    def _apply(self, batch: Batch, rng: np.random.RandomState) -> None:
        if batch.dropped is not None:
            event = batch.blocks[0].event
            luck = rng.uniform(size=len(event))
            luckiest = np.zeros(batch.n)
            np.maximum.at(luckiest, event, luck)
            batch.dropped |= (luck < self.probability) & (luck < luckiest[event])
            return
        several = [one for block in batch.blocks for one in objects_of(block) if len(one.columns["pt"]) > 1]
        if not several:
            raise ValueError(
                "DropParticles expected PointClouds, or a data frame with columns such as jet1_pt, jet2_pt."
            )
        values = batch.blocks[0].values
        with _Consistent(batch):
            for objects in several:
                there = ~np.isnan(values[:, objects.columns["pt"]])
                luck = np.where(there, rng.uniform(size=there.shape), -1.0)
                lost = (luck < self.probability) & (luck < luck.max(axis=1, keepdims=True))
                for columns in objects.columns.values():
                    values[:, columns] = np.where(lost, np.nan, values[:, columns])
