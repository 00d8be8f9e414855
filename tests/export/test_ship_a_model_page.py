"""The snippets of docs/ship_a_model.rst run as written, in order, on fewer events and epochs."""

import re
from pathlib import Path

import numpy as np
import pyarrow.parquet
import uproot

PAGE = Path(__file__).parents[2] / "docs" / "ship_a_model.rst"


def test_the_snippets_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert len(blocks) == text.count(".. code-block:: python")
    names: dict = {}
    for block in blocks:
        code = re.sub("^    ", "", block, flags=re.MULTILINE)
        code = code.replace("FeedForwardClassifier(random", "FeedForwardClassifier(max_epochs=2, random")
        few = 'for part in ("data", "target", "groups"): events[part] = events[part][:400]'
        exec(code.replace("(as_frame=True)\n", f"(as_frame=True)\n{few}\n"), names)
    assert {path.name for path in tmp_path.iterdir()} == {
        "top.onnx",
        "top_reference.txt",
        "scores.root",
        "scores.parquet",
    }
    expected = names["model"].predict_proba(names["events"].data, groups=names["events"].groups)
    np.testing.assert_allclose(names["probabilities"], expected, atol=1e-5)
    with uproot.open("scores.root") as file:
        np.testing.assert_allclose(file["scores"]["score"].array(library="np"), expected[:, 1], atol=1e-5)
    np.testing.assert_allclose(pyarrow.parquet.read_table("scores.parquet")["score"], expected[:, 1], atol=1e-5)
