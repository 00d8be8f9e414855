"""The simulation itself, with the real Pythia 8."""

import sys
from importlib.metadata import version

import numpy as np
import pytest

from sklearn_ml4fp import load_events, make_events
from sklearn_ml4fp.datasets import _pythia as pythia_file
from sklearn_ml4fp.datasets._bunch import TARGET_NAMES
from sklearn_ml4fp.datasets._pythia import Chunk, has_hard_lepton, prompt_leptons, simulate_chunk, start
from sklearn_ml4fp.datasets._simulate import tabulate, weigh

pythia8 = pytest.importorskip("pythia8mc", reason="needs Pythia 8, the extra simulate")


@pytest.fixture(scope="module")
def events():
    return make_events(60, random_state=5, verbose=False)


@pytest.fixture(scope="module")
def collisions():
    """40 hadronised ttbar events as (all particles, prompt leptons, true missing pT), and the partons' W decays."""
    pythia = start(pythia8, "ttbar", seed=1)
    found = []
    while len(found) < 40:
        if pythia.next() and has_hard_lepton(pythia.event) and pythia.forceHadronLevel():
            particles = [(p.idAbs(), p.px(), p.py(), p.pz(), p.e(), p.pT()) for p in pythia.event if p.isFinal()]
            from_w = [
                p.idAbs()
                for p in pythia.process
                if p.idAbs() in (11, 13, 15) and pythia.process[p.mother1()].idAbs() == 24
            ]
            leptons, true_met = prompt_leptons(pythia.event)
            final_after = sum(p.isFinal() for p in pythia.event)
            found.append((np.array(particles), from_w, leptons, true_met, final_after))
    return found


def test_the_shape_is_that_of_the_shipped_sample(events):
    shipped = load_events()
    assert set(events) == set(shipped)
    assert events.feature_names == shipped.feature_names
    assert set(events.simulation) == set(shipped.simulation)
    for key in ("data", "target", "sample_weight", "groups", "true_met", "true_met_phi"):
        assert (events[key].dtype, events[key].ndim) == (shipped[key].dtype, shipped[key].ndim)


def test_numbers_of_events(events):
    assert np.bincount(events.target).tolist() == [30, 30]
    X, y = make_events(5, random_state=0, return_X_y=True, verbose=False)
    assert X.shape == (5, 32)
    assert np.bincount(y).tolist() == [3, 2]


def test_selection_and_missing_jets(events):
    columns = dict(zip(events.feature_names, events.data.T, strict=True))
    jets = events.data[:, :24].reshape(-1, 6, 4)
    absent = np.arange(6) >= columns["n_jets"][:, None]
    np.testing.assert_array_equal(np.isnan(jets), np.repeat(absent[:, :, None], 4, axis=2))
    assert absent.any()
    assert np.nanmin(jets[:, :, 0]) > 25
    assert np.nanmax(np.abs(jets[:, :, 1])) < 2.5
    assert columns["lepton_pt"].min() > 25
    assert np.abs(columns["lepton_eta"]).max() < 2.5
    assert columns["n_jets"].min() >= 2


def test_event_numbers_are_a_permutation(events):
    assert sorted(events.groups.tolist()) == list(range(60))


def test_the_seed_alone_decides(events):
    again = make_events(60, random_state=5, n_jobs=2, verbose=False)
    for key in ("data", "target", "sample_weight", "groups", "true_met", "true_met_phi"):
        np.testing.assert_array_equal(again[key], events[key])
    other = make_events(4, random_state=6, verbose=False)
    assert not np.isin(other.true_met, events.true_met).any()


def test_many_runs_depend_on_the_seed_alone(monkeypatch):
    """Several chunks a class, as for a large sample: distinct events, whatever the number of processes."""
    monkeypatch.setattr("sklearn_ml4fp.datasets._simulate.CHUNK", 3)
    one = make_events(12, random_state=1, verbose=False)
    two = make_events(12, random_state=1, n_jobs=2, verbose=False)
    np.testing.assert_array_equal(one.data, two.data)
    np.testing.assert_array_equal(one.sample_weight, two.sample_weight)
    assert len(np.unique(one.true_met)) == 12


