"""Pictures of searches: convergence, importance and dependence against functions that are known."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from sklearn.datasets import make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from sklearn_ml4fp import (
    BayesSearchCV,
    ConvergenceDisplay,
    HyperparameterImportanceDisplay,
    ObjectiveDependenceDisplay,
    OptunaSearchCV,
    optuna_distributions,
)
from sklearn_ml4fp.inspection._search_results import Searched

DISPLAYS = [ConvergenceDisplay, HyperparameterImportanceDisplay, ObjectiveDependenceDisplay]


def results_of(function, n=400, seed=0, **ranges):
    """``cv_results_`` of n random candidates whose score is a function."""
    rng = np.random.default_rng(seed)
    params = [
        {name: rng.choice(where) if isinstance(where, list) else rng.uniform(*where) for name, where in ranges.items()}
        for _ in range(n)
    ]
    return {"params": params, "mean_test_score": np.array([function(**one) for one in params])}


# --- any search -------------------------------------------------------------------------------------------------------

TREE, C = DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4], "criterion": ["gini", "entropy"]}
SEARCHES = {
    "grid": lambda: GridSearchCV(TREE, {**C, "min_samples_leaf": [1, 5]}),
    "random": lambda: RandomizedSearchCV(TREE, {**C, "min_samples_leaf": range(1, 20)}, n_iter=12, random_state=0),
    "bayesian": lambda: BayesSearchCV(
        TREE, {"max_depth": (1, 6), **{"criterion": ["gini", "entropy"]}}, n_iter=12, random_state=0,
        optimizer_kwargs={"base_estimator": "DUMMY"},
    ),
    "optuna": lambda: OptunaSearchCV(
        TREE, optuna_distributions(TREE, override={"max_depth": [1, 2, 3, 4], "min_samples_leaf": [1, 5, 9]}),
        n_iter=12,
        random_state=0,
    ),
    "conditions": lambda: GridSearchCV(
        Pipeline([("model", TREE)]),
        [
            {"model": [TREE], "model__max_depth": [1, 2, 3, 4, 5, 6]},
            {"model": [LogisticRegression()], "model__C": [1e-3, 1e-2, 1e-1, 1, 10, 100]},
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SEARCHES)
@pytest.mark.parametrize("display", DISPLAYS)
def test_every_search_can_be_drawn(display, kind):
    if kind == "optuna":
        pytest.importorskip("optuna")
    X, y = make_classification(200, random_state=0)
    search = SEARCHES[kind]().fit(X, y)
    drawn = display.from_search(search)
    assert drawn.figure_ is not None
    if display is ConvergenceDisplay:
        assert drawn.best[-1] == search.best_score_
        np.testing.assert_array_equal(drawn.scores, search.cv_results_["mean_test_score"])
    if display is HyperparameterImportanceDisplay:
        assert set(drawn.names) == set().union(*search.cv_results_["params"])
        assert ((drawn.shares >= 0) & (drawn.shares <= 1.05)).all()


def test_of_successive_halving_the_last_round_counts():
    X, y = make_classification(400, random_state=0)
    search = HalvingRandomSearchCV(
        TREE, {"max_depth": range(1, 30)}, n_candidates=12, min_resources=40, random_state=0
    ).fit(X, y)
    assert len(set(search.cv_results_["iter"])) > 1
    last = search.cv_results_["iter"] == search.cv_results_["iter"].max()
    display = ConvergenceDisplay.from_search(search)
    np.testing.assert_array_equal(display.scores, search.cv_results_["mean_test_score"][last])


def test_the_metric_is_that_of_refit_or_the_one_named():
    X, y = make_classification(100, random_state=0)
    search = GridSearchCV(TREE, C, scoring=["accuracy", "roc_auc"], refit="roc_auc").fit(X, y)
    for given, metric in ((None, "roc_auc"), ("accuracy", "accuracy")):
        display = ConvergenceDisplay.from_search(search, metric=given)
        np.testing.assert_array_equal(display.scores, search.cv_results_[f"mean_test_{metric}"])
        assert display.ax_.get_ylabel() == metric
    with pytest.raises(ValueError, match=r"metric='f1': expected one of .* \['accuracy', 'roc_auc'\]"):
        ConvergenceDisplay.from_search(search, metric="f1")
    with pytest.raises(ValueError, match="metric=None: expected one of"):
        ConvergenceDisplay.from_search(search.cv_results_)


# --- convergence ------------------------------------------------------------------------------------------------------


def test_the_best_so_far_passes_over_failures():
    display = ConvergenceDisplay(np.array([np.nan, 0.2, 0.1, np.nan, 0.5])).plot()
    np.testing.assert_array_equal(display.best, [np.nan, 0.2, 0.2, 0.2, 0.5])
    line, crosses = display.ax_.lines
    np.testing.assert_array_equal(line.get_ydata(), display.best)
    np.testing.assert_array_equal(crosses.get_xdata(), [1, 4])
    results = {"params": [{}] * 2, "mean_test_score": np.array([-np.inf, 1.0])}
    np.testing.assert_array_equal(ConvergenceDisplay.from_search(results).scores, [np.nan, 1.0])


def test_two_searches_on_one_axes_differ():
    first = ConvergenceDisplay(np.arange(3.0)).plot(name="grid")
    second = ConvergenceDisplay(np.arange(3.0) ** 2).plot(ax=first.ax_, name="random")
    lines = second.ax_.lines[::2]
    assert len({to_rgba(line.get_color()) for line in lines}) == len({line.get_linestyle() for line in lines}) == 2
    assert [text.get_text() for text in second.ax_.get_legend().get_texts()] == ["grid", "random"]


# --- importance -------------------------------------------------------------------------------------------------------


def test_shares_of_the_variance_of_a_sum():
    """Of 3x + 2y + 0z with uniform x, y and z the shares are 9/13, 4/13 and 0."""
    results = results_of(lambda x, y, z: 3 * x + 2 * y, x=(0, 1), y=(0, 1), z=(0, 1))
    display = HyperparameterImportanceDisplay.from_search(results)
    assert display.names == ["x", "y", "z"]
    # a forest of 400 points knows the function to a few per cent of its spread
    np.testing.assert_allclose(display.shares, [9 / 13, 4 / 13, 0], atol=0.05)


def test_what_acts_only_together_is_no_main_effect():
    """(x − 1/2)(y − 1/2) has no main effects at all; x + 12 (x − 1/2)(y − 1/2) has x with 1/2 of the variance."""
    results = results_of(lambda x, y: (x - 0.5) * (y - 0.5), n=800, x=(0, 1), y=(0, 1))
    assert HyperparameterImportanceDisplay.from_search(results).shares.sum() < 0.15
    results = results_of(lambda x, y: x + np.sqrt(12) * (x - 0.5) * (y - 0.5), n=800, x=(0, 1), y=(0, 1))
    shares = HyperparameterImportanceDisplay.from_search(results).shares
    np.testing.assert_allclose(shares, [0.5, 0], atol=0.1)


def test_shares_of_categories_and_of_a_logarithmic_range():
    """log10(lr) over four decades has variance 16/12, a category with two values ±1 has 1."""
    rng = np.random.default_rng(0)
    params = [{"lr": 10 ** rng.uniform(-5, -1), "kind": rng.choice(["a", "b"])} for _ in range(400)]
    score = np.array([np.log10(one["lr"]) + (2 * (one["kind"] == "a") - 1) for one in params])
    display = HyperparameterImportanceDisplay.from_search({"params": params, "mean_test_score": score})
    np.testing.assert_allclose(display.shares, [4 / 7, 3 / 7], atol=0.05)


def test_the_candidates_need_not_be_spread_evenly():
    """A search that gathers around its optimum: shares are over the space, not over the candidates."""
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.beta(5, 2, 600), rng.uniform(size=600)])
    points[:2, 0] = 0, 1  # the ends of the range
    results = {"params": [{"x": x, "y": y} for x, y in points], "mean_test_score": points.sum(axis=1)}
    display = HyperparameterImportanceDisplay.from_search(results)
    # where there are few candidates the forest is flat; over the candidates x would have 0.23 (its variance is 0.0255)
    np.testing.assert_allclose(display.shares, [0.5, 0.5], atol=0.12)


# --- dependence -------------------------------------------------------------------------------------------------------


def test_dependence_on_numbers_and_categories():
    effect = {"a": 0.0, "b": 1.0, "c": -1.0}
    results = results_of(lambda x, kind: 2 * x + effect[kind], x=(0, 1), kind=["a", "b", "c"])
    number, kind = ObjectiveDependenceDisplay.from_search(results).dependences
    slope, offset = np.polyfit(number.values, number.score, 1)
    assert slope == pytest.approx(2, abs=0.1)
    assert offset == pytest.approx(0, abs=0.1)  # the mean of the three effects
    found = dict(zip(kind.labels, kind.score, strict=True))
    assert found == pytest.approx({name: 1 + value for name, value in effect.items()}, abs=0.1)
    np.testing.assert_array_equal(number.tried, [one["x"] for one in results["params"]])
    assert [kind.labels[int(i)] for i in kind.tried] == [str(one["kind"]) for one in results["params"]]


def test_a_wide_positive_range_is_logarithmic():
    results = results_of(lambda lr: -((np.log10(lr) + 3) ** 2), lr=[10.0**k for k in np.linspace(-5, -1, 41)])
    display = ObjectiveDependenceDisplay.from_search(results)
    (one,) = display.dependences
    assert one.is_log
    assert display.axes_[0].get_xscale() == "log"
    assert np.log10(one.values[np.argmax(one.score)]) == pytest.approx(-3, abs=0.2)


def test_names_choose_the_panels():
    results = results_of(lambda x, y: x, x=(0, 1), y=(0, 1))
    display = ObjectiveDependenceDisplay.from_search(results, names="y")
    assert [ax.get_xlabel() for ax in display.axes_] == ["y"]
    both = ObjectiveDependenceDisplay.from_search(results)
    assert [ax.get_xlabel() for ax in both.axes_] == ["x", "y"]
    assert both.axes_[0].get_ylim() == both.axes_[1].get_ylim()
    with pytest.raises(ValueError, match=r"names \['z'\] were not varied; expected some of \['x', 'y'\]"):
        ObjectiveDependenceDisplay.from_search(results, names=["z"])
    with pytest.raises(ValueError, match="got 1 axes for 2 hyperparameters"):
        both.plot(ax=display.axes_)


# --- what cannot be modelled ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("display", DISPLAYS[1:])
def test_too_few_candidates_or_nothing_varied(display):
    results = results_of(lambda x: x, n=12, x=(0, 1))
    results["mean_test_score"][:4] = np.nan
    with pytest.raises(ValueError, match="8 candidates have a score: expected 10 at least"):
        display.from_search(results)
    with pytest.raises(ValueError, match="all candidates are the same"):
        display.from_search({"params": [{"x": 1}] * 20, "mean_test_score": np.zeros(20)})


def test_a_hyperparameter_that_some_candidates_lack():
    absent = np.array([True, False, False, True])
    momentum = Searched("momentum", [None, 0.0, 0.9, None], absent)
    columns = momentum.columns_of([None, 0.0, 0.9, None], absent)
    np.testing.assert_array_equal(columns, [[0.5, 1], [0, 0], [1, 0], [0.5, 1]])
    drawn = momentum.draw(1000, np.random.default_rng(0))
    assert drawn[:, 1].mean() == 0.5
    assert drawn[drawn[:, 1] == 0, 0].mean() == pytest.approx(0.5, abs=0.05)


def test_a_hyperparameter_that_most_candidates_lack_explains_little():
    """Its variance is that of the mixture, a quarter of that of x where it is there: 1/4 against 1 of y."""
    rng = np.random.default_rng(0)
    params = [{"y": rng.uniform(), **({"x": rng.uniform()} if i % 4 == 0 else {})} for i in range(600)]
    score = np.array([one["y"] + one.get("x", 0.5) for one in params])
    display = HyperparameterImportanceDisplay.from_search({"params": params, "mean_test_score": score})
    np.testing.assert_allclose(dict(zip(display.names, display.shares, strict=True))["x"], 0.2, atol=0.05)


def test_columns_of_categories_that_some_candidates_lack():
    absent = np.array([True, False, False, True])
    kinds = Searched("kind", [None, "a", "b", None], absent)
    np.testing.assert_array_equal(kinds.columns_of([None, "a", "b", None], absent)[:, -1], absent)
