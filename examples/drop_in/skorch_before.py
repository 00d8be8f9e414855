"""A search of the learning rate."""

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch import NeuralNetClassifier
from torch import nn

data = np.load("events.npz")
X, y = data["X"].astype(np.float32), data["y"]

layers = [nn.Linear(X.shape[1], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)]
network = NeuralNetClassifier(
    nn.Sequential(*layers),
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.Adam,
    iterator_train__shuffle=True,
    max_epochs=20,
    verbose=0,
)
model = make_pipeline(StandardScaler(), network)
search = GridSearchCV(model, {"neuralnetclassifier__lr": [0.001, 0.01]}, cv=3, scoring="roc_auc").fit(X, y)
print(f"AUC {search.best_score_:.3f}")
