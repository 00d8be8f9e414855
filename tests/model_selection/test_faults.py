"""Candidates that fail, and searches that are killed: what goes on, and that the result is the same."""

import json
import pickle
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest
from known import FAULTS, SPACE, Known, X, Y
from sklearn.exceptions import FitFailedWarning
from skopt.space import Real

from sklearn_ml4fp import BayesSearchCV, FeedForwardClassifier, PointClouds, search_space

QUICK = {"n_initial_points": 5, "acq_optimizer_kwargs": {"n_points": 200, "n_restarts_optimizer": 1}}
N = 8


def search(estimator=None, space=SPACE, **arguments):
    chosen = {"n_iter": N, "cv": 2, "random_state": 3, "optimizer_kwargs": QUICK, "refit": False, **arguments}
    return BayesSearchCV(Known() if estimator is None else estimator, space, **chosen)


def assert_same(one, other):
    """Same candidates, scores, ranks and choice, and the surrogate would propose the same next."""
    assert one.cv_results_["params"] == other.cv_results_["params"]
    assert one.cv_results_.keys() == other.cv_results_.keys()
    for name, values in one.cv_results_.items():
        if "time" not in name and not name.startswith("param"):
            np.testing.assert_array_equal(values, other.cv_results_[name], err_msg=name)
    assert one.best_params_ == other.best_params_
    assert one.best_score_ == other.best_score_
    assert one.optimizers_[0].ask() == other.optimizers_[0].ask()


# --- candidates that fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("n_points", [1, 2])
def test_a_failing_candidate_is_remembered_and_the_search_goes_on(fault, n_points):
    with pytest.warns(FitFailedWarning, match=FAULTS[fault]):
        found = search(Known(fault=fault), n_points=n_points).fit(X, Y)
    tried = np.array([one["x"] for one in found.cv_results_["params"]])
    scores = found.cv_results_["mean_test_score"]
    assert len(tried) == N
    assert 0 < (tried > 0.7).sum() < N
    np.testing.assert_array_equal(np.isnan(scores), tried > 0.7)
    (optimizer,) = found.optimizers_
    objective = np.array(optimizer.yi)
    np.testing.assert_allclose(objective[tried <= 0.7], -scores[tried <= 0.7])
    assert set(objective[tried > 0.7]) == {objective[tried <= 0.7].max()}  # as bad as the worst
    assert found.best_params_["x"] <= 0.7
    assert found.best_score_ == np.nanmax(scores)


def test_candidates_that_do_not_fail_are_scored_as_if_none_had():
    """The initial points are the same: where they do not fail, the scores are those of a search without faults."""
    with pytest.warns(FitFailedWarning):
        broken = search(Known(fault="raises"), n_iter=5).fit(X, Y)
    whole = search(n_iter=5).fit(X, Y)
    assert broken.cv_results_["params"] == whole.cv_results_["params"]
    scores = broken.cv_results_["mean_test_score"]
    assert np.isnan(scores).any()
    worked = np.isfinite(scores)
    np.testing.assert_array_equal(scores[worked], whole.cv_results_["mean_test_score"][worked])


def test_an_error_score_that_is_a_number_is_the_score():
    with pytest.warns(FitFailedWarning):
        found = search(Known(fault="raises"), error_score=-3.0, return_train_score=True).fit(X, Y)
    failed = np.array([one["x"] > 0.7 for one in found.cv_results_["params"]])
    assert set(found.cv_results_["mean_test_score"][failed]) == {-3.0}
    assert set(found.cv_results_["mean_train_score"][failed]) == {-3.0}
    assert set(np.array(found.optimizers_[0].yi)[failed]) == {3.0}


def test_an_error_score_that_raises_ends_the_search():
    with pytest.raises(ValueError, match="cannot be fitted"):
        search(Known(fault="raises"), error_score="raise").fit(X, Y)


