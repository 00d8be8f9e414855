r"""
Losses and last activations
===========================

What the last layer says, and what the loss wants to hear: for classes, numbers, and numbers with outliers.

A classifier ends in a softmax, and its loss is the cross-entropy; a regressor ends in nothing, and its loss says which
property of :math:`p(y \mid x)` is learned: the mean (square), the median (absolute value), or a quantile,

.. math:: \ell_\text{CE} = -\log\frac{e^{z_y}}{\sum_k e^{z_k}}, \qquad \ell_2 = (y - \hat y)^2, \qquad
   \ell_q = \max\big(q\,e, (q - 1)\,e\big),\; e = y - \hat y

(C. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 1.5 and 4.3; quantiles: Koenker and Bassett,
Econometrica 46 (1978) 33). The slope of cross-entropy after softmax is :math:`p - y`: it never dies for a wrong answer.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_ml4fp import FeedForwardRegressor, load_air_showers

z = torch.linspace(-6, 6, 200, requires_grad=True)
p = torch.sigmoid(z)
losses = {"cross-entropy": -torch.log(p), "square of the error": (1 - p) ** 2}

figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
figure.suptitle("Losses of a class and of a number")
for (name, loss), style in zip(losses.items(), ("-", "--"), strict=True):
    (slope,) = torch.autograd.grad(loss.sum(), z, retain_graph=True)
    axes[0].plot(z.detach(), loss.detach(), style, label=name)
    axes[1].plot(z.detach(), slope, style, label=name)
axes[0].set(xlabel="output z before the softmax, true class 1", ylabel="loss", title="classification", ylim=(0, 6))
axes[1].set(xlabel="output z before the softmax, true class 1", ylabel="slope", title="what drives the training")
axes[0].legend()

# How many muons do the stations of a shower count in all? More with energy, and with a spread.
showers = load_air_showers()
log_energy = showers.log_energy[:2000, np.newaxis]
muons = np.add.reduceat(showers.data.column("muons"), showers.data.offsets[:-1])[:2000]
axes[2].plot(log_energy, muons, ".", color="0.75", markersize=2)
grid = np.linspace(log_energy.min(), log_energy.max(), 50)[:, np.newaxis]
scaled = (log_energy - log_energy.mean()) / log_energy.std(), (grid - log_energy.mean()) / log_energy.std()
for loss, q, style in (("mse", 0.5, "-"), ("quantile", 0.1, ":"), ("quantile", 0.5, "--"), ("quantile", 0.9, "-.")):
    network = FeedForwardRegressor(width=32, loss=loss, quantile=q, max_epochs=25, random_state=0)
    name = "mean (square)" if loss == "mse" else f"quantile {q}"
    axes[2].plot(grid, network.fit(scaled[0], muons).predict(scaled[1]), style, label=name)
axes[2].set(
    xlabel="log10 of the energy (eV)", ylabel="muons in all stations", title="regression", yscale="log", ylim=(8, None)
)
axes[2].legend()
plt.show()

# %%
# **Try:** multiply one muon number in a hundred by 100. Which of the curves moves, and does ``loss="huber"`` help?
