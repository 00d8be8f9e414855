r"""
Grid, random and Bayesian searches
==================================

Nine trainings each: a grid looks at three values, chance at nine, and a surrogate where it expects the most.

If one of two hyperparameters matters, a grid of nine wastes six (Bergstra and Bengio, J. Mach. Learn. Res. 13 (2012)
281). A Bayesian search fits a Gaussian process to the scores so far, with mean :math:`\mu(x)` and standard deviation
:math:`\sigma(x)`, and goes where the expected improvement over the best score :math:`s^*` is largest,

.. math:: \text{EI}(x) = (\mu - s^*)\,\Phi(u) + \sigma\,\varphi(u), \qquad u = \frac{\mu - s^*}{\sigma}

(Jones, Schonlau and Welch, J. Global Optim. 13 (1998) 455).
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import loguniform, norm, uniform
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    BayesSearchCV,
    FeedForwardClassifier,
    MissingValueImputer,
    load_events,
)

events = load_events()
prepare = make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant"))
X, y = prepare.fit_transform(events.data[:3000]), events.target[:3000]
network = FeedForwardClassifier(width=32, max_epochs=6, early_stopping=False, random_state=0)
common = {"scoring": "roc_auc", "cv": ShuffleSplit(1, test_size=0.5, random_state=0), "refit": False}
lr, dropout = (1e-5, 0.1), (0.0, 0.8)
searches = {
    "grid": GridSearchCV(network, {"lr": [1e-5, 1e-3, 1e-1], "dropout": [0.0, 0.4, 0.8]}, **common),
    "random": RandomizedSearchCV(
        network, {"lr": loguniform(*lr), "dropout": uniform(*dropout)}, n_iter=9, random_state=0, **common
    ),
    "Bayesian": BayesSearchCV(
        network, {"dropout": dropout, "lr": (*lr, "log-uniform")}, n_iter=9, random_state=0,
        optimizer_kwargs={"n_initial_points": 4, "acq_func": "EI"}, **common,
    ),
}  # fmt: skip

figure, axes = plt.subplots(2, 3, figsize=(12, 6), layout="constrained")
figure.suptitle("Where three searches look, and why the third looks there")
for axis, (name, search) in zip(axes[0], searches.items(), strict=True):
    results = search.fit(X, y).cv_results_
    tried = np.array([(one["lr"], one["dropout"]) for one in results["params"]])
    shown = axis.scatter(*tried.T, c=results["mean_test_score"], vmin=0.7, vmax=0.92, s=60, cmap="viridis")
    for number, point in enumerate(tried, 1):
        axis.annotate(str(number), point, xytext=(5, 5), textcoords="offset points", fontsize="small")
    best = results["mean_test_score"].max()
    axis.set(title=f"{name}: best {best:.4f}", xlabel="learning rate", ylabel="dropout", xscale="log")
    axis.set(xlim=(5e-6, 0.2), ylim=(-0.08, 0.9))
figure.colorbar(shown, ax=axes[0], label="ROC AUC")

# The surrogate after nine trainings, along the learning rate, at the best dropout (skopt minimises −score).
result = search.optimizer_results_[0]
best_dropout = tried[results["mean_test_score"].argmax(), 1]
grid = np.geomspace(*lr, 100)
mean, spread = result.models[-1].predict(result.space.transform([[best_dropout, one] for one in grid]), return_std=True)
u = (-mean - best) / spread
axes[1, 0].plot(grid, -mean, label="mean of the surrogate")
axes[1, 0].fill_between(grid, -mean - spread, -mean + spread, alpha=0.25, label="± standard deviation")
axes[1, 0].plot(tried[:, 0], results["mean_test_score"], "ko", label="trainings, of all dropouts")
axes[1, 0].set(title="surrogate", xlabel="learning rate", ylabel="ROC AUC", xscale="log")
axes[1, 0].legend(fontsize="small", loc="lower center")
axes[1, 1].plot(grid, (-mean - best) * norm.cdf(u) + spread * norm.pdf(u), color="C1")
axes[1, 1].set(title="acquisition: where to look next", xlabel="learning rate", ylabel="expected improvement")
axes[1, 1].set_xscale("log")
for (name, search), style in zip(searches.items(), (":", "--", "-"), strict=True):
    so_far = np.maximum.accumulate(search.cv_results_["mean_test_score"])
    axes[1, 2].plot(range(1, 10), so_far, style, label=name)
axes[1, 2].set(title="the best so far", xlabel="trainings", ylabel="ROC AUC", ylim=(0.85, None))
axes[1, 2].legend()
plt.show()

# %%
# **Try:** ``acq_func="LCB"`` with ``acq_func_kwargs={"kappa": 10}``, which loves the unknown. Where does it look?
