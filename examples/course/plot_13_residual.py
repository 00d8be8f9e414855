r"""
Residual connections: forty layers with and without
===================================================

A deep plain network learns badly; the same depth, with a way around every two layers, learns well.

A block adds to its input instead of replacing it, so that a gradient has a way past all matrices,

.. math:: h_{l+1} = h_l + F(h_l), \qquad
   \frac{\partial h_L}{\partial h_l} = \prod_{k=l}^{L-1}\left(1 + \frac{\partial F}{\partial h_k}\right)

(He et al., `arXiv:1512.03385 <https://arxiv.org/abs/1512.03385>`_). Digits of 8 × 8 pixels need no forty layers, but
the forty layers must not hurt.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sklearn_ml4fp import FeedForwardClassifier, ResNetClassifier

X, y = load_digits(return_X_y=True)
X = X / 16 - 0.5
common = {"width": 32, "max_epochs": 20, "batch_size": 128, "early_stopping": False, "random_state": 0}
networks = {
    "40 layers": FeedForwardClassifier(n_layers=40, **common),
    "3 layers": FeedForwardClassifier(n_layers=3, **common),
    "40 layers in 20 residual blocks": ResNetClassifier(n_blocks=20, **common),
}
figure, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
for (name, network), style in zip(networks.items(), (":", "--", "-"), strict=True):
    history = network.fit(X[:1200], y[:1200]).history_
    label = f"{name}: {network.score(X[1200:], y[1200:]):.0%} of test digits"
    axis.semilogy(history["epoch"], history["train_loss"], linestyle=style, label=label)
axis.set(title="Forty layers with and without a way around", xlabel="epoch", ylabel="cross-entropy of training digits")
axis.set_xticks(range(0, 21, 5))
axis.set_ylim(top=10)
axis.legend(loc="upper right")
plt.show()

# %%
# **Try:** give the plain network ``normalisation="layer"``, then ``activation="selu"``. Which brings forty layers to
# life?
