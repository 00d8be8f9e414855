"""Metrics of edges and tracks: against scikit-learn's and against a count by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, precision_score, recall_score

from sklearn_ml4fp import (
    SCORERS,
    Graphs,
    PointClouds,
    RaggedArray,
    build_tracks,
    duplicate_rate,
    edge_efficiency,
    edge_purity,
    efficiency_at_purity,
    fake_rate,
    tracking_efficiency,
)

RNG = np.random.default_rng(0)
OFFSETS = np.array([0, 40, 40, 100, 200])
LABEL = RaggedArray(RNG.integers(0, 2, 200), OFFSETS)
SCORE = LABEL.with_values(np.clip(LABEL.values * 0.3 + RNG.uniform(size=200).round(2), 0, 1))
OF_EDGE = RNG.normal(1, 0.5, 200)


def test_edges_against_scikit_learn():
    for weight in (None, np.abs(OF_EDGE)):
        above = SCORE.values > 0.5
        kwargs = {"sample_weight": weight}
        assert edge_efficiency(LABEL.values, SCORE.values, **kwargs) == pytest.approx(
            recall_score(LABEL.values, above, **kwargs)
        )
        assert edge_purity(LABEL.values, SCORE.values, **kwargs) == pytest.approx(
            precision_score(LABEL.values, above, **kwargs)
        )
        purity, efficiency, _ = precision_recall_curve(LABEL.values, SCORE.values, **kwargs)
        for wanted in (0.6, 0.8, 0.95):
            expected = efficiency[:-1][purity[:-1] >= wanted].max(initial=0)
            assert efficiency_at_purity(LABEL.values, SCORE.values, purity=wanted, **kwargs) == pytest.approx(expected)


@pytest.mark.parametrize("metric", [edge_efficiency, edge_purity, efficiency_at_purity])
def test_weights_of_events_and_of_edges(metric):
    kwargs = {"purity": 0.7} if metric is efficiency_at_purity else {}
    flat = metric(LABEL.values, SCORE.values, sample_weight=OF_EDGE, **kwargs)
    assert metric(LABEL, SCORE, sample_weight=LABEL.with_values(OF_EDGE), **kwargs) == pytest.approx(flat)
    of_event = np.array([1.0, 5.0, 2.0, 0.0])
    spread = metric(LABEL.values, SCORE.values, sample_weight=LABEL.spread(of_event), **kwargs)
    assert metric(LABEL, SCORE, sample_weight=of_event, **kwargs) == pytest.approx(spread)
    without = metric(LABEL[:3], SCORE[:3], sample_weight=of_event[:3], **kwargs)
    assert without == pytest.approx(spread)  # a weight of zero is an event removed
    both_classes = SCORE.with_values(np.stack([1 - SCORE.values, SCORE.values], axis=1))
    assert metric(LABEL, both_classes, **kwargs) == metric(LABEL, SCORE, **kwargs)


def test_nothing_to_find():
    none = RaggedArray([0, 0], [0, 2])
    assert np.isnan(edge_efficiency(none, none))
    assert np.isnan(edge_purity(none, none))
    assert np.isnan(efficiency_at_purity(none, none))
    assert efficiency_at_purity([0, 1], [0.9, 0.1], purity=0.9) == 0
    nobody = RaggedArray([-1, -1], [0, 2])
    for metric in (tracking_efficiency, fake_rate, duplicate_rate):
        assert np.isnan(metric(nobody, nobody))


# event 0: particle 0 found twice, 1 found, 2 missed, 3 too short; a candidate of noise. Event 1: a particle, merged.
PARTICLE = RaggedArray([0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, -1, -1, -1, 0, 0, 0, 1, 1, 1], [0, 17, 23])
TRACK = RaggedArray([0, 0, 0, 1, 1, 1, 2, 2, 2, 2, -1, 4, 4, -1, 3, 3, 3, 7, 7, 7, 7, 7, 7], [0, 17, 23])


def test_tracks_by_hand():
    # reconstructable: 0, 1, 2 and two in event 1; candidates: 0, 1, 2, 3, and 7; one half of 7 is no majority
    assert tracking_efficiency(PARTICLE, TRACK) == pytest.approx(2 / 5)
    assert fake_rate(PARTICLE, TRACK) == pytest.approx(2 / 5)
    assert duplicate_rate(PARTICLE, TRACK) == pytest.approx(1 / 5)
    weight = [1.0, 3.0]
    assert tracking_efficiency(PARTICLE, TRACK, sample_weight=weight) == pytest.approx(2 / 9)
    assert fake_rate(PARTICLE, TRACK, sample_weight=weight) == pytest.approx((1 + 3) / 7)
    assert duplicate_rate(PARTICLE, TRACK, sample_weight=weight) == pytest.approx(1 / 7)
    assert tracking_efficiency(PARTICLE, TRACK, shared=0.75) == pytest.approx(1 / 5)  # 3 of 4 hits are not more
    assert tracking_efficiency(PARTICLE, TRACK, min_hits=2) == pytest.approx(2 / 6)  # 4 is half of noise


def test_events_do_not_mix():
    doubled = RaggedArray.concatenate([PARTICLE, PARTICLE]), RaggedArray.concatenate([TRACK, TRACK])
    for metric in (tracking_efficiency, fake_rate, duplicate_rate):
        assert metric(*doubled) == pytest.approx(metric(PARTICLE, TRACK))
        other_names = TRACK.with_values(np.where(TRACK.values >= 0, 9 - TRACK.values, -5))
        assert metric(PARTICLE, other_names) == metric(PARTICLE, TRACK)


@pytest.mark.parametrize(
    ("dtype", "largest"), [(np.uint8, 255), (np.int8, 127), (np.int64, 2**53 - 1), (np.uint64, 2**53 - 1)]
)
def test_numbers_of_any_size_are_kept_apart(dtype, largest):
    """Three particles in each of eight events, each found once; some numbers are as large as their type holds."""
    particle = RaggedArray(np.tile(np.repeat(np.array([0, 1, largest], dtype), 3), 8), 9 * np.arange(9))
    for track in (particle, particle.with_values(np.tile(np.repeat([0, 1, 2], 3), 8))):
        assert tracking_efficiency(particle, track) == 1
        assert fake_rate(particle, track) == duplicate_rate(particle, track) == 0
    merged = particle.with_values(np.tile(np.repeat([0, 1, 1], 3), 8))  # one half of it is no majority
    assert tracking_efficiency(particle, merged) == pytest.approx(1 / 3)
    assert fake_rate(particle, merged) == 0.5


def test_scorers_of_a_model_of_edges():
    n = 9
    edges = np.array([[i, i + 1] for i in range(n - 1)])
    graphs = Graphs(PointClouds(np.zeros((n, 1)), [0, n]), edges, [0, n - 1])
    y = RaggedArray([1, 1, 0, 1, 1, 0, 1, 1], [0, n - 1])
    score = np.array([0.9, 0.8, 0.1, 0.9, 0.2, 0.1, 0.9, 0.9])
    model = SimpleNamespace(predict_proba=lambda X: y.with_values(np.stack([1 - score, score], axis=1)))
    model.fit = None  # scikit-learn's scorers ask for no more of an estimator
    true, found = build_tracks(graphs, y), build_tracks(graphs, y.with_values(score > 0.5))
    expected = {
        "edge_efficiency": edge_efficiency(y, y.with_values(score)),
        "edge_purity": edge_purity(y, y.with_values(score)),
        "efficiency_at_purity": efficiency_at_purity(y, y.with_values(score)),
        "tracking_efficiency": tracking_efficiency(true, found),
        "neg_fake_rate": -fake_rate(true, found),
        "neg_duplicate_rate": -duplicate_rate(true, found),
    }
    assert expected["tracking_efficiency"] == pytest.approx(2 / 3)
    for name, value in expected.items():
        assert SCORERS[name](model, graphs, y, sample_weight=[2.0]) == pytest.approx(value)


def test_errors():
    with pytest.raises(ValueError, match="the same edges"):
        edge_efficiency(LABEL, SCORE[:2])
    with pytest.raises(ValueError, match="must be 0 or 1"):
        edge_purity([0, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="one number per edge"):
        edge_purity([0, 1], [0.1])
    with pytest.raises(ValueError, match="purity must be above 0"):
        efficiency_at_purity(LABEL, SCORE, purity=1.5)
    with pytest.raises(ValueError, match="one weight for every value"):
        edge_purity(LABEL, SCORE, sample_weight=SCORE[:2])
    with pytest.raises(ValueError, match="one integer per hit"):
        fake_rate(PARTICLE, TRACK.values)
    with pytest.raises(ValueError, match="of the same events"):
        fake_rate(PARTICLE, TRACK[:1])
    with pytest.raises(ValueError, match="shared must be at least"):
        duplicate_rate(PARTICLE, TRACK, shared=0.2)
