r"""
A rare class, and SMOTE
=======================

What to do when one event in fifty is signal: nothing, weights, or invented signal events.

SMOTE draws new events of the rare class on the lines between neighbours,

.. math:: x_\text{new} = x_i + \lambda\,(x_j - x_i), \qquad \lambda \sim U(0, 1)

(Chawla et al., `arXiv:1106.1813 <https://arxiv.org/abs/1106.1813>`_). What was rare becomes frequent, but nothing is
added that was not in the parents, so the order of the scores hardly changes. What does change is the scale: balanced
scores are no longer probabilities, and 0.5 is another cut.
"""

import matplotlib.pyplot as plt
import numpy as np
from imblearn.over_sampling import SMOTE
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import AutoScaler, FeedForwardClassifier, MissingValueImputer, Resampled, load_events, roc_auc_score

events = load_events(as_frame=True)
X, y = MissingValueImputer(strategy="constant").fit_transform(events.data.to_numpy()), np.asarray(events.target)
signal, background = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
train, test = np.r_[background[:5000], signal[:100]], np.r_[background[5000:9000], signal[5000:9000]]

network = FeedForwardClassifier(width=32, max_epochs=12, patience=4, random_state=0)
models = {
    "nothing": network,
    "class_weight": FeedForwardClassifier(**network.get_params() | {"class_weight": "balanced"}),
    "SMOTE": Resampled(SMOTE(random_state=0), network),
}
names = ["ht", "met"]
pair = AutoScaler().fit_transform(events.data[names].to_numpy()[train])
invented, labels = SMOTE(random_state=0).fit_resample(pair, y[train])

figure, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
figure.suptitle("One signal event in fifty: SMOTE draws between neighbours, and moves the scores")
axes[0].scatter(*pair[y[train] == 0][::5].T, s=3, color="0.75", label="background")
axes[0].scatter(*invented[len(pair) :][::5].T, s=4, color="C5", label="invented signal")
axes[0].scatter(*pair[y[train] == 1].T, s=18, color="C1", marker="^", label="signal")
axes[0].set(xlabel="HT, log, scaled", ylabel="missing pT, log, scaled")
axes[0].legend()
for (name, model), style in zip(models.items(), ("-", "--", ":"), strict=True):
    score = make_pipeline(AutoScaler(), model).fit(X[train], y[train]).predict_proba(X[test])[:, 1]
    label = f"{name}: AUC {roc_auc_score(y[test], score):.3f}, {np.mean(score[y[test] == 1] > 0.5):.0%} of signal > 0.5"
    axes[1].hist(
        score[y[test] == 1], np.linspace(0, 1, 26), histtype="step", linestyle=style, linewidth=1.5, label=label
    )
axes[1].set(xlabel="score", ylabel="signal test events", yscale="log")
axes[1].legend(loc="upper center", fontsize="small")
plt.show()

# %%
# **Try:** change the seeds. Is the difference between the areas larger than that from seed to seed?
