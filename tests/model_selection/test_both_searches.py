"""What holds alike for BayesSearchCV and OptunaSearchCV: one loop, one record of candidates, the same errors."""

import json
import os
import pickle
import warnings

import joblib
import numpy as np
import optuna
import pytest
from known import SPACE, Known, X, Y
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import MedianPruner
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, ShuffleSplit
from skopt.space import Categorical, Integer, Real

from sklearn_ml4fp import (
    BayesSearchCV,
    FeedForwardClassifier,
    OptunaSearchCV,
    optuna_distributions,
    param_distributions,
    param_grid,
    search_space,
)

KINDS = [BayesSearchCV, OptunaSearchCV]
QUICK = {"n_initial_points": 5, "acq_optimizer_kwargs": {"n_points": 200, "n_restarts_optimizer": 1}}

both = pytest.mark.parametrize("kind", KINDS)


def search(kind, estimator=None, space=SPACE, **arguments):
    given = {"n_iter": 8, "cv": 2, "random_state": 0, "refit": False, **arguments}
    if kind is BayesSearchCV:
        given.setdefault("optimizer_kwargs", QUICK)
    return kind(Known() if estimator is None else estimator, space, **given)


def network(**parameters):
    return FeedForwardClassifier(
        **{"width": 8, "n_layers": 1, "max_epochs": 6, "random_state": 0, "device": "cpu", **parameters}
    )


def assert_same(one, other):
    assert one.cv_results_["params"] == other.cv_results_["params"]
    for name, values in one.cv_results_.items():
        if "time" not in name and not name.startswith("param"):
            np.testing.assert_array_equal(values, other.cv_results_[name], err_msg=name)


def n_fits(log):
    return len(log.read_text().splitlines()) if log.exists() else 0


# --- the same parameters, with the same meaning -----------------------------------------------------------------------


def test_the_shared_parameters_have_the_same_defaults():
    bayes, of_optuna = (kind(Known()).get_params(deep=False) for kind in KINDS)
    own = {"search_spaces", "optimizer_kwargs"}, {"param_distributions", "sampler", "storage", "study_name"}
    assert bayes.keys() - of_optuna.keys() == own[0]
    assert of_optuna.keys() - bayes.keys() == own[1]
    shared = (bayes.keys() & of_optuna.keys()) - {"estimator"}
    assert all(bayes[name] is of_optuna[name] or bayes[name] == of_optuna[name] for name in shared)
    assert bayes["n_jobs"] is None


@both
def test_patience_ends_the_search(kind):
    def always(estimator, X, y):
        return 0.5

    assert len(search(kind, scoring=always, n_iter=20, patience=3).fit(X, Y).cv_results_["params"]) == 4


@both
def test_time_that_is_up_ends_the_search_after_one_candidate(kind):
    assert len(search(kind, timeout=1e-9).fit(X, Y).cv_results_["params"]) == 1


@both
def test_pruning(kind, two_blobs):
    """Rates that learn nothing are stopped after the warm-up; the others are not."""
    events, y, _ = two_blobs
    rates = {"lr": [0.1, 0.05, 0.02, 1e-6, 2e-6, 3e-6]}
    pruner = MedianPruner(n_startup_trials=2, n_warmup_steps=1)
    found = search(kind, network(patience=10), rates, n_iter=6, cv=2, pruner=pruner, random_state=1).fit(events, y)
    learns = np.array([one["lr"] > 1e-3 for one in found.cv_results_["params"]])
    assert found.cv_results_["pruned"].any()
    assert not found.cv_results_["pruned"][learns].all()
    assert found.best_params_["lr"] > 1e-3
    if kind is BayesSearchCV:  # one that was stopped counts for the surrogate as bad as the worst
        assert np.isfinite(found.optimizers_[0].yi).all()


@both
def test_a_warm_start_goes_on_to_the_result_of_one_search(kind, tmp_path):
    log = tmp_path / "fits"
    found = search(kind, Known(log=str(log)), n_iter=5, warm_start=True).fit(X, Y)
    found.set_params(n_iter=8).fit(X, Y)
    assert n_fits(log) == 16
    found.fit(X, Y)  # nothing is left to do
    assert n_fits(log) == 16
    assert_same(found, search(kind, Known(log=str(log))).fit(X, Y))
    with pytest.raises(ValueError, match="memory of the last fit belongs to another search: data differ"):
        found.fit(X + 1, Y)


