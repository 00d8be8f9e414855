"""Every block of code in README.md and docs/ runs in a test, or stands in a list that says why it cannot.

Python runs as it stands there, in order, but for fewer events and epochs. A page whose test asserts more has that test
elsewhere; every other page runs here, a new one too.
"""

import re
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

mpl.use("agg")

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.rst", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.rst"))]
BLOCK = r"^( *)```(?P<md>\w+)\n|^( *)\.\. (?:code-block|code|sourcecode|doctest|parsed-literal|testcode)::(?P<rst>.*)\n"
INCLUDED = r"^ *(?:\.\. literalinclude::|:diff:) (.*)$"

# Blocks in other languages than Python, by page, language and number of such blocks.
NOT_PYTHON = {
    ("README.md", "bash", 2): "installs into an environment, and takes minutes; the targets of make are tested below",
    ("docs/cluster.rst", "bash", 1): "starts a scheduler and workers, one per GPU",
    ("docs/install.rst", "bash", 5): "installs; the extras and the targets of make are tested below",
    ("docs/keep_a_model.rst", "text", 1): "an error message, no code",
    ("docs/more_than_one_machine.rst", "bash", 2): "torchrun, as tests/estimators/test_distributed.py does, and Slurm",
    ("docs/paper.rst", "bash", 2): "minutes, or jobs of Slurm; tests/test_paper.py runs the same rules",
    ("docs/paper.rst", "typst", 1): "one line of the text that tests/test_paper.py typesets",
    ("docs/paper.rst", "latex", 1): "one line that tests/test_paper.py writes",
    ("docs/ship_a_model.rst", "bash", 1): "needs onnxruntime for C++, which no package of Python brings",
    ("docs/splits.rst", "text", 1): "the hash in words; tests/test_events.py has it in Python",
    ("docs/start.rst", "bash", 1): "installs, from the network",
    ("docs/watch_a_training.rst", "none", 1): "what a training prints, no code",
}
# Files that pages show, and that are no scripts of Python.
FILES_NOT_RUN = {
    "examples/drop_in/weaver_before.sh": "needs weaver-core",
    "docs/ship_a_model.cpp": "needs onnxruntime for C++",
}

N_EVENTS = {"docs/datasets.rst": None, "docs/point_clouds.rst": 200, "docs/graphs.rst": 200}
FASTER = [
    (r"(Classifier|Regressor)\((?:width|max_epochs)=\d+, (?=\w+=)", r"\1("),  # the next lines give both
    (
        r"((?:FeedForward|DeepSets|EdgeConv|Gate|Sum|Table)\w*(?:Classifier|Regressor)\()(?=\w+=)",
        r"\1max_epochs=1, width=8, ",
    ),
    (r"particle_net_lite\(max_epochs=10", "particle_net_lite(max_epochs=1, batch_size=64"),
    (r"n_iter=\d+", "n_iter=2"),
    (r"make_events\(5000", "make_events(4"),
    (r"make_quark_gluon_jets\(1000, pile_up=30", "make_quark_gluon_jets(6, pile_up=2"),
    (r"HistGradientBoostingClassifier\(\)", "HistGradientBoostingClassifier(max_iter=5)"),
]


OTHERS = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
ELSEWHERE = set(re.findall(r'run_page\(\s*"([^"]+)"', OTHERS))  # with more to assert


def languages_in(text):
    """The language of every block of code in a text of markdown or reStructuredText."""
    return [(found["md"] or found["rst"]).strip() for found in re.finditer(BLOCK, text, re.MULTILINE)]


def languages(page):
    """The language of every block of code of a page."""
    return languages_in((ROOT / page).read_text(encoding="utf-8"))


def test_blocks_of_code_are_found():
    text = "```bash\nls\n```\n\n.. code-block:: python\n\n    1\n\n  .. code:: none\n\n     2\n"
    assert languages_in(text) == ["bash", "python", "none"]
    assert re.findall(INCLUDED, ".. literalinclude:: a.py\n   :diff: b.py\n", re.MULTILINE) == ["a.py", "b.py"]


def test_every_block_in_another_language_is_listed():
    """A new one is run by a test, or gets its line above, with the reason."""
    found = Counter((page, name) for page in PAGES for name in languages(page))
    assert {(*key, n) for key, n in found.items() if key[1] != "python"} == NOT_PYTHON.keys()


def test_every_file_that_a_page_shows_runs():
    shown = {
        str(((ROOT / page).parent / name).resolve().relative_to(ROOT))
        for page in PAGES
        for name in re.findall(INCLUDED, (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    }
    run = {f"examples/drop_in/{path.name}" for path in (ROOT / "examples" / "drop_in").iterdir()}  # test_drop_in.py
    assert shown - ELSEWHERE - FILES_NOT_RUN.keys() <= run
    assert shown >= FILES_NOT_RUN.keys()


def test_what_cannot_run_is_still_there(not_run):
    for page, word in not_run:
        assert word in (ROOT / page).read_text(encoding="utf-8")


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"(?:^ *|``|`)make ([\w-]+)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, page


def test_no_page_takes_private_names(blocks_of):
    """What a user copies must not depend on them."""
    for page in PAGES:
        for code in blocks_of(page):
            assert not re.findall(r"^\s*(?:from|import) .*\b_\w+", code, re.MULTILINE), page


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ELSEWHERE and "python" in languages(page)])
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input")
def test_the_snippets_run(page, run_page, monkeypatch):
    module = ModuleType(Path(page).stem)  # a class in a module, as pickle wants it
    monkeypatch.setitem(sys.modules, module.__name__, module)
    names = run_page(page, *FASTER, n_events=N_EVENTS.get(page, 600), names=vars(module))
    plt.close("all")
    if "results" in names:  # of scikit-learn's checks
        assert len([result for result in names["results"] if result["status"] == "passed"]) >= 40
        assert not [result for result in names["results"] if result["status"] == "failed"]
