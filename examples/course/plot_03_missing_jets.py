r"""
Missing jets
============

Most events have fewer than six jets: delete them, fill them up, or tell the network that nothing is there.

Deleting events throws most of the data away, and keeps an odd part of it. A mean makes up jets that nobody saw, a
constant says "none" in the form of a number, and a mask leaves absent jets out of the sum over jets:

.. math:: f(\{j\}) = \rho\Big(\sum_{j} m_j\, \phi(x_j)\Big), \qquad m_j = 0 \text{ where jet } j \text{ is absent}

(deep sets: Zaheer et al., `arXiv:1703.06114 <https://arxiv.org/abs/1703.06114>`_).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    DeepSetsClassifier,
    EventShuffleSplit,
    FeedForwardClassifier,
    MissingValueImputer,
    load_events,
    roc_auc_score,
)

events = load_events(as_frame=True)
X, y, ids = events.data.filter(regex=r"jet\d_")[:8000], np.asarray(events.target)[:8000], events.groups[:8000]
X = X[[f"jet{jet}_{what}" for jet in range(1, 5) for what in ("pt", "eta", "phi", "m")]]  # four jets

common = {"max_epochs": 12, "random_state": 0}
table = FeedForwardClassifier(width=64, **common)
fill = MissingValueImputer(strategy="mean")
models = {
    "delete events": make_pipeline(AutoScaler(), fill, table),
    "fill: mean": make_pipeline(AutoScaler(), fill, table),
    "fill: constant": make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant", fill_value=-3.0), table),
    "mask": DeepSetsClassifier(particle_features=4, width=48, latent_width=48, **common | {"max_epochs": 20}),
}
complete = X.notna().all(axis=1).to_numpy()
scores = {name: [] for name in models}
for train, test in EventShuffleSplit(3, test_size=0.4).split(X, y, groups=ids):
    for name, model in models.items():
        rows = train[complete[train]] if name == "delete events" else train
        model.fit(X.iloc[rows], y[rows])
        scores[name].append(roc_auc_score(y[test], model.predict_proba(X.iloc[test])[:, 1]))

figure, axis = plt.subplots(figsize=(6, 3), layout="constrained")
for number, values in enumerate(scores.values()):
    axis.errorbar(np.mean(values), number, xerr=np.std(values, ddof=1), fmt="o", capsize=4)
axis.set(title="Four ways with absent jets", xlabel="ROC AUC of test events, mean ± standard deviation of 3 splits")
axis.set_yticks(range(4), [f"delete events\n({complete.mean():.0%} are left)", *list(models)[1:]])
axis.margins(y=0.2)
plt.show()

# %%
# **Try:** add ``add_indicator=True`` to the mean. Does the network need the number, or only to know that it is missing?