@both
@pytest.mark.parametrize("n_points", [1, 3])
def test_from_every_point_of_its_history_a_search_comes_to_the_same_end(kind, n_points, tmp_path):
    """Also from the middle of a batch."""
    log, path = tmp_path / "fits", tmp_path / "history.jsonl"
    whole = search(kind, Known(log=str(log)), history=path, n_points=n_points).fit(X, Y)
    assert_same(whole, search(kind, Known(log=str(log)), n_points=n_points).fit(X, Y))
    lines = path.read_bytes().splitlines(keepends=True)
    for n_kept in (0, 2, 8):
        path.write_bytes(b"".join(lines[: 1 + n_kept]))
        log.unlink()
        assert_same(search(kind, Known(log=str(log)), history=path, n_points=n_points).fit(X, Y), whole)
        assert n_fits(log) == 2 * (8 - n_kept)


@both
def test_a_history_with_pruned_candidates(kind, two_blobs, tmp_path):
    events, y, _ = two_blobs
    settings = {"n_iter": 6, "pruner": MedianPruner(n_startup_trials=2, n_warmup_steps=1), "random_state": 1}
    rates = {"lr": (1e-6, 1e-1, "log-uniform")}
    path = tmp_path / "history.jsonl"
    whole = search(kind, network(), rates, history=path, **settings).fit(events, y)
    assert whole.cv_results_["pruned"].any()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:5]))
    assert_same(search(kind, network(), rates, history=path, **settings).fit(events, y), whole)


@both
def test_a_fit_does_not_change_the_search(kind, two_blobs):
    """Not even while it runs: what a scorer sees of the parameters is what the user stated."""
    events, y, event = two_blobs
    seen = []

    def score(estimator, X, y):
        seen.append({name: value for name, value in vars(found).items() if not name.startswith("_")})
        return 0.0 if len(seen) % 2 else 1.0

    rates = {"C": (0.1, 1.0)}
    found = search(kind, LogisticRegression(), rates, scoring=score, n_iter=2, pruner=None)
    stated = dict(vars(found))
    found.fit(events, y, groups=event)
    assert all(one == stated for one in seen)
    assert stated.items() <= vars(found).items()


@both
def test_an_earlier_fit_leaves_nothing_behind(kind):
    found = search(kind, refit=True).fit(X, Y)
    found.set_params(refit=False).fit(X, Y)
    assert not hasattr(found, "best_estimator_")


# --- lists and tuples -------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("choices", [[1e-3, 1e-2], [1, 4], np.array([0.5, 0.25]), [True, False]])
def test_a_list_means_choices_in_pythons_own_types(kind, choices):
    found = search(kind, space={"x": choices}, n_iter=2).fit(X, Y)
    tried = [one["x"] for one in found.cv_results_["params"]]
    assert sorted(tried) == sorted(choices)
    assert all(type(value) in (bool, int, float) for value in tried)


@both
@pytest.mark.parametrize("low", [1e-3, np.float64(1e-3), np.float32(0.5)])
def test_a_tuple_means_a_range(kind, low):
    found = search(kind, space={"x": (low, 1.0), "y": (1, np.int64(9)), "kind": (1e-6, 1.0, "log-uniform")}).fit(X, Y)
    for one in found.cv_results_["params"]:
        assert [type(value) for value in one.values()] == [float if name != "y" else int for name in one]
        assert low <= one["x"] <= 1.0
        assert 1 <= one["y"] <= 9
    assert np.median([one["kind"] for one in found.cv_results_["params"]]) < 0.1  # the middle of the scale is 0.001


@both
def test_the_best_parameters_are_of_pythons_own_types(kind):
    categorical = Categorical if kind is BayesSearchCV else CategoricalDistribution
    whole = Integer(1, 3) if kind is BayesSearchCV else IntDistribution(1, 3)
    real = Real(0.1, 0.2) if kind is BayesSearchCV else FloatDistribution(0.1, 0.2)
    space = {"x": real, "y": list(np.arange(3)), "kind": categorical([*np.array([0.5, 1.5])]), "fault": whole}
    best = search(kind, space=space).fit(X, Y).best_params_
    assert {name: type(value) for name, value in best.items()} == {"x": float, "y": int, "kind": float, "fault": int}
    json.dumps(best)


