r"""
Loss landscapes: plain and residual
===================================

Around its trained weights, a deep plain network sees cliffs and plateaus, a residual one a bowl.

The loss is drawn in a plane through the trained weights :math:`\theta`, along two random directions whose parts are as
large as the weights of each node (filter normalisation),

.. math:: L(\alpha, \beta) = L(\theta + \alpha\,\delta + \beta\,\eta), \qquad
   \delta_k \leftarrow \delta_k \frac{\lVert\theta_k\rVert}{\lVert\delta_k\rVert}

(Li et al., `arXiv:1712.09913 <https://arxiv.org/abs/1712.09913>`_). Without that, a network with large weights would
look flat for no other reason.
"""

import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from sklearn_ml4fp import FeedForwardClassifier, ResNetClassifier


def direction(weights, generator):
    """Draw a random direction, as long for each node as its weights; biases stay."""
    if weights.ndim == 1:
        return torch.zeros_like(weights)
    drawn = torch.randn(weights.shape, generator=generator)
    return drawn * weights.norm(dim=-1, keepdim=True) / drawn.norm(dim=-1, keepdim=True)


X, y = load_digits(return_X_y=True)
X = X / 16 - 0.5
common = {"width": 32, "max_epochs": 25, "batch_size": 128, "early_stopping": False, "random_state": 0}
networks = {
    "plain, 20 layers": FeedForwardClassifier(n_layers=20, **common),
    "residual, 20 layers": ResNetClassifier(n_blocks=10, **common),
}
inputs, classes, steps = torch.from_numpy(X[:300]).float(), torch.from_numpy(y[:300]), np.linspace(-1, 1, 21)

figure, axes = plt.subplots(1, 2, figsize=(9.5, 4.2), sharey=True, layout="constrained")
figure.suptitle("The loss around the trained weights")
for axis, (name, network) in zip(axes, networks.items(), strict=True):
    module = copy.deepcopy(network.fit(X, y).net_.module_).eval()
    trained = [weights.detach().clone() for weights in module.parameters()]
    generator = torch.Generator().manual_seed(3)
    directions = [[direction(weights, generator) for weights in trained] for _ in range(2)]
    surface = np.zeros((len(steps), len(steps)))
    with torch.no_grad():
        for (row, column), _ in np.ndenumerate(surface):
            for weights, at, one, two in zip(module.parameters(), trained, *directions, strict=True):
                weights.copy_(at + steps[column] * one + steps[row] * two)
            surface[row, column] = torch.nn.functional.cross_entropy(module(inputs), classes)
    height, levels = np.log10(surface.clip(1e-4)), np.linspace(-4, 2, 25)
    shown = axis.contourf(steps, steps, height, levels=levels, extend="both")
    axis.plot(0, 0, "*", color="white", markersize=10)
    axis.set(title=f"{name}: loss {surface[10, 10]:.3f}", xlabel="α", xticks=(-1, 0, 1), yticks=(-1, 0, 1))
axes[0].set_ylabel("β")
figure.colorbar(shown, ax=axes, label="log10 of the cross-entropy")
plt.show()

# %%
# **Try:** other directions (another seed), and 40 layers. Is the picture the same?