def test_the_description_names_this_call(events):
    assert "make_events(60, random_state=5)" in events.DESCR
    assert f"pythia8mc {version('pythia8mc')}" in events.DESCR
    assert "arXiv:2203.11601" in events.DESCR


def test_the_shipped_sample_is_what_the_call_makes():
    """The first events of the first run of each class stand in the shipped table, to half precision."""
    shipped = load_events()
    if shipped.simulation["generator"] != f"pythia8mc {version('pythia8mc')}":
        pytest.skip("another version of Pythia gives other events")
    n_runs = len(shipped.target) // 100
    seed = int(np.random.RandomState(2026).randint(2**31 - 1))
    _, *seeds = np.random.SeedSequence(seed).spawn(1 + n_runs)
    for label, first in ((0, 0), (1, n_runs // 2)):
        chunk = simulate_chunk(TARGET_NAMES[label], 3, seeds[first])
        stored = shipped.data[shipped.target == label]
        for row in chunk.rows:
            expected = row.astype(np.float32).astype(np.float16).astype(np.float32)
            assert (np.nan_to_num(stored) == np.nan_to_num(expected)).all(axis=1).sum() == 1


# Weights


def chunk_of(weight, *, weight_sum, sigma, n_tried):
    n = len(weight)
    return Chunk(np.zeros((n, 32)), np.ones((n, 2)), np.array(weight), weight_sum, 10 * n, n_tried, sigma)


def test_weights_by_hand():
    """Two runs: sigma is (100 * 1 + 200 * 3) / 4 = 175 fb, the sum of weights 50."""
    runs = [
        chunk_of([1.0, 2.0], weight_sum=20.0, sigma=100.0, n_tried=10),
        chunk_of([4.0], weight_sum=30.0, sigma=200.0, n_tried=30),
    ]
    weight, totals = weigh(runs)
    np.testing.assert_allclose(weight, [3.5, 7.0, 14.0])
    assert totals == {"cross_section_fb": 175.0, "n_generated": 30}


def test_the_table_keeps_rows_together():
    """Shuffling moves whole events: each weight stays with its class."""
    runs = [chunk_of(np.full(50, weight), weight_sum=1.0, sigma=1.0, n_tried=1) for weight in (1.0, 2.0)]
    table, _ = tabulate(runs, [0, 1], np.random.default_rng(0))
    np.testing.assert_array_equal(table["weight"], table["target"] + 1.0)
    assert table["target"][:50].sum() not in (0, 50)
    np.testing.assert_allclose(table["true_met"], np.sqrt(2))
    np.testing.assert_allclose(table["true_met_phi"], np.pi / 4)


def test_totals_are_those_before_the_event_too_many():
    """A shorter run is the beginning of a longer one, and its totals are smaller."""
    seed = np.random.SeedSequence(3)
    short, long = simulate_chunk("ttbar", 3, seed), simulate_chunk("ttbar", 5, np.random.SeedSequence(3))
    np.testing.assert_array_equal(short.rows, long.rows[:3])
    np.testing.assert_array_equal(short.weight, long.weight[:3])
    assert short.weight.sum() < short.weight_sum < long.weight_sum
    assert 3 < short.n_generated < long.n_generated < long.n_tried


# Selected events; the plain run of w_z_jets selects one in 60.
@pytest.mark.parametrize(("name", "n_biased", "n_plain"), [("ttbar", 150, 100), ("w_z_jets", 100, 25)])
def test_biased_and_plain_generation_agree(name, n_biased, n_plain):
    """Yield, and the share of it at high H_T, with and without the bias: three standard deviations."""
    biased = simulate_chunk(name, n_biased, np.random.SeedSequence(1))
    plain = simulate_chunk(name, n_plain, np.random.SeedSequence(2), ("PhaseSpace:bias2Selection = off",))
    np.testing.assert_array_equal(plain.weight, 1.0)
    assert plain.weight_sum == plain.n_generated
    assert np.std(biased.weight) / np.mean(biased.weight) > 0.3
    ht = load_events().feature_names.index("ht")
    for low in (0.0, {"ttbar": 250.0, "w_z_jets": 100.0}[name]):
        (a, error_a), (b, error_b) = (yield_of(chunk, chunk.rows[:, ht] > low) for chunk in (biased, plain))
        assert abs(a - b) < 3 * np.hypot(error_a, error_b)
        assert a > 4 * error_a  # the comparison says something
        assert b > 3 * error_b


@pytest.mark.parametrize(("name", "pt"), [("ttbar", 100.0), ("w_z_jets", 40.0)])
def test_weights_undo_the_bias_of_the_hard_process(name, pt):
    """Cross-section above a pT: from the weights of the biased process, and from a plain run above it, to 5 %."""
    biased = start(pythia8, name, 5, ("PartonLevel:all = off",))
    above, total = 0.0, 0.0
    for _ in range(10_000):  # the weighted error is 1.5 %, that of the plain run below 1 %
        if biased.next():
            info = biased.infoPython()
            above, total = above + info.weight() * (info.pTHat() > pt), total + info.weight()
    assert total == pytest.approx(biased.infoPython().weightSum())
    settings = ("PartonLevel:all = off", "PhaseSpace:bias2Selection = off", f"PhaseSpace:pTHatMin = {pt}")
    plain = start(pythia8, name, 6, settings)
    for _ in range(8000):
        plain.next()
    expected = plain.infoPython().sigmaGen()
    assert biased.infoPython().sigmaGen() * above / total == pytest.approx(expected, rel=0.05)
    assert expected < 0.7 * biased.infoPython().sigmaGen()


def yield_of(chunk, chosen):
    """Cross-section (fb) after the selection, and its statistical error."""
    scale = chunk.sigma / chunk.weight_sum
    weight = chunk.weight[chosen]
    return scale * weight.sum(), scale * np.sqrt((weight**2).sum())


def test_cross_sections():
    """Leading order at 13.6 TeV: half a nanobarn for ttbar (0.92 at NNLO), 25 nb for W and Z to leptons with a jet."""
    shipped = load_events().simulation
    assert 450e3 < shipped["cross_section_fb_ttbar"] < 700e3
    assert 15e6 < shipped["cross_section_fb_w_z_jets"] < 35e6


# Particles


def test_true_missing_pt_balances_all_that_is_visible(collisions):
    for particles, _, _, true_met, _ in collisions:
        visible = particles[~np.isin(particles[:, 0], (12, 14, 16))]
        np.testing.assert_allclose(true_met, -visible[:, 1:3].sum(axis=0), atol=1e-3)
    assert np.mean([np.hypot(*true_met) for _, _, _, true_met, _ in collisions]) > 20


def test_leptons_are_those_of_the_w_bosons(collisions):
    """Each W to e or mu gives one, each W to tau one or none, and decays of hadrons none."""
    n_all = 0
    for particles, from_w, leptons, _, _ in collisions:
        direct = sum(flavour != 15 for flavour in from_w)
        assert direct <= len(leptons) <= len(from_w)
        n_all += np.isin(particles[:, 0], (11, 13)).sum() - len(leptons)
    assert n_all > 40  # those of hadrons, which the search passes by


def test_prompt_leptons_leave_the_event_record(collisions):
    for particles, _, leptons, _, final_after in collisions:
        assert final_after == len(particles) - len(leptons)
        for lepton in leptons:
            assert np.isclose(particles[:, 5], lepton[0], rtol=1e-9).any()


# Errors


def test_without_pythia(monkeypatch):
    monkeypatch.setitem(sys.modules, "pythia8mc", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-ml4fp\[simulate\]"'):
        make_events(2)


@pytest.mark.parametrize(
    "arguments", [{"n_events": 1}, {"n_events": 2.5}, {"luminosity": -1.0}, {"random_state": "x"}, {"n_jobs": "all"}]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        make_events(**arguments)


def test_a_setting_that_pythia_does_not_know():
    with pytest.raises(RuntimeError, match="does not know the setting 'Nonsense:here = on'"):
        start(pythia8, "ttbar", 1, ("Nonsense:here = on",))


def test_processes_and_target_names_agree():
    assert tuple(pythia_file.PROCESSES) == TARGET_NAMES
