"""Pictures of the displays against stored ones: what no test of numbers sees, such as a band that hides a curve.

The text is taken out, since fonts differ between machines. After a change that is meant, look at the new pictures:
``python tests/inspection/test_images.py`` writes them.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.testing.compare import compare_images
from matplotlib.testing.decorators import remove_ticks_and_titles

import sklearn_ml4fp as ml

STORED = Path(__file__).parent / "images"


def toy():
    """(y, score, weight) of 2000 events, some of negative weight."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 2000)
    return y, 1 / (1 + np.exp(1 - 2 * y - rng.normal(size=2000))), rng.normal(1, 0.7, 2000)


def rejection(ax):
    y, score, weight = toy()
    ml.RejectionDisplay.from_predictions(y, score, sample_weight=weight, ax=ax, name="a")
    noisy = score + np.random.default_rng(1).normal(0, 0.3, 2000)
    ml.RejectionDisplay.from_predictions(y, noisy, sample_weight=weight, ax=ax, name="b")


def overtraining(ax):
    y, score, weight = toy()
    ml.OvertrainingDisplay.from_predictions(
        y[:1200], score[:1200], y[1200:], score[1200:], bins=12, ax=ax,
        sample_weight_train=weight[:1200], sample_weight_test=weight[1200:],
    )  # fmt: skip


def loss_curve(ax):
    epoch = np.arange(20)
    ml.LossCurveDisplay.from_history(
        {"train_loss": 0.3 + np.exp(-epoch / 3), "valid_loss": 0.35 + np.exp(-epoch / 3) + 0.01 * epoch}, ax=ax
    )


def calibration(ax):
    y, score, weight = toy()
    ml.CalibrationDisplay.from_predictions(y, score, sample_weight=weight, ax=ax, name="a")
    ml.CalibrationDisplay.from_predictions(y, score**0.5, sample_weight=weight, ax=ax, name="b")


def correlation(ax):
    X = np.random.default_rng(2).normal(size=(500, 5))
    X[:, 1] += X[:, 0]
    X[:, 2] -= 2 * X[:, 0]
    ml.CorrelationDisplay.from_data(X, ax=ax)


def response(ax):
    rng = np.random.default_rng(3)
    truth = rng.uniform(20, 200, 2000)
    ml.ResponseDisplay.from_predictions(truth, truth * rng.normal(1.05, 1 / np.sqrt(truth)), ax=ax, name="a")
    ml.ResponseDisplay.from_predictions(truth, truth * rng.normal(0.9, 0.1, 2000), ax=ax, name="b")


def pull(ax):
    y = np.random.default_rng(6).normal(size=2000)
    ml.PullDisplay.from_predictions(y, np.zeros(2000), np.full(2000, 0.8), ax=ax, name="a")
    ml.PullDisplay.from_predictions(y, np.full(2000, 0.5), np.ones(2000), bins=20, ax=ax, name="b")


def coverage(ax):
    y, levels = np.random.default_rng(7).uniform(size=200), np.arange(1, 10) / 10
    ml.CoverageDisplay.from_predictions(y, np.tile(levels, (200, 1)), levels=levels, ax=ax, name="a")
    ml.CoverageDisplay.from_predictions(y, np.tile(levels**2, (200, 1)), levels=levels, ax=ax, name="b")


def importance(ax):
    losses = np.array([[0.1, 0.12, 0.11], [0.01, 0.0, -0.01], [0.05, 0.06, 0.04]])
    ml.ImportanceDisplay(["a", "b", "c"], losses, 0.9).plot(ax=ax)


def convergence(ax):
    rng = np.random.default_rng(5)
    ml.ConvergenceDisplay(np.where(rng.uniform(size=30) < 0.1, np.nan, rng.uniform(0.7, 0.9, 30))).plot(ax=ax, name="a")
    ml.ConvergenceDisplay(0.9 - 0.2 / np.arange(1, 31)).plot(ax=ax, name="b")


def hyperparameter_importance(ax):
    ml.HyperparameterImportanceDisplay(["lr", "width"], np.array([0.15, 0.6]), np.array([0.05, 0.1])).plot(ax=ax)


PICTURES = [
    rejection, overtraining, loss_curve, calibration, correlation, response, pull, coverage, importance,
    convergence, hyperparameter_importance,
]  # fmt: skip


def draw(picture, path):
    with mpl.rc_context(mpl.rcParamsDefault | {"backend": "agg"}):
        fig, ax = plt.subplots(figsize=(5, 4), dpi=60)
        picture(ax)
        remove_ticks_and_titles(fig)
        for axes in fig.axes:
            axes.set(xlabel="", ylabel="")
            if axes.get_legend() is not None:
                axes.get_legend().remove()
            for text in list(axes.texts):
                text.remove()
        fig.savefig(path)
        plt.close(fig)


@pytest.mark.skipif(sys.platform != "linux", reason="the pictures were drawn on Linux")
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.__name__)
def test_pictures_look_as_they_did(picture, tmp_path):
    made = tmp_path / f"{picture.__name__}.png"
    draw(picture, made)
    # root mean square of 0 to 255: measured, a missing curve makes 6 to 11, a missing marker 3
    assert compare_images(str(STORED / made.name), str(made), tol=2) is None


if __name__ == "__main__":
    STORED.mkdir(exist_ok=True)
    for picture in PICTURES:
        draw(picture, STORED / f"{picture.__name__}.png")
