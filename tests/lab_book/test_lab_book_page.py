"""The snippets of docs/lab_book.rst run as written, in order, on fewer events and epochs."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "lab_book.rst"


def test_the_snippets_run(store, monkeypatch):
    monkeypatch.chdir(Path(store).parent)
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert len(blocks) == text.count(".. code-block:: python")
    names: dict = {}
    for block in blocks:
        code = re.sub("^    ", "", block, flags=re.MULTILINE)
        code = code.replace("FeedForwardClassifier(metrics", "FeedForwardClassifier(max_epochs=2, width=8, metrics")
        few = 'for part in ("data", "target", "sample_weight", "groups"): events[part] = events[part][:400]'
        exec(code.replace("(as_frame=True)\n", f"(as_frame=True)\n{few}\n"), names)
    assert list(names["runs"]["status"]) == ["FINISHED"] * 3
    assert len(names["candidates"]) == len(names["folds"]) == 2
    assert names["again"].agrees
