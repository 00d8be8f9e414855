"""A network for padded jets."""

import numpy as np
from sklearn.metrics import roc_auc_score

from sklearn_ml4fp import DeepSetsClassifier, PointClouds

data = np.load("jets.npz")
X, y = data["X"].astype(np.float32), data["y"]  # (n_jets, n_particles, n_features), zeros where there is no particle
train, test = np.arange(len(y)) % 4 > 0, np.arange(len(y)) % 4 == 0

clouds = PointClouds.from_padded(X, padding=0.0)
network = DeepSetsClassifier(n_layers=2, width=64, latent_width=64, max_epochs=15, random_state=0)
score = network.fit(clouds[train], y[train]).predict_proba(clouds[test])[:, 1]

print(f"AUC {roc_auc_score(y[test], score):.3f}")
