"""The snippets of the pages that a newcomer reads first run as written, on fewer events, epochs and candidates."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FASTER = [
    (r"Classifier\(random", "Classifier(max_epochs=1, width=8, n_layers=1, random"),
    (r"n_iter=\d+", "n_iter=2"),
    (r"n_jobs=-1", "n_jobs=1"),
]


@pytest.mark.parametrize(
    ("page", "made"), [("docs/start.rst", "search"), ("docs/index.rst", "scores"), ("README.md", "search")]
)
def test_the_snippets_run(page, made, run_page):
    assert made in run_page(page, *FASTER, n_events=400)


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
