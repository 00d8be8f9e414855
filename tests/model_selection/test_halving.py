"""Successive halving on max_epochs is scikit-learn's own: with our networks, ids and weights."""

import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import EventKFold, FeedForwardClassifier, roc_auc_scorer

RATES = [1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.02, 0.05, 0.1]


def pipeline():
    network = FeedForwardClassifier(width=8, n_layers=1, random_state=0, device="cpu", patience=18)
    return Pipeline([("scale", StandardScaler().set_fit_request(sample_weight=False)), ("network", network)])


@pytest.mark.parametrize("kind", [HalvingGridSearchCV, HalvingRandomSearchCV])
def test_candidates_that_fall_behind_get_no_more_epochs(two_blobs, routing, kind):
    X, y, event = two_blobs
    w = np.random.default_rng(0).normal(1, 1, size=len(y))  # a sixth of them negative
    given = {"n_candidates": 9} if kind is HalvingRandomSearchCV else {}
    search = kind(
        pipeline(), {"network__lr": RATES}, resource="network__max_epochs", min_resources=2, max_resources=18,
        factor=3, cv=EventKFold(2), scoring=roc_auc_scorer, random_state=0, **given,
    )  # fmt: skip
    search.fit(X, y, groups=event, sample_weight=w)
    assert search.n_candidates_ == [9, 3, 1]
    assert search.n_resources_ == [2, 6, 18]
    table = search.cv_results_
    first = table["iter"] == 0
    assert set(table["param_network__max_epochs"][first]) == {2}
    assert search.best_params_["network__max_epochs"] == 18
    assert search.best_params_["network__lr"] >= 1e-3
    # by hand: the first fold of a candidate of the second round, which had 6 epochs
    number = int(np.flatnonzero(table["iter"] == 1)[0])
    train, test = next(EventKFold(2).split(X, y, event))
    by_hand = pipeline().set_params(**table["params"][number])
    by_hand.fit(X[train], y[train], groups=event[train], sample_weight=w[train])
    assert by_hand[-1].max_epochs == 6
    score = roc_auc_scorer(by_hand, X[test], y[test], sample_weight=w[test])
    assert table["split0_test_score"][number] == pytest.approx(score, abs=1e-12)
