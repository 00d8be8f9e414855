"""The Bayesian search: surrogates, categories, batches, stop rules, nesting."""

import numpy as np
import pytest
from joblib import parallel_config
from known import SPACE, Known, X, Y
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import Pipeline
from skopt.learning import ExtraTreesRegressor, GaussianProcessRegressor, RandomForestRegressor
from skopt.space import Categorical, Integer, Real

from sklearn_ml4fp import BayesSearchCV, CrossFitClassifier, EventKFold, FeedForwardClassifier
from sklearn_ml4fp.model_selection._skopt import BoostedQuantiles, Coded, tell

# for speed a fiftieth of the points at which the acquisition function is tried, and one start from the best of them
QUICK = {"n_initial_points": 5, "acq_optimizer_kwargs": {"n_points": 200, "n_restarts_optimizer": 1}}


def search(estimator=None, space=SPACE, **arguments):
    chosen = {"n_iter": 8, "cv": 2, "random_state": 0, "optimizer_kwargs": QUICK, "refit": False, **arguments}
    return BayesSearchCV(Known() if estimator is None else estimator, space, **chosen)


# --- surrogates and acquisition functions -----------------------------------------------------------------------------

MODELS = {
    "GP": GaussianProcessRegressor,
    "RF": RandomForestRegressor,
    "ET": ExtraTreesRegressor,
    "gbrt": BoostedQuantiles,
}


@pytest.mark.parametrize("acquisition", ["EI", "PI", "LCB", "gp_hedge"])
@pytest.mark.parametrize("surrogate", MODELS)
def test_every_surrogate_with_every_acquisition_function(surrogate, acquisition):
    found = search(optimizer_kwargs={**QUICK, "base_estimator": surrogate, "acq_func": acquisition}).fit(X, Y)
    (optimizer,) = found.optimizers_
    assert [type(model) for model in optimizer.models] == [MODELS[surrogate]] * 4  # after 5, 6, 7 and 8 candidates
    mean, std = optimizer.models[-1].predict(optimizer.space.transform(optimizer.Xi), return_std=True)
    assert np.isfinite(mean).all()
    assert (std >= 0).all()
    assert len({tuple(point) for point in optimizer.Xi}) == 8
    np.testing.assert_allclose(optimizer.yi, -found.cv_results_["mean_test_score"])


def test_the_boosted_surrogate_has_the_quantiles_of_a_normal_distribution():
    x = np.linspace(0, 1, 2000)[:, None]
    model = BoostedQuantiles(random_state=0).fit(x, np.random.default_rng(0).normal(3.0, 0.5, 2000))
    mean, std = model.predict(x, return_std=True)
    # in each leaf a quantile of tens of events: right to a few per cent on average
    assert mean.mean() == pytest.approx(3.0, abs=0.05)
    assert std.mean() == pytest.approx(0.5, rel=0.1)
    np.testing.assert_array_equal(model.predict(x), mean)


@pytest.mark.parametrize("n_points", [1, 3])
def test_without_a_surrogate_the_candidates_are_random(n_points):
    found = search(
        space={"x": (0.0, 1.0)}, n_iter=60, n_points=n_points, optimizer_kwargs={"base_estimator": "DUMMY"}
    ).fit(X, Y)
    x = np.array([one["x"] for one in found.cv_results_["params"]])
    assert not found.optimizers_[0].models
    # standard deviation of the mean of 60 uniform numbers: 1/sqrt(12·60) = 0.037; the seed is fixed
    assert x.mean() == pytest.approx(0.5, abs=3 * 0.037)


def test_the_gaussian_process_finds_the_optimum_that_random_search_misses():
    best = [
        np.median([
            search(space={"x": (0.0, 1.0), "y": (0.0, 1.0)}, n_iter=20, random_state=seed,
                   optimizer_kwargs={**QUICK, "base_estimator": surrogate}).fit(X, Y).best_score_
            for seed in range(3)
        ])
        for surrogate in ("GP", "DUMMY")
    ]  # fmt: skip
    # random: the best of 20 points lies within r with π r² = 1/21, at −r² = −0.015
    assert best[0] > -1e-3
    assert best[1] < -3e-3


