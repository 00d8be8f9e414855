"""
A first network
===============

A network and boosted trees on simulated collisions, with event weights, judged on events that neither has seen.
"""

import matplotlib.pyplot as plt
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    EventKFold,
    FeedForwardClassifier,
    MissingValueImputer,
    RejectionDisplay,
    load_events,
    roc_auc_score,
)

sklearn.set_config(enable_metadata_routing=True)  # weights and event numbers reach every step that asks for them

events = load_events()  # top-quark pairs against W and Z bosons with jets, simulated with Pythia 8
X, y, w, ids = events.data, events.target, events.sample_weight, events.groups
train, test = next(EventKFold(5).split(X, y, groups=ids))
network = make_pipeline(AutoScaler(), MissingValueImputer(), FeedForwardClassifier(random_state=0))
network.fit(X[train], y[train], sample_weight=w[train], groups=ids[train])
trees = HistGradientBoostingClassifier(random_state=0).fit(X[train], y[train], sample_weight=w[train])
for model, name in [(network, "network"), (trees, "boosted trees")]:
    score = model.predict_proba(X[test])[:, 1]
    print(f"{name}: area under the ROC curve {roc_auc_score(y[test], score, sample_weight=w[test]):.3f}")
    RejectionDisplay.from_predictions(y[test], score, sample_weight=w[test], name=name, ax=plt.gca())
plt.title("Top-quark pairs against W and Z bosons")
plt.show()
