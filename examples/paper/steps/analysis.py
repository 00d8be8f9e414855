"""What several steps share: the selected events, with varied scales, and the network."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

JET_PT, LEPTON_PT = 30.0, 27.0  # GeV; above the 25 of the sample, so that a varied event can enter and leave
N_JETS = 6


def read(path):
    """The arrays of a file."""
    with np.load(path) as stored:
        return dict(stored)


def select(events, *, jet_scale=1.0, lepton_scale=1.0, met_scale=1.0):
    """The events that pass with scaled jets, lepton and missing momentum, with columns that follow the scales.

    Azimuths are differences to that of the lepton: nothing depends on where the detector's x axis is.
    """
    table = events["X"].astype(np.float64)
    jets = table[:, : 4 * N_JETS].reshape(-1, N_JETS, 4).copy()
    lepton, charge = table[:, 4 * N_JETS : 4 * N_JETS + 3].copy(), table[:, 4 * N_JETS + 3]
    met = table[:, 4 * N_JETS + 4] * np.exp(1j * table[:, 4 * N_JETS + 5])
    met -= np.nansum((jet_scale - 1) * jets[:, :, 0] * np.exp(1j * jets[:, :, 2]), axis=1)
    met -= (lepton_scale - 1) * lepton[:, 0] * np.exp(1j * lepton[:, 2])
    met *= met_scale
    jets[:, :, [0, 3]] *= jet_scale
    lepton[:, 0] *= lepton_scale
    jets[~(jets[:, :, 0] > JET_PT)] = np.nan
    jets[:, :, 2] = np.angle(np.exp(1j * (jets[:, :, 2] - lepton[:, 2:])))
    n_jets = np.isfinite(jets[:, :, 0]).sum(axis=1)
    columns = {
        f"jet{i + 1}_{name}": jets[:, i, j] for i in range(N_JETS) for j, name in enumerate(("pt", "eta", "phi", "m"))
    }
    columns |= {"lepton_pt": lepton[:, 0], "lepton_eta": lepton[:, 1], "lepton_charge": charge}
    columns |= {"met": np.abs(met), "met_phi": np.angle(met * np.exp(-1j * lepton[:, 2]))}
    columns |= {"ht": np.nansum(jets[:, :, 0], axis=1), "n_jets": n_jets}
    passed = (n_jets >= 2) & (lepton[:, 0] > LEPTON_PT)
    rest = {name: values[passed] for name, values in events.items() if name not in ("X", "names")}
    return {"X": pd.DataFrame(columns)[passed].astype(np.float32), **rest}


def part(events, *, tuning):
    """The events of the search, or those of the analysis."""
    return {name: values if name == "names" else values[events["tuning"] == tuning] for name, values in events.items()}


def network(**hyperparameters):
    """The network with its preparation."""
    from sklearn.pipeline import Pipeline

    from sklearn_ml4fp import AutoScaler, FeedForwardClassifier, MissingValueImputer

    classifier = FeedForwardClassifier(**hyperparameters)
    return Pipeline([("fill", MissingValueImputer()), ("scale", AutoScaler()), ("network", classifier)])


def write(path, **content):
    """Write what a step has found as JSON."""
    Path(path).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
