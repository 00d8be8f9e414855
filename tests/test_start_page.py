"""The snippets of the pages that a newcomer reads first run as written, on fewer events, epochs and candidates."""

import re
import tomllib
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import uproot

from sklearn_ml4fp import load_events

mpl.use("agg")

ROOT = Path(__file__).parents[1]
FASTER = [
    (r"FeedForwardClassifier\(random", "FeedForwardClassifier(max_epochs=1, width=8, n_layers=1, random"),
    (r"n_iter=\d+", "n_iter=2"),
    (r"n_jobs=-1", "n_jobs=1"),
]


FEATURES = ["jet1_pt", "met"]


@pytest.fixture
def two_files(tmp_path):
    """Signal and background in two files."""
    events = load_events(as_frame=True)
    for label, name in enumerate(["background", "signal"]):
        of_class = np.flatnonzero(events.target == label)[:200]
        columns = {feature: events.data[feature].to_numpy()[of_class] for feature in FEATURES}
        with uproot.recreate(tmp_path / f"{name}.root") as file:
            file["events"] = {
                **columns,
                "weight": events.sample_weight[of_class],
                "event_number": events.groups[of_class],
            }


def test_the_start_page(run_page, two_files, tmp_path):
    names = run_page("docs/start.rst", *FASTER, n_events=400)
    with uproot.open(tmp_path / "scores.root") as file:
        assert file["scores"].num_entries == 400
    assert len(names["scores"]["test_score"]) == 5
    assert len(names["search"].cv_results_["params"]) == 2
    assert [part.data.shape for part in names["parts"]] == [(200, len(FEATURES))] * 2


def test_the_readme(run_page):
    assert "search" in run_page("README.md", *FASTER, n_events=400)


def test_the_first_network(run_page, capsys):
    """The start page shows this example, what it prints, and its picture."""
    run_page("examples/plot_first_network.py", *FASTER, n_events=2000)
    printed = re.findall(r"^(.+): area under the ROC curve 0\.\d+", capsys.readouterr().out, re.MULTILINE)
    assert printed == ["network", "boosted trees"]
    assert plt.gca().get_xlabel().startswith("Signal efficiency")
    plt.close("all")


def test_the_example_of_the_demo_imports_public_names_only():
    """What a user copies from the quickstart must not depend on private modules; the same for all examples."""
    for example in (ROOT / "examples").rglob("*.py"):
        assert not re.findall(r"sklearn_ml4fp\.?\S* import _|sklearn_ml4fp\._|import _", example.read_text()), example


def test_every_page_is_found_from_the_user_guide():
    """Sphinx warns as well, but takes minutes to do so."""
    docs = ROOT / "docs"
    listed = {
        line.strip() for name in ("index", "user_guide") for line in (docs / f"{name}.rst").read_text().splitlines()
    }
    assert {path.stem for path in docs.glob("*.rst")} - {"index"} <= listed


def test_the_torch_of_the_start_page_is_the_one_that_is_tested():
    """Another would be replaced by the second line, on Linux with gigabytes of CUDA."""
    pinned = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[1]
    assert f"pip install torch=={pinned} --index-url" in (ROOT / "docs" / "start.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "docs/install.rst"])
def test_every_extra_stands_in_the_table_with_its_packages(page):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    text = (ROOT / page).read_text(encoding="utf-8")
    row = r"^\| `(\w+)` \| (.*?) \|" if page.endswith(".md") else r"\* - ``(\w+)``\n     - (.*)"
    rows = re.findall(row, text, re.MULTILINE)
    assert {name for name, _ in rows} == extras.keys() - {"test", "docs"}
    for name, packages in rows:
        required = {re.match(r"[\w-]+", one)[0] for one in extras[name]} - {"sklearn-ml4fp", "protobuf"}
        assert required <= set(re.findall(r"[\w-]+", packages)), name
