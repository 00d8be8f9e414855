r"""
EdgeConv: neighbours, block after block
=======================================

Each block looks for its neighbours anew, among the features that the block before it has made.

EdgeConv convolves over the edges to the k nearest points,

.. math:: h_i' = \operatorname*{mean}_{j \in N_k(i)} F\big(h_i,\; h_j - h_i\big), \qquad
   N_k(i): \text{ the nearest in the space of } h

(Wang et al., `arXiv:1801.07829 <https://arxiv.org/abs/1801.07829>`_; for jets Qu and Gouskos, `arXiv:1902.08570
<https://arxiv.org/abs/1902.08570>`_). The first neighbours are near in the detector. Later ones are alike in what they
mean: particles at opposite sides of a jet find each other.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ml4fp import EdgeConvClassifier, JetConstituentFeatures, load_quark_gluon_jets

jets = load_quark_gluon_jets()
X, y = JetConstituentFeatures().fit_transform(jets.data[:1500]), jets.target[:1500]
network = EdgeConvClassifier(
    n_blocks=3, n_layers=2, width=16, widening=1.0, head_width=32, n_neighbors=6, max_epochs=4, random_state=0
).fit(X, y)

features = []
hooks = [
    block.register_forward_hook(lambda module, inputs, output: features.append(output.detach().double().numpy()))
    for block in network.net_.module_.blocks
]
jet = X[:1]
network.predict_proba(jet)
for hook in hooks:
    hook.remove()

position = np.stack([jet.column("delta_eta"), jet.column("delta_phi")], axis=1)
spaces = {"block 1: near in the detector": position, "block 2: alike after block 1": features[0]}
spaces["block 3: alike after block 2"] = features[1]
hub = np.argsort(np.hypot(*position.T))[len(position) // 3]

figure, axes = plt.subplots(1, 3, figsize=(12, 4), sharex=True, sharey=True, layout="constrained")
figure.suptitle("The six neighbours of one particle, block after block")
for axis, (name, space) in zip(axes, spaces.items(), strict=True):
    distance = np.linalg.norm(space[: len(position)] - space[hub], axis=1)
    shown = axis.scatter(*position.T, s=25, c=np.argsort(np.argsort(distance)), cmap="viridis")
    for neighbour in np.argsort(distance)[1:7]:
        axis.plot(*position[[hub, neighbour]].T, color="C1", linewidth=1.2, zorder=0)
    axis.plot(*position[hub], "*", color="C1", markersize=14)
    axis.set(title=name, xlabel="Δη to the axis of the jet")
axes[0].set_ylabel("Δφ to the axis of the jet (rad)")
figure.colorbar(shown, ax=axes, label="rank of the distance to the star")
plt.show()

# %%
# **Try:** the same with an untrained network (``max_epochs=1, lr=1e-9``). Which neighbours are made by training, and
# which by the features that all particles bring along?