@pytest.mark.parametrize("kind", ["dict", "callable"])
def test_several_metrics_of_a_candidate_that_fails_first(kind):
    scoring = {"good": lambda one, X, y: one.score(X, y), "bad": lambda one, X, y: -one.score(X, y)}
    if kind == "callable":
        metrics = scoring

        def scoring(one, X, y):
            return {name: metric(one, X, y) for name, metric in metrics.items()}

    space = {"x": Real(0.0, 1.0, prior="uniform"), "y": (0.0, 1.0)}
    with pytest.warns(FitFailedWarning):
        found = search(Known(fault="raises"), space, scoring=scoring, refit="good", random_state=FAILS_FIRST).fit(X, Y)
    assert np.isnan(found.cv_results_["mean_test_good"][0])
    assert np.isnan(found.cv_results_["mean_test_bad"][0])
    assert np.isfinite(found.cv_results_["mean_test_good"]).any()
    assert np.isfinite(found.optimizers_[0].yi).all()


FAILS_FIRST = 1  # with this seed the first candidate has x > 0.7


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the platform has no SIGKILL")
def test_a_worker_that_is_killed_costs_only_its_candidate():
    """As by the system, for its memory; the candidates that were fitted beside it are fitted again."""
    alone = search(n_iter=2, n_points=2, random_state=FAILS_ONE)
    with pytest.warns(FitFailedWarning, match="worker"):
        found = search(Known(fault="killed"), n_iter=2, n_points=2, n_jobs=2, random_state=FAILS_ONE).fit(X, Y)
    whole = alone.fit(X, Y)
    assert found.cv_results_["params"] == whole.cv_results_["params"]
    killed = np.array([one["x"] > 0.7 for one in found.cv_results_["params"]])
    assert killed.sum() == 1
    np.testing.assert_array_equal(
        found.cv_results_["mean_test_score"], np.where(killed, np.nan, whole.cv_results_["mean_test_score"])
    )


FAILS_ONE = 2  # with this seed one of the first two candidates has x > 0.7


def test_all_candidates_failed():
    with pytest.raises(ValueError, match=r"(?s)All the 6 fits failed, of 3 candidates.*cannot be fitted"), \
            pytest.warns(FitFailedWarning):  # fmt: skip
        search(Known(fault="raises"), {"x": (0.8, 1.0)}, n_iter=3).fit(X, Y)


def test_a_network_that_diverges(two_blobs):
    """A learning rate of up to 1e30: some candidates diverge in the first epoch, and the best one has not."""
    events, y, _ = two_blobs
    network = FeedForwardClassifier(width=8, n_layers=2, max_epochs=3, random_state=0, device="cpu", optimizer="sgd")
    space = {"lr": Real(1e-3, 1e30, prior="log-uniform")}
    with pytest.warns(FitFailedWarning, match="FloatingPointError"):
        found = search(network, space, n_iter=6, refit=True).fit(events, y)
    scores = found.cv_results_["mean_test_score"]
    assert 0 < np.isnan(scores).sum() < 6
    assert found.best_score_ > 0.6
    by_hand = network.set_params(**found.best_params_).fit(events, y)
    np.testing.assert_array_equal(found.predict_proba(events), by_hand.predict_proba(events))


# --- warm start -------------------------------------------------------------------------------------------------------


def n_fits(log):
    return len(Path(log).read_text().splitlines()) if Path(log).exists() else 0


def test_a_warm_start_goes_on_to_the_result_of_one_search(tmp_path):
    log = tmp_path / "fits"
    found = search(Known(log=str(log)), n_iter=6, warm_start=True).fit(X, Y)
    assert n_fits(log) == 2 * 6
    found.set_params(n_iter=N).fit(X, Y)
    assert n_fits(log) == 2 * N
    found.fit(X, Y)  # nothing is left to do
    assert n_fits(log) == 2 * N
    assert_same(found, search(Known(log=str(log))).fit(X, Y))
    assert_same(pickle.loads(pickle.dumps(found)).fit(X, Y), found)
    with pytest.raises(ValueError, match="memory of the last fit belongs to another search: data differ"):
        found.fit(X + 1, Y)
    found.set_params(warm_start=False).fit(X + 1, Y)  # starts anew


def test_a_warm_start_without_a_seed(tmp_path):
    log = tmp_path / "fits"
    found = search(Known(log=str(log)), n_iter=6, warm_start=True, random_state=None).fit(X, Y)
    first = found.cv_results_["params"]
    found.set_params(n_iter=7).fit(X, Y)
    assert found.cv_results_["params"][:6] == first
    assert n_fits(log) == 14


