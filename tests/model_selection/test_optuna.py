"""OptunaSearchCV: a scikit-learn search on Optuna's samplers, pruners and storages."""

import os
import subprocess
import sys

import joblib
import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import MedianPruner, SuccessiveHalvingPruner, ThresholdPruner
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_ml4fp import (
    CrossFitClassifier,
    EventKFold,
    FeedForwardClassifier,
    FeedForwardRegressor,
    OptunaSearchCV,
    RotatingKFold,
    roc_auc_scorer,
)
from sklearn_ml4fp.model_selection._pruning import Pruning

LR = {"lr": FloatDistribution(1e-4, 1e-1, log=True)}


def network(**parameters):
    return FeedForwardClassifier(
        **{"width": 8, "n_layers": 1, "max_epochs": 3, "random_state": 0, "device": "cpu", **parameters}
    )


def pipeline(**parameters):
    return Pipeline([("scale", StandardScaler()), ("network", network(**parameters))])


def weights(n=400):
    return np.random.default_rng(0).normal(1, 1, size=n)  # a sixth of them negative


def scores_of(search):
    """All of the table but the times."""
    return {name: column for name, column in search.cv_results_.items() if "time" not in name}


def assert_same_results(one, other):
    assert one.best_params_ == other.best_params_
    assert scores_of(one).keys() == scores_of(other).keys()
    for name, column in scores_of(one).items():
        np.testing.assert_array_equal(column, scores_of(other)[name], err_msg=name)


class Recorder(ClassifierMixin, BaseEstimator):
    """A classifier that keeps what fit was given, and predicts by a rule of its parameters."""

    def __init__(self, strength=1.0, fails_above=None, error=ValueError):
        self.strength = strength
        self.fails_above = fails_above
        self.error = error

    def fit(self, X, y, sample_weight=None, groups=None):
        RECORDS.append((X, sample_weight, groups, self.strength))
        if self.fails_above is not None and self.strength > self.fails_above:
            raise self.error("too strong")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(X[:, 0] > self.strength / 5 - 1).astype(int)]

    def score(self, X, y, sample_weight=None):
        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)


RECORDS = []
STRENGTH = {"strength": FloatDistribution(0.0, 10.0)}


# --- a scikit-learn search --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pruner", [None, MedianPruner()])
def test_the_table_is_that_of_a_grid_search(two_blobs, pruner):
    """Over the points that were chosen, GridSearchCV finds the same scores, ranks and best network."""
    X, y, _ = two_blobs
    search = OptunaSearchCV(
        network(), LR, n_iter=4, n_points=3, pruner=pruner, cv=3, return_train_score=True, random_state=0
    )
    search.fit(X, y)
    grid = GridSearchCV(network(), [{"lr": [p["lr"]]} for p in search.cv_results_["params"]], cv=3,
                        return_train_score=True).fit(X, y)  # fmt: skip
    assert search.cv_results_.keys() == grid.cv_results_.keys() | ({"pruned"} if pruner else set())
    for name in grid.cv_results_.keys() - {"params"}:
        if "time" not in name:
            np.testing.assert_array_equal(search.cv_results_[name], grid.cv_results_[name], err_msg=name)
    assert (search.cv_results_["mean_fit_time"] > 0).all()
    for name in ("best_index_", "best_score_", "best_params_", "n_splits_", "multimetric_", "n_features_in_"):
        assert getattr(search, name) == getattr(grid, name), name
    assert search.score(X, y) == grid.score(X, y)
    assert type(search.scorer_) is type(grid.scorer_)
    np.testing.assert_array_equal(search.predict_proba(X), grid.predict_proba(X))


@pytest.mark.parametrize("pruner", [None, MedianPruner()])
@pytest.mark.parametrize("scoring", [["accuracy", "roc_auc"], {"roc_auc": roc_auc_scorer, "accuracy": "accuracy"}])
def test_several_metrics(two_blobs, pruner, scoring):
    X, y, event = two_blobs
    search = OptunaSearchCV(
        network(), LR, n_iter=2, pruner=pruner, cv=2, scoring=scoring, refit="roc_auc", random_state=0
    )
    # scikit-learn's own roc_auc cannot do negative weights, ours can
    search.fit(X, y, groups=event, sample_weight=weights() if isinstance(scoring, dict) else np.abs(weights()))
    assert search.multimetric_
    assert search.best_score_ == search.cv_results_["mean_test_roc_auc"].max() == search.study_.best_value
    assert np.isfinite(search.cv_results_["mean_test_accuracy"]).all()
    assert not any("epoch" in name for name in search.cv_results_)


