r"""
Back-propagation by hand
========================

A gradient is the chain rule, from the end to the beginning; autograd must find the same.

In :math:`z = \operatorname{ReLU}(W x + b)` with :math:`W = 0.5`, :math:`x = 1`, :math:`b = 0.1` and :math:`y = 1`, the
loss :math:`L = (z - y)^2` has the slope

.. math:: \frac{\partial L}{\partial W} = \frac{\partial L}{\partial z} \cdot \frac{\partial z}{\partial a} \cdot
   \frac{\partial a}{\partial W} = 2\,(z - y) \cdot 1 \cdot x = 2 \cdot (-0.4) \cdot 1 \cdot 1 = -0.8

(Rumelhart, Hinton and Williams, Nature 323 (1986) 533). Lecture notes that say −0.4 have lost the 2 of the square, or
mean the loss :math:`\tfrac12 (z - y)^2`; the figure shows which of the two is the tangent.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

x, y, W, b = 1.0, 1.0, 0.5, 0.1
a = W * x + b  # forwards
z = max(0.0, a)
loss = (z - y) ** 2
dz = 2 * (z - y)  # and backwards
da = dz * (1.0 if a > 0 else 0.0)
dW, db = da * x, da
print(f"by hand:  dL/dW = {dW:+.3f}, dL/db = {db:+.3f}")

weights, bias = torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)
((torch.relu(weights * x + bias) - y) ** 2).backward()
print(f"autograd: dL/dW = {weights.grad:+.3f}, dL/db = {bias.grad:+.3f}")

grid = np.linspace(-0.6, 1.4, 200)
figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
axis.plot(grid, (np.maximum(0, grid * x + b) - y) ** 2, color="black", label="loss L(W)")
near = np.array([W - 0.35, W + 0.35])
axis.plot(near, loss + dW * (near - W), label="slope −0.8: the tangent")
axis.plot(near, loss + 0.5 * dW * (near - W), "--", label="slope −0.4: the 2 forgotten")
axis.plot(W, loss, "o", color="black")
axis.set(title="The gradient is the slope of the loss", xlabel="weight W", ylabel="loss (z − y)²", ylim=(-0.1, 1.2))
axis.legend()
plt.show()

# %%
# **Try:** W = −0.5. What does autograd say, and what follows for a node whose sum is negative for all events?
