"""The snippets of "Your own ..." and of "Many networks" run as written, in order, on fewer events and epochs."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import sklearn

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [*sorted(DOCS.glob("own_*.rst")), DOCS / "many_networks.rst"]
FASTER = [
    (r"(load_events|load_quark_gluon_jets)\((.*?)\)", r"first(\1(\2))"),
    (r"((?:Classifier|Regressor)\()(?=\w+=)", r"\1max_epochs=1, width=8, "),
    (r"n_iter=\d+", "n_iter=2"),
]


def first(events):
    """The first 600 events."""
    for name in ("data", "target", "sample_weight", "groups"):
        if name in events:
            events[name] = events[name][:600]
    return events


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input")
def test_the_snippets_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert len(blocks) == text.count(".. code-block::")
    module = ModuleType(page.stem)  # a class in a module, as pickle wants it
    monkeypatch.setitem(sys.modules, page.stem, module)
    names = vars(module)
    names["first"] = first
    with sklearn.config_context():  # they switch metadata routing on
        for block in blocks:
            code = re.sub("^    ", "", block, flags=re.MULTILINE)
            for slow, fast in FASTER:
                code = re.sub(slow, fast, code)
            exec(code, names)
    if "results" in names:  # of scikit-learn's checks
        assert len([result for result in names["results"] if result["status"] == "passed"]) >= 40
        assert not [result for result in names["results"] if result["status"] == "failed"]
