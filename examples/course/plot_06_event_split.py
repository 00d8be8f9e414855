r"""
Training, validation, test: by event
====================================

An event is on one side, with all its copies; and the test events are looked at once.

Files hold an event several times: systematic variations, several candidates, copies of an augmentation. A split by row
trains on one copy and tests on another, and measures memory. A hash of the event's number decides for all copies alike,

.. math:: \text{part}(\text{event}) = h(\text{number}, \text{salt}) \in [0, 1)

compared with the shares of the parts, and it depends on no other event (A. Géron, *Hands-On Machine Learning*,
2019, chapter 2). Whoever tries often on the test events measures luck.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split

from sklearn_ml4fp import MissingValueImputer, load_events, roc_auc_score, train_val_test_split

events = load_events()
X = MissingValueImputer(strategy="constant").fit_transform(events.data)
rng = np.random.default_rng(0)
varied = np.concatenate([X[:2000] * rng.normal(1, 0.01, (2000, X.shape[1])) for _ in range(3)])  # three variations
y, ids = np.tile(events.target[:2000], 3), np.tile(events.groups[:2000], 3)

forest = ExtraTreesClassifier(100, random_state=0)
X_train, X_test, y_train, y_test = train_test_split(varied, y, train_size=0.6, test_size=0.2, random_state=0)
by_row = roc_auc_score(y_test, forest.fit(X_train, y_train).predict_proba(X_test)[:, 1])
X_train, _, X_test, y_train, _, y_test = train_val_test_split(varied, y, groups=ids)  # 60 %, 20 %, 20 %
by_event = roc_auc_score(y_test, forest.fit(X_train, y_train).predict_proba(X_test)[:, 1])
truth = roc_auc_score(events.target[10000:], forest.predict_proba(X[10000:])[:, 1])

figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
figure.suptitle("Two ways to fool oneself")
axes[0].bar(["split by row", "split by event", "new events"], [by_row, by_event, truth], color=["C1", "C0", "0.6"])
axes[0].set(ylabel="ROC AUC", ylim=(0.5, 1), title="copies on both sides")
labels = rng.integers(0, 2, 200)  # 200 test events, and classifiers that guess
luck = np.maximum.accumulate([roc_auc_score(labels, rng.uniform(size=200)) for _ in range(500)])
axes[1].semilogx(np.arange(1, 501), luck, color="C1")
axes[1].axhline(0.5, color="0.6", linestyle="--")
axes[1].set(
    xlabel="guessing classifiers tried", ylabel="best ROC AUC on 200 events", title="a test set used again and again"
)
plt.show()

# %%
# **Try:** vary the columns by 20 % instead of 1 %. How much of a copy must be left for the forest to remember it?
