r"""
Activations and their slopes
============================

Without an activation, layers of matrices are one matrix; its slope decides what a gradient is multiplied by.

In back-propagation every layer multiplies the gradient by the slope at its own value. A sigmoid's slope is at most 1/4,
so twenty of them leave :math:`4^{-20} \approx 10^{-12}`; a ReLU's is 1 or 0; smooth ones are in between:

.. math::

   \operatorname{ReLU}(z) = \max(0, z), \qquad \operatorname{SiLU}(z) = z\,\sigma(z), \qquad
   \operatorname{GELU}(z) = z\,\Phi(z)

(Glorot, Bordes and Bengio, AISTATS 2011; Hendrycks and Gimpel, `arXiv:1606.08415 <https://arxiv.org/abs/1606.08415>`_;
SELU: Klambauer et al., `arXiv:1706.02515 <https://arxiv.org/abs/1706.02515>`_).
"""

import matplotlib.pyplot as plt
import torch

from sklearn_ml4fp.nn import ACTIVATIONS

z = torch.linspace(-4, 4, 401, requires_grad=True)
figure, axes = plt.subplots(2, len(ACTIVATIONS), figsize=(13, 4.2), sharex=True, sharey="row", layout="constrained")
figure.suptitle("Six activations, and their slopes below")
for (name, activation), column in zip(ACTIVATIONS.items(), axes.T, strict=True):
    value = activation()(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    column[0].plot(z.detach(), value.detach())
    column[1].plot(z.detach(), slope, color="C1")
    column[1].axhline(1, color="0.6", linewidth=0.8, linestyle=":")
    column[0].set(title=name, ylim=(-2, 4))
    column[1].set(xlabel=f"z; largest slope {slope.max():.2f}", ylim=(-0.2, 1.9))
axes[0, 0].set_ylabel("value")
axes[1, 0].set_ylabel("slope")
plt.show()

# %%
# **Try:** which activations have a slope of zero for all z < 0? What happens to a node whose z is negative for every
# event?
