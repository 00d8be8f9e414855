"""What a fit shows in a notebook, run by a kernel of its own: one live line, and a picture that is drawn anew."""

import nbclient
import nbformat
import pytest

SETUP = """
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn_ml4fp import CrossFitClassifier, FeedForwardClassifier, LiveLossDisplay
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = (X[:, 0] + rng.normal(size=200) > 0).astype(int)
network = FeedForwardClassifier(
    width=4, n_layers=1, max_epochs=4, random_state=0, device="cpu", metrics="roc_auc", verbose=1
)
"""
CELLS = {
    "one line": "network.fit(X, y);",
    "every epoch": "network.set_params(verbose=2).fit(X, y);",
    "cross-fit": "CrossFitClassifier(make_pipeline(StandardScaler(), network.set_params(verbose=1)), cv=2).fit(X, y);",
    "picture": "network.set_params(verbose=0, callbacks=[LiveLossDisplay(interval=0)]).fit(X, y);",
}


@pytest.fixture(scope="module")
def outputs():
    """What stands below each cell at the end."""
    cells = [nbformat.v4.new_code_cell(source) for source in (SETUP, *CELLS.values())]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=200, startup_timeout=200, kernel_name="python3").execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells[1:], strict=True)}


def test_one_line_that_changes(outputs):
    (only,) = outputs["one line"]
    assert only.output_type == "display_data"
    assert only.data["text/plain"].startswith("FeedForwardClassifier epoch 4/4: train 0.")
    assert ", roc_auc 0." in only.data["text/plain"]


def test_every_epoch_is_a_line_beside_it(outputs):
    text = "".join(one.text for one in outputs["every epoch"] if one.output_type == "stream")
    assert [line.split()[2] for line in text.splitlines()] == ["1/4:", "2/4:", "3/4:", "4/4:"]


def test_a_cross_fit_has_a_line_for_each_fold(outputs):
    shown = [one.data["text/plain"] for one in outputs["cross-fit"] if one.output_type == "display_data"]
    assert len(shown) == 2
    assert all("epoch 4/4" in line for line in shown)


def test_the_picture_is_drawn_in_its_place(outputs):
    (only,) = outputs["picture"]
    assert "image/png" in only.data