# --- what is searched -------------------------------------------------------------------------------------------------


class Keeps(ClassifierMixin, BaseEstimator):
    """Scores the place of its value in a list of values that no array can hold."""

    def __init__(self, value=None, n=1, rate=1.0):
        self.value = value
        self.n = n
        self.rate = rate

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y):
        return float(len(repr(self.value)))


AWKWARD = {
    "tuples": [(8, 8), (16,), (4, 4, 4)],
    "dicts": [None, {0: 1.0, 1: 2.0}],
    "estimators": [LogisticRegression(), LogisticRegression(C=2.0)],
    "mixed": [None, True, "auto", 3],
    "two numbers, as categories": Categorical([16, 64]),
    "unequal probabilities": Categorical([(1,), (2, 2)], prior=[0.9, 0.1]),
}


@pytest.mark.parametrize("kind", AWKWARD)
def test_categories_arrive_as_they_are(kind):
    given = AWKWARD[kind]
    found = search(Keeps(), {"value": given, "rate": (0.1, 1.0)}, n_iter=8).fit(X, Y)
    choices = list(getattr(given, "categories", given))
    tried = [one["value"] for one in found.cv_results_["params"]]
    assert all(any(value is choice or value == choice for choice in choices) for value in tried)
    assert {type(value) for value in tried} == {type(choice) for choice in choices}
    assert len({repr(value) for value in tried}) == len(choices)
    assert found.best_score_ == max(len(repr(value)) for value in tried)


def test_numbers_arrive_as_pythons_own():
    space = {"n": Integer(1, 9), "rate": Real(1e-3, 1.0, prior="log-uniform"), "value": ["a", "b"]}
    for one in search(Keeps(), space, n_iter=7).fit(X, Y).cv_results_["params"]:
        assert [type(one[name]) for name in ("n", "rate", "value")] == [int, float, str]


def test_a_dimension_of_one_value_is_no_dimension():
    assert [one.name for one in Coded({"x": (0.0, 1.0), "value": [(1,)]}).dimensions] == ["x"]
    found = search(Keeps(), [{"value": [(1,)]}, ({"value": [(2,)], "rate": (0.1, 1.0)}, 3)]).fit(X, Y)
    assert [one["value"] for one in found.cv_results_["params"]] == [(1,)] + [(2,)] * 3
    assert len(found.optimizer_results_) == 2


@pytest.mark.parametrize("space", [{}, [], [{"x": (0.0, 1.0)}, 3]])
def test_a_space_is_a_dict_or_a_list_of_them(space):
    with pytest.raises(ValueError, match="a search space must be a dict of names and dimensions, with one at least"):
        search(space=space).fit(X, Y)


@pytest.mark.parametrize("argument", [{"n_iter": 0}, {"n_points": 0.5}, {"patience": -1}, {"timeout": "1 h"}])
def test_numbers_that_make_no_sense(argument):
    ((name, value),) = argument.items()
    with pytest.raises(ValueError, match=f"The '{name}' parameter of BayesSearchCV must be .* Got {value!r} instead"):
        search(**argument).fit(X, Y)


# --- batches and stop rules -------------------------------------------------------------------------------------------


def test_a_batch_holds_different_candidates_and_is_the_same_in_parallel():
    alone = search(n_iter=9, n_points=4).fit(X, Y)
    with parallel_config(backend="threading"):
        parallel = search(n_iter=9, n_points=4, n_jobs=2).fit(X, Y)
    assert alone.cv_results_["params"] == parallel.cv_results_["params"]
    assert len({tuple(one.items()) for one in alone.cv_results_["params"]}) == 9
    assert len(alone.optimizers_[0].models) == 2  # told of 4, 8 and 9; the first is before the initial points are over


