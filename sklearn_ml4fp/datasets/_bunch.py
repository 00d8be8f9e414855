"""Tables of collisions as a Bunch of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._optional import needs
from ._detector import FEATURE_NAMES
from ._shipped import describe

TARGET_NAMES = ("w_z_jets", "ttbar")  # background 0, signal 1
OTHER_COLUMNS = ("target", "weight", "event_number", "true_met", "true_met_phi")
Table = dict[str, np.ndarray]


def effective_size(weight: np.ndarray) -> float:
    """Number of unweighted events of the same relative statistical error: (sum w)^2 / sum w^2."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def as_bunch(
    table: Table, simulation: dict[str, Any], *, luminosity: float, as_frame: bool, return_X_y: bool
) -> Bunch | tuple[Any, Any]:
    """Make the Bunch, or (X, y), of a table with `FEATURE_NAMES` and `OTHER_COLUMNS`; its weights are in fb."""
    data = np.column_stack([table[name] for name in FEATURE_NAMES]).astype(np.float32)
    target = table["target"].astype(np.int64)
    frame = None
    if as_frame:
        frame = to_frame(data, target)
        data, target = frame[list(FEATURE_NAMES)], frame["target"]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=list(FEATURE_NAMES),
        target_names=np.array(TARGET_NAMES),
        sample_weight=table["weight"].astype(np.float64) * luminosity,
        groups=table["event_number"].astype(np.int64),
        true_met=table["true_met"].astype(np.float32),
        true_met_phi=table["true_met_phi"].astype(np.float32),
        luminosity=luminosity,
        simulation=simulation,
        DESCR=describe("events", simulation, *counts_of(table), underline="~"),
    )


def to_frame(data: np.ndarray, target: np.ndarray) -> Any:
    """Join the features and the target in one pandas DataFrame."""
    return needs("pandas").DataFrame(data, columns=list(FEATURE_NAMES)).assign(target=target)


def counts_of(table: Table) -> list[str]:
    """Describe the numbers of events of both classes, and their weights."""
    lines = []
    for label, name in enumerate(TARGET_NAMES):
        weight = table["weight"][table["target"] == label].astype(np.float64)
        size = effective_size(weight) if len(weight) else 0.0
        lines.append(f":{name}: {len(weight)} events, N_eff = {size:.0f}, sum of weights at 1 /fb = {weight.sum():.6g}")
    return lines
