r"""
Dense connections: parameters against score
===========================================

A layer that sees all earlier layers need not learn again what they found.

In a dense block every layer appends a few features to those of all layers before it,

.. math:: h_{l+1} = \big[h_l,\; F_l(h_l)\big]

(Huang et al., `arXiv:1608.06993 <https://arxiv.org/abs/1608.06993>`_), so its layers can be narrow. A residual network
adds in the place of appending, and every layer is as wide as the whole. On digits of
8 × 8 pixels both get about the same for a weight; on images of jets a dense network reaches the score of a residual one
with half of its weights (``benchmarks/RESULTS.md``).
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklearn_ml4fp import DenseNetClassifier, ResNetClassifier

images, y = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8) / 16
common = {"lr": 0.01, "lr_schedule": "one_cycle", "max_epochs": 10, "batch_size": 50, "early_stopping": False}
families = {
    "ResNet": [ResNetClassifier(n_blocks=3, width=width, random_state=0, **common) for width in (8, 16, 32)],
    "DenseNet": [
        DenseNetClassifier(n_blocks=2, n_layers=3, width=width, random_state=0, **common) for width in (3, 6, 12)
    ],
}
figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
for (name, networks), style in zip(families.items(), ("o-", "s--"), strict=True):
    scores, sizes = [], []
    for network in networks:
        scores.append(network.fit(images[:900], y[:900]).score(images[900:], y[900:]))
        sizes.append(sum(weights.numel() for weights in network.net_.module_.parameters()))
    axis.semilogx(sizes, scores, style, label=name)
axis.set(title="What a weight is worth", xlabel="number of weights", ylabel="accuracy on test digits")
axis.set_xticks([1000, 3000, 10000, 30000], ["1000", "3000", "10 000", "30 000"])
axis.minorticks_off()
axis.legend()
plt.show()

# %%
# **Try:** three other seeds. How far apart are two points that differ in nothing but the seed?