def test_patience_ends_the_search_of_a_space():
    whole = search(n_iter=30, optimizer_kwargs={"base_estimator": "DUMMY"}).fit(X, Y)
    scores = whole.cv_results_["mean_test_score"]
    stopped = search(n_iter=30, patience=5, optimizer_kwargs={"base_estimator": "DUMMY"}).fit(X, Y)
    n = len(stopped.cv_results_["params"])
    assert stopped.cv_results_["params"] == whole.cv_results_["params"][:n]
    assert n < 30
    assert scores[:n].argmax() == n - 6  # the best, and five that are no better
    runs = [i for i in range(5, n - 1) if scores[: i + 1].argmax() <= i - 5]
    assert not runs  # and no earlier run was as long


def test_time_is_up_after_the_candidate_that_used_it_up():
    assert len(search(timeout=1e-6).fit(X, Y).cv_results_["params"]) == 1
    assert len(search(timeout=1e6).fit(X, Y).cv_results_["params"]) == 8


def test_a_callback_of_scikit_optimize_still_stops():
    seen = []
    search().fit(X, Y, callback=lambda result: seen.append(len(result.x_iters)) or len(seen) == 3)
    assert seen == [1, 2, 3]


# --- metrics and routing ----------------------------------------------------------------------------------------------


def test_the_metric_of_refit_is_what_is_maximised():
    scoring = {"good": lambda one, X, y: one.score(X, y), "bad": lambda one, X, y: -one.score(X, y)}
    for name, sign in (("good", -1), ("bad", 1)):
        found = search(scoring=scoring, refit=name).fit(X, Y)
        np.testing.assert_allclose(found.optimizers_[0].yi, sign * found.cv_results_["mean_test_good"])
        both = search(scoring=lambda one, X, y: {"good": one.score(X, y), "bad": -one.score(X, y)}, refit=name)
        assert both.fit(X, Y).cv_results_["params"] == found.cv_results_["params"]
    with pytest.raises(
        ValueError, match="Of several scores, good, bad, refit= must name the one to maximise; got False"
    ):
        search(scoring=scoring, refit=False).fit(X, Y)


def test_routing_without_groups():
    with config_context(enable_metadata_routing=True):
        routed = search().fit(X, Y)
    assert routed.cv_results_["params"] == search().fit(X, Y).cv_results_["params"]


# --- nesting ----------------------------------------------------------------------------------------------------------


def network():
    return FeedForwardClassifier(width=8, n_layers=1, max_epochs=3, random_state=0, device="cpu")


def test_nested_cross_validation_by_groups(two_blobs):
    """The inner search sees the groups of the outer training part, and no group stands on two sides."""
    X, y, event = two_blobs
    inner = BayesSearchCV(network(), {"lr": (1e-3, 1e-1)}, n_iter=2, cv=2, random_state=0)
    with config_context(enable_metadata_routing=True):
        nested = cross_validate(
            inner, X, y, cv=GroupKFold(2), params={"groups": event}, return_estimator=True, error_score="raise",
            return_indices=True,
        )  # fmt: skip
    for fitted, train in zip(nested["estimator"], nested["indices"]["train"], strict=True):
        by_hand = BayesSearchCV(network(), {"lr": (1e-3, 1e-1)}, n_iter=2, cv=EventKFold(2), random_state=0)
        by_hand.fit(X[train], y[train], groups=event[train])
        assert fitted.best_params_ == by_hand.best_params_
        np.testing.assert_array_equal(fitted.cv_results_["mean_test_score"], by_hand.cv_results_["mean_test_score"])


def test_around_cross_fitting(two_blobs):
    X, y, event = two_blobs
    crossed = CrossFitClassifier(Pipeline([("network", network())]), cv=2, without_groups="average")
    found = BayesSearchCV(crossed, {"estimator__network__lr": (1e-3, 1e-1)}, n_iter=2, cv=2, random_state=0)
    found.fit(X, y, groups=event)
    lr = found.best_params_["estimator__network__lr"]
    assert {one[-1].lr for one in found.best_estimator_.estimators_} == {lr}
    scores = found.best_estimator_.predict_proba(X, groups=event)
    assert scores.shape == (len(X), 2)


