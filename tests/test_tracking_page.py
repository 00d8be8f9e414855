"""The snippets of docs/tracking.rst run as written, one after the other, and give the numbers that stand there."""

import pytest


def test_the_snippets_run(run_page):
    faster = (
        r"(InteractionNetworkClassifier|EdgeConvClassifier|MessagePassingClassifier)\(",
        r"\g<0>max_epochs=1, width=4, ",
    )
    fewer = (r"both_ways, events.target, events.groups", "both_ways[:40], events.target[:40], events.groups[:40]")
    names = run_page("docs/tracking.rst", faster, fewer)
    y, selected, particle, tracks = (names[name] for name in ("y", "selected", "events", "tracks"))
    particle = particle.particle
    assert names["edge_labels"](names["ToTrackGraph"]().fit_transform(names["source"])).read().target == y
    assert y.values.mean() == pytest.approx(0.45, abs=0.005)
    assert names["edge_efficiency"](y, selected) == pytest.approx(0.999, abs=5e-4)
    assert names["edge_purity"](y, selected) == pytest.approx(0.83, abs=0.005)
    assert names["p"].offsets.tolist() == names["y_test"].offsets.tolist()
    truth, found, before = (names[name].values for name in ("truth", "calibrated", "unseen"))
    assert names["folds"].n_folds_ == 3
    error = names["expected_calibration_error"]
    assert error(truth, found) < min(error(truth, before[:, 1]), 0.01)
    for metric, said in (("tracking_efficiency", 0.51), ("fake_rate", 0.24), ("duplicate_rate", 0.03)):
        assert names[metric](particle, tracks) == pytest.approx(said, abs=0.005)
