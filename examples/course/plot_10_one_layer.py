r"""
One layer approximates any function
===================================

One hidden layer is enough, if it is wide; each of its nodes adds one bend.

For every continuous function on a bounded interval and every error there are a width :math:`n` and weights with

.. math:: f(x) \approx \sum_{k=1}^{n} v_k\, \sigma(w_k x + b_k) + c

(Cybenko, Math. Control Signals Systems 2 (1989) 303; Hornik, Neural Networks 4 (1991) 251; Leshno et al., Neural
Networks 6 (1993) 861, for ReLU). The theorem does not say how wide, nor that a training finds the weights: that is why
networks are deep.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ml4fp import FeedForwardRegressor

x = np.linspace(-1, 1, 400)[:, np.newaxis]
y = np.sin(6 * x[:, 0]) + 0.5 * np.abs(x[:, 0])

figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), sharey=True, layout="constrained")
figure.suptitle("One hidden layer of tanh, wider and wider")
for axis, width in zip(axes, (2, 5, 30), strict=True):
    network = FeedForwardRegressor(
        n_layers=1,
        width=width,
        activation="tanh",
        lr=0.03,
        lr_schedule="cosine",
        max_epochs=600,
        batch_size=100,
        early_stopping=False,
        random_state=1,
    )
    prediction = network.fit(x, y).predict(x)
    axis.plot(x, y, color="0.6", linewidth=3, label="function")
    axis.plot(x, prediction, "--", color="C1", label="network")
    axis.set(xlabel="x", title=f"{width} nodes, r.m.s. error {np.sqrt(np.mean((y - prediction) ** 2)):.3f}")
axes[0].set_ylabel("y")
axes[0].legend()
plt.show()

# %%
# **Try:** where are the bends? Node k is steepest at x = −b/w, which stand in ``network.net_.module_.hidden[0]``. Then
# ask the network beyond the interval, at x = 2: what does a sum of tanh do there, and one of ReLUs?
