"""The snippets of docs/watch_a_training.rst run as written, one after the other, on fewer events and epochs."""

import warnings
from pathlib import Path

import matplotlib.pyplot as plt

import sklearn_ml4fp

PAGE = Path(__file__).parents[1] / "docs" / "watch_a_training.rst"


def test_the_snippets_run(run_page):
    with warnings.catch_warnings():  # the last one turns a warning into an error
        names = run_page("docs/watch_a_training.rst", ("random_state", "max_epochs=3, random_state"), n_events=600)
    assert names["network"].history_["valid_roc_auc"].shape == (3,)
    plt.close("all")


def test_every_warning_and_picture_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for name in ("LossCurveDisplay", "LiveLossDisplay", "ScoreHistory", "ScoreHistoryDisplay", "TrainingWarning"):
        assert f"~sklearn_ml4fp.{name}`" in text
        assert hasattr(sklearn_ml4fp, name)
    assert text.count(".. figure::") == text.count(":alt:") == 2
