"""The snippets of docs/watch_a_training.rst run as written, one after the other, on fewer events and epochs."""

import re
import warnings
from pathlib import Path

import matplotlib.pyplot as plt

import sklearn_ml4fp

PAGE = Path(__file__).parents[1] / "docs" / "watch_a_training.rst"


def test_the_snippets_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert len(blocks) == text.count(".. code-block:: python")
    names: dict = {}
    with warnings.catch_warnings():  # the last one turns a warning into an error
        for block in blocks:
            code = re.sub("^    ", "", block, flags=re.MULTILINE).replace("random_state", "max_epochs=3, random_state")
            exec(re.sub(r"\bevents\.(data|target|sample_weight)", r"events.\1[:600]", code), names)
    assert names["network"].history_["valid_roc_auc"].shape == (3,)
    plt.close("all")


def test_every_warning_and_picture_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for name in ("LossCurveDisplay", "LiveLossDisplay", "ScoreHistory", "ScoreHistoryDisplay", "TrainingWarning"):
        assert f"~sklearn_ml4fp.{name}`" in text
        assert hasattr(sklearn_ml4fp, name)
    assert text.count(".. figure::") == text.count(":alt:") == 2