def both(estimator, X, y):
    return {"accuracy": estimator.score(X, y), "minus": -estimator.score(X, y)}


@pytest.mark.parametrize("pruner", [None, MedianPruner()])
def test_a_function_with_several_metrics(two_blobs, pruner):
    X, y, _ = two_blobs
    search = OptunaSearchCV(network(), LR, n_iter=2, pruner=pruner, cv=2, scoring=both, refit="minus", random_state=0)
    search.fit(X, y)
    assert search.best_score_ == -search.cv_results_["mean_test_accuracy"].min()


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_weights_and_ids_reach_every_fit_and_score(two_blobs, scoring):
    X, y, event = two_blobs
    w = weights()
    RECORDS.clear()
    search = OptunaSearchCV(Recorder(), STRENGTH, n_iter=2, cv=3, scoring=scoring, random_state=0)
    search.fit(X, y, groups=event, sample_weight=w)
    row_of = {row.tobytes(): i for i, row in enumerate(X)}
    assert len(RECORDS) == 7  # 2 candidates x 3 folds, and the final fit
    for rows, weight, ids, _ in RECORDS:
        numbers = [row_of[row.tobytes()] for row in rows]
        np.testing.assert_array_equal(weight, w[numbers])
        np.testing.assert_array_equal(ids, event[numbers])
    test = next(EventKFold(3).split(X, y, event))[1]
    right = Recorder(**search.cv_results_["params"][0]).fit(X, y).predict(X)[test] == y[test]
    assert search.cv_results_["split0_test_score"][0] == pytest.approx(w[test][right].sum() / w[test].sum())


def test_with_pruning_weights_and_ids_reach_the_network(two_blobs):
    """The refitted network equals the network fitted with the same weights and ids by hand."""
    X, y, event = two_blobs
    w = np.abs(weights())
    search = OptunaSearchCV(
        pipeline(), {"network__lr": LR["lr"]}, n_iter=2, pruner=MedianPruner(), cv=GroupKFold(2),
        scoring=roc_auc_scorer, random_state=0,
    )  # fmt: skip
    search.fit(X, y, groups=event, sample_weight=w)
    by_hand = pipeline().set_params(**search.best_params_)
    by_hand.fit(X, y, network__sample_weight=w, network__groups=event)
    np.testing.assert_array_equal(search.predict_proba(X), by_hand.predict_proba(X))


def test_fit_leaves_the_arguments_alone(two_blobs):
    X, y, event = two_blobs
    search = OptunaSearchCV(network(), LR, n_iter=1, cv=2, pruner=MedianPruner(), random_state=0)
    before = search.get_params(deep=False)
    search.fit(X, y, groups=event)
    assert search.get_params(deep=False) == before


def test_the_same_seed_gives_the_same_search(two_blobs):
    X, y, _ = two_blobs
    search = OptunaSearchCV(network(), LR, n_iter=3, n_points=2, cv=2, random_state=3)
    assert_same_results(clone(search).fit(X, y), search.fit(X, y))
    other = clone(search).set_params(random_state=4).fit(X, y)
    assert other.cv_results_["params"] != search.cv_results_["params"]


def test_a_fitted_search_pickles(two_blobs, tmp_path):
    X, y, _ = two_blobs
    search = OptunaSearchCV(network(), LR, n_iter=2, cv=2, pruner=MedianPruner(), random_state=0).fit(X, y)
    joblib.dump(search, tmp_path / "search")
    again = joblib.load(tmp_path / "search")
    assert_same_results(again, search)
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


