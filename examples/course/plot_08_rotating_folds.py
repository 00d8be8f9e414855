r"""
Rotating cross-validation
=========================

Five blocks of events, and every block is test, validation and training in turn.

In turn :math:`i` of :math:`k`, block :math:`i` is tested, block :math:`(i + 1) \bmod k` is watched for early stopping,
and the others train. So every event gets a score from a network that has never seen it, and no event is lost; the score
of the whole is computed on all events,

.. math:: \hat s(x_j) = f_{(i)}(x_j) \quad\text{for } j \text{ in block } i

(Stone, J. R. Stat. Soc. B 36 (1974) 111). The standard deviation over the blocks says how far one number is to be
trusted.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    CrossFitClassifier,
    FeedForwardClassifier,
    MissingValueImputer,
    RotatingKFold,
    load_events,
    roc_auc_scorer,
)

events = load_events()
X, y, ids = events.data[:6000], events.target[:6000], events.groups[:6000]
rotation = RotatingKFold(5)
blocks = rotation.assign(ids)

role = np.zeros((5, 5))  # turn, block: 0 trains
for turn, (fit, test) in enumerate(rotation.split(X, groups=ids)):
    _, validation = rotation.hold_out(ids[fit])
    role[turn, np.unique(blocks[fit][validation])] = 1
    role[turn, np.unique(blocks[test])] = 2

network = FeedForwardClassifier(width=32, max_epochs=15, patience=3, validation=rotation, random_state=0)
model = make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant"), network)
crossed = CrossFitClassifier(model, cv=rotation, scoring=roc_auc_scorer).fit(X, y, groups=ids)

figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
figure.suptitle("Five turns: what each block is, and the score of the block that is tested")
for value, (name, hatch) in enumerate({"train": "", "validate": "//", "test": "xx"}.items()):
    turn, block = np.nonzero(role == value)
    axes[0].barh(turn, 0.95, 0.8, block - 0.475, color=f"C{value}", alpha=0.6, hatch=hatch, label=name)
axes[0].set(xlabel="block of events", ylabel="turn", xticks=range(5), yticks=range(5))
axes[0].invert_yaxis()
axes[0].legend(loc="upper left", bbox_to_anchor=(1, 1))
axes[1].plot(crossed.fold_scores_, range(5), "o", color="C2")
axes[1].axvline(crossed.oof_score_, color="black", linestyle="--")
axes[1].set(xlabel="ROC AUC of the tested block (dashed: all events)", yticks=range(5))
axes[1].invert_yaxis()
plt.show()

# %%
# **Try:** ten blocks. Does the spread of the scores grow or shrink, and why? What does a training cost now?
