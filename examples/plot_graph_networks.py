"""
Graph networks on jets
======================

Quark and gluon jets as sets of particles: deep sets, which add up the particles one by one, and EdgeConv, which looks
at the neighbours of each. A few thousand jets and a few epochs, so that it runs in half a minute; the benchmark
``bench_quark_gluon.py`` has the comparison.
"""

# %%
# Jets of particles
# -----------------
# Points of any number, in coordinates. scikit-learn slices them as it slices an array.

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ml4fp import (
    DeepSetsClassifier,
    EdgeConvClassifier,
    EventShuffleSplit,
    JetConstituentFeatures,
    RejectionDisplay,
    load_quark_gluon_jets,
)

jets = load_quark_gluon_jets()
X = JetConstituentFeatures().fit_transform(jets.data[:6000])
y, ids = jets.target[:6000], jets.groups[:6000]
train, test = next(EventShuffleSplit(1, test_size=0.4).split(X, y, groups=ids))
print(X)

# %%
# Two networks
# ------------
# Both standardise the particles by themselves. ``delta_eta`` and ``delta_phi`` are found by their names: in them
# EdgeConv looks for the first neighbours; the second block finds its own, among the features that the first has made.

networks = {
    "deep sets": DeepSetsClassifier(max_epochs=8, random_state=0),
    "EdgeConv": EdgeConvClassifier.particle_net_lite(max_epochs=3, random_state=0),
}
for network in networks.values():
    network.fit(X[train], y[train], groups=ids[train])

# %%
# Gluon jets rejected
# -------------------

figure, axes = plt.subplots(figsize=(5, 4))
for name, network in networks.items():
    RejectionDisplay.from_estimator(network, X[test], y[test], name=name, ax=axes)
axes.set_title("Gluon jets rejected")
figure.tight_layout()

# %%
# The order of the particles does not count
# -----------------------------------------

one = X[:1]
backwards = one.with_values(one.values[::-1], one.feature_names)
for name, network in networks.items():
    scores = [network.predict_proba(jet)[0, 1] for jet in (one, backwards)]
    print(f"{name}: {scores[0]:.6f}, and with the particles in reverse {scores[1]:.6f}")
    assert np.isclose(*scores, atol=1e-5)
