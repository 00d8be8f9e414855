"""The data report: planted faults are found, clean data is left alone, and the numbers are right."""

import json
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from scipy.stats import skew, spearmanr
from sklearn.utils import Bunch

from sklearn_ml4fp import AutoScaler, Graphs, PointClouds, investigate, load_events

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


def several_rows_an_event(data, rng):
    data["groups"] = np.arange(N) // 2


def two_columns_of_one_name(data, rng):
    data["X"] = data["X"].rename(columns={"eta": "phi"})


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
    (several_rows_an_event, ("repeated ids", ())),
    (two_columns_of_one_name, ("repeated names", ("phi",))),
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


# --- what users really have ---


KINDS = {
    "text": lambda code: np.array(["b", "a", "c"])[code],
    "category": lambda code: pd.Categorical.from_codes(code, list("bac")),
    "date": lambda code: pd.Timestamp("2020-01-01") + pd.to_timedelta(code, unit="D"),
    "missing": lambda code: np.array([None, "a", "c"], dtype=object)[code],
}


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
@pytest.mark.parametrize("goal", ["two classes", "three classes", "text"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_column_that_is_no_number_can_leak_the_target(frame, goal, kind):
    """Siblings of a text that equals the label, and columns of the same kinds that tell nothing."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 2 if goal == "two classes" else 3, 900)
    y = np.array(["w", "z", "h"])[code] if goal == "text" else code
    X = pd.DataFrame({"pt": rng.exponential(size=900)})
    X["truth"], X["other"] = KINDS[kind](code), KINDS[kind](rng.integers(0, 3, 900))
    X["id"] = [f"event {i}" for i in range(900)]  # a text of its own for each event tells nothing
    if frame is pl.DataFrame:
        X = pl.DataFrame({name: [None if pd.isna(one) else one for one in X[name]] for name in X})
    report = investigate(X, y)
    assert {one.columns for one in report.findings if one.kind == "leak"} == {("truth",)}
    assert max(report.other_targets["other"], report.other_targets["id"]) < 0.2


def test_a_text_can_leak_a_regression_target():
    energy = np.random.default_rng(0).uniform(0, 10, 2000)
    X = pd.DataFrame({"pt": 1.0, "written": [f"E = {one:.1f} GeV" for one in energy], "run": "A"})
    report = investigate(X, energy)
    assert {one.columns for one in report.findings if one.kind == "leak"} == {("written",)}
    assert "written alone follows the target" in str(report)


def test_names_are_told_apart_and_may_be_numbers():
    data = clean(n=200)
    X = data["X"].iloc[:, :4].set_axis([0, "0", "pt", "pt"], axis=1)
    report = investigate(X, data["y"], X_test=X[:50])
    assert [c.name for c in report.columns] == report.event_names == ["0", "0 (2)", "pt", "pt (2)"]
    np.testing.assert_allclose([c.mean for c in report.columns], X.to_numpy().mean(axis=0))
    assert {one.columns for one in report.findings if one.kind == "repeated names"} == {("0",), ("pt",)}
    assert report.to_frame().index.is_unique


@pytest.mark.filterwarnings("error")
def test_clouds_that_are_all_empty():
    n = 60
    X = PointClouds(np.zeros((0, 2)), np.zeros(n + 1, int), ["pt", "eta"])
    y, w = np.arange(n) % 2, np.random.default_rng(0).normal(1, 0.5, n)
    report = investigate(X, y, sample_weight=w, X_test=X)
    assert kinds(report) >= {("constant", ("n_particles",)), ("empty", ("mean pt",)), ("empty", ("pt",))}
    assert "60 events, 0 particles" in str(report)
    report.to_html()
    json.dumps(report.to_dict(), allow_nan=False)
    # some are: no value is no duplicate of another one
    some = PointClouds(np.random.default_rng(0).normal(size=(40, 2)), np.r_[np.zeros(20), np.arange(41)].astype(int))
    assert "duplicate events" not in {one.kind for one in investigate(some).findings}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "column",
    [np.full(50, np.nan), np.full(50, np.inf), np.r_[1.0, np.full(49, np.nan)], np.tile([1e308, -1e308], 25)],
    ids=["NaN", "infinite", "one value", "huge"],
)
def test_columns_with_next_to_no_value(column):
    X = np.column_stack([column, np.random.default_rng(0).normal(size=50)])
    report = investigate(X, np.arange(50) % 2, sample_weight=np.linspace(0.5, 1, 50), X_test=X[:30])
    assert report.columns[0].n_missing == (~np.isfinite(column)).sum()
    report.to_html()


@pytest.mark.parametrize("kind", ["array", "list of its events", "list of arrays", "graphs"])
def test_point_clouds_in_every_form_that_networks_take(kind):
    rng = np.random.default_rng(0)
    counts, y = rng.integers(0, 5, 300), rng.integers(0, 2, 300)
    clouds = PointClouds(rng.normal(size=(counts.sum(), 2)), np.r_[0, np.cumsum(counts)], ["pt", "eta"])
    if kind == "graphs":
        X = Graphs(clouds, np.zeros((0, 2), int), np.zeros(301, int))
    elif kind == "list of arrays":
        X, clouds = clouds.to_lists(), PointClouds(clouds.values, clouds.offsets)
    else:
        X = clouds.to_awkward()
        X = X if kind == "array" else [X[i] for i in range(300)]
    report, wanted = investigate(X, y, X_test=X[:100]), investigate(clouds, y, X_test=clouds[:100])
    assert str(report) == str(wanted)
    assert [c.level for c in report.columns][-1] == "particle"


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_what_is_under_a_mask_is_not_looked_at(dtype):
    rng = np.random.default_rng(0)
    values = (100 * rng.normal(size=(500, 2))).astype(dtype)
    mask = rng.uniform(size=values.shape) < 0.3
    hidden = np.where(mask, -9999, values).astype(dtype)
    report = investigate(np.ma.array(hidden, mask=mask), X_test=np.ma.array(hidden, mask=mask)[:100])
    wanted = investigate(np.where(mask, np.nan, values))
    assert [c.shape for c in report.columns] == [c.shape for c in wanted.columns]
    assert [c.n_missing for c in report.columns] == mask.sum(axis=0).tolist()
    y = np.arange(500) % 2
    with pytest.raises(ValueError, match="y lacks the label of 3 events"):
        investigate(values, np.ma.array(y, mask=np.arange(500) < 3))
    with pytest.raises(ValueError, match="sample_weight contains 3 values that are missing"):
        investigate(values, y, sample_weight=np.ma.array(np.ones(500), mask=np.arange(500) < 3))


def test_control_characters_do_not_reach_a_terminal():
    """An escape sequence in the name of a branch, a class or a data set would otherwise be obeyed by it."""
    names = ["pt\x1b[2J", "eta\x1b]0;title\x07", "b\u202e\nnew line", "\x00" * 40]
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 4)), columns=names)
    X["c\r"], X["d\x9b"] = 1.0, "text"
    X.iloc[:70, 0] = np.nan
    y = np.where(np.arange(100) < 4, "s\x1b[31m", "b")
    report = investigate(Bunch(data=X, target=y, DESCR="Jets\x1b[5m\nof ATLAS\n\nand more"))
    for text in (str(report), *(one.meaning for one in report.findings), report.to_html()):
        assert all(c.isprintable() or c == "\n" for c in text)
    assert str(report).startswith("Jets\\x1b[5m of ATLAS\n100 events")
    assert "pt\\x1b[2J" in str(report)
    assert report.columns[0].name == names[0]  # where a program looks


def test_rows_of_one_event_are_no_independent_events():
    """A drift along the ids that 40 events give by chance is none because each has 50 rows."""
    rng = np.random.default_rng(3)
    ids = np.repeat(np.arange(40), 50)
    X = np.column_stack([np.repeat(rng.normal(size=40) + np.linspace(0, 1, 40), 50), rng.normal(size=2000)])
    assert ("trend", ("x0",)) in kinds(investigate(X, groups=np.arange(2000)))
    found = kinds(investigate(X, groups=ids))
    assert ("repeated ids", ()) in found
    assert ("trend", ("x0",)) not in found


def test_errors():
    data = clean(n=50)
    X, y = data["X"], data["y"]
    for bad, got in (
        (y, r"shape \(50,\) and type int64"), ([[1, 2], [3]], "type list"), ("file.root", "type str"),
        (None, "type NoneType"), (np.ones((5, 4, 3)), r"shape \(5, 4, 3\)"), (np.ones((4, 2), complex), "complex128"),
        (np.array([["1", "2"]]), "<U1"), (csr_array(np.eye(3)), "type float64"),
        (np.ones((4, 2), "M8[s]"), "datetime64"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=rf"X has .*{got}.*expected a table of numbers"):
            investigate(bad)
    for empty in (X[:0], np.zeros((0, 3)), np.zeros((3, 0)), PointClouds(np.zeros((0, 2)), [0])):
        with pytest.raises(ValueError, match=r"X has shape \(\d, \d\): expected at least one event and one column"):
            investigate(empty)
    with pytest.raises(ValueError, match=r"X_test has shape \(0, 6\): expected at least one event"):
        investigate(X, X_test=X[:0])
    for bad, message in (
        (np.where(y, np.nan, 0.0), "y lacks the label"), (np.array([0, "a"] * 25, dtype=object), "labels of one type"),
        (np.r_[np.inf, np.arange(49.0)], "y contains 1 values that are missing, NaN or infinite"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            investigate(X, bad)
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
