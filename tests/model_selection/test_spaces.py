"""Every space is a view of the declarations: grids, random distributions, dimensions of Bayesian searches."""

import inspect
import sys
from itertools import product

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, ParameterGrid, RandomizedSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import make_constraint
from skopt.space import Categorical, Real

import sklearn_ml4fp
from sklearn_ml4fp import (
    AugmentedPrediction,
    BayesSearchCV,
    CrossFitClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    MissingValueImputer,
    OptunaSearchCV,
    OutlierClipper,
    Resampled,
    ResNetClassifier,
    Smear,
    optuna_distributions,
    param_distributions,
    param_grid,
    search_space,
)
from sklearn_ml4fp.model_selection._spaces import LogUniformIntegers

DECLARING = [
    one
    for one in (getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__)
    if inspect.isclass(one) and getattr(one, "_hyperparameters", None)
]


def network(**parameters):
    return FeedForwardClassifier(
        **{"width": 8, "n_layers": 1, "max_epochs": 3, "random_state": 0, "device": "cpu", **parameters}
    )


def pipeline():
    return Pipeline([("scale", StandardScaler()), ("network", network())])


# --- declarations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declaring", DECLARING, ids=lambda one: one.__name__)
def test_declared_defaults_ranges_and_conditions_hold(declaring):
    """The default is the signature's; ends of ranges and choices are valid; a condition names real choices."""
    for name, parameter in declaring._hyperparameters.items():
        signature = inspect.signature(declaring).parameters[name].default
        assert signature == parameter.default or (signature is parameter.default)
        for value in [*(parameter.search or ()), *(parameter.choices or ())]:
            assert any(make_constraint(one).is_satisfied_by(value) for one in parameter.valid), (name, value)
        if parameter.only_with is not None:
            parent = declaring._hyperparameters[parameter.only_with[0]]
            assert set(parameter.only_with[1]) < set(parent.choices)  # fewer than all, or it were no condition
            assert parent.only_with is None  # conditions do not chain
            assert f"It acts only with ``{parameter.only_with[0]}``" in declaring.__doc__


CONDITIONAL = [
    (kind, name, value)
    for kind in (FeedForwardClassifier, FeedForwardRegressor)
    for name, parameter in kind._hyperparameters.items()
    if parameter.only_with is not None
    for value in kind._hyperparameters[parameter.only_with[0]].choices
]


@pytest.mark.parametrize(("kind", "name", "value"), CONDITIONAL, ids=str)
def test_fit_ignores_a_hyperparameter_exactly_where_the_condition_says_so(kind, name, value, two_blobs):
    X, y, _ = two_blobs
    parameter = kind._hyperparameters[name]
    parent, acting = parameter.only_with
    ends = parameter.search or parameter.choices
    common = {"width": 8, "n_layers": 1, "max_epochs": 12, "random_state": 0, "device": "cpu"}
    if name == "nesterov":
        common["momentum"] = 0.9  # it has nothing to look ahead by without one
    if name == "lr_decay":
        common["lr_decay_epochs"] = 2
    if value == "plateau":
        # large steps and nothing to learn: the loss does not fall for two epochs
        common["lr"], y = 0.3, np.random.default_rng(0).permutation(y)
    fits = [kind(**common, **{parent: value, name: end}).fit(X[:200], y[:200].astype(float)) for end in ends]
    same = np.array_equal(*(one.history_["train_loss"] for one in fits))
    assert same == (value not in acting)


# --- what is reached --------------------------------------------------------------------------------------------------


def test_every_named_part_is_reached():
    columns = ColumnTransformer([("fill", MissingValueImputer(), [0, 1]), ("rest", "passthrough", [2])])
    union = FeatureUnion([("clip", OutlierClipper())])
    inner = Resampled(Smear(), network(augment=Smear(columns=[0])))
    whole = CrossFitClassifier(Pipeline([("columns", columns), ("union", union), ("last", inner)]))
    names = set(search_space(whole))
    assert {
        "estimator__columns__fill__strategy",
        "estimator__union__clip__factor",
        "estimator__last__sampler__n_copies",
        "estimator__last__sampler__relative",
        "estimator__last__estimator__lr",
        "estimator__last__estimator__augment__relative",
    } <= names
    assert names <= set(whole.get_params())
    # copies are made by samplers alone
    assert "estimator__last__estimator__augment__n_copies" not in names
    assert "augmenter__n_copies" not in search_space(AugmentedPrediction(Smear(), network()))


