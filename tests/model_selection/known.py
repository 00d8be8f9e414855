"""An estimator whose score is a known function of its hyperparameters, and that fails where it is told to."""

import os
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

FAULTS = {
    "raises": "cannot be fitted",
    "diverges": "not finite",
    "memory": "no memory",
    "gpu memory": "CUDA: no memory",
}


def happen(fault):
    if fault == "killed":
        os.kill(os.getpid(), 9)
    if fault == "gpu memory":
        import torch  # here, so that the workers of a test need not import it

        raise torch.OutOfMemoryError(FAULTS[fault])
    raise {"raises": ValueError, "diverges": FloatingPointError, "memory": MemoryError}[fault](FAULTS[fault])


X = np.zeros((20, 1))
Y = np.arange(20) % 2


class Known(ClassifierMixin, BaseEstimator):
    """Its score is −(x − 0.3)² − (y − 0.6)² − 0.1·[kind is not "b"], with its maximum 0 at (0.3, 0.6, "b").

    Every fit is written to ``log``. ``fault`` happens in every fit with x > 0.7 ("killed": its process); in the fit
    number ``kill_at`` the process is killed.
    """

    def __init__(self, x=0.0, y=0.0, kind="b", fault=None, log=None, kill_at=None):
        self.x = x
        self.y = y
        self.kind = kind
        self.fault = fault
        self.log = log
        self.kill_at = kill_at

    def fit(self, X, y):
        if self.log is not None:
            with Path(self.log).open("a") as file:
                file.write(f"{self.x!r} {self.y!r}\n")
            if self.kill_at is not None and len(Path(self.log).read_text().splitlines()) >= self.kill_at:
                os.kill(os.getpid(), 9)
        if self.fault is not None and self.x > 0.7:
            happen(self.fault)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X))

    def score(self, X, y):
        return -((self.x - 0.3) ** 2) - (self.y - 0.6) ** 2 - 0.1 * (self.kind != "b")


SPACE = {"x": (0.0, 1.0), "y": (0.0, 1.0), "kind": ["a", "b", "c"]}