def test_all_kinds_of_distributions(two_blobs):
    """Also choices that Optuna cannot keep, a step of a Pipeline among them, and several spaces."""
    X, y, _ = two_blobs
    bdt = HistGradientBoostingClassifier(max_iter=5)
    spaces = [
        {"network": CategoricalDistribution([network()]), "network__width": IntDistribution(8, 16, step=4),
         "network__lr": FloatDistribution(0.01, 0.03, step=0.01)},
        {"network": CategoricalDistribution([bdt, LogisticRegression()])},
    ]  # fmt: skip
    search = OptunaSearchCV(pipeline(), spaces, n_iter=8, cv=2, random_state=0).fit(X, y)
    chosen = search.cv_results_["params"]
    kinds = {type(params["network"]).__name__ for params in chosen}
    assert kinds == {"FeedForwardClassifier", "HistGradientBoostingClassifier", "LogisticRegression"}
    assert {params["network__width"] for params in chosen if "network__width" in params} <= {8, 12, 16}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_no_point_is_fitted_twice_and_a_finite_space_may_be_exhausted(two_blobs):
    X, y, _ = two_blobs
    RECORDS.clear()
    values = {"strength": CategoricalDistribution([1.0, 2.0, 3.0, 4.0, 5.0])}
    search = OptunaSearchCV(Recorder(), values, n_iter=5, cv=2, refit=False, random_state=0).fit(X, y)
    assert sorted(params["strength"] for params in search.cv_results_["params"]) == [1, 2, 3, 4, 5]
    assert len(RECORDS) == 10
    every = optuna.samplers.BruteForceSampler(seed=0)
    search = OptunaSearchCV(Recorder(), values, n_iter=50, sampler=every, cv=2).fit(X, y)
    assert sorted(params["strength"] for params in search.cv_results_["params"]) == [1, 2, 3, 4, 5]


def test_it_is_better_than_chance(two_blobs):
    """A hundred points of a narrow peak: the sampler learns where it is, and random points do not find it."""
    X, y, _ = two_blobs
    peak = {"strength": FloatDistribution(0.0, 1000.0)}  # only a strength below 10 separates the blobs
    found = []
    for sampler in (None, optuna.samplers.RandomSampler(seed=0)):
        search = OptunaSearchCV(Recorder(), peak, n_iter=60, sampler=sampler, cv=KFold(2), refit=False, random_state=0)
        found.append(np.sort(search.fit(X, y).cv_results_["mean_test_score"])[-20:].mean())
    assert found[0] > found[1]


def test_a_time_budget(two_blobs):
    X, y, _ = two_blobs
    search = OptunaSearchCV(network(), LR, n_iter=1000, timeout=0.5, cv=2, random_state=0).fit(X, y)
    assert 1 <= len(search.cv_results_["params"]) < 1000


def test_a_bar_shows_the_best_score(two_blobs, capsys):
    X, y, _ = two_blobs
    search = OptunaSearchCV(network(), LR, n_iter=3, cv=2, random_state=0, progress=True).fit(X, y)
    shown = capsys.readouterr().err
    assert f"best score {search.best_score_:.4f}" in shown
    assert "3/3" in shown
    OptunaSearchCV(network(), LR, n_iter=1, cv=2, progress=False).fit(X, y)
    assert not capsys.readouterr().err


def test_it_does_not_matter_how_many_processes_fit(two_blobs):
    X, y, event = two_blobs
    found = []
    for jobs in (None, 2):
        search = OptunaSearchCV(
            network(max_epochs=8), LR, n_iter=6, n_points=2, n_jobs=jobs, cv=2, random_state=0,
            pruner=MedianPruner(n_startup_trials=2),
        )  # fmt: skip
        found.append(search.fit(X, y, groups=event, sample_weight=weights()))
    assert found[0].best_params_ == found[1].best_params_
    np.testing.assert_array_equal(found[0].cv_results_["pruned"], found[1].cv_results_["pruned"])
    np.testing.assert_allclose(
        found[0].cv_results_["mean_test_score"], found[1].cv_results_["mean_test_score"], atol=1e-6
    )


# --- pruning ----------------------------------------------------------------------------------------------------------


def pruned_search(estimator, **parameters):
    prefix = "network__" if isinstance(estimator, Pipeline) else ""
    rates = {f"{prefix}lr": CategoricalDistribution([0.1, 0.05, 0.02, 1e-6, 2e-6, 3e-6])}
    # in this order: the good ones first, so that those that learn nothing fall behind
    sampler = InOrder()
    pruner = MedianPruner(n_startup_trials=3, n_warmup_steps=2)
    given = {"sampler": sampler, "pruner": pruner, "n_iter": 6, "cv": 3, "random_state": 0, **parameters}
    return OptunaSearchCV(estimator, rates, **given)


class InOrder(optuna.samplers.BaseSampler):
    """Choose the values in their order."""

    def infer_relative_search_space(self, study, trial):
        return {}

    def sample_relative(self, study, trial, search_space):
        return {}

    def sample_independent(self, study, trial, param_name, param_distribution):
        return param_distribution.choices[trial.number % len(param_distribution.choices)]