WRONG_SPACES = {
    "text": ("strong", "expected a list of choices, a range"),
    "number": (1.0, "expected a list of choices, a range"),
    "empty list": ([], "expected a choice at least"),
    "texts in a tuple": (("a", "b"), "a tuple is a range"),
    "one end": ((1.0,), "a tuple is a range"),
    "four ends": ((1, 2, 3, 4), "a tuple is a range"),
    "wrong order": ((2.0, 1.0), "a tuple is a range"),
    "an unknown scale": ((1.0, 2.0, "square"), "a tuple is a range"),
    "zero on a logarithmic scale": ((0.0, 1.0, "log-uniform"), "a tuple is a range"),
    "infinity": ((0.0, np.inf), "a tuple is a range"),
    "truth values": ((False, True), "a tuple is a range"),
}


@both
@pytest.mark.parametrize("wrong", WRONG_SPACES)
def test_what_is_neither_is_one_clear_error(kind, wrong):
    given, message = WRONG_SPACES[wrong]
    with pytest.raises(ValueError, match=f"'x': {message}"):
        search(kind, space={"x": given}).fit(X, Y)


def test_every_kind_of_space_reads_lists_and_tuples_alike():
    """On the scale that is declared, where the tuple states none; and of undeclared parameters on a linear one."""
    override = {"lr": (1e-3, 1e-1), "width": (8, 32), "dropout": [0.0, 0.5]}
    settings = {"include": ["lr"], "override": override}
    assert search_space(network(), **settings) == {
        "lr": Real(1e-3, 1e-1, prior="log-uniform"), "width": Integer(8, 32, prior="log-uniform"),
        "dropout": Categorical([0.0, 0.5]),
    }  # fmt: skip
    assert optuna_distributions(network(), **settings) == {
        "lr": FloatDistribution(1e-3, 1e-1, log=True), "width": IntDistribution(8, 32, log=True),
        "dropout": CategoricalDistribution([0.0, 0.5]),
    }  # fmt: skip
    (grid,) = param_grid(network(), 3, **settings)
    assert grid == {"lr": [1e-3, 1e-2, 0.1], "width": [8, 16, 32], "dropout": [0.0, 0.5]}
    drawn = param_distributions(network(), **settings)
    assert drawn["dropout"] == [0.0, 0.5]
    assert drawn["lr"].support() == (1e-3, 1e-1)
    assert repr(drawn["width"]) == "LogUniformIntegers(8, 32)"


# --- what is wrong is said before the first fit -----------------------------------------------------------------------

ARGUMENTS = {
    "n_iter": [0, 2.5, "ten", None],
    "n_points": [0, 1.5],
    "patience": [0, 2.5],
    "timeout": [0, -1, "1 h"],
    "history": [3, True],
    "random_state": ["seed", 1.5],
    "warm_start": ["yes"],
    "refit": [3],
}


@both
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ARGUMENTS.items() for value in values])
def test_an_argument_of_the_wrong_kind(kind, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {kind.__name__} must be"):
        search(kind, **{name: value}).fit(X, Y)


@both
@pytest.mark.parametrize("space", ["x", 3, {}, [], [{}], [3]])
def test_a_space_of_the_wrong_kind(kind, space):
    with pytest.raises(ValueError, match=r"a search space must be a dict|must be an instance of 'dict'"):
        search(kind, space=space).fit(X, Y)


@pytest.mark.parametrize(
    "arguments",
    [{"sampler": "TPE"}, {"sampler": optuna.samplers.TPESampler}, {"pruner": "median"}, {"pruner": MedianPruner}],
)
def test_a_sampler_or_pruner_of_the_wrong_kind(two_blobs, arguments):
    events, y, _ = two_blobs
    (name,) = arguments
    for kind in KINDS if name == "pruner" else [OptunaSearchCV]:
        with pytest.raises(TypeError, match=f"{name}= must be a {name} of Optuna, such as"):
            search(kind, network(), {"lr": (0.1, 0.2)}, **arguments).fit(events, y)


@both
@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"sample_weight": np.ones(19)}, "one weight an event|shape"),
        ({"sample_weight": np.where(Y == 0, np.nan, 1.0)}, "NaN or infinite"),
        ({"sample_weight": np.where(Y == 0, np.inf, 1.0)}, "NaN or infinite"),
        ({"sample_weight": -np.ones(20)}, "expected a positive sum"),
        ({"groups": np.arange(19)}, "groups has 19 ids and X 20 events"),
        ({"groups": np.arange(20.0)}, "event ids"),
        ({"groups": [None, *range(19)]}, "event ids"),
    ],
)
def test_weights_and_ids_are_checked_before_the_first_candidate(kind, metadata, message, tmp_path):
    log = tmp_path / "fits"
    with pytest.raises(ValueError, match=message):
        search(kind, Known(log=str(log))).fit(X, Y, **metadata)
    assert n_fits(log) == 0


