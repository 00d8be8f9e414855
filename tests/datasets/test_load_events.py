"""The shipped sample, and ROOT files in its place."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uproot
from scipy.stats import ks_2samp
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

import sklearn_ml4fp
from sklearn_ml4fp import load_events, make_weighted_scorer, neg_response_resolution_scorer, response_resolution
from sklearn_ml4fp.datasets import _detector as detector
from sklearn_ml4fp.datasets._load import COLUMNS

PACKAGE = Path(sklearn_ml4fp.__file__).parent


@pytest.fixture(scope="module")
def events():
    return load_events()


@pytest.fixture(scope="module")
def columns(events):
    return dict(zip(events.feature_names, events.data.T, strict=True))


def effective(weight):
    return weight.sum() ** 2 / (weight**2).sum()


def test_size(events):
    assert len(events.data) >= 20_000
    assert np.bincount(events.target).tolist() == [len(events.data) // 2] * 2
    assert (PACKAGE / "datasets" / "events.npz").stat().st_size <= 3_000_000


def test_types(events):
    assert (events.data.dtype, events.sample_weight.dtype, events.groups.dtype) == ("float32", "float64", "int64")
    assert events.data.shape == (len(events.target), 32)
    assert events.target_names.tolist() == ["w_z_jets", "ttbar"]
    assert events.frame is None
    assert not {"weight", "sample_weight", "event_number", "target", "true_met"} & set(events.feature_names)


def test_the_true_missing_momentum_of_some_events_is_zero_and_its_regression_scored_by_the_difference(events):
    none = events.true_met == 0
    np.testing.assert_allclose([none.mean(), none[events.target == 0].mean()], [0.053, 0.106], atol=5e-4)
    assert not none[events.target == 1].any()  # a W boson of ttbar makes the lepton, and a neutrino
    model = DummyRegressor().fit(events.data, events.true_met)
    with pytest.raises(ValueError, match=r"Pass relative=False"):
        neg_response_resolution_scorer(model, events.data, events.true_met)
    scorer = make_weighted_scorer(response_resolution, greater_is_better=False, relative=False)
    low, high = np.quantile(events.true_met, [0.15866, 0.84134])  # of a constant prediction: the spread of the truth
    np.testing.assert_allclose(scorer(model, events.data, events.true_met), -(high - low) / 2, rtol=1e-3)


def test_cuts(columns):
    for i in range(1, 7):
        pt, eta = columns[f"jet{i}_pt"], columns[f"jet{i}_eta"]
        assert np.nanmin(pt) >= 25
        assert np.nanmax(np.abs(eta)) <= 2.5
        assert np.nanmin(columns[f"jet{i}_m"]) >= 0
    assert columns["lepton_pt"].min() >= 25
    assert np.abs(columns["lepton_eta"]).max() <= 2.5
    assert set(np.unique(columns["lepton_charge"])) == {-1, 1}
    assert columns["n_jets"].min() == 2


def test_absent_jets_are_nan_and_nothing_else_is(events, columns):
    jets = events.data[:, :24].reshape(-1, 6, 4)
    absent = np.arange(6) >= columns["n_jets"][:, None]
    np.testing.assert_array_equal(np.isnan(jets), np.repeat(absent[:, :, None], 4, axis=2))
    assert np.isfinite(events.data[:, 24:]).all()
    assert not np.isinf(events.data).any()


def test_jets_are_ordered_and_add_up(columns):
    pts = np.array([columns[f"jet{i}_pt"] for i in range(1, 7)])
    assert (np.diff(pts, axis=0)[~np.isnan(np.diff(pts, axis=0))] <= 0).all()
    all_listed = columns["n_jets"] <= 6
    # half precision: six rounded jets and their rounded sum differ by 2^-11 of the sum at most, twice
    np.testing.assert_allclose(columns["ht"][all_listed], np.nansum(pts, axis=0)[all_listed], rtol=2**-10)
    assert (columns["ht"] > np.nansum(pts, axis=0))[~all_listed].all()


def test_azimuths(events, columns):
    for name in [name for name in columns if name.endswith("phi")]:
        assert np.nanmax(np.abs(columns[name])) <= np.pi
    assert np.abs(events.true_met_phi).max() <= np.pi


def test_weights_vary_and_sum_to_the_yields(events):
    for label, name in enumerate(events.target_names):
        weight = events.sample_weight[events.target == label]
        assert weight.min() > 0
        assert 0.3 <= effective(weight) / len(weight) < 0.95
        # A class cannot yield more than its cross-section; float32 storage keeps the sum to 1e-6.
        cross_section = events.simulation[f"cross_section_fb_{name}"]
        assert 0.01 * cross_section < weight.sum() < 0.5 * cross_section
        fraction = len(weight) / events.simulation[f"n_generated_{name}"]
        assert 0 < fraction < 1


def test_weights_scale_with_luminosity(events):
    np.testing.assert_allclose(load_events(luminosity=140.0).sample_weight, 140.0 * events.sample_weight)


def test_event_numbers_are_unique_and_tell_nothing(events):
    assert len(np.unique(events.groups)) == len(events.groups)
    signal = events.target == 1
    # The sample is fixed, so these p-values are too: one in a thousand is no accident of the day.
    assert ks_2samp(events.groups[signal], events.groups[~signal]).pvalue > 1e-3
    position = np.arange(len(signal))
    assert ks_2samp(position[signal], position[~signal]).pvalue > 1e-3
    assert abs(np.corrcoef(position, events.groups)[0, 1]) < 4 / np.sqrt(len(signal))
    for bit in range(8):  # no parity or remainder either
        odd = (events.groups >> bit) & 1
        assert abs(np.corrcoef(odd, events.target)[0, 1]) < 4 / np.sqrt(len(signal))


def test_true_met_is_what_met_measures(events, columns):
    difference = columns["met"] * np.exp(1j * columns["met_phi"]) - events.true_met * np.exp(1j * events.true_met_phi)
    for component in (difference.real, difference.imag):
        assert abs(np.median(component)) < 1.0  # no bias
        assert 8.0 < np.std(component) < 40.0  # the soft term alone is 8 GeV
    assert np.corrcoef(columns["met"], events.true_met)[0, 1] > 0.7


def test_classes_overlap_and_differ(events):
    """A problem for a network is neither solved nor hopeless."""
    train = np.arange(len(events.target)) % 2 == 0
    weight = events.sample_weight / np.bincount(events.target, events.sample_weight)[events.target]
    model = HistGradientBoostingClassifier(max_iter=50, random_state=0)
    model.fit(events.data[train], events.target[train], weight[train] * train.sum() / 2)
    score = model.predict_proba(events.data[~train])[:, 1]
    assert 0.85 < roc_auc_score(events.target[~train], score, sample_weight=events.sample_weight[~train]) < 0.96


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.35])
def test_negative_weights(events, fraction):
    flipped = load_events(negative_fraction=fraction)
    n, factor = len(events.target), 1 - 2 * fraction
    np.testing.assert_allclose(np.abs(flipped.sample_weight) * factor, events.sample_weight)
    negative = flipped.sample_weight < 0
    error = np.sqrt(fraction * (1 - fraction) / n)
    assert negative.mean() == pytest.approx(fraction, abs=4 * error)
    for label in (0, 1):
        mine = events.target == label
        before, after = events.sample_weight[mine], flipped.sample_weight[mine]
        # Var(sum) = sum w^2 Var(sign) / (1 - 2f)^2, Var(sign) = 4 f (1 - f)
        spread = np.sqrt((before**2).sum() * 4 * fraction * (1 - fraction)) / factor
        assert after.sum() == pytest.approx(before.sum(), abs=4 * spread)
        ratio = effective(after) / effective(before)
        assert ratio == pytest.approx(factor**2, abs=factor**2 * 2 * 4 * spread / before.sum())
    bound = 4 / np.sqrt(n)
    for values in (events.target, events.sample_weight, *events.data[:, [0, 1, 24, 28, 30, 31]].T):
        assert abs(np.corrcoef(negative, values)[0, 1]) < bound
    np.testing.assert_array_equal(flipped.data, events.data)


def test_negative_weights_go_by_event_number_alone(tmp_path):
    """The events of a shuffled half keep their signs."""
    write(tmp_path / "half.root", np.random.default_rng(0).permutation(20_000)[:10_000])
    whole, half = load_events(negative_fraction=0.2), load_events(path=tmp_path / "half.root", negative_fraction=0.2)
    sign = dict(zip(whole.groups.tolist(), np.sign(whole.sample_weight), strict=True))
    assert [sign[number] for number in half.groups.tolist()] == np.sign(half.sample_weight).tolist()


def test_return_X_y(events):
    X, y = load_events(return_X_y=True)
    np.testing.assert_array_equal(X, events.data)
    np.testing.assert_array_equal(y, events.target)


def test_as_frame(events):
    framed = load_events(as_frame=True)
    assert framed.frame.columns.tolist() == [*events.feature_names, "target"]
    np.testing.assert_array_equal(framed.data.to_numpy(), events.data)
    np.testing.assert_array_equal(framed.target, events.target)
    assert framed.target.name == "target"
    assert (framed.data.dtypes == "float32").all()
    X, y = load_events(as_frame=True, return_X_y=True)
    assert X.equals(framed.data)
    assert y.equals(framed.target)


def test_as_frame_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pandas is missing"):
        load_events(as_frame=True)


def test_description(events):
    text = events.DESCR
    for word in ("arXiv:2203.11601", "13.6 TeV", "anti-kT", "R = 0.4", "pythia8mc 8.317.2", "N_eff", "(1 - 2f)^2"):
        assert word in text
    assert f"make_events({len(events.target)}, random_state=2026)" in text
    for name in ("jet1_pt", "lepton_charge", "met_phi", "ht", "n_jets", "true_met"):
        assert f"``{name}``" in text
    for number in (
        f"pT > {detector.JET_PT:g} GeV, abs(eta) < {detector.JET_ETA:g}",
        f"relative {detector.JET_NOISE:g} / pT ⊕ {detector.JET_STOCHASTIC:g} / sqrt(pT) ⊕ {detector.JET_CONSTANT:g}",
        f"Jet eta and phi: {detector.JET_ANGLE:g}",
        f"relative {detector.LEPTON_CONSTANT:g} ⊕ {detector.LEPTON_TRACK:.4f} pT",
        f"measured to {detector.SOFT_MET:g} GeV",
    ):
        assert number in text


def test_loading_touches_nothing_outside_the_package():
    """Files opened and addresses sought while loading; also nothing optional is imported."""
    code = """
