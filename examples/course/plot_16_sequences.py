r"""
Sequences: a long memory
========================

The class is the first number, +1 or −1, and then comes noise: which network still knows it at the end?

A simple recurrent network multiplies its state by one matrix at every step, so a gradient over :math:`T` steps vanishes
or explodes like :math:`\lambda^T`. An LSTM adds to a cell, and a gate decides what is kept:

.. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh c_t

(Hochreiter and Schmidhuber, Neural Comput. 9 (1997) 1735; forget gate: Gers et al., 2000; GRU: Cho et al.,
`arXiv:1406.1078 <https://arxiv.org/abs/1406.1078>`_).
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ml4fp import RecurrentClassifier

rng = np.random.default_rng(0)
lengths = (10, 30, 60, 90)
common = {"width": 16, "lr": 0.01, "gradient_clipping": 1.0, "max_epochs": 12, "early_stopping": False}
figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
for cell, style in (("rnn", "s:"), ("gru", "^--"), ("lstm", "o-")):
    scores = []
    for length in lengths:
        X = 0.3 * rng.normal(size=(2000, length, 1))
        X[:, 0, 0] = rng.choice([-1, 1], 2000)
        y = (X[:, 0, 0] > 0).astype(int)
        network = RecurrentClassifier(cell=cell, random_state=0, **common)
        scores.append(network.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]))
    axis.plot(lengths, scores, style, label=cell.upper())
axis.axhline(0.5, color="0.6", linewidth=0.8)
axis.set(title="Remember the first number", xlabel="length of the sequence", ylabel="accuracy of new sequences")
axis.legend()
plt.show()

# %%
# **Try:** ``bidirectional=True``. Why is this task then easy at every length?
