r"""
Lists, images, sets, clouds: which network?
===========================================

The same jets in four forms, each with the network that knows what its input is.

A list of the hardest particles suits every learner of tables, but each position is learned anew. Pixels do not mind
where a pattern is. A set does not mind the order, :math:`f(x_{\pi(1)}, \ldots, x_{\pi(n)}) = f(x_1, \ldots, x_n)`, and
has the form

.. math:: f(\{x\}) = \rho\Big(\sum_i \phi(x_i)\Big) \quad\text{or, with neighbours,}\quad
   \rho\Big(\sum_i \sum_{j \in N(i)} \phi(x_i, x_j)\Big)

(Zaheer et al., `arXiv:1703.06114 <https://arxiv.org/abs/1703.06114>`_; Komiske, Metodiev and Thaler, `arXiv:1810.05165
<https://arxiv.org/abs/1810.05165>`_; Wang et al., `arXiv:1801.07829 <https://arxiv.org/abs/1801.07829>`_). One jet in
all four forms is drawn in :ref:`sphx_glr_auto_examples_plot_one_jet_four_ways.py`.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ml4fp import (
    CNNClassifier,
    DeepSetsClassifier,
    EdgeConvClassifier,
    FeedForwardClassifier,
    JetConstituentFeatures,
    ToImage,
    ToList,
    load_quark_gluon_jets,
    roc_auc_score,
)

jets = load_quark_gluon_jets()
X, y = jets.data[:6000], jets.target[:6000]
points = JetConstituentFeatures()
common = {"early_stopping": False, "random_state": 0}
models = {
    "list: feed-forward": make_pipeline(
        points, ToList(20), SimpleImputer(), StandardScaler(), FeedForwardClassifier(width=64, max_epochs=6, **common)
    ),
    "image: CNN": make_pipeline(
        ToImage(n_pixels=16), FunctionTransformer(np.sqrt), CNNClassifier(width=8, max_epochs=6, **common)
    ),
    "set: deep sets": make_pipeline(points, DeepSetsClassifier(width=32, latent_width=64, max_epochs=8, **common)),
    "cloud with neighbours: EdgeConv": make_pipeline(
        points,
        EdgeConvClassifier(n_blocks=2, n_layers=2, width=16, n_neighbors=6, lr=0.005, max_epochs=8, **common),
    ),
}
figure, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
for (name, model), marker in zip(models.items(), "osD^", strict=True):
    start = time.process_time()
    model.fit(X[:2000], y[:2000])
    seconds = time.process_time() - start
    area = roc_auc_score(y[2000:], model.predict_proba(X[2000:])[:, 1])
    weights = sum(one.numel() for one in model[-1].net_.module_.parameters())
    axis.semilogx(seconds, area, marker, markersize=9, label=f"{name}, {weights} weights")
axis.set(title="2000 jets in four forms", xlabel="processor time of the training (s)", ylabel="ROC AUC of test jets")
axis.margins(0.2, 0.5)
axis.legend(fontsize="small", loc="upper left")
plt.show()

# %%
# **Try:** all 16 000 jets and five times the epochs. Which of the four gains most, and is it worth its time?