# --- folds ------------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("make", ["generator", "list", "iterator"])
@pytest.mark.parametrize("with_pruner", [False, True])
def test_folds_that_are_given_one_after_the_other(kind, make, with_pruner, two_blobs):
    events, y, event = two_blobs
    make = {"generator": lambda folds: folds, "list": list, "iterator": lambda folds: iter(list(folds))}[make]
    pruner = MedianPruner() if with_pruner else None
    found = search(
        kind, network(max_epochs=2), {"lr": (1e-3, 1e-2)}, n_iter=2, cv=make(KFold(3).split(events, y)), pruner=pruner
    )
    found.fit(events, y, groups=event)
    assert found.n_splits_ == 3
    *_, (train, test) = KFold(3).split(events, y)
    by_hand = network(max_epochs=2, **found.cv_results_["params"][0]).fit(events[train], y[train], groups=event[train])
    assert found.cv_results_["split2_test_score"][0] == by_hand.score(events[test], y[test])


@both
def test_random_folds_are_the_same_for_all_candidates(kind):
    found = search(kind, Rows(), {"x": (0.0, 1.0)}, cv=ShuffleSplit(2), n_iter=4).fit(np.arange(20.0)[:, None], Y)
    assert len({*found.cv_results_["split0_test_score"]}) == 1


class Rows(ClassifierMixin, BaseEstimator):
    """Its score says which rows it is scored on."""

    def __init__(self, x=0.0):
        self.x = x

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def score(self, X, y):
        return float(X.sum())


# --- failures ---------------------------------------------------------------------------------------------------------


def nan_above(limit):
    def score(estimator, X, y):
        return np.nan if estimator.x > limit else estimator.score(X, y)

    return score


@both
def test_a_score_that_is_not_finite_is_said_and_of_which_candidate(kind):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = search(kind, scoring=nan_above(0.5)).fit(X, Y)
    lacking = np.isnan(found.cv_results_["mean_test_score"])
    (message,) = [str(one.message) for one in caught if "non-finite" in str(one.message)]
    assert message.startswith("One or more of the test scores are non-finite")  # as scikit-learn has it
    assert all((f"{i}: {one}" in message) == lacks for i, (one, lacks) in enumerate(
        zip(found.cv_results_["params"], lacking, strict=True)) if i < 5 or not lacks)  # fmt: skip
    assert 0 < lacking.sum() < 8
    assert not lacking[found.best_index_]


@both
def test_that_all_failed_says_whether_fits_or_scores(kind):
    with pytest.raises(ValueError, match=r"All the 4 fits failed, of 2 candidates(.|\n)*cannot be fitted"), \
            pytest.warns(FitFailedWarning):  # fmt: skip
        search(kind, Known(fault="raises"), {"x": (0.8, 1.0)}, n_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match="No candidate of 2 has a finite score, though 4 of 4 fits succeeded"):
        search(kind, scoring=nan_above(-1), n_iter=2).fit(X, Y)


@both
@pytest.mark.parametrize("n_points", [1, 4])
def test_an_exhausted_space_says_so_once_by_name(kind, n_points):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = search(kind, space={"x": [0.1, 0.2, 0.3], "y": (1, 3)}, n_iter=30, n_points=n_points).fit(X, Y)
    (message,) = [str(one.message) for one in caught]
    assert "The space of x, y is exhausted: all of its 9 points were tried, of the 30 candidates" in message
    assert len({tuple(one.items()) for one in found.cv_results_["params"]}) == 9 == len(found.cv_results_["params"])


