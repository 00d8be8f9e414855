"""Fixtures that several rooms share."""

import re
from pathlib import Path

import numpy as np
import pytest
import sklearn
from hypothesis import settings

ROOT = Path(__file__).parents[1]
# Python on pages that cannot run, by page and a word in the block.
NOT_RUN = {
    ("docs/cluster.rst", "SLURMCluster"): "needs Slurm",
    ("docs/cluster.rst", "HTCondorCluster"): "needs HTCondor",
    ("docs/downloads.rst", "fetch_higgs"): "downloads gigabytes; tests/datasets/test_fetch.py has a server of its own",
}
LOADED = r"\b(load_events|load_quark_gluon_jets)\(.*?\)"

# On a machine that others use too, a deadline would fail tests that are right.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


@pytest.fixture
def routing():
    """scikit-learn's metadata routing, switched on for one test."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="session")
def two_blobs():
    """400 events of two overlapping classes in four columns, with an event id for every two of them."""
    rng = np.random.default_rng(0)
    y = np.arange(400) % 2
    X = rng.normal(size=(400, 4)) + 1.2 * y[:, None]
    return X, y, np.arange(400) // 2


def snippets(page):
    """The blocks of Python on a page of the documentation, or in README.md, in their order; or a script.

    Those of ``NOT_RUN`` are left out.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    if page.endswith(".py"):
        return [text]
    if page.endswith(".md"):
        return re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert len(blocks) == text.count(".. code-block:: python")
    words = [word for where, word in NOT_RUN if where == page]
    run = [block for block in blocks if not any(word in block for word in words)]
    return [re.sub("^    ", "", block, flags=re.MULTILINE) for block in run]


@pytest.fixture(scope="session")
def blocks_of():
    """The function that reads the blocks of Python of a page."""
    return snippets


@pytest.fixture(scope="session")
def not_run():
    """The Python on pages that cannot run, with the reasons."""
    return NOT_RUN


def first(events, n):
    """The first n events of a data set."""
    for name in ("data", "target", "sample_weight", "groups"):
        if name in events:
            events[name] = events[name][:n]
    return events


@pytest.fixture
def run_page(tmp_path, monkeypatch):
    """A function that runs the snippets of a page, in order and in an empty folder, and returns their names.

    ``changes`` are pairs for ``re.sub`` that make the snippets faster; ``n_events`` are the first ones of each shipped
    sample of collisions or jets; ``names`` are there before the first snippet.
    """

    def run(page, *changes, n_events=None, names=None):
        monkeypatch.chdir(tmp_path)
        names = {} if names is None else names
        if n_events is not None:
            names["first"] = first
            changes = ((LOADED, rf"first(\g<0>, {n_events})"), *changes)
        with sklearn.config_context():  # some snippets switch metadata routing on
            for code in snippets(page):
                for before, after in changes:
                    code = re.sub(before, after, code)
                exec(code, names)
        return names

    return run
