"""Fits side by side: they wait for a common training wherever they stand, and errors end what they should."""

import _thread
import threading
import time
import warnings
from contextvars import ContextVar, copy_context

import joblib
import pytest
import sklearn
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel

from sklearn_ml4fp._side_by_side import call_all, seconds_waited, side_by_side, train


class Work:
    """Training that takes a while and may fail."""

    def __init__(self, name, memory=1.0, error=None):
        self.name, self.memory, self.error = name, memory, error


class Trainer:
    """Notes what is trained together."""

    def __init__(self):
        self.passes = []

    def __call__(self, works):
        self.passes.append("".join(work.name for work in works))
        return [work.error for work in works]


def fit(trainer, log, work, times=1):
    for _ in range(times):
        log.append(f"{work.name} begins")
        try:
            for error in train([work], trainer):
                if error is not None:
                    raise error
        finally:
            log.append(f"{work.name} ends")
    return work.name


def calls_of(works, **given):
    trainer, log = Trainer(), []
    return trainer, log, [(fit, (trainer, log, work), given) for work in works]


def test_trainings_wait_for_each_other_and_results_keep_their_order():
    trainer, log, calls = calls_of(map(Work, "abc"))
    assert side_by_side(calls) == ["a", "b", "c"]
    assert trainer.passes == ["abc"]
    assert log == ["a begins", "b begins", "c begins", "a ends", "b ends", "c ends"]


@pytest.mark.parametrize(
    ("memory", "passes"), [(float("inf"), ["a", "b", "c"]), (2.0**28, ["abc", "d"]), (2.0**29, ["ab", "cd"])]
)
def test_what_has_no_room_does_not_wait(memory, passes):
    """One that can be trained alone is trained at once: nothing else is prepared meanwhile."""
    names = "".join(passes)
    trainer, log, calls = calls_of([Work(name, memory) for name in names])
    assert side_by_side(calls) == list(names)
    if memory == float("inf"):
        assert log == [f"{name} {what}" for name in names for what in ("begins", "ends")]
        assert trainer.passes == passes
    else:
        assert max(map(len, trainer.passes)) * memory <= 2**30


def test_a_fit_may_train_several_times_and_hold_others():
    trainer, _, calls = calls_of(map(Work, "ab"), times=2)
    side_by_side(calls)
    assert trainer.passes == ["ab", "ab"]
    inner = [calls_of([])[2] or [(fit, (trainer, [], Work(name)), {}) for name in names] for names in ("cd", "ef")]
    assert side_by_side([(side_by_side, (one,), {}) for one in inner]) == [["c", "d"], ["e", "f"]]
    assert trainer.passes[2:] == ["cdef"]


def test_an_error_ends_those_that_wait():
    n_threads = threading.active_count()
    trainer, log, calls = calls_of([Work("a"), Work("b", error=ValueError("bang")), Work("c", float("inf")), Work("d")])
    with pytest.raises(ValueError, match="bang"):
        side_by_side(calls)
    assert trainer.passes == ["c", "abd"]
    assert [line for line in log if "ends" in line] == ["c ends", "a ends", "b ends", "d ends"]
    assert threading.active_count() == n_threads


def test_ctrl_c_in_the_training_and_in_a_fit_end_all():
    n_threads, log = threading.active_count(), []

    def interrupted(works):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side([(fit, (interrupted, log, Work(name)), {}) for name in "ab"])
    assert log == ["a begins", "b begins", "a ends", "b ends"]

    def slow():
        _thread.interrupt_main()
        time.sleep(0.3)
        log.append("prepared")
        fit(interrupted, log, Work("d"))

    log.clear()
    with pytest.raises(KeyboardInterrupt):
        side_by_side([(fit, (interrupted, log, Work("c")), {}), (slow, (), {})])
    assert sorted(log) == ["c begins", "c ends", "d begins", "d ends", "prepared"]
    assert threading.active_count() == n_threads


variable: ContextVar[str] = ContextVar("variable", default="none")


def surroundings():
    return variable.get(), sklearn.get_config()["assume_finite"], get_active_backend()[1]


def test_a_training_alone_sees_what_stands_around_its_fit():
    def around(name, work, seen):
        variable.set(name)
        train([work], lambda works: seen.append(variable.get()) or [None])

    seen: list[str] = []
    side_by_side([(around, (name, Work(name, float("inf")), seen), {}) for name in "ab"])
    assert seen == ["a", "b"]


def test_a_thread_inside_of_a_fit_trains_by_itself():
    """It cannot wait: the fit itself may go on meanwhile."""

    def in_thread(trainer, work):
        inside = threading.Thread(target=copy_context().run, args=(train, [work], trainer))
        inside.start()
        inside.join()

    trainer = Trainer()
    side_by_side([(in_thread, (trainer, Work(name)), {}) for name in "ab"])
    assert trainer.passes == ["a", "b"]


def test_a_fit_sees_what_stands_around_the_call():
    token = variable.set("here")
    try:
        with sklearn.config_context(assume_finite=True), joblib.parallel_config("threading", n_jobs=3):
            assert side_by_side([(surroundings, (), {})] * 2) == [("here", True, 3)] * 2
    finally:
        variable.reset(token)


def test_filters_of_warnings_are_of_each_fit_by_itself():
    def quiet(trainer, work):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit(trainer, [], work)
            with pytest.raises(UserWarning, match="bang"):
                warnings.warn("bang", stacklevel=1)

    def loud(trainer, work):
        fit(trainer, [], work)
        warnings.warn("heard", stacklevel=1)

    before, trainer = list(warnings.filters), Trainer()
    with pytest.warns(UserWarning, match="heard"):
        side_by_side([(one, (trainer, Work("a")), {}) for one in (quiet, loud, quiet)])
    assert trainer.passes == ["aaa"]
    assert warnings.filters == before


def test_the_time_of_a_fit_is_its_own_and_its_share():
    def timed(trainer, seconds):
        began = time.perf_counter()
        time.sleep(seconds)
        train([Work("a")], trainer)
        return time.perf_counter() - began - seconds_waited()

    def slow(works):
        time.sleep(0.2)
        return [None] * len(works)

    first, second = side_by_side([(timed, (slow, 0.1), {}), (timed, (slow, 0.4), {})])
    assert second - first == pytest.approx(0.3, abs=0.1)
    assert seconds_waited() == 0


@pytest.mark.parametrize("with_networks", [False, True])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_processes_share_the_calls(n_jobs, with_networks):
    calls = [(pow, (base, 2), {}) for base in range(5)]
    assert call_all(Parallel(n_jobs=n_jobs), iter(calls), with_networks=with_networks) == [0, 1, 4, 9, 16]
