r"""
Six optimisers on one loss surface
==================================

The same valley, the same start, and six ways to go down.

Plain gradient descent swings across a narrow valley and creeps along it. Momentum adds up what points the same way;
Adagrad and RMSprop divide each coordinate by the size of its own gradients; Adam does both,

.. math:: v \leftarrow \gamma v + g,\; \theta \leftarrow \theta - \eta v; \qquad
   \theta \leftarrow \theta - \eta \frac{g}{\sqrt{G} + \varepsilon},\; G \leftarrow \textstyle\sum g^2
   \text{ or its moving average}

(momentum: Polyak 1964; Adagrad: Duchi et al., 2011; RMSprop: Hinton, lecture 6 of 2012; Adam: Kingma and Ba,
`arXiv:1412.6980 <https://arxiv.org/abs/1412.6980>`_). Mini-batches make the gradient noisy, here by a Gaussian.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch


def loss(a, b):
    """Compute the loss: a bent valley, 20 times steeper across than along."""
    return 0.05 * (a - 2) ** 2 + (b - 0.5 * torch.sin(a)) ** 2


optimisers = {
    "SGD": lambda weights: torch.optim.SGD(weights, lr=0.8),
    "SGD with momentum": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9),
    "Nesterov": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=True),
    "Adagrad": lambda weights: torch.optim.Adagrad(weights, lr=0.8),
    "RMSprop": lambda weights: torch.optim.RMSprop(weights, lr=0.1),
    "Adam": lambda weights: torch.optim.Adam(weights, lr=0.2),
}
a, b = torch.meshgrid(torch.linspace(-5, 4, 120), torch.linspace(-2, 2, 80), indexing="xy")

figure, axes = plt.subplots(2, 3, figsize=(12, 5.4), sharex=True, sharey=True, layout="constrained")
figure.suptitle("Sixty noisy steps of six optimisers on one loss surface")
for axis, (name, make) in zip(axes.ravel(), optimisers.items(), strict=True):
    weights = torch.tensor([-4.5, 1.6], requires_grad=True)
    optimiser, noise, path = make([weights]), torch.Generator().manual_seed(0), [[-4.5, 1.6]]
    for _ in range(60):
        optimiser.zero_grad()
        loss(*weights).backward()
        weights.grad += 0.1 * torch.randn(2, generator=noise)  # what a mini-batch does
        optimiser.step()
        path.append(weights.tolist())
    axis.contour(a, b, loss(a, b), levels=np.geomspace(0.02, 8, 12), colors="0.75", linewidths=0.7)
    axis.plot(*np.transpose(path), ".-", color="C0", linewidth=0.9, markersize=4)
    axis.plot(2, 0.5 * np.sin(2), "*", color="C1", markersize=12)
    axis.set(title=f"{name}, at the end {loss(*weights):.3f}", xlim=(-5, 4), ylim=(-2, 2))
figure.supxlabel("weight a")
figure.supylabel("weight b")
plt.show()

# %%
# **Try:** ten times the learning rate of each, and then a tenth of it. Which optimiser forgives most?
