r"""
Augmentation: symmetries and uncertainties
==========================================

Physics does not know where φ = 0 is: turned events are new events for nothing.

If a transformation :math:`g` leaves the probability of an event alone, a network may be trained on

.. math:: L(\theta) = \frac{1}{n}\sum_i \mathbb{E}_g\, \ell\big(f_\theta(g x_i), y_i\big)

(Chen, Dobriban and Lee, `arXiv:1907.10905 <https://arxiv.org/abs/1907.10905>`_): the mean over the symmetry. The same
holds approximately for a smearing within the resolution of the detector, :math:`\sigma = a\sqrt{E} \oplus b E`. Both
help most where events are few.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    Compose,
    FeedForwardClassifier,
    MissingValueImputer,
    Rotate,
    Smear,
    load_events,
    roc_auc_score,
)

events = load_events(as_frame=True)
X, y = events.data, np.asarray(events.target)
jets = [f"jet{jet}_pt" for jet in range(1, 7)]
smear, turn = Smear(columns=jets, stochastic=0.8, relative=0.05, random_state=0), Rotate(random_state=1)
one = X[X["n_jets"] == 6][:1]  # an event with six jets

figure = plt.figure(figsize=(11, 4.2), layout="constrained")
figure.suptitle("One event, turned and smeared, and what it brings")
axis = figure.add_subplot(1, 2, 1, projection="polar")
shown = {"measured": one, "turned": turn.augment(one), "smeared": smear.augment(one)}
for number, ((name, event), marker) in enumerate(zip(shown.items(), "o^s", strict=True)):
    phi, pt = event.filter(regex=r"jet\d_phi").to_numpy()[0], event.filter(regex=r"jet\d_pt").to_numpy()[0]
    axis.vlines(phi, 0, pt, color=f"C{number}", linewidth=1)
    axis.plot(phi, pt, marker, color=f"C{number}", label=name)
axis.set_rticks([50, 100, 150])
axis.set_title("jets: pT (GeV) and φ", fontsize="medium")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1))

network = make_pipeline(
    AutoScaler(),
    MissingValueImputer(strategy="constant"),
    FeedForwardClassifier(width=64, max_epochs=20, patience=5, random_state=0),
)
ways = {"as they are": None, "8 turned copies": turn, "8 turned and smeared": Compose(augmenters=[turn, smear])}
sizes, axis = (250, 500, 1000, 2000), figure.add_subplot(1, 2, 2)
for (name, way), style in zip(ways.items(), ("o-", "^--", "s:"), strict=True):
    aucs = []
    for n in sizes:
        copies = [X[:n]] + [way.augment(X[:n], seed) for seed in range(8) if way]
        ids = np.tile(np.arange(n), len(copies))  # an event and its copies are on one side of the hold-out
        network.fit(pd.concat(copies), np.tile(y[:n], len(copies)), feedforwardclassifier__groups=ids)
        aucs.append(roc_auc_score(y[10000:], network.predict_proba(X[10000:])[:, 1]))
    axis.plot(sizes, aucs, style, label=name)
axis.set(xlabel="training events", ylabel="ROC AUC of test events", xscale="log")
axis.set_xticks(sizes, sizes)
axis.minorticks_off()
axis.legend()
plt.show()

# %%
# **Try:** augment with a symmetry that is none: ``Rotate(phi_columns=["jet1_phi"])`` turns the first jet alone. What
# happens, and why does ``cross_val_score`` on "turned or not" tell beforehand?
