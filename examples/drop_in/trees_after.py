"""A network on a flat ntuple, cross-validated by event number."""

import numpy as np
import uproot
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import AutoScaler, FeedForwardClassifier, MissingValueImputer, roc_auc_score

table = uproot.open("events.root:events").arrays(library="pd")
y, w, event = table.pop("target"), table.pop("weight"), table.pop("event_number")

scores = np.zeros(len(y))
for train, test in GroupKFold(3).split(table, y, event):
    model = make_pipeline(MissingValueImputer(), AutoScaler(), FeedForwardClassifier(random_state=0))
    given = {"sample_weight": w.iloc[train], "groups": event.iloc[train]}
    given = {f"feedforwardclassifier__{name}": values for name, values in given.items()}
    model.fit(table.iloc[train], y.iloc[train], **given)
    scores[test] = model.predict_proba(table.iloc[test])[:, 1]

print(f"AUC {roc_auc_score(y, scores, sample_weight=w):.3f}")