@both
def test_of_a_finite_space_no_candidate_comes_twice(kind):
    space = {"kind": ["a", "b"], "x": [0.0, 0.3, 0.6], "y": [0.0, 0.3, 0.6]}
    found = search(kind, space=space, n_iter=18).fit(X, Y)
    assert len({tuple(sorted(one.items())) for one in found.cv_results_["params"]}) == 18


def test_of_several_spaces_each_is_exhausted():
    spaces = [{"x": [0.1, 0.2]}, {"x": [0.1], "kind": ["a", "b"]}]
    with pytest.warns(UserWarning, match="of its 4 points"):
        found = search(OptunaSearchCV, space=spaces, n_iter=30).fit(X, Y)
    assert len(found.cv_results_["params"]) == 4
    with pytest.warns(UserWarning, match="of its 2 points"):
        found = search(BayesSearchCV, space=spaces, n_iter=30).fit(X, Y)
    assert len(found.cv_results_["params"]) == 4


# --- the history ------------------------------------------------------------------------------------------------------


@both
def test_two_searches_at_once_do_not_share_a_history(kind, tmp_path):
    """A job that is submitted again while the first still runs: the second one ends with an error."""
    path, errors = tmp_path / "history.jsonl", []

    def score(estimator, events, labels):
        if not errors:
            with pytest.raises(RuntimeError, match="is in use by another search") as error:
                search(kind, history=path, scoring=score).fit(X, Y)
            errors.append(error)
        return estimator.score(events, labels)

    found = search(kind, history=path, scoring=score).fit(X, Y)
    assert errors
    assert len(path.read_text().splitlines()) == 9
    assert_same(search(kind, history=path, scoring=score).fit(X, Y), found)  # afterwards it is free


@both
def test_a_history_that_something_else_writes_to_is_noticed(kind, tmp_path):
    """Where the file system knows no locks."""
    path = tmp_path / "history.jsonl"

    def score(estimator, X, y):
        with path.open("a") as file:
            file.write("{}\n")
        return 0.5

    with pytest.raises(RuntimeError, match="is in use by another search"):
        search(kind, history=path, scoring=score).fit(X, Y)


def test_two_searches_at_once_do_not_share_a_study(tmp_path):
    storage, errors = f"sqlite:///{tmp_path}/s.db", []

    def score(estimator, events, labels):
        if not errors:
            errors.append(None)
            search(OptunaSearchCV, storage=storage, scoring=score, n_iter=2).fit(X, Y)
        return estimator.score(events, labels)

    with pytest.raises(RuntimeError, match="The study 'search' is in use by another search"):
        search(OptunaSearchCV, storage=storage, scoring=score, n_iter=4).fit(X, Y)


@both
def test_candidates_that_stand_twice_in_a_history_count_once(kind, tmp_path):
    path = tmp_path / "history.jsonl"
    whole = search(kind, history=path).fit(X, Y)
    header, *records = path.read_text().splitlines(keepends=True)
    path.write_text(header + "".join(record * 2 for record in records[:3]))
    with pytest.warns(UserWarning, match="holds 3 candidates twice; they count once"):
        found = search(kind, history=path).fit(X, Y)
    assert_same(found, whole)


FIELDS = ["space", "point", "params", "score", "pruned", "elapsed", "folds", "reports"]
DAMAGES = {
    **{f"no {name}": {name: ...} for name in FIELDS},
    **{f"{name} null": {name: None} for name in FIELDS},
    **{f"{name} a text": {name: "x"} for name in FIELDS},
    **{f"{name} a list of lists": {name: [[]]} for name in FIELDS},
    **{f"{name} negative": {name: -1} for name in FIELDS if name not in ("score",)},
    "a point of another space": {"point": [1, 2, 3, 4, 5]},
    "a point with other names": {"point": {"z": 1.0}},
    "a point outside of the space": {"point": [0, 2.0, 0.5]},
    "a point of texts": {"point": ["a", "b", "c"]},
    "no folds": {"folds": []},
    "one fold": {"folds": [{"fit_time": 0.0, "score_time": 0.0, "test_scores": 0.5, "fit_error": None}]},
    "empty folds": {"folds": [{}, {}]},
    "folds without scores": {"folds": [{"fit_time": 0.0, "score_time": 0.0}] * 2},
    "folds with null": {"folds": [{"fit_time": 0.0, "score_time": 0.0, "test_scores": None}] * 2},
    "folds with several scores": {"folds": [{"fit_time": 0.0, "score_time": 0.0, "test_scores": {"a": 1.0}}] * 2},
    "folds without times": {"folds": [{"test_scores": 0.5}] * 2},
    "folds with a wrong error": {"folds": [{"fit_time": 0.0, "score_time": 0.0, "test_scores": 0.5, "fit_error": 3}]},
    "reports of no epoch": {"reports": {"first": 0.5}},
    "reports of null": {"reports": {"1": None}},
    "not a number of seconds": {"elapsed": float("nan")},
}  # fmt: skip
HEADERS = {
    **{f"no {name}": {name: ...} for name in ("format", "seed", "search")},
    **{f"{name} null": {name: None} for name in ("format", "seed", "search")},
    **{f"{name} a text": {name: "x"} for name in ("format", "seed", "search")},
    "a negative seed": {"seed": -1},
    "too great a seed": {"seed": 2**40},
    "fingerprints of null": {"search": {"data": None}},
}


