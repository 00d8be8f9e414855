r"""
Watch a training, and keep a lab book
=====================================

Three trainings, one of them ill: curves tell which, and a lab book tells afterwards what it was.

Watch the loss of the hold-out, a metric that means something, and the norm of the gradient,

.. math:: \lVert g \rVert = \Big(\sum_k \Big(\frac{\partial L}{\partial \theta_k}\Big)^2\Big)^{1/2}

It explodes before a loss does, and fades where nodes have died (Pascanu et al., `arXiv:1211.5063
<https://arxiv.org/abs/1211.5063>`_). A lab book writes down every fit by itself: parameters, scores, the data's hash,
the versions; then two runs can be compared, and repeated.
"""

import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import AutoScaler, FeedForwardClassifier, LabBook, MissingValueImputer, TrainingWarning, load_events

events = load_events()
prepare = make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant"))
X, y = prepare.fit_transform(events.data[:4000]), events.target[:4000]
book = LabBook(Path(tempfile.mkdtemp()) / "runs.db")
networks = [
    FeedForwardClassifier(
        width=64, lr=lr, optimizer="sgd", momentum=0.9, metrics=["roc_auc"], max_epochs=20, patience=20, random_state=0
    )
    for lr in (0.001, 0.03, 2.0)
]
with book, warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", TrainingWarning)
    for network in networks:
        network.fit(X, y)

shown = {
    "valid_loss": "cross-entropy of the hold-out",
    "valid_roc_auc": "ROC AUC of the hold-out",
    "gradient_norm": "norm of the gradient",
}
figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
figure.suptitle("Three trainings: too slow, healthy, ill")
for network, style in zip(networks, (":", "-", "--"), strict=True):
    for axis, (column, label) in zip(axes, shown.items(), strict=True):
        axis.plot(network.history_["epoch"], network.history_[column], linestyle=style, label=f"lr={network.lr}")
        axis.set(xlabel="epoch", ylabel=label, yscale="linear" if "auc" in column else "log")
axes[1].legend()
plt.show()

# %%
# What the fits said by themselves, and what the lab book kept:

for warning in caught:
    print(str(warning.message)[:200], end="\n\n")
runs = book.runs()
print(runs[["estimator", "status", "params.lr", "score.valid_roc_auc"]].to_string(index=False))

# %%
# **Try:** ``book.compare(first, second)`` with two names of ``runs.index``, and ``verbose=1`` to watch a fit while it
# runs. What would have saved the third training?
