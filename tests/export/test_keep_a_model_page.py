"""The snippets of docs/keep_a_model.rst run as written, in order, on fewer events and epochs."""

import re
from pathlib import Path

import sklearn

PAGE = Path(__file__).parents[2] / "docs" / "keep_a_model.rst"


def test_the_snippets_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert len(blocks) == text.count(".. code-block:: python")
    names: dict = {}
    with sklearn.config_context():  # the last block turns metadata routing on
        for block in blocks:
            code = re.sub("^    ", "", block, flags=re.MULTILINE)
            code = code.replace("FeedForwardClassifier(random", "FeedForwardClassifier(max_epochs=2, random")
            few = 'for part in ("data", "target", "groups"): events[part] = events[part][:400]'
            exec(code.replace("(as_frame=True)\n", f"(as_frame=True)\n{few}\n"), names)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{one}.skops" for one in ("top", "forest", "network", "final", "every")
    }
    assert names["final"].n_iter_ == names["n_epochs"] <= 2
    assert names["about"]["classes"] == [0, 1]
    assert names["about"]["columns"] == list(names["events"].data.columns)
