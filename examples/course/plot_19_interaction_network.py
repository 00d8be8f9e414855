r"""
The edges of an Interaction Network
===================================

A function of every edge, of every point with its edges, and an answer for each edge: does a track go along it?

An Interaction Network computes relations first, and what they do to objects second,

.. math:: e_{ij}' = \varphi_e(h_i, h_j, e_{ij}), \qquad h_i' = \varphi_v\Big(h_i, \sum_j e_{ij}'\Big)

(Battaglia et al., `arXiv:1612.00222 <https://arxiv.org/abs/1612.00222>`_; for tracks DeZoort et al., `arXiv:2103.16701
<https://arxiv.org/abs/2103.16701>`_). Candidate edges connect hits of neighbouring layers; with ``output="edge"`` the
network has a score for each, and what it accepts is a track.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ml4fp import EventGraphDisplay, InteractionNetworkClassifier, ToTrackGraph, edge_labels, load_tracker_hits

events = load_tracker_hits()
graphs = ToTrackGraph().fit_transform(events.data[:120])
y = edge_labels(graphs, events.particle[:120])
network = InteractionNetworkClassifier(
    output="edge", coordinates=(), n_blocks=1, n_layers=2, width=16, lr=0.005, batch_size=4, max_epochs=8,
    early_stopping=False, random_state=0,
).fit(graphs[:90], y[:90])  # fmt: skip
probability = network.predict_proba(graphs[90:])
score, truth = probability.values[:, 1], y[90:].values == 1

figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
figure.suptitle("Candidate edges that a network accepts")
EventGraphDisplay.from_predictions(graphs[90:], y[90:], probability, ax=axes[0])
axes[0].set(xlabel="x (mm)", ylabel="y (mm)", aspect="equal")
order = np.argsort(-score)
kept = np.cumsum(truth[order])
axes[1].plot(kept / truth.sum(), kept / np.arange(1, len(kept) + 1), label="Interaction Network")
slope, z0 = (graphs[90:].edge_values[:, graphs.edge_names.index(name)] for name in ("slope", "z0"))
for window, marker in ((8e-4, "s"), (4e-4, "^"), (2e-4, "D")):
    cut = (np.abs(slope) < window) & (np.abs(z0) < 150)
    axes[1].plot(
        truth[cut].sum() / truth.sum(), truth[cut].mean(), marker, color="C1", label=f"cut: |slope| < {window:g} rad/mm"
    )
axes[1].set(xlabel="efficiency: true edges that are kept", ylabel="purity: kept edges that are true", ylim=(0.4, 1.02))
axes[1].legend(loc="lower left")
plt.show()

# %%
# **Try:** ``n_blocks=2``. Why can a second round tell two tracks that cross from each other?
