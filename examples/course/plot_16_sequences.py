r"""
Sequences: a long memory
========================

The class is the first number, +1 or −1, and then comes noise: which network still knows it at the end?

A simple recurrent network multiplies its state by one matrix at every step, so what it knows of :math:`T` steps ago
fades like :math:`\lambda^T`, unless the matrix starts orthogonal. Gates decide themselves what is kept,

.. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh c_t

if they start open: an LSTM here starts with a bias of one in the forget gate :math:`f`, so :math:`\sigma(1)^T`, and the
gate of a GRU is half open, :math:`2^{-T}` (Hochreiter and Schmidhuber, Neural Comput. 9 (1997) 1735; Gers et al., 2000;
GRU: Cho et al., `arXiv:1406.1078 <https://arxiv.org/abs/1406.1078>`_; Saxe et al., `arXiv:1312.6120
<https://arxiv.org/abs/1312.6120>`_).
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_ml4fp import RecurrentClassifier, TrainingWarning
from sklearn_ml4fp.nn import initialise

warnings.simplefilter("ignore", TrainingWarning)  # it says that one of the cells learns nothing
torch_cells = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
styles = {"rnn": "s:", "gru": "^--", "lstm": "o-"}
lengths = (10, 30, 60)
common = {"width": 16, "lr": 0.01, "gradient_clipping": 1.0, "max_epochs": 10, "early_stopping": False}

figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
figure.suptitle("Remember the first number: before the training, and after it")
rng, noise = np.random.default_rng(0), torch.Generator().manual_seed(0)
for cell, style in styles.items():
    module = torch_cells[cell](1, 16, batch_first=True)
    initialise(module, init="auto", activation="tanh", generator=torch.Generator().manual_seed(0))
    x = (0.3 * torch.randn(1, 61, 1, generator=noise)).requires_grad_()
    module(x)[0][0, -1].sum().backward()
    axes[0].semilogy(range(61), x.grad[0, :, 0].abs().flip(0), style, markevery=10, label=cell.upper())
    scores = []
    for length in lengths:
        X = 0.3 * rng.normal(size=(2000, length, 1))
        X[:, 0, 0] = rng.choice([-1, 1], 2000)
        y = (X[:, 0, 0] > 0).astype(int)
        network = RecurrentClassifier(cell=cell, random_state=0, **common)
        scores.append(network.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]))
    axes[1].plot(lengths, scores, style, label=cell.upper(), markersize=10 if cell == "rnn" else 6)  # under another
axes[0].set(xlabel="steps ago", ylabel="slope of the output", title="what an untrained network knows")
axes[1].axhline(0.5, color="0.6", linewidth=0.8)
axes[1].set(xlabel="length of the sequence", ylabel="accuracy of new sequences", title="what ten epochs reach")
axes[0].legend()
plt.show()

# %%
# **Try:** ``bidirectional=True``. Why is this task then easy at every length?
