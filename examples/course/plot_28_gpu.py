r"""
Cost against size, and what a GPU is good for
=============================================

A step costs a fixed time and a time that grows with the network: a GPU makes the second smaller, not the first.

A layer of width :math:`n` on a batch of :math:`B` events needs about :math:`6 B n^2` operations forwards and backwards,
at a rate that is limited by arithmetic or by memory, after a start that costs :math:`t_0` whatever the size,

.. math:: t_\text{step} \approx t_0 + \frac{6\,B\,n^2\,L}{\text{operations per second}}

(roofline: Williams, Waterman and Patterson, Commun. ACM 52 (2009) 65). Small networks on small batches are all
:math:`t_0`, and a GPU does not help them; wide ones on large batches are all arithmetic, where it
is by far faster. The figure is measured on the processor that built this page: no GPU was at hand.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import torch

from sklearn_ml4fp.nn import FeedForward, initialise


def seconds(width, batch, n_layers=3):
    """Measure the shortest of some training steps."""
    network = FeedForward(28, 2, n_layers=n_layers, width=width, activation="relu")
    initialise(network, init="he", activation="relu", generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(network.parameters())
    X, y, times = torch.zeros(batch, 28), torch.zeros(batch, dtype=torch.long), []
    for _ in range(4):
        start = time.perf_counter()
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(X), y).backward()
        optimiser.step()
        times.append(time.perf_counter() - start)
    return min(times)


widths, batches = (4, 16, 64, 256, 1024), (1, 8, 64, 512, 4096)
figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
figure.suptitle(f"Three layers on a processor, {torch.get_num_threads()} thread(s)")
for batch, style in ((64, "o-"), (1024, "s--")):
    axes[0].loglog(widths, [1e3 * seconds(width, batch) for width in widths], style, label=f"batches of {batch}")
axes[0].loglog(widths[2:], 2e-5 * np.square(widths[2:]), ":", color="0.5", label="in proportion to width²")
axes[0].set(xlabel="width", ylabel="time of a step (ms)", title="cost against width")
axes[0].legend()
for width, style in ((32, "o-"), (256, "s--")):
    axes[1].loglog(batches, [batch / seconds(width, batch) for batch in batches], style, label=f"width {width}")
axes[1].set(xlabel="events in a batch", ylabel="events per second", title="speed against batch size")
axes[1].legend()
plt.show()

# %%
# **Try:** put ``.to("cuda")`` behind the network and the tensors, and ``torch.cuda.synchronize()`` before each look at
# the clock. At which width do the curves of the processor and of the GPU cross?