# --- the history ------------------------------------------------------------------------------------------------------


def lines_of(path):
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("n_points", [1, 3])
def test_from_every_point_of_its_history_a_search_comes_to_the_same_end(n_points, tmp_path):
    """Also from the middle of a batch, and with candidates that failed, whose scores are NaN."""
    log, path = tmp_path / "fits", tmp_path / "history.jsonl"
    estimator = Known(fault="raises", log=str(log))
    settings = {"n_points": n_points, "return_train_score": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)
        plain = search(estimator, **settings).fit(X, Y)
        whole = search(estimator, history=path, **settings).fit(X, Y)
        assert_same(whole, plain)  # keeping a history changes nothing
        for n_kept in (1, 4, N):
            path.write_bytes(b"".join(lines_of(path)[: 1 + n_kept]))
            log.unlink(missing_ok=True)
            assert_same(search(estimator, history=path, **settings).fit(X, Y), plain)
            assert n_fits(log) == 2 * (N - n_kept)
            assert len(lines_of(path)) == 1 + N


def test_several_spaces_and_several_metrics_resume(tmp_path):
    path = tmp_path / "history.jsonl"
    spaces = [{"x": (0.0, 1.0)}, ({"y": (0.0, 1.0), "kind": [(1,), (2,)]}, 4)]
    settings = {"history": path, "refit": "good", "n_iter": 5, "scoring": {"good": good, "bad": bad}}
    whole = search(space=spaces, **settings).fit(X, Y)
    for n_kept in (3, 7):
        path.write_bytes(b"".join(lines_of(path)[: 1 + n_kept]))
        assert_same(search(space=spaces, **settings).fit(X, Y), whole)


def good(estimator, X, y):
    return estimator.score(X, y)


def bad(estimator, X, y):
    return -estimator.score(X, y)


def test_a_search_without_a_seed_resumes_too(tmp_path):
    path, log = tmp_path / "history.jsonl", tmp_path / "fits"
    whole = search(Known(log=str(log)), history=path, random_state=None).fit(X, Y)
    path.write_bytes(b"".join(lines_of(path)[:5]))
    assert_same(search(Known(log=str(log)), history=path, random_state=None).fit(X, Y), whole)
    assert n_fits(log) == 2 * (N + N - 4)


