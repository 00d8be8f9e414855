"""Boosted trees on a flat ntuple, cross-validated by event number."""

import numpy as np
import uproot
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

table = uproot.open("events.root:events").arrays(library="pd")
y, w, event = table.pop("target"), table.pop("weight"), table.pop("event_number")

scores = np.zeros(len(y))
for train, test in GroupKFold(3).split(table, y, event):
    model = HistGradientBoostingClassifier(random_state=0)
    model.fit(table.iloc[train], y.iloc[train], sample_weight=w.iloc[train])
    scores[test] = model.predict_proba(table.iloc[test])[:, 1]

print(f"AUC {roc_auc_score(y, scores, sample_weight=w):.3f}")
