"""The data report of a source: in one pass, with the numbers of the report in memory where they are exact."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ml4fp import EventSource, investigate

N = 6000
RNG = np.random.default_rng(3)
LABEL = RNG.integers(0, 3, N)
FRAME = pd.DataFrame(
    {
        "pt": RNG.lognormal(3, 0.8, N) * (1 + 0.3 * LABEL),
        "eta": RNG.normal(0, 1.2, N),
        "mass": RNG.normal(90, 5, N) + 3 * LABEL,
        "met": np.where(RNG.random(N) < 0.1 + 0.2 * (LABEL == 1), np.nan, RNG.normal(size=N)),
        "fixed": np.full(N, 7.0),
        "label": LABEL,
        "number": RNG.normal(size=N),
        "weight": RNG.choice([1.5, -0.4, 0.8, 0.0], N),
        "event": np.arange(N),
    }
)
FRAME["again"] = FRAME.mass
FEATURES = ["pt", "eta", "mass", "met", "fixed", "again"]
SMALL = 2**15  # the table takes 144 kB


def source_of(frame=FRAME, memory=SMALL, **roles):
    return EventSource(frame, **{"features": FEATURES, "target": "label", "event_id": "event", **roles}, memory=memory)


def both(**given):
    large, small = (investigate(source_of(memory=memory, **given)) for memory in (2**30, SMALL))
    assert large.n_sampled is None
    assert small.n_sampled == max(1000, SMALL // 8 // 24)
    return large, small


def kinds(report):
    return {(one.kind, one.columns) for one in report.findings}


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("target", ["label", "number"])
def test_what_is_known_of_all_events(weight, target):
    large, small = both(weight=weight, target=target)
    for name in ("n_events", "n_particles", "memory_bytes", "missing_patterns", "equal_columns", "event_names"):
        assert getattr(small, name) == getattr(large, name), name
    assert small.duplicates == large.duplicates
    assert small.weights == pytest.approx(large.weights)
    for mine, wanted in zip(small.classes, large.classes, strict=True):
        assert mine == pytest.approx(wanted)
    for mine, wanted in zip(small.columns, large.columns, strict=True):
        assert (mine.name, mine.n_missing, mine.n_infinite) == (wanted.name, wanted.n_missing, wanted.n_infinite)
        for name in ("mean", "variance", "skewness", "missing", "missing_by_class"):
            assert getattr(mine, name) == pytest.approx(getattr(wanted, name), rel=2e-3, abs=1e-4, nan_ok=True), name
        assert (mine.shape.low, mine.shape.high) == (wanted.shape.low, wanted.shape.high)
        assert mine.shape.q50 == pytest.approx(wanted.shape.q50, abs=0.3 * wanted.variance**0.5 + 1e-9)
    assert kinds(small) == kinds(large)
    assert f"{small.n_sampled} events, drawn at random" in str(small)


def test_a_small_source_is_read():
    held = source_of().read()
    large = investigate(source_of(memory=2**30))
    direct = investigate(held)
    assert large.to_dict() == direct.to_dict()


def test_repeats_and_outliers_are_counted():
    frame = pd.concat([FRAME, FRAME[::3].assign(event=10**6 + np.arange(N // 3))], ignore_index=True)
    frame.loc[17, "eta"] = 1e5  # one in 8000: not in the sample, but the greatest value is known
    report = investigate(source_of(frame))
    assert report.duplicates["n_events"] == pytest.approx(N / 3, rel=0.2)
    assert report.duplicates["n_across_groups"] == report.duplicates["n_events"]
    assert report.duplicates["n_ids"] == len(frame)
    assert {("duplicate events", ()), ("outliers", ("eta",))} <= kinds(report)
    twice = investigate(source_of(FRAME.assign(event=np.arange(N) // 2)))
    assert twice.duplicates["n_ids"] == pytest.approx(N / 2, rel=0.1)
    assert ("repeated ids", ()) in kinds(twice)


def test_clouds():
    import awkward as ak

    counts = RNG.integers(0, 5, 2000)
    size = counts.sum()
    points = {name: ak.unflatten(RNG.normal(size=size), counts) for name in ("a", "b")}
    events = ak.Array({"p": ak.zip(points), "label": np.arange(2000) % 2, "event": np.arange(2000)})
    roles = {"collections": {"p": ["a", "b"]}, "target": "label", "event_id": "event"}
    large, small = (investigate(EventSource(events, **roles, memory=memory)) for memory in (2**30, 2**14))
    assert (small.n_particles, small.n_events) == (large.n_particles, large.n_events) == (size, 2000)
    for mine, wanted in zip(small.columns, large.columns, strict=True):
        assert (mine.name, mine.level) == (wanted.name, wanted.level)
        assert mine.mean == pytest.approx(wanted.mean, abs=1e-5)
    assert small.to_html()


def test_a_source_comes_alone():
    with pytest.raises(ValueError, match=r"y, X_test came as well.*source\.sample"):
        investigate(source_of(), FRAME.label, X_test=FRAME)


def test_a_sample_is_random_and_always_the_same():
    source, seen = source_of(), []
    sample = source.sample(500, look=lambda events: seen.append(len(events.data)))
    assert sum(seen) == N
    assert sample.data.shape == (500, 6)
    assert np.all(np.diff(sample.groups) > 0)
    assert abs(sample.groups.mean() - N / 2) < 5 * N / np.sqrt(12 * 500)
    np.testing.assert_array_equal(source.sample(500).groups, sample.groups)
    assert len(source.sample(10 * N).data) == N
    with pytest.raises(ValueError, match="no event"):
        source_of(cut="eta > 1e9").sample(3)