@pytest.mark.parametrize("make", [network, pipeline])
def test_candidates_that_fall_behind_are_stopped(two_blobs, make):
    X, y, _ = two_blobs
    search = pruned_search(make(max_epochs=10, patience=10)).fit(X, y)
    table = search.cv_results_
    np.testing.assert_array_equal(table["pruned"], [False, False, False, True, True, True])
    np.testing.assert_array_equal(np.isnan(table["mean_test_score"]), table["pruned"])
    # the fold in which it was stopped has the score so far, and the other folds were not fitted
    assert np.isfinite(table["split0_test_score"]).all()
    np.testing.assert_array_equal(np.isnan(table["split2_test_score"]), table["pruned"])
    assert (table["rank_test_score"][table["pruned"]] > 3).all()
    reports = [trial.intermediate_values for trial in search.study_.trials]
    assert [len(one) for one in reports] == [10, 10, 10, 2, 2, 2]  # the warm-up, at whose end the median decides
    assert all(trial.state.name == "PRUNED" for trial in search.study_.trials[3:])
    assert "callbacks" not in str(search.best_params_)


def test_the_reports_are_the_losses_of_the_first_fold(two_blobs):
    """By hand: the same network fitted to the first fold, and the score of where it was stopped."""
    X, y, _ = two_blobs
    search = pruned_search(network(max_epochs=10, patience=10), cv=KFold(3)).fit(X, y)
    train, test = next(KFold(3).split(X))
    for number, epochs in ((0, 10), (4, 2)):
        by_hand = network(max_epochs=epochs, patience=10, **search.cv_results_["params"][number])
        by_hand.fit(X[train], y[train])
        reports = search.study_.trials[number].intermediate_values
        assert list(reports) == list(range(1, epochs + 1))
        np.testing.assert_array_equal([-value for value in reports.values()], by_hand.history_["valid_loss"])
        assert search.cv_results_["split0_test_score"][number] == by_hand.score(X[test], y[test])


def test_candidates_of_a_batch_do_not_know_of_each_other(two_blobs):
    X, y, _ = two_blobs
    search = pruned_search(network(max_epochs=10, patience=10), n_points=6).fit(X, y)
    assert not search.cv_results_["pruned"].any()


@pytest.mark.parametrize(
    "pruner",
    [SuccessiveHalvingPruner(min_resource=2), optuna.pruners.HyperbandPruner(2, 10), ThresholdPruner(lower=-5)],
)
def test_other_pruners(two_blobs, pruner):
    X, y, _ = two_blobs
    search = pruned_search(network(max_epochs=10, patience=10), pruner=pruner).fit(X, y)
    assert search.cv_results_["pruned"].any() == (not isinstance(pruner, ThresholdPruner))  # no loss reaches 5
    assert not search.cv_results_["pruned"][search.best_index_]


def test_the_networks_own_callbacks_stay(two_blobs):
    class Count(Callback):
        epochs = 0

        def on_epoch_end(self, net, **kwargs):
            Count.epochs += 1

    X, y, _ = two_blobs
    pruned_search(network(max_epochs=10, patience=10, callbacks=[Count()]), refit=False).fit(X, y)
    # 3 candidates with 3 folds of 10 epochs, and 3 whose first fold had two; the judge is last
    assert Count.epochs == 96


def test_candidates_without_a_network_are_not_pruned(two_blobs):
    X, y, _ = two_blobs
    steps = {"network": CategoricalDistribution([network(), LogisticRegression()])}
    search = OptunaSearchCV(pipeline(), steps, n_iter=2, cv=2, pruner=ThresholdPruner(lower=0), random_state=0)
    search.fit(X, y)
    is_network = [isinstance(params["network"], FeedForwardClassifier) for params in search.cv_results_["params"]]
    np.testing.assert_array_equal(search.cv_results_["pruned"], is_network)  # no loss is below 0
    assert sorted(is_network) == [False, True]


def test_pruning_needs_a_network(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match=r"needs a network of this package, .* got LogisticRegression"):
        OptunaSearchCV(LogisticRegression(), {"C": FloatDistribution(1, 2)}, pruner=MedianPruner()).fit(X, y)


def test_pruning_needs_a_validation_loss(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match="early_stopping=False and so sets no events apart"):
        OptunaSearchCV(network(early_stopping=False), LR, pruner=MedianPruner()).fit(X, y)


