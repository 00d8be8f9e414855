r"""
Messages on graphs
==================

In every round a hit hears from its neighbours; after k rounds it knows what is k edges away.

A round adds to each point what its neighbours :math:`j` say, reduced by a mean, sum or maximum,

.. math:: h_i' = h_i + U\Big(h_i,\; \operatorname*{mean}_{j \to i} M\Big)

An isotropic message :math:`M(h_j)` is the same for all that hear it (Hamilton et al., `arXiv:1706.02216
<https://arxiv.org/abs/1706.02216>`_); an anisotropic one, :math:`M(h_i, h_j, e_{ij})`, depends on both ends and on the
edge (Gilmer et al., `arXiv:1704.01212 <https://arxiv.org/abs/1704.01212>`_). Noise in a tracker is told from tracks by
what surrounds a hit, and by the directions in which it does.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import shortest_path

from sklearn_ml4fp import MessagePassingClassifier, ToTrackGraph, load_tracker_hits, roc_auc_score

events = load_tracker_hits()
graphs, y = ToTrackGraph(both_ways=True).fit_transform(events.data[:80]), events.target[:80]

one = graphs[:1]
r, phi = (one.nodes.column(name) for name in ("r", "phi"))
start = np.flatnonzero(one.nodes.column("layer") == 4)[0]
links = coo_array((np.ones(len(one.edges)), one.edges.T), shape=(len(r), len(r)))
rounds = shortest_path(links, unweighted=True, indices=start)

figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
figure.suptitle("Who hears from one hit in k rounds, and what messages must know")
x, height = r * np.cos(phi), r * np.sin(phi)
for a, b in one.edges:
    axes[0].plot(x[[a, b]], height[[a, b]], color="0.9", linewidth=0.4, zorder=0)
near = rounds <= 6
axes[0].plot(x[~near], height[~near], ".", color="0.7", markersize=4)
shown = axes[0].scatter(x[near], height[near], c=rounds[near], s=22, cmap="viridis")
axes[0].plot(x[start], height[start], "*", color="C1", markersize=14)
axes[0].set(xlabel="x (mm)", ylabel="y (mm)", title="rounds until a hit hears from the star", aspect="equal")
figure.colorbar(shown, ax=axes[0], label="rounds (grey: more than 6)")

for messages, style in (("isotropic", "s--"), ("anisotropic", "o-")):
    areas = []
    for n_blocks in (1, 2, 3):
        network = MessagePassingClassifier(
            output="point", coordinates=(), messages=messages, n_blocks=n_blocks, n_layers=1, width=16, lr=0.005,
            batch_size=4, max_epochs=8, early_stopping=False, random_state=0,
        )  # fmt: skip
        score = network.fit(graphs[:50], y[:50]).predict_proba(graphs[50:]).values[:, 1]
        areas.append(roc_auc_score(y[50:].values, score))
    axes[1].plot([1, 2, 3], areas, style, label=messages)
axes[1].set(xlabel="rounds of messages", ylabel="ROC AUC of hits: track against noise", xticks=[1, 2, 3])
axes[1].legend()
plt.show()

# %%
# **Try:** what would no round at all give? And why do more rounds hardly help here, while edges that know their
# direction do?
