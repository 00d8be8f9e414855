"""A network for padded jets."""

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

data = np.load("jets.npz")
X, y = data["X"].astype(np.float32), data["y"]  # (n_jets, n_particles, n_features), zeros where there is no particle
train, test = np.arange(len(y)) % 4 > 0, np.arange(len(y)) % 4 == 0

mean, std = X[train][X[train, :, 0] > 0].mean(0), X[train][X[train, :, 0] > 0].std(0)
x, there = torch.tensor((X - mean) / std), torch.tensor(X[:, :, :1] > 0)
point = nn.Sequential(nn.Linear(X.shape[2], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
whole = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.Adam([*point.parameters(), *whole.parameters()], lr=0.001)
for _ in range(15):
    for rows in torch.randperm(int(train.sum())).split(64):
        optimizer.zero_grad()
        output = whole((point(x[train][rows]) * there[train][rows]).sum(1) / 30).squeeze(1)
        nn.functional.binary_cross_entropy_with_logits(output, torch.tensor(y[train])[rows].float()).backward()
        optimizer.step()
score = whole((point(x[test]) * there[test]).sum(1) / 30).detach().squeeze(1)

print(f"AUC {roc_auc_score(y[test], score):.3f}")