def test_the_four_views_agree():
    pytest.importorskip("optuna")
    model = pipeline()
    bayesian, random, theirs = search_space(model), param_distributions(model), optuna_distributions(model)
    assert set(bayesian) == set(random) == set(theirs) == set().union(*param_grid(model, 2))
    for name, dimension in bayesian.items():
        if isinstance(dimension, Categorical):
            assert list(dimension.categories) == random[name] == list(theirs[name].choices)
        else:
            assert dimension.bounds == (theirs[name].low, theirs[name].high)
            assert theirs[name].log == (dimension.prior == "log-uniform")


# --- grids ------------------------------------------------------------------------------------------------------------


def test_values_of_a_grid_lie_evenly_on_the_declared_scale():
    (grid,) = param_grid(network(), 4, include=["lr", "dropout", "n_layers", "width", "activation"])
    np.testing.assert_allclose(np.diff(np.log(grid["lr"])), np.log(100) / 3, rtol=1e-5)
    assert (grid["lr"][0], grid["lr"][-1]) == (1e-4, 1e-2)
    np.testing.assert_allclose(grid["dropout"], [0, 1 / 6, 1 / 3, 1 / 2], rtol=1e-5)
    assert grid["n_layers"] == [1, 3, 4, 6]
    assert all(type(value) is int for value in grid["n_layers"] + grid["width"])
    assert grid["activation"] == list(FeedForwardClassifier._hyperparameters["activation"].choices)
    assert param_grid(network(), 20, include="n_layers") == [{"n_layers": [1, 2, 3, 4, 5, 6]}]
    assert param_grid(network(), 1, include="lr") == [{"lr": [0.001]}]


@pytest.mark.parametrize("n", [0, 2.0])
def test_a_grid_needs_a_number_of_values(n):
    with pytest.raises(ValueError, match=f"n={n}: expected a number of values, 1 or more"):
        param_grid(network(), n)


def test_a_conditional_grid_holds_every_distinct_candidate_once():
    """Against a plain product whose idle hyperparameters are struck out: the same candidates, none twice."""
    included = ["optimizer", "momentum", "nesterov", "lr_schedule", "lr_decay", "lr_decay_epochs"]
    grid = param_grid(network(), 2, include=included)
    candidates = [tuple(sorted(one.items())) for one in ParameterGrid(grid)]
    declared = FeedForwardClassifier._hyperparameters
    values = {name: declared[name].choices or declared[name].search for name in included}
    wanted = set()
    for combination in product(*values.values()):
        one = dict(zip(included, combination, strict=True))
        acting = {
            name: value
            for name, value in one.items()
            if declared[name].only_with is None or one[declared[name].only_with[0]] in declared[name].only_with[1]
        }
        wanted.add(tuple(sorted(acting.items())))
    assert len(candidates) == len(set(candidates))
    assert set(candidates) == wanted


def test_a_condition_looks_at_what_is_searched_and_at_what_is_set():
    assert "momentum" not in search_space(network(), exclude=["optimizer"])  # Adam, and it stays so
    assert "momentum" in search_space(network(optimizer="sgd"), exclude=["optimizer"])
    assert "momentum" not in search_space(network(), override={"optimizer": ["adam", "adamw"]})
    assert "momentum" in search_space(network(), override={"optimizer": Categorical(["adam", "sgd"])})
    assert "momentum" in search_space(network(optimizer=torch.optim.SGD), exclude=["optimizer"])
    assert param_grid(network(), 2, include="momentum", override={"optimizer": ["sgd"]}) == [
        {"optimizer": ["sgd"], "momentum": [0.0, 0.99]}
    ]
    with pytest.raises(ValueError, match=r"momentum has an effect only with optimizer one of .* got 'adam'"):
        search_space(network(), include=["momentum"])


# --- random distributions ---------------------------------------------------------------------------------------------