import json, sys
from sklearn_ml4fp import load_events
seen = []
def hook(name, args):
    if name == "open" and isinstance(args[0], str) and not args[0].endswith((".py", ".pyc", ".so")):
        seen.append(str(args[0]))
    elif name.startswith(("socket", "subprocess", "urllib")):
        seen.append(name)
sys.addaudithook(hook)
load_events()
print(json.dumps([seen, sorted({"torch", "uproot", "pythia8mc", "pandas"} & set(sys.modules))]))
"""
    env = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    seen, optional = json.loads(done.stdout)
    assert any(path.endswith("events.npz") for path in seen)
    assert [path for path in seen if not path.startswith(str(PACKAGE / "datasets"))] == []
    assert "torch" not in optional
    assert "pythia8mc" not in optional
    assert "uproot" not in optional


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"negative_fraction": 0.5}, r"negative_fraction.*\[0.0, 0.5\)"),
        ({"negative_fraction": -0.1}, "negative_fraction"),
        ({"luminosity": 0.0}, "luminosity"),
        ({"as_frame": "yes"}, "as_frame"),
        ({"path": 3}, "path"),
    ],
)
def test_bad_arguments(arguments, match):
    with pytest.raises(ValueError, match=match):
        load_events(**arguments)


# ROOT files


def table_of(rows):
    events = load_events()
    table = dict(zip(events.feature_names, events.data.T, strict=True))
    table |= {"target": events.target, "weight": events.sample_weight, "event_number": events.groups}
    table |= {"true_met": events.true_met, "true_met_phi": events.true_met_phi}
    return {name: values[rows] for name, values in table.items()}


def write(path, rows, trees=("events",), **changes):
    table = {name: values for name, values in (table_of(rows) | changes).items() if values is not None}
    with uproot.recreate(path) as file:
        for tree in trees:
            file.mktree(tree, {name: values.dtype for name, values in table.items()})
            file[tree].extend(table)


def test_a_root_file_takes_the_place_of_the_sample(events, tmp_path):
    write(tmp_path / "events.root", slice(None))
    read = load_events(path=tmp_path / "events.root", luminosity=2.0)
    for key in ("data", "target", "groups", "true_met", "true_met_phi"):
        np.testing.assert_array_equal(read[key], events[key])
    np.testing.assert_allclose(read.sample_weight, 2.0 * events.sample_weight)
    assert read.simulation == {}
    assert "random_state=2026" not in read.DESCR
    assert set(read) == set(events)


def test_one_of_several_trees(tmp_path):
    path = tmp_path / "two.root"
    write(path, slice(100), trees=("nominal", "jet_energy_up"))
    assert len(load_events(path=f"{path}:nominal").data) == 100
    with pytest.raises(ValueError, match=r"trees \['nominal', 'jet_energy_up'\]; name the one to read"):
        load_events(path=path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"ht": None, "weight": None}, r"lacks the columns \['ht', 'weight'\]"),
        ({"event_number": np.arange(10) + 0.0}, "event_number must hold integers, got float64"),
        ({"target": np.arange(10)}, r"target must be 0 \(background\) or 1 \(signal\), got \[2, 3, 4, 5, 6\]"),
        ({"weight": np.full(10, np.nan)}, "weight holds NaN"),
    ],
)
def test_bad_root_files(tmp_path, changes, match):
    write(tmp_path / "bad.root", slice(10), **changes)
    with pytest.raises(ValueError, match=match):
        load_events(path=tmp_path / "bad.root")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "cannot be read as a ROOT file"),
        (b"a,b\n1,2\n" * 100, "cannot be read as a ROOT file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "cannot be read as a ROOT file"),
    ],
    ids=["nothing", "text", "hdf5"],
)
def test_a_file_of_another_kind(content, match, tmp_path):
    (tmp_path / "events.dat").write_bytes(content)
    with pytest.raises(ValueError, match=match):
        load_events(path=tmp_path / "events.dat")


def test_what_a_path_does_not_hold(tmp_path):
    path = tmp_path / "events.root"
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load_events(path=path)
    with uproot.recreate(path) as file:
        file["histogram"] = np.histogram([1.0, 2.0])
    with pytest.raises(ValueError, match="holds a TH1D under that name: expected a TTree or RNTuple"):
        load_events(path=f"{path}:histogram")
    with pytest.raises(ValueError, match=r"has no tree 'events'; it holds \['histogram;1'\]"):
        load_events(path=f"{path}:events")
    with pytest.raises(ValueError, match=r"holds the trees \[\]; name the one"):
        load_events(path=path)


def test_a_ragged_column_is_refused(tmp_path):
    import awkward as ak

    table = table_of(slice(2)) | {"ht": ak.Array([[1.0], [2.0, 3.0]])}
    with uproot.recreate(tmp_path / "ragged.root") as file:
        file.mktree("events", {name: ak.type(v).content if name == "ht" else v.dtype for name, v in table.items()})
        file["events"].extend(table)
    with pytest.raises(ValueError, match=r"one number per event is expected in each column; \['ht'\]"):
        load_events(path=tmp_path / "ragged.root")


def test_root_without_uproot(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-ml4fp\[hep\]"'):
        load_events(path=tmp_path / "events.root")


def test_the_columns_of_a_table_are_the_documented_ones():
    assert COLUMNS[-5:] == ("target", "weight", "event_number", "true_met", "true_met_phi")
