"""The snippets of docs/preparation.rst run as written, one after the other, with fewer epochs and nodes."""

import re
from pathlib import Path

import sklearn

PAGE = Path(__file__).parents[1] / "docs" / "preparation.rst"


def test_the_snippets_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one of them writes a report
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == PAGE.read_text(encoding="utf-8").count(".. code-block::")
    names: dict = {}
    with sklearn.config_context():  # the first block turns metadata routing on
        for block in blocks:
            code = re.sub("^    ", "", block, flags=re.MULTILINE)
            code = code.replace("FeedForwardClassifier(", "FeedForwardClassifier(max_epochs=1, ")
            exec(code.replace("DeepSetsRegressor(", "DeepSetsRegressor(max_epochs=1, width=8, "), names)
    assert (tmp_path / "report.html").exists()
    assert names["average"].predict_proba(names["X"][:5]).shape == (5, 2)
