"""
Watch a training
================

Losses and metrics against the epoch, what the network says of the hold-out while it learns, and what a warning finds in
a training that goes wrong.
"""

# %%
# Two metrics are computed on the hold-out after each epoch, with its event weights, and its scores are histogrammed.
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    FeedForwardClassifier,
    LossCurveDisplay,
    MissingValueImputer,
    ScoreHistory,
    ScoreHistoryDisplay,
    TrainingWarning,
    load_events,
)

events = load_events(as_frame=True)
X, y, w = events.data[:6000], np.asarray(events.target)[:6000], events.sample_weight[:6000]
network = FeedForwardClassifier(
    width=64, max_epochs=25, patience=25, metrics=["roc_auc", "accuracy"], callbacks=[ScoreHistory()], random_state=0
)
model = make_pipeline(StandardScaler(), MissingValueImputer(strategy="constant"), network)
model.fit(X, y, feedforwardclassifier__sample_weight=w)
model[-1].history_frame_.tail(3)

# %%
# The validation loss has its minimum before the end, and the metrics rise no more: what is learned after it is about
# the training events alone.
LossCurveDisplay.from_estimator(model).figure_.suptitle("Losses and metrics")
plt.show()

# %%
# The scores of the two classes move apart in the first epochs. Then more and more events get a score near 0 or 1, and
# the wrong ones among them make the loss rise.
ScoreHistoryDisplay.from_estimator(model).figure_.suptitle("Scores of the hold-out, epoch by epoch")
plt.show()

# %%
# The same table as it is, in GeV and with −1 in place of a jet that is absent. The fit says what is wrong with it.
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", TrainingWarning)
    FeedForwardClassifier(width=64, max_epochs=25, random_state=0).fit(X.fillna(-1.0), y, sample_weight=w)
for one in caught:
    print(f"{one.category.__name__}: {one.message}\n")
