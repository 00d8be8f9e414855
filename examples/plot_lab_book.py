"""
A lab book of every training
============================

Three trainings and a search in a lab book: what was recorded, what differs between two runs, and whether one of them
can be repeated on data that have changed.
"""

# %%
# Simulated collisions. The lab book is a file; ``mlflow ui --backend-store-uri sqlite:///runs.db`` shows it.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    BayesSearchCV,
    FeedForwardClassifier,
    LabBook,
    MissingValueImputer,
    ZScoreScaler,
    load_events,
)

events = load_events(as_frame=True)
X, y, w = events.data[:3000], np.asarray(events.target)[:3000], np.asarray(events.sample_weight)[:3000]
network = FeedForwardClassifier(width=32, max_epochs=15, metrics=["roc_auc"], random_state=0)
model = make_pipeline(MissingValueImputer(), ZScoreScaler(), network)
weights = {"feedforwardclassifier__sample_weight": w}

folder = Path(tempfile.mkdtemp())
book = LabBook(folder / "runs.db")
with book:
    for lr in (0.0003, 0.003, 0.03):
        model.set_params(feedforwardclassifier__lr=lr).fit(X, y, **weights)
    BayesSearchCV(model, {"feedforwardclassifier__width": (8, 64)}, n_iter=2, cv=2, random_state=0).fit(X, y)

# %%
# Every run stands in a data frame, the latest first. The name of the data is its shape, the sum of the weights, and a
# hash.
runs = book.runs()
runs[["estimator", "status", "seconds", "data", "score.valid_roc_auc", "score.best_score"]]

# %%
# Candidates are child runs of their search, with their scores.
book.runs(of=runs.index[0])[["name", "params.feedforwardclassifier__width", "score.mean_test_score"]]

# %%
# What differs between two runs?
slow, middle, fast = runs.index[:0:-1]
print(book.compare(slow, fast))

# %%
# The model of each run is kept: a loss curve can be drawn long after the training.
for run, style in zip((slow, middle, fast), (":", "-", "--"), strict=True):
    history = book.model(run)[-1].history_
    rate = runs.loc[run, "params.feedforwardclassifier__lr"]
    plt.plot(history["epoch"], history["valid_loss"], style, label=f"learning rate {rate}")
plt.title("Three runs from the lab book")
plt.xlabel("Epoch")
plt.ylabel("Loss of the hold-out")
plt.legend()
plt.show()

# %%
# Can the second run be repeated? Yes; and not with a column that was changed, which is named.
print(book.reproduce(middle, X, y, **weights))
print()
print(book.reproduce(middle, X.assign(met=X["met"].clip(upper=100)), y, **weights))