def test_pruning_needs_comparable_losses(two_blobs):
    X, y, _ = two_blobs
    space = {**LR, "class_weight": CategoricalDistribution([None, "balanced"])}
    with pytest.raises(ValueError, match=r"\['class_weight'\] change what that is"):
        OptunaSearchCV(network(), space, pruner=MedianPruner()).fit(X, y)


@pytest.mark.parametrize(
    ("estimator", "name", "is_refused"),
    [
        (network(), "label_smoothing", True),
        (pipeline(), "network__label_smoothing", True),
        (network(loss="focal"), "focal_gamma", True),
        (FeedForwardRegressor(loss="huber"), "huber_delta", True),
        (FeedForwardRegressor(loss="quantile"), "quantile", True),
        (network(), "focal_gamma", False),  # it is not of this loss
        (network(metrics="accuracy", monitor="accuracy"), "label_smoothing", False),  # the accuracy is comparable
    ],
    ids=["smoothing", "in a pipeline", "focal", "huber", "quantile", "of another loss", "by a metric"],
)
def test_a_pruner_compares_losses_of_one_scale(estimator, name, is_refused):
    if not is_refused:
        Pruning(MedianPruner(), estimator, [name])
        return
    with pytest.raises(ValueError, match=rf"\['{name}'\] change what that is. Fix them, let the network monitor"):
        Pruning(MedianPruner(), estimator, [name])


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError, MemoryError, FloatingPointError])
@pytest.mark.parametrize("n_points", [1, 4])
def test_a_candidate_that_fails_costs_only_itself(two_blobs, error, n_points):
    X, y, _ = two_blobs
    search = OptunaSearchCV(
        Recorder(fails_above=5, error=error), STRENGTH, n_iter=12, n_points=n_points, cv=2, random_state=0
    )
    with pytest.warns(FitFailedWarning, match="too strong"):
        search.fit(X, y)
    table = search.cv_results_
    failed = np.array([params["strength"] > 5 for params in table["params"]])
    assert 0 < failed.sum() < 12
    np.testing.assert_array_equal(np.isnan(table["mean_test_score"]), failed)
    assert search.best_params_["strength"] <= 5


def always_the_same(estimator, X, y):
    return 0.5


def test_where_candidates_fail_few_more_are_tried(two_blobs):
    """All that can be fitted score the same: only the memory of the failures keeps the sampler below 5."""
    X, y, _ = two_blobs
    search = OptunaSearchCV(
        Recorder(fails_above=5), STRENGTH, n_iter=50, cv=2, scoring=always_the_same, refit=False, random_state=0
    )
    with pytest.warns(FitFailedWarning):
        search.fit(X, y)
    late = [params["strength"] for params in search.cv_results_["params"][20:]]
    assert np.mean(np.array(late) <= 5) > 0.7  # half of them, had it forgotten


def test_a_failing_candidate_may_have_a_score(two_blobs):
    X, y, _ = two_blobs
    search = OptunaSearchCV(Recorder(fails_above=5), STRENGTH, n_iter=6, cv=2, error_score=0.25, random_state=0)
    with pytest.warns(FitFailedWarning):
        search.fit(X, y)
    failed = np.array([params["strength"] > 5 for params in search.cv_results_["params"]])
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"][failed], 0.25)
    assert failed.any()


def test_or_the_first_failure_ends_the_search(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match=r"^too strong$"):
        OptunaSearchCV(Recorder(fails_above=0), STRENGTH, n_iter=3, cv=2, error_score="raise").fit(X, y)


def test_if_every_candidate_fails_there_is_no_result(two_blobs):
    X, y, _ = two_blobs
    search = OptunaSearchCV(Recorder(fails_above=0), STRENGTH, n_iter=2, cv=2)
    with pytest.warns(FitFailedWarning), pytest.raises(ValueError, match="All the 4 fits failed, of 2 candidates"):
        search.fit(X, y)


def test_a_diverging_network_fails_and_is_not_pruned(two_blobs):
    X, y, _ = two_blobs
    rates = {"lr": CategoricalDistribution([1e-2, 1e30])}
    search = OptunaSearchCV(
        network(optimizer="sgd"), rates, n_iter=2, sampler=InOrder(), pruner=MedianPruner(), cv=2, scoring="roc_auc"
    )
    with pytest.warns(FitFailedWarning, match="diverged"):
        search.fit(X, y)
    np.testing.assert_array_equal(np.isnan(search.cv_results_["mean_test_score"]), [False, True])
    assert not search.cv_results_["pruned"].any()