def test_integers_uniform_in_their_logarithm():
    low, high = 1, 12
    drawn = LogUniformIntegers(low, high).rvs(20_000, random_state=0)
    k = np.arange(low, high + 1)
    expected = np.log((k + 0.5) / (k - 0.5)) / np.log((high + 0.5) / (low - 0.5))
    counts = np.array([(drawn == one).sum() for one in k])
    assert chisquare(counts, expected * len(drawn)).pvalue > 0.01
    assert type(LogUniformIntegers(2, 5).rvs(random_state=0)) is int


def test_distributions_have_the_declared_support():
    space = param_distributions(network())
    for name, parameter in FeedForwardClassifier._hyperparameters.items():
        if parameter.search is None:
            continue
        drawn = space[name].rvs(2000, random_state=0)
        low, high = parameter.search
        assert low <= drawn.min() <= drawn.max() <= high
        if all(isinstance(bound, int) for bound in parameter.search) and high < 30:
            assert {low, high} <= set(drawn.tolist())
        middle = np.sqrt(low * high) if parameter.scale == "log" else (low + high) / 2
        assert np.mean(drawn < middle) == pytest.approx(0.5, abs=0.1), name


# --- other people's parameters, and the architecture ------------------------------------------------------------------


def test_override_reaches_parameters_that_nobody_declares():
    model = Pipeline([("reduce", PCA()), ("network", network())])
    grid = param_grid(model, 2, include="lr", override={"n_components": [2, 3]})
    assert grid == [{"network__lr": [0.0001, 0.01], "reduce__n_components": [2, 3]}]
    assert search_space(model, include="lr", override={"network__lr": Real(1, 2), "reduce__whiten": [True, False]}) == {
        "network__lr": Real(1, 2),
        "reduce__whiten": Categorical([True, False]),
    }


def architectures():
    small = {"width": 8, "max_epochs": 2, "random_state": 0, "device": "cpu"}
    return {"network": [FeedForwardClassifier(**small), ResNetClassifier(**small)]}


def test_each_architecture_has_the_hyperparameters_that_it_declares():
    feedforward, residual = search_space(pipeline(), include=["n_layers", "n_blocks"], override=architectures())
    assert list(feedforward) == ["network", "network__n_layers"]
    assert list(residual) == ["network", "network__n_blocks"]
    with pytest.raises(ValueError, match="'n_heads' is no declared hyperparameter"):
        search_space(pipeline(), include=["n_heads"], override=architectures())


SEARCHES = {
    "grid": lambda model, **space: GridSearchCV(model, param_grid(model, 2, **space), cv=2),
    "random": lambda model, **space: RandomizedSearchCV(
        model, param_distributions(model, **space), n_iter=4, cv=2, random_state=0
    ),
    "halving": lambda model, **space: HalvingRandomSearchCV(
        model, param_distributions(model, **space), n_candidates=4, cv=2, random_state=0, min_resources=100
    ),
    "bayesian": lambda model, **space: BayesSearchCV(model, search_space(model, **space), n_iter=2, cv=2),
    "optuna": lambda model, **space: OptunaSearchCV(
        model, optuna_distributions(model, **space), n_iter=6, cv=2, random_state=0
    ),
}


@pytest.mark.parametrize("kind", SEARCHES)
def test_every_search_takes_its_space_and_searches_the_architecture(kind, two_blobs):
    if kind == "optuna":
        pytest.importorskip("optuna")
    X, y, _ = two_blobs
    search = SEARCHES[kind](
        pipeline(), include=["n_layers", "n_blocks", "optimizer", "momentum"], override=architectures()
    )
    if kind == "grid":  # two optimisers are enough
        search = SEARCHES[kind](
            pipeline(),
            include=["n_layers", "n_blocks", "momentum"],
            override={**architectures(), "optimizer": ["adam", "sgd"]},
        )
    search.fit(X, y)
    tried = search.cv_results_["params"]
    assert {type(one["network"]) for one in tried} == {FeedForwardClassifier, ResNetClassifier}
    assert type(search.best_estimator_[-1]) is type(search.best_params_["network"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if kind == "grid":
        assert len(tried) == 2 * 2 * 3  # architectures, layers or blocks, and Adam or SGD with either momentum


def test_without_optuna_there_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r'optuna is missing; install it with: pip install "sklearn-ml4fp\[optuna\]"'):
        optuna_distributions(network(), include=["lr"])
