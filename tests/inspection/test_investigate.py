"""The data report: planted faults are found, clean data is left alone, and the numbers are right."""

import json
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import skew, spearmanr

from sklearn_ml4fp import AutoScaler, PointClouds, investigate, load_events

N = 4000


def clean(seed=0, n=N):
    """Two classes, five columns of different kinds, weights, ids, and a test set of the same kind."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    frame = pd.DataFrame(
        {
            "pt": rng.lognormal(3, 0.8, n) * (1 + 0.3 * y),
            "eta": rng.normal(0, 1.2, n),
            "phi": rng.uniform(-np.pi, np.pi, n),
            "mass": rng.normal(90, 5, n) + 3 * y,
            "n_jets": rng.poisson(3, n) + y,
            "d0": np.where(rng.uniform(size=n) < 0.1, np.nan, rng.standard_t(3, n)),
        }
    )
    return {"X": frame, "y": y, "sample_weight": rng.uniform(0.5, 1.5, n), "groups": np.arange(n)}


def kinds(report):
    return {(one.kind, one.columns) for one in report.findings}


@pytest.mark.parametrize("seed", range(6))
def test_clean_data_raises_nothing(seed):
    report = investigate(**clean(seed), X_test=clean(seed + 100)["X"])
    assert report.findings == []
    assert abs(report.test_shift["auc"] - 0.5) < 0.05


def leak(data, rng):
    data["X"]["truth"] = data["y"] + rng.normal(0, 0.01, N)


def duplicate_column(data, rng):
    data["X"]["mass_again"] = data["X"]["mass"]


def near_duplicate_column(data, rng):
    data["X"]["mass_mev"] = 1000 * data["X"]["mass"] + rng.normal(0, 1, N)


def shifted_test(data, rng):
    data["X_test"] = clean(100)["X"].assign(eta=lambda x: x["eta"] + 0.5)


def otherwise_correlated_test(data, rng):
    data["X_test"] = clean(100)["X"]
    data["X_test"]["eta"] = np.sort(data["X_test"]["eta"])[np.argsort(np.argsort(data["X_test"]["mass"]))]


def spike(data, rng):
    data["X"].loc[[17, 450], "mass"] = [1e6, 2e6]


def missing_by_class(data, rng):
    data["X"].loc[(data["y"] == 1) & (rng.uniform(size=N) < 0.3), "pt"] = np.nan


def negative_weights(data, rng):
    data["sample_weight"] = np.where(rng.uniform(size=N) < 0.1, -1.0, 1.0)


def constant(data, rng):
    data["X"]["charge"] = 1.0


def placeholder(data, rng):
    data["X"].loc[rng.uniform(size=N) < 0.03, "pt"] = -999.0


def imbalance(data, rng):
    data["y"] = (rng.uniform(size=N) < 0.06).astype(int)


def imbalance_in_weights(data, rng):
    data["sample_weight"] = np.where(data["y"] == 1, 0.01, 1.0)


def duplicate_events(data, rng):
    data["X"].iloc[100:120] = data["X"].iloc[:20].to_numpy()


def drift(data, rng):
    data["X"]["mass"] += 10 * data["groups"] / N


def sorted_target(data, rng):
    data["y"] = np.sort(data["y"])


def infinite(data, rng):
    data["X"].loc[5, "eta"] = np.inf


def empty(data, rng):
    data["X"]["btag"] = np.nan


def mostly_missing(data, rng):
    data["X"].loc[rng.uniform(size=N) < 0.8, "eta"] = np.nan


def overlapping_test(data, rng):
    data["X_test"] = pd.concat([clean(100)["X"], data["X"].iloc[:7]])


def heavy_weights(data, rng):
    data["sample_weight"] = rng.lognormal(0, 2, N)


def text(data, rng):
    data["X"]["generator"] = "Pythia"


FAULTS = [
    (leak, ("leak", ("truth",))),
    (duplicate_column, ("duplicate columns", ("mass", "mass_again"))),
    (near_duplicate_column, ("near-duplicate columns", ("mass", "mass_mev"))),
    (shifted_test, ("test shift", ("eta",))),
    (otherwise_correlated_test, ("test shift", ())),
    (spike, ("outliers", ("mass",))),
    (missing_by_class, ("missing by class", ("pt",))),
    (negative_weights, ("negative weights", ())),
    (constant, ("constant", ("charge",))),
    (placeholder, ("placeholder", ("pt",))),
    (imbalance, ("class imbalance", ())),
    (imbalance_in_weights, ("class imbalance", ())),
    (duplicate_events, ("duplicate events", ())),
    (drift, ("trend", ("mass",))),
    (sorted_target, ("sorted target", ())),
    (infinite, ("infinite", ("eta",))),
    (empty, ("empty", ("btag",))),
    (mostly_missing, ("mostly missing", ("eta",))),
    (overlapping_test, ("test overlap", ())),
    (heavy_weights, ("effective sample", ())),
    (text, ("not numeric", ("generator",))),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_a_planted_fault_is_found_and_nothing_else(fault, expected):
    data = clean()
    fault(data, np.random.default_rng(1))
    found = kinds(investigate(**data))
    # what a fault brings with it: sorting the target leaves the columns that depend on it without a cause
    brought = {
        "imbalance_in_weights": {("effective sample", ())},
        "otherwise_correlated_test": set(),
    }.get(fault.__name__, set())
    assert expected in found
    assert found - brought == {expected}


def test_ten_faults_at_once():
    data, rng = clean(), np.random.default_rng(2)
    together = [
        imbalance, missing_by_class, leak, duplicate_column, near_duplicate_column, shifted_test, negative_weights,
        constant, infinite, duplicate_events,
    ]  # fmt: skip
    for fault in together:
        fault(data, rng)
    data["X_test"] = data["X_test"].assign(**dict.fromkeys(("truth", "mass_again", "mass_mev", "charge"), 0.0))
    data["X"].loc[[17, 450], "d0"] = [1e6, 2e6]
    report = investigate(**data)
    wanted = {dict(FAULTS)[fault][0] for fault in together} | {"outliers"}
    assert len(wanted) == 11
    assert wanted <= {one.kind for one in report.findings}
    ranks = [("error", "warning", "hint").index(one.severity) for one in report.findings]
    assert ranks == sorted(ranks)
    assert all(one.meaning and one.action for one in report.findings)


@pytest.mark.parametrize("negative", [0.0, 0.2])
def test_no_outliers_in_the_tails_of_real_events(negative):
    report = investigate(load_events(negative_fraction=negative))
    assert report.origin
    assert not any(one.kind in ("outliers", "placeholder", "leak") for one in report.findings)
    assert any(one.kind == "negative weights" for one in report.findings) == bool(negative)


def test_weights_are_repeated_rows():
    data = clean(n=800)
    times = np.random.default_rng(3).integers(1, 4, 800)
    rows = np.repeat(np.arange(800), times)
    X, y = data["X"].to_numpy(), data["y"]
    weighted, repeated = investigate(X, y, sample_weight=times), investigate(X[rows], y[rows])
    for ours, theirs in zip(weighted.columns, repeated.columns, strict=True):
        for name in ("missing", "mean", "variance", "skewness", "shape", "limits", "missing_by_class", "target"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(ours.histogram[1], theirs.histogram[1])
        assert ours.scaling == theirs.scaling
    np.testing.assert_allclose(weighted.pearson, repeated.pearson, atol=1e-9)


def test_statistics_as_elsewhere():
    data = clean()
    report = investigate(data["X"], data["y"])
    frame = report.to_frame()
    X = data["X"]
    np.testing.assert_allclose(frame["mean"], X.mean())
    np.testing.assert_allclose(frame["variance"], X.var(ddof=0))
    np.testing.assert_allclose(frame["skewness"], skew(X, nan_policy="omit"), rtol=1e-9)
    np.testing.assert_allclose(report.pearson, X.corr(), atol=1e-9)
    wanted = [[spearmanr(X[a], X[b]).statistic for a in X.columns[:5]] for b in X.columns[:5]]
    np.testing.assert_allclose(report.spearman[:5, :5], wanted, atol=1e-9)
    assert list(frame["scaling"]) == list(AutoScaler().fit(X).scalings_)
    assert frame["n_missing"]["d0"] == X["d0"].isna().sum()
    assert report.missing_patterns[1] == {"columns": ["d0"], "n_events": int(X["d0"].isna().sum())}
    sums = frame_histogram = report.columns[1].histogram[1]
    assert frame_histogram.shape == (2, 40)
    inside = (X["eta"] >= report.columns[1].histogram[0][0]) & (X["eta"] <= report.columns[1].histogram[0][-1])
    np.testing.assert_array_equal(sums.sum(axis=1), [(inside & (data["y"] == k)).sum() for k in (0, 1)])


def test_classes_and_weights():
    data = clean()
    w = np.where(data["y"] == 1, 2.0, 1.0)
    report = investigate(data["X"], data["y"], sample_weight=w)
    one = report.classes[1]
    n = int(data["y"].sum())
    assert one["n_events"] == n
    assert one["sum_of_weights"] == 2 * n
    assert one["n_effective"] == pytest.approx(n)
    assert one["share_of_weights"] == pytest.approx(2 * n / (N + n))
    assert report.weights["n_effective"] == pytest.approx(w.sum() ** 2 / (w**2).sum())


def test_a_regression_target():
    data = clean()
    target = data["X"]["eta"] ** 3
    report = investigate(data["X"], target)
    assert kinds(report) == {("leak", ("eta",))}
    assert report.columns[1].target == pytest.approx(1)
    assert len(report.classes) == 1


@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame, np.asarray])
def test_containers_give_the_same_numbers(container):
    X = clean()["X"]
    other = container(X.to_dict("list")) if container is not np.asarray else X.to_numpy()
    ours, theirs = investigate(other), investigate(X)
    assert [c.mean for c in ours.columns] == pytest.approx([c.mean for c in theirs.columns])
    assert ours.memory_bytes > 0


def test_missing_values_of_pandas():
    frame = pd.DataFrame({"n": pd.array([1, 2, None, 4], dtype="Int64"), "flag": [True, False, True, True]})
    report = investigate(frame)
    assert [c.n_missing for c in report.columns] == [1, 0]
    assert report.columns[0].mean == pytest.approx(7 / 3)


def test_point_clouds_per_event_and_per_particle():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 6, 1000)
    k = int(counts.sum())
    points = np.column_stack([rng.exponential(30, k), rng.normal(size=k)])
    met = rng.exponential(30, (1000, 1))
    points[7, 0] = 1e8
    names = {"feature_names": ["pt", "eta"], "event_values": met, "event_names": ["met"]}
    clouds = PointClouds(points, np.r_[0, np.cumsum(counts)], **names)
    w = rng.uniform(0.5, 2, 1000)
    report = investigate(clouds, counts > 2, sample_weight=w)
    assert [(c.level, c.name) for c in report.columns] == [
        ("event", "n_particles"), ("event", "mean pt"), ("event", "mean eta"), ("event", "met"),
        ("particle", "pt"), ("particle", "eta"),
    ]  # fmt: skip
    columns = {(c.level, c.name): c for c in report.columns}
    assert columns["event", "n_particles"].mean == pytest.approx(np.average(counts, weights=w))
    assert columns["particle", "eta"].mean == pytest.approx(np.average(points[:, 1], weights=np.repeat(w, counts)))
    of_first = np.split(points[:, 1], np.cumsum(counts)[:-1])
    means = [one.mean() for one in of_first if len(one)]
    assert columns["event", "mean eta"].mean == pytest.approx(np.average(means, weights=w[counts > 0]))
    assert columns["event", "mean pt"].n_missing == (counts == 0).sum()
    assert ("outliers", ("pt",)) in kinds(report)
    assert ("leak", ("n_particles",)) in kinds(report)
    assert f"1000 events, {k} particles" in str(report)


class _Tags(HTMLParser):
    """Collects tags, and checks that each is closed."""

    void = ("meta", "link", "line", "br")

    def __init__(self):
        super().__init__()
        self.open, self.count = [], {}

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def report_with_findings():
    data = clean()
    for fault in (leak, spike, missing_by_class):
        fault(data, np.random.default_rng(1))
    data["X"]["<script>alert(1)</script>"] = 1.0
    return investigate(**data)


def test_the_page(tmp_path):
    report = report_with_findings()
    html = report.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == html
    tags = _Tags()
    tags.feed(html)
    assert tags.open == []
    assert "script" not in tags.count
    assert "http" not in html
    drawn = sum(c.histogram is not None for c in report.columns)
    assert tags.count["svg"] == drawn + 2
    assert tags.count["polyline"] == 2 * drawn  # one a class
    assert tags.count["rect"] == 2 * len(report.event_names) ** 2
    assert html.index("missing by class") < html.index("Histograms are weighted")
    assert report._repr_html_() in html


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_the_page_in_a_browser(tmp_path):
    report = report_with_findings()
    report.to_html(tmp_path / "report.html")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--v=0",
        f"--user-data-dir={tmp_path}",
    ]
    url = (tmp_path / "report.html").as_uri()
    done = subprocess.run(
        ["chromium", *options, "--dump-dom", url], capture_output=True, text=True, timeout=60, check=True
    )
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count("<polyline") == 2 * sum(c.histogram is not None for c in report.columns)


def test_text_and_dict():
    report = report_with_findings()
    text = str(report)
    assert f"{N} events, 8 columns" in text
    assert "error, leak: truth alone tells the classes apart almost perfectly" in text
    assert "Missing together in" in text
    known = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert known["findings"][0]["kind"] == "leak"
    assert known["columns"][0]["name"] == "pt"
    assert known["columns"][0]["shape"]["q50"] == report.columns[0].shape.q50


def test_large_samples_are_sampled_for_correlations(monkeypatch):
    monkeypatch.setattr("sklearn_ml4fp.inspection._data_columns.SAMPLE", 2000)
    data = clean(n=20_000)
    report, again = investigate(**data), investigate(**data)
    np.testing.assert_array_equal(report.pearson, again.pearson)
    np.testing.assert_allclose(report.pearson, data["X"].corr(), atol=5 / np.sqrt(2000))
    assert report.columns[0].mean == pytest.approx(np.average(data["X"]["pt"], weights=data["sample_weight"]))


def test_errors():
    data = clean(n=50)
    X, y = data["X"], data["y"]
    with pytest.raises(ValueError, match=r"X has shape \(50,\).*expected a table of numbers"):
        investigate(y)
    with pytest.raises(ValueError, match="y has 49 entries, expected 50"):
        investigate(X, y[1:])
    with pytest.raises(ValueError, match="groups has 49 entries, expected 50"):
        investigate(X, groups=np.arange(49))
    with pytest.raises(ValueError, match="one weight per event"):
        investigate(X, sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="X_test has the columns"):
        investigate(X, X_test=X[["pt"]])
    with pytest.raises(ValueError, match="y has 50 different labels, expected at most 20, or numbers"):
        investigate(X, [f"event {i}" for i in range(50)])
    with pytest.raises(ValueError, match="X has no numeric column"):
        investigate(pd.DataFrame({"a": ["x", "y"]}))