SCRIPT = """
    import sys
    sys.path.insert(0, {folder!r})
    from known import SPACE, Known, X, Y
    from sklearn_ml4fp import BayesSearchCV
    BayesSearchCV(
        Known(log={log!r}, kill_at={kill_at}), SPACE, n_iter={n}, cv=2, random_state=3, optimizer_kwargs={quick!r},
        refit=False, history={path!r},
    ).fit(X, Y)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the platform has no SIGKILL")
def test_a_search_that_is_killed_resumes_and_asks_no_point_twice(tmp_path):
    """SIGKILL in the first fold of the seventh candidate: what is lost is the candidate that was being fitted."""
    log, path = tmp_path / "fits", tmp_path / "history.jsonl"
    kill_at = 13
    script = textwrap.dedent(SCRIPT).format(
        folder=str(Path(__file__).parent), log=str(log), kill_at=kill_at, n=N, quick=QUICK, path=str(path)
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert n_fits(log) == kill_at
    assert len(lines_of(path)) == 1 + 6
    before = log.read_text().splitlines()
    log.unlink()
    estimator = Known(log=str(log), kill_at=kill_at)  # the same; it is not killed again, as fewer fits are left
    resumed = search(estimator, history=path).fit(X, Y)
    after = log.read_text().splitlines()
    assert len(after) == 2 * (N - 6)
    assert not set(after) & set(before[:12])
    assert after[0] == before[12]  # the candidate that was lost is fitted anew
    log.unlink()
    assert_same(resumed, search(Known(log=str(log))).fit(X, Y))


def test_a_line_that_was_cut_off_is_fitted_anew(tmp_path):
    path = tmp_path / "history.jsonl"
    whole = search(history=path).fit(X, Y)
    path.write_bytes(path.read_bytes()[:-40])
    assert_same(search(history=path).fit(X, Y), whole)
    assert len(lines_of(path)) == 1 + N
    assert all(json.loads(line) for line in lines_of(path))


def test_the_time_of_the_interrupted_search_counts(tmp_path):
    path = tmp_path / "history.jsonl"
    search(history=path, n_iter=3).fit(X, Y)
    lines = [json.loads(line) for line in lines_of(path)]
    lines[-1]["elapsed"] = 3600.0
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(search(history=path, timeout=1800).fit(X, Y).cv_results_["params"]) == 3
    assert len(search(history=path, timeout=7200).fit(X, Y).cv_results_["params"]) == N


OTHERS = {
    "estimator": {"estimator": Known(kind="a")},
    "space": {"space": {"x": (0.0, 2.0), "y": (0.0, 1.0), "kind": ["a", "b", "c"]}},
    "cv": {"cv": 4},
    "scoring": {"scoring": "accuracy"},
}


@pytest.mark.parametrize("different", [*OTHERS, "data", "surrogate", "seed"])
def test_the_history_of_another_search_is_refused(different, tmp_path):
    path = tmp_path / "history.jsonl"
    search(history=path, n_iter=2).fit(X, Y)
    content = path.read_bytes()
    arguments = OTHERS.get(different, {})
    if different == "surrogate":
        arguments = {"optimizer_kwargs": {**QUICK, "base_estimator": "RF"}}
    if different == "seed":
        arguments = {"random_state": 4}
    named = different if different in OTHERS or different == "data" else "proposer, its arguments or seed"
    with pytest.raises(
        ValueError, match=rf"history.jsonl belongs to another search: {named} differ from those of this"
    ):
        search(history=path, n_iter=3, **arguments).fit(X + (different == "data"), Y)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"x, y\n1, 2\n", pickle.dumps([1]) + b"\n", b"[1]\n", b'{"format": 1}\n'])
def test_a_file_that_is_no_history_is_refused_and_left_alone(content, tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"history.jsonl is damaged: line 1 must be a JSON object with format, seed, search"
    ):
        search(history=path).fit(X, Y)
    assert path.read_bytes() == content


def test_a_history_of_a_later_format_is_refused(tmp_path):
    path = tmp_path / "history.jsonl"
    search(history=path, n_iter=2).fit(X, Y)
    path.write_text(path.read_text().replace('{"format": 2', '{"format": 3', 1))
    with pytest.raises(ValueError, match="has format 3; this version reads 2"):
        search(history=path).fit(X, Y)


def test_point_clouds_and_unpicklable_choices_have_a_history(tmp_path):
    """A lambda has no hash of its own; what it looks like has, without its address."""
    path = tmp_path / "history.jsonl"
    rng = np.random.default_rng(0)
    clouds = PointClouds(rng.normal(size=(60, 2)), np.arange(0, 61, 3), ["pt", "eta"])
    for _ in range(2):
        found = search(Known(), history=path, n_iter=3, scoring=lambda one, X, y: one.score(X, y)).fit(clouds, Y)
    assert len(lines_of(path)) == 4
    assert len(found.cv_results_["params"]) == 3


def test_the_space_of_a_whole_network_resumes(two_blobs, tmp_path):
    events, y, event = two_blobs
    path = tmp_path / "history.jsonl"
    network = FeedForwardClassifier(width=8, n_layers=1, max_epochs=2, random_state=0, device="cpu")
    space = search_space(network, include=["lr", "optimizer", "activation", "class_weight"])
    weights = np.abs(np.random.default_rng(0).normal(1, 1, size=len(y)))
    arguments = {"groups": event, "sample_weight": weights}
    whole = search(network, space, n_iter=6, history=path, refit=True).fit(events, y, **arguments)
    path.write_bytes(b"".join(lines_of(path)[:4]))
    resumed = search(network, space, n_iter=6, history=path, refit=True).fit(events, y, **arguments)
    assert_same(resumed, whole)
    np.testing.assert_array_equal(resumed.predict_proba(events), whole.predict_proba(events))
    with pytest.raises(ValueError, match="another search: data differ"):
        search(network, space, n_iter=6, history=path).fit(events, y, groups=event, sample_weight=weights[::-1])
