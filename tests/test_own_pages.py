"""The snippets of "Your own ..." and of "Many networks" run as written, in order, on fewer events and epochs."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [*sorted(path.stem for path in DOCS.glob("own_*.rst")), "many_networks"]
FASTER = [
    (r"((?:Classifier|Regressor)\()(?=\w+=)", r"\1max_epochs=1, width=8, "),
    (r"n_iter=\d+", "n_iter=2"),
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input")
def test_the_snippets_run(page, run_page, monkeypatch):
    module = ModuleType(page)  # a class in a module, as pickle wants it
    monkeypatch.setitem(sys.modules, page, module)
    names = run_page(f"docs/{page}.rst", *FASTER, n_events=600, names=vars(module))
    if "results" in names:  # of scikit-learn's checks
        assert len([result for result in names["results"] if result["status"] == "passed"]) >= 40
        assert not [result for result in names["results"] if result["status"] == "failed"]
