"""The snippets of docs/optuna.rst and docs/cluster.rst run as written, but for epochs, events and batch systems."""

import re
from pathlib import Path

import sklearn

DOCS = Path(__file__).parents[1] / "docs"


def blocks(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    found = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    return [re.sub("^    ", "", block, flags=re.MULTILINE) for block in found]


def test_the_page_on_pruning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one of the snippets keeps a storage
    names: dict = {}
    with sklearn.config_context():  # the first block turns metadata routing on
        for number, block in enumerate(blocks("optuna.rst")):
            exec(block.replace("Classifier(random", "Classifier(max_epochs=5, width=8, random"), names)
            if number == 0:
                names.update({name: names[name][:400] for name in ("X", "y", "w", "ids")})
    assert number == 3
    assert names["halving"].n_resources_ == [3, 9, 27]
    assert (tmp_path / "search.db").exists()
    assert len(names["search"].cv_results_["pruned"]) == 12


def test_the_page_on_clusters():
    code = [block for block in blocks("cluster.rst") if "jobqueue" not in block]
    assert len(code) == 1
    names: dict = {}
    exec(code[0].replace("n_samples=2000", "n_samples=200"), names)
    assert len(names["grid"].cv_results_["params"]) == 2
    assert len(names["search"].cv_results_["params"]) == 4
