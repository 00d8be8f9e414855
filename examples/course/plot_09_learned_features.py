r"""
Hand-made against learned features
==================================

Three numbers that physicists invented for jets, and a network that invents its own.

Gluons make more particles, wider jets and softer fragments than quarks. Three classical features measure that: the
number of particles, the width (girth) and the dispersion,

.. math:: g = \frac{\sum_i p_{T,i}\,\Delta R_i}{\sum_i p_{T,i}}, \qquad
   p_T^D = \frac{\sqrt{\sum_i p_{T,i}^2}}{\sum_i p_{T,i}}

(Gallicchio and Schwartz, `arXiv:1106.3076 <https://arxiv.org/abs/1106.3076>`_; CMS, PAS-JME-13-002). A deep set gets
the particles alone and has to find such sums by itself: with a few thousand jets it has found about as much.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    DeepSetsClassifier,
    FeedForwardClassifier,
    JetConstituentFeatures,
    load_quark_gluon_jets,
    roc_auc_score,
    roc_curve,
)

jets = load_quark_gluon_jets()
train, test = slice(0, 5000), slice(5000, 9000)
particles, y = JetConstituentFeatures().fit_transform(jets.data[:9000]), jets.target[:9000]
start, pt = particles.offsets[:-1], jets.data[:9000].column("pt")
distance = np.hypot(particles.column("delta_eta"), particles.column("delta_phi"))
total = np.add.reduceat(pt, start)
features = {
    "number of particles": np.diff(particles.offsets),
    "girth": np.add.reduceat(pt * distance, start) / total,
    "dispersion pTD": np.sqrt(np.add.reduceat(pt**2, start)) / total,
}
table = np.stack(list(features.values()), axis=1)

scores = {name: np.sign(y @ (one - one.mean())) * one[test] for name, one in features.items()}
model = make_pipeline(StandardScaler(), FeedForwardClassifier(width=32, max_epochs=20, random_state=0))
scores["network on these three"] = model.fit(table[train], y[train]).predict_proba(table[test])[:, 1]
learner = DeepSetsClassifier(width=32, latent_width=64, max_epochs=10, random_state=0)
scores["network on the particles"] = learner.fit(particles[train], y[train]).predict_proba(particles[test])[:, 1]

figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
for (name, score), style in zip(scores.items(), (":", "-.", (0, (3, 1, 1, 1)), "--", "-"), strict=True):
    gluons, quarks, _ = roc_curve(y[test], score)
    axis.plot(quarks, 1 - gluons, linestyle=style, label=f"{name}, AUC {roc_auc_score(y[test], score):.3f}")
axis.set(title="Hand-made and learned", xlabel="quark jets kept", ylabel="gluon jets rejected")
axis.legend(loc="lower left", fontsize="small")
plt.show()

# %%
# **Try:** give the network on three features a fourth one of your own, or train both on all 16 000 jets. Which one
# gains?
