"""The snippets of docs/searching.rst run as written, one after the other, but for the number of epochs and events."""

import re
from pathlib import Path

import sklearn

from sklearn_ml4fp import FeedForwardClassifier

PAGE = Path(__file__).parents[1] / "docs" / "searching.rst"


def test_the_snippets_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # one of them keeps a history
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", PAGE.read_text(encoding="utf-8"))
    assert len(blocks) == PAGE.read_text(encoding="utf-8").count(".. code-block::")
    names: dict = {}
    with sklearn.config_context():  # the first block turns metadata routing on
        for number, block in enumerate(blocks):
            code = re.sub("^    ", "", block, flags=re.MULTILINE)
            exec(code.replace("Classifier(random", "Classifier(max_epochs=1, width=8, random"), names)
            if number == 0:
                names.update({name: names[name][:400] for name in ("X", "y", "w", "ids")})
    assert len((tmp_path / "search.jsonl").read_text().splitlines()) == 1 + 12
    assert type(names["feedforward"]["network"].categories[0]) is FeedForwardClassifier
    assert set(names["space"]) == {"network__lr", "network__dropout", "fill__strategy"}
