"""A new store of MLflow takes seconds to make: one is made, and each test gets a copy."""

import shutil

import numpy as np
import pytest
from mlflow import MlflowClient

from sklearn_ml4fp import FeedForwardClassifier


@pytest.fixture(scope="session")
def new_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("new") / "runs.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(new_store, tmp_path):
    return shutil.copy(new_store, tmp_path / "runs.db")


@pytest.fixture(scope="session")
def table():
    """200 events of two classes in four columns, with weights and event ids."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    X = rng.normal(size=(200, 4)) + 1.2 * y[:, None]
    return X, y, rng.uniform(-0.2, 1.0, 200), np.arange(200) // 2


@pytest.fixture
def network():
    return FeedForwardClassifier(width=8, n_layers=1, max_epochs=3, random_state=0)
