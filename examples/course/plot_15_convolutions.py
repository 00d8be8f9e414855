r"""
Convolutions: filters, and images that move
===========================================

A filter of nine weights looks for one pattern everywhere, so what was learned in one place is known in all.

A convolution computes the same weighted sum around each pixel,

.. math:: h_{xy} = \sigma\Big(b + \sum_{i,j=-1}^{1} w_{ij}\, x_{x+i,\,y+j}\Big)

(LeCun et al., Proc. IEEE 86 (1998) 2278). If the image moves, :math:`h` moves with it; fully connected layers have to
learn each place anew. Three maxima over 2 × 2 pixels follow, which keep every second pixel: what moves by 4 pixels
comes out nearly alike again, and what moves by one or two does not quite (Zhang, `arXiv:1904.11486
<https://arxiv.org/abs/1904.11486>`_).
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits

from sklearn_ml4fp import CNNClassifier, FeedForwardClassifier

digits, y = load_digits(return_X_y=True)
images = np.pad(digits.reshape(-1, 8, 8) / 16, ((0, 0), (4, 4), (4, 4)))  # a digit in the middle of 16 × 16 pixels
common = {"max_epochs": 15, "batch_size": 64, "early_stopping": False, "random_state": 0}
cnn = CNNClassifier(width=8, **common).fit(images[:1000], y[:1000])
plain = FeedForwardClassifier(width=64, **common).fit(images[:1000].reshape(1000, -1), y[:1000])

shifts, test, labels = range(5), images[1000:], y[1000:]
moved = [np.roll(test, shift, axis=2) for shift in shifts]
scores = {
    "CNN": [cnn.score(X, labels) for X in moved],
    "fully connected": [plain.score(X.reshape(len(X), -1), labels) for X in moved],
}
first = next(layer for layer in cnn.net_.module_.modules() if isinstance(layer, torch.nn.Conv2d))
with torch.no_grad():
    seen = first(torch.from_numpy(test[:1, np.newaxis]).float())[0]

figure = plt.figure(figsize=(11, 3.6), layout="constrained")
figure.suptitle("Four filters of the first layer, what they see of a digit, and digits that move")
left, right = figure.subfigures(1, 2, width_ratios=(1.2, 1))
axes = left.subplots(2, 5)
axes[0, 0].axis("off")
axes[1, 0].imshow(test[0], cmap="gray_r")
axes[1, 0].set_xlabel("digit")
for number, column in enumerate(axes[:, 1:].T):
    column[0].imshow(first.weight[number, 0].detach(), cmap="PuOr", vmin=-1, vmax=1)
    column[1].imshow(seen[number].relu(), cmap="gray_r")
    column[0].set_xlabel(f"filter {number + 1}")
    column[1].set_xlabel("what it sees")
for axis in axes.ravel():
    axis.set(xticks=[], yticks=[])
axis = right.subplots()
for (name, values), style in zip(scores.items(), ("o-", "s--"), strict=True):
    axis.plot(shifts, values, style, label=name)
axis.set(xlabel="shift of the test digits (pixels)", ylabel="accuracy", xticks=shifts, ylim=(0, 1.02))
axis.legend()
plt.show()

# %%
# **Try:** train with ``augment=Translate(...)`` on moved digits. Does the fully connected network catch up?