SCRIPT = """
import os, signal
import numpy as np
from optuna.distributions import FloatDistribution
from optuna.pruners import MedianPruner
from sklearn.datasets import make_classification
from sklearn_ml4fp import FeedForwardClassifier, OptunaSearchCV

class Killed(FeedForwardClassifier):
    def fit(self, X, y, **params):
        if "kill_at" in os.environ:
            with open(os.environ["kill_at"] + ".count", "a") as file:
                file.write("x")
            if os.path.getsize(file.name) == 12:  # in the second fold of the fifth or so candidate
                os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y, **params)

def search(storage, **parameters):
    X, y = make_classification(n_samples=200, random_state=0)
    network = Killed(width=8, n_layers=1, max_epochs=6, random_state=0, device="cpu")
    rates = {"lr": FloatDistribution(1e-5, 1e-1, log=True), "dropout": FloatDistribution(0.0, 0.5)}
    pruner = MedianPruner(n_startup_trials=3, n_warmup_steps=2)
    return OptunaSearchCV(
        network, rates, n_iter=14, pruner=pruner, cv=2, storage=storage, random_state=0, **parameters
    ).fit(X, y)
"""


def test_a_search_that_was_killed_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch):
    (tmp_path / "killed_search.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    storage = f"sqlite:///{tmp_path}/search.db"
    environment = {**os.environ, "kill_at": str(tmp_path / "kill"), "PYTHONPATH": ":".join(sys.path)}
    command = f"import killed_search; killed_search.search({storage!r})"
    died = subprocess.run([sys.executable, "-c", command], env=environment, check=False)
    assert died.returncode == -9
    from killed_search import Killed, search

    undisturbed = search(None)
    assert undisturbed.cv_results_["pruned"].any()
    fits = []
    fit = Killed.fit
    monkeypatch.setattr(Killed, "fit", lambda self, X, y, **params: fits.append(self.lr) or fit(self, X, y, **params))
    resumed = search(storage)
    assert_same_results(resumed, undisturbed)
    done = {trial.params["lr"] for trial in resumed.study_.trials if trial.number < 4}
    assert len(done) >= 4
    assert not set(fits[:-1]) & done  # the folds of the one that was killed are fitted again, and nothing else
    # once more: nothing is left to do but the final fit
    fits.clear()
    assert_same_results(search(storage), undisturbed)
    assert fits == [undisturbed.best_params_["lr"]]


def test_a_storage_may_be_searched_on(two_blobs, tmp_path):
    X, y, _ = two_blobs
    RECORDS.clear()
    short = OptunaSearchCV(
        Recorder(), STRENGTH, n_iter=3, cv=2, storage=f"sqlite:///{tmp_path}/s.db", refit=False, random_state=0,
        scoring=["accuracy", "f1"],
    ).set_params(refit="f1")  # fmt: skip
    short.fit(X, y)
    longer = clone(short).set_params(n_iter=5).fit(X, y)
    assert_same_results(longer, clone(longer).set_params(storage=None).fit(X, y))
    assert longer.cv_results_["params"][:3] == short.cv_results_["params"]


def test_another_search_in_the_same_storage_is_refused(two_blobs, tmp_path):
    X, y, _ = two_blobs
    search = OptunaSearchCV(Recorder(), STRENGTH, n_iter=1, cv=2, storage=f"sqlite:///{tmp_path}/search.db")
    search.fit(X, y)
    with pytest.raises(
        ValueError, match=r"The study 'search' belongs to another search: data, cv differ .* take another study_name"
    ):
        search.fit(X[:200], y[:200])
    with pytest.raises(ValueError, match="another search: estimator, scoring, cv differ"):
        clone(search).set_params(cv=3, scoring="f1", estimator=Recorder(fails_above=3)).fit(X, y)
    search.set_params(study_name="other").fit(X[:200], y[:200])


def test_what_is_no_distribution_is_an_error(two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match=r"'strength': expected a list of choices, a range .* got 'strong'"):
        OptunaSearchCV(Recorder(), {"strength": "strong"}).fit(X, y)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_iter": 0}, "'n_iter' parameter of OptunaSearchCV must be an int in the range"),
        ({"n_points": 0}, "'n_points' parameter of OptunaSearchCV must be an int"),
        ({"timeout": 0}, "'timeout' parameter of OptunaSearchCV must be a float in the range"),
        (
            {"scoring": ["f1", "accuracy"], "refit": False},
            "Of several scores, f1, accuracy, refit= must name the one to maximise",
        ),
        ({"scoring": ["f1", "accuracy"]}, "the parameter refit must be set to a scorer key"),
        ({"scoring": both}, "Of several scores, accuracy, minus, refit= must name the one to maximise; got True"),
    ],
)
def test_wrong_arguments(two_blobs, arguments, message):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match=message):
        OptunaSearchCV(Recorder(), STRENGTH, **arguments).fit(X, y)


