r"""
First weights: signals that vanish or explode
=============================================

Twenty layers, not trained at all: what arrives at the end, and what comes back?

A node adds up :math:`n` products, so its variance is :math:`n \operatorname{Var}(w)` times that of its inputs, of which
a ReLU lets half pass. The signal keeps its size through all layers only for

.. math:: \operatorname{Var}(w) = \frac{2}{n_\text{in}}

(He et al., `arXiv:1502.01852 <https://arxiv.org/abs/1502.01852>`_; for tanh 2/(n_in + n_out): Glorot and Bengio,
AISTATS 2010). A factor of two in each of twenty layers is a factor of a million.
"""

import matplotlib.pyplot as plt
import torch
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import AutoScaler, MissingValueImputer, load_events
from sklearn_ml4fp.nn import FeedForward, initialise

events = load_events()
prepare = make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant"))
X = torch.from_numpy(prepare.fit_transform(events.data[:500])).float()

figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharex=True, layout="constrained")
figure.suptitle("Signals and gradients through 20 layers of ReLU before any training")
variances = {"2/n (He)": 2, "1/n": 1, "1/(2n)": 0.5, "4/n": 4}
for (name, variance), style in zip(variances.items(), ("-", "--", "-.", ":"), strict=True):
    network = FeedForward(X.shape[1], 1, n_layers=20, width=128, activation="relu")
    initialise(network, init="he", activation="relu", generator=torch.Generator().manual_seed(0))
    signals, h = [], X
    for layer in network.hidden:
        if isinstance(layer, torch.nn.Linear):
            layer.weight.data *= (variance / 2) ** 0.5
        h = layer(h)
        if isinstance(layer, torch.nn.ReLU):
            h.retain_grad()
            signals.append(h)
    network.head(h).sum().backward()
    for axis, values in zip(axes, ([h.std() for h in signals], [h.grad.norm() for h in signals]), strict=True):
        axis.semilogy(range(1, 21), [float(value.detach()) for value in values], linestyle=style, label=name)
axes[0].set(xlabel="layer", ylabel="standard deviation", title="forwards: signal")
axes[1].set(xlabel="layer", ylabel="norm", title="backwards: gradient of the output")
axes[0].set_xticks([1, 5, 10, 15, 20])
axes[0].legend(title="Var(w)")
plt.show()

# %%
# **Try:** ``activation="tanh"`` with the variances 1/n and 4/n. Why does the signal not explode there, and does the
# gradient?
