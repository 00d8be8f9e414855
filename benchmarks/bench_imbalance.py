"""A rare signal: tt̄ thinned to 2 % of the events, and what each treatment of the imbalance does for a network.

    python benchmarks/bench_imbalance.py [--folds 5]

Each fold of events is scored by a network that was trained on the others, with event weights in training and in both
metrics; the table shows mean and standard deviation over the folds. The same folds for every treatment.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    EventKFold,
    FeedForwardClassifier,
    MissingValueImputer,
    Resampled,
    Smear,
    WeightedSampler,
    average_precision,
    load_events,
    roc_auc_score,
)

SHARE = 0.02


def thinned() -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """All background events, and so many of the signal's that they are 2 % of all; weights stay as they are."""
    events = load_events(as_frame=True)
    y, w, ids = (np.asarray(part) for part in (events.target, events.sample_weight, events.groups))
    signal, background = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    n = round(SHARE / (1 - SHARE) * len(background))
    kept = np.random.default_rng(0).choice(signal, n, replace=False)
    rows = np.sort(np.r_[background, kept])
    return events.data.iloc[rows].reset_index(drop=True), y[rows], w[rows], ids[rows]


def smear_signal(X: pd.DataFrame, y: np.ndarray, w: np.ndarray, copies: int) -> tuple:
    """Add smeared copies of the signal events; class weights of the network balance the rest."""
    signal = y == 1
    # a calorimeter's jet resolution
    jets = [f"jet{i}_pt" for i in range(1, 7)]
    smear = Smear(columns=jets, stochastic=0.8, relative=0.05, n_copies=copies, random_state=0)
    X_new, y_new, w_new = smear.fit_resample(X[signal], y[signal], sample_weight=w[signal])
    return pd.concat([X[~signal], X_new]), np.r_[y[~signal], y_new], np.r_[w[~signal], w_new]


def treatments(seed: int) -> dict[str, object]:
    def pipeline(last: object) -> object:
        return make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant", add_indicator=True), last)

    def network(**parameters: object) -> FeedForwardClassifier:
        return FeedForwardClassifier(n_layers=3, width=64, random_state=seed, **parameters)

    def resampled(sampler: object) -> object:
        return pipeline(Resampled(WeightedSampler(sampler=sampler), network()))

    return {
        "none": pipeline(network()),
        "class weights": pipeline(network(class_weight="balanced")),
        "oversampling": resampled(RandomOverSampler(random_state=seed)),
        "undersampling": resampled(RandomUnderSampler(random_state=seed)),
        "SMOTE": resampled(SMOTE(random_state=seed)),
        "smeared copies, class weights": pipeline(network(class_weight="balanced")),
    }


def fit(name: str, model: object, X: pd.DataFrame, y: np.ndarray, w: np.ndarray, ids: np.ndarray) -> object:
    """Fit with weights and ids at the last step; smeared copies are of the training events alone."""
    last = model.steps[-1][0]
    if not name.startswith("smeared"):
        return model.fit(X, y, **{f"{last}__sample_weight": w, f"{last}__groups": ids})
    # the hold-out is chosen before the copies are made, by the ids
    held = EventKFold(10, salt="hold-out").assign(ids) == 0
    X_new, y_new, w_new = smear_signal(X[~held], y[~held], w[~held], copies=9)
    prepare = model[:-1].fit(X_new)
    model[-1].fit(
        prepare.transform(X_new), y_new, sample_weight=w_new,
        X_val=prepare.transform(X[held]), y_val=y[held], sample_weight_val=w[held],
    )  # fmt: skip
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=5)
    folds = parser.parse_args().folds
    X, y, w, ids = thinned()
    print(f"{len(y)} events, {y.sum()} of them signal, {w[y == 1].sum() / w.sum():.2%} of the weights")
    scores: dict[str, list[tuple[float, float]]] = {}
    for seed, (train, test) in enumerate(EventKFold(folds).split(X, y, ids)):
        for name, model in treatments(seed).items():
            fit(name, model, X.iloc[train], y[train], w[train], ids[train])
            score = model.predict_proba(X.iloc[test])[:, 1]
            one = (
                roc_auc_score(y[test], score, sample_weight=w[test]),
                average_precision(y[test], score, sample_weight=w[test]),
            )
            scores.setdefault(name, []).append(one)
    print(f"{'treatment':32s}{'ROC AUC':>18s}{'average precision':>22s}")
    for name, values in scores.items():
        mean, spread = np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
        print(f"{name:32s}{mean[0]:>10.4f} ± {spread[0]:.4f}{mean[1]:>14.4f} ± {spread[1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