@pytest.fixture(scope="module", params=KINDS)
def written(request, tmp_path_factory):
    """A history of two candidates."""
    path = tmp_path_factory.mktemp("history") / "history.jsonl"
    search(request.param, history=path, n_iter=2).fit(X, Y)
    return request.param, path.read_text().splitlines()


@pytest.mark.parametrize("damage", [*DAMAGES, *(f"header: {name}" for name in HEADERS)])
def test_a_damaged_record_is_one_clear_error(written, damage, tmp_path):
    kind, lines = written
    number = 0 if damage.startswith("header: ") else 2
    change = HEADERS[damage.removeprefix("header: ")] if number == 0 else DAMAGES[damage]
    record = {**json.loads(lines[number]), **change}
    changed = [*lines[:number], json.dumps({name: value for name, value in record.items() if value is not ...})]
    path = tmp_path / "history.jsonl"
    path.write_text("\n".join([*changed, *lines[number + 1 :]]) + "\n")
    content = path.read_bytes()
    if damage == "space negative" or damage == "a point of another space":
        pass
    with pytest.raises(ValueError, match=rf"history.jsonl is damaged: .*line {number + 1} must be"):
        search(kind, history=path, n_iter=3).fit(X, Y)
    assert path.read_bytes() == content


@both
def test_a_history_that_is_no_regular_file_is_refused(kind, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", "/dev/null"):
        with pytest.raises(ValueError, match="is no regular file; take another file"):
            search(kind, history=path).fit(X, Y)
    with pytest.raises(ValueError, match="the folder does not exist"):
        search(kind, history=tmp_path / "no" / "history.jsonl").fit(X, Y)


@both
def test_folds_that_differ_are_another_search(kind, tmp_path):
    """Also unseeded ones, whose scores cannot be compared."""
    path = tmp_path / "history.jsonl"
    search(kind, history=path, n_iter=2, cv=ShuffleSplit(2)).fit(X, Y)
    with pytest.raises(ValueError, match="belongs to another search: cv differ"):
        search(kind, history=path, n_iter=3, cv=ShuffleSplit(2)).fit(X, Y)


@both
def test_a_search_with_a_history_can_be_cloned_pickled_and_nested(kind, tmp_path):
    path = tmp_path / "history.jsonl"
    found = search(kind, history=path, refit=True).fit(X, Y)
    joblib.dump(found, tmp_path / "search")
    np.testing.assert_array_equal(joblib.load(tmp_path / "search").predict(X), found.predict(X))
    assert_same(clone(found).fit(X, Y), found)


class FixedSpace:
    """A search of other parameters than those of its base: its space is none of them."""

    search_spaces = param_distributions = {"C": [0.1, 1.0]}  # noqa: RUF012

    def __init__(self, estimator):
        super().__init__(estimator, n_iter=2, cv=2, random_state=0)
        vars(self).pop("search_spaces", None), vars(self).pop("param_distributions", None)


class FixedBayes(FixedSpace, BayesSearchCV):
    pass


class FixedOptuna(FixedSpace, OptunaSearchCV):
    pass


@pytest.mark.parametrize("kind", [FixedBayes, FixedOptuna])
def test_a_subclass_with_a_space_of_its_own_is_pickled(kind):
    fitted = kind(LogisticRegression()).fit(X, Y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
