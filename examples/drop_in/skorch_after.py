"""A search of the learning rate."""

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import FeedForwardClassifier

data = np.load("events.npz")
X, y = data["X"].astype(np.float32), data["y"]

network = FeedForwardClassifier(n_layers=2, width=64, max_epochs=20, random_state=0)
model = make_pipeline(StandardScaler(), network)
search = GridSearchCV(model, {"feedforwardclassifier__lr": [0.001, 0.01]}, cv=3, scoring="roc_auc").fit(X, y)
print(f"AUC {search.best_score_:.3f}")