def test_without_optuna_there_is_one_clear_error(two_blobs, monkeypatch):
    X, y, _ = two_blobs
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-ml4fp\[optuna\]"'):
        OptunaSearchCV(Recorder(), STRENGTH).fit(X, y)


# --- nested -----------------------------------------------------------------------------------------------------------


def test_nested_cross_validation_by_groups(two_blobs, routing):
    """Of no event, in whatever row, both the choice of the parameters and the test have seen a part."""
    X, y, event = two_blobs
    w = np.abs(weights())
    search = OptunaSearchCV(
        network(), LR, n_iter=2, pruner=MedianPruner(), cv=EventKFold(2, salt="inner"), scoring=roc_auc_scorer,
        random_state=0,
    )  # fmt: skip
    outer = EventKFold(2, salt="outer")
    found = cross_validate(
        search, X, y, cv=outer, params={"groups": event, "sample_weight": w}, return_estimator=True, error_score="raise"
    )
    for (train, test), score, fitted in zip(
        outer.split(X, y, event), found["test_score"], found["estimator"], strict=True
    ):
        by_hand = clone(search).fit(X[train], y[train], groups=event[train], sample_weight=w[train])
        assert fitted.best_params_ == by_hand.best_params_
        assert score == roc_auc_scorer(by_hand, X[test], y[test], sample_weight=w[test])


def test_around_cross_fitting(two_blobs):
    """Of each candidate the parameters reach every one of the rotating networks."""
    X, y, event = two_blobs
    rotating = CrossFitClassifier(network(), cv=RotatingKFold(3))
    rates = {"estimator__lr": LR["lr"]}
    search = OptunaSearchCV(rotating, rates, n_iter=2, cv=2, random_state=0).fit(X, y, groups=event)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    by_hand = clone(rotating).set_params(**search.best_params_).fit(X, y, groups=event)
    np.testing.assert_array_equal(
        search.best_estimator_.predict_proba(X, groups=event), by_hand.predict_proba(X, groups=event)
    )


def test_inside_cross_fitting(two_blobs):
    X, y, event = two_blobs
    search = OptunaSearchCV(network(), LR, n_iter=2, cv=2, random_state=0)
    rotating = CrossFitClassifier(search, cv=RotatingKFold(3)).fit(X, y, groups=event, sample_weight=np.abs(weights()))
    assert np.isfinite(rotating.predict_proba(X, groups=event)).all()


def test_without_distributions_those_of_the_declarations_are_searched(two_blobs):
    """With a pruner but for those with which losses cannot be compared."""
    X, y, _ = two_blobs
    search = OptunaSearchCV(network(), n_iter=1, cv=2, random_state=0, refit=False).fit(X, y)
    chosen = search.cv_results_["params"][0].keys()
    assert {"lr", "width", "class_weight", "loss"} <= chosen
    search.set_params(pruner=MedianPruner()).fit(X, y)
    assert search.cv_results_["params"][0].keys() == chosen - {"class_weight", "loss", "focal_gamma", "label_smoothing"}


def test_scikit_learns_callbacks_see_candidates_folds_and_epochs(two_blobs):
    """scikit-learn 1.9 and later."""
    if not hasattr(OptunaSearchCV, "set_callbacks"):
        pytest.skip("scikit-learn has no callbacks before 1.9")
    X, y, _ = two_blobs
    TASKS.clear()
    search = OptunaSearchCV(network(max_epochs=2), LR, n_iter=2, cv=2, random_state=0).set_callbacks(Names())
    search.fit(X, y)
    assert TASKS.count("candidates") == 2
    assert TASKS.count("epoch") == 10  # four fits and the final one


TASKS = []


class Names:
    max_propagation_depth = None

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        TASKS.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        pass
