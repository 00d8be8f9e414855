"""Analyses in an existing style and the same with this package: fewer than 20 lines differ, and the scores agree."""

import difflib
import re
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from sklearn_ml4fp import load_events, load_quark_gluon_jets

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "drop_in"
PAIRS = {"trees": ".py", "skorch": ".py", "weaver": ".sh", "torch": ".py"}
SMALLER = [
    (r"FeedForwardClassifier\(random", "FeedForwardClassifier(width=64, random"),
    (r"BoostingClassifier\(random", "BoostingClassifier(max_iter=40, random"),
    (r"n_blocks=2, max_epochs=5", "n_blocks=1, n_class_blocks=1, width=16, pair_width=16, batch_size=32, max_epochs=5"),
]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The files that the examples read: 2000 collisions and 800 jets."""
    monkeypatch.chdir(tmp_path)
    events = load_events()
    some = slice(0, 2000)
    columns = {name: events.data[some, i] for i, name in enumerate(events.feature_names)}
    roles = {"target": events.target[some], "weight": events.sample_weight[some], "event_number": events.groups[some]}
    with uproot.recreate("events.root") as file:
        file["events"] = {**columns, **roles}
    np.savez("events.npz", X=np.nan_to_num(events.data[some]), y=events.target[some])

    jets = load_quark_gluon_jets()
    clouds, y = jets.data[:800], jets.target[:800]
    points = clouds.to_awkward()
    per_jet = {name: clouds.column(name) for name in ("jet_pt", "jet_y", "jet_phi")}
    part = {
        "pt": points.pt,
        "deta": points.y - per_jet["jet_y"],
        "dphi": (points.phi - per_jet["jet_phi"] + np.pi) % (2 * np.pi) - np.pi,
    }
    padded = [ak.to_numpy(ak.fill_none(ak.pad_none(one, 60, clip=True), 0.0)) for one in part.values()]
    np.savez("jets.npz", X=np.stack(padded, axis=2), y=y)
    with uproot.recreate("jets.root") as file:
        labels = {"label_q": (y == 1).astype(np.int32), "label_g": (y == 0).astype(np.int32)}
        file["tree"] = {"part": ak.zip(part), "jet_pt": per_jet["jet_pt"], **labels, "event_number": jets.groups[:800]}
    (tmp_path / "jets.yaml").write_text((EXAMPLES / "jets.yaml").read_text())


def area(name, capsys):
    """The area under the curve that an example prints."""
    code = (EXAMPLES / name).read_text(encoding="utf-8")
    for slow, fast in SMALLER:
        code = re.sub(slow, fast, code)
    exec(compile(code, name, "exec"), {"__name__": "__main__"})
    return float(re.search(r"AUC (\d\.\d+)", capsys.readouterr().out)[1])


@pytest.mark.parametrize("name", PAIRS)
def test_fewer_than_20_lines_differ(name):
    before, after = (
        (EXAMPLES / file).read_text(encoding="utf-8").splitlines()
        for file in (f"{name}_before{PAIRS[name]}", f"{name}_after.py")
    )
    changed = [line for line in difflib.unified_diff(before, after, n=0) if line[0] in "+-"][2:]  # after the names
    assert 0 < len(changed) < 20


@pytest.mark.parametrize("name", ["trees", "skorch", "torch"])
def test_before_and_after_agree(name, files, capsys):
    """The network is not much worse than what it takes the place of, on few events."""
    before, after = area(f"{name}_before.py", capsys), area(f"{name}_after.py", capsys)
    assert before > 0.7
    assert after > before - 0.04


def test_a_configuration_of_weaver_is_enough(files, capsys):
    """A network that has learned nothing would have 0.5; a jet whose label the configuration cuts away is not there."""
    assert area("weaver_after.py", capsys) > 0.7
    assert "weaver" not in sys.modules


def test_the_page_shows_every_pair():
    page = (ROOT / "docs" / "drop_in.rst").read_text(encoding="utf-8")
    shown = set(re.findall(r"examples/drop_in/(\S+)", page))
    assert shown == {path.name for path in EXAMPLES.iterdir()}