def test_a_search_inside_of_cross_fitting(two_blobs):
    X, y, event = two_blobs
    inner = BayesSearchCV(network(), {"lr": (1e-3, 1e-1)}, n_iter=2, cv=2, random_state=0)
    crossed = CrossFitClassifier(inner, cv=2).fit(X, y, groups=event)
    assert all(len(one.cv_results_["params"]) == 2 for one in crossed.estimators_)


# --- failed points ----------------------------------------------------------------------------------------------------


def test_a_failed_point_counts_as_the_worst_even_where_a_worse_one_comes_later():
    from skopt import Optimizer

    optimizer, failed = Optimizer([(0.0, 1.0)], n_initial_points=9), set()
    tell(optimizer, [[0.1]], [np.nan], failed)
    assert np.isfinite(optimizer.yi).all()
    tell(optimizer, [[0.2], [0.3]], [-0.8, np.inf], failed)
    assert optimizer.yi == [-0.8, -0.8, -0.8]
    tell(optimizer, [[0.4]], [5.0], failed)
    assert optimizer.yi == [5.0, -0.8, 5.0, 5.0]
    assert failed == {0, 2}


# --- who watches ------------------------------------------------------------------------------------------------------


class Watcher:
    """A callback of scikit-learn that writes down the tasks that end."""

    max_propagation_depth = None

    def __init__(self):
        self.tasks = []

    def setup(self, estimator, context): ...

    def teardown(self, estimator, context): ...

    def on_fit_task_begin(self, estimator, context): ...

    def on_fit_task_end(self, estimator, context):
        parent = context.parent.task_name if context.parent is not None else None
        self.tasks.append((context.task_name, context.task_id, parent))


def test_scikit_learns_callbacks_see_candidates_folds_and_epochs(two_blobs):
    pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has no callbacks")
    X, y, _ = two_blobs
    watcher = Watcher()
    found = BayesSearchCV(network(), {"lr": (1e-3, 1e-1)}, n_iter=3, n_points=2, cv=2, random_state=0)
    found.set_callbacks(watcher).fit(X, y)
    names = [task[0] for task in watcher.tasks]
    assert names.count("epoch") == 3 * (3 * 2 + 1)  # epochs, candidates, folds, and the last fit
    assert [task[1:] for task in watcher.tasks if task[0] == "candidates"] == [(0, "search"), (1, "search")]
    assert [task[1] for task in watcher.tasks if task[2] == "candidates"] == [0, 1, 2, 3, 0, 1]
    assert names[-1] == "fit"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_bar_shows_candidates_folds_and_epochs(two_blobs, capsys, n_jobs, monkeypatch):
    pytest.importorskip("sklearn.callback", reason="scikit-learn before 1.9 has no callbacks")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the output for a terminal
    X, y, _ = two_blobs
    estimator = network().set_params(verbose=n_jobs == 1, max_epochs=40)
    found = BayesSearchCV(estimator, {"lr": (1e-3, 1e-1)}, n_iter=2, cv=2, random_state=0, n_jobs=n_jobs)
    with parallel_config(backend="threading"):
        found.fit(X, y)
    shown = capsys.readouterr().err
    assert f"best score {found.best_score_:.4f}" in shown
    assert "fold, at epoch" in shown
    assert "_skl_callbacks" not in vars(found)
    if n_jobs == 1:  # the network's own bar joins
        assert ", valid 0." in shown


def test_a_part_that_knows_no_callbacks_is_searched_without_a_word(capsys, recwarn):
    search(n_iter=2, progress=True).fit(X, Y)
    assert "2/2" in capsys.readouterr().err
    assert not [str(one.message) for one in recwarn if "callback" in str(one.message)]
