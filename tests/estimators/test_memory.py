"""Memory of a fit: large data become tensors piece by piece, which changes nothing in the result."""

import platform
import subprocess
import sys

import numpy as np
import pytest

import sklearn_ml4fp.estimators._fitted as fitted
from sklearn_ml4fp import (
    DeepSetsClassifier,
    EdgeConvClassifier,
    FeedForwardClassifier,
    FeedForwardRegressor,
    PointClouds,
    Smear,
    TransformerClassifier,
)

N = 500
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(N, 4)).astype(np.float32)
CLASSES = (TABLE[:, 0] + RNG.normal(size=N) > 0).astype(int)
WEIGHTS = RNG.choice([1.5, -0.2, 0.7], N)
COUNTS = RNG.integers(0, 6, N)
CLOUDS = PointClouds(
    RNG.uniform(-3, 3, size=(COUNTS.sum(), 3)).astype(np.float32),
    np.concatenate([[0], COUNTS.cumsum()]),
    ["log_pt", "eta", "phi"],
    event_values=TABLE[:, :1],
)
SHORT = {"max_epochs": 3, "random_state": 0}
CASES = {
    "table": (FeedForwardClassifier(width=8, n_layers=2, dropout=0.1, **SHORT), TABLE, CLASSES),
    "numbers": (FeedForwardRegressor(width=8, n_layers=1, **SHORT), TABLE, TABLE[:, 1] * 30 + 7),
    "augmented": (FeedForwardClassifier(width=8, augment=Smear(columns=[0]), **SHORT), TABLE, CLASSES),
    "metrics": (FeedForwardClassifier(width=8, metrics="roc_auc", monitor="roc_auc", **SHORT), TABLE, CLASSES),
    "sets": (DeepSetsClassifier(width=8, **SHORT), CLOUDS, CLASSES),
    "edges": (EdgeConvClassifier(width=8, **SHORT), CLOUDS, CLASSES),
    "sequences": (TransformerClassifier(width=8, n_heads=2, n_blocks=1, **SHORT), CLOUDS, CLASSES),
}


@pytest.mark.parametrize("case", CASES)
def test_pieces_train_as_the_whole_does(case, monkeypatch):
    network, X, y = CASES[case]
    one = network.fit(X, y, sample_weight=WEIGHTS)
    wanted, expected = one.history_["valid_loss"].copy(), one.predict(X)
    monkeypatch.setattr(fitted, "_WHOLE", 0)
    monkeypatch.setattr(fitted, "_PIECE", 4000)  # some 250 rows of the table
    other = network.fit(X, y, sample_weight=WEIGHTS)
    np.testing.assert_allclose(other.history_["valid_loss"], wanted, rtol=1e-5)
    np.testing.assert_allclose(other.predict(X), expected, rtol=1e-4)


MEASURE = """
import resource, numpy as np
from sklearn_ml4fp import FeedForwardClassifier
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
network = FeedForwardClassifier(n_layers=1, width=4, max_epochs=1, batch_size=2048, random_state=0)
few, many = (np.random.default_rng(0).standard_normal((n, 30), dtype=np.float32) for n in (1000, 300_000))
network.fit(few, np.arange(len(few)) % 2)  # libraries are loaded
y = np.arange(len(many)) % 2
before = peak()
network.fit(many, y)
fitted = peak()
network.predict(many)
print((fitted - before) / many.nbytes, (peak() - fitted) / many.nbytes)
"""


FAULTS = """
import resource, numpy as np
from sklearn_ml4fp import EventSource, FeedForwardClassifier
from sklearn_ml4fp.engine._memory import keep_freed_memory
def faults(): return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
rng = np.random.default_rng(0)
events = np.empty(8 * 1024, dtype=[*((f"x{i}", "f4") for i in range(4)), ("label", "i4")])
for name in events.dtype.names:
    events[name] = rng.integers(0, 2, len(events))
source = EventSource(events, features=["x0", "x1", "x2", "x3"], target="label", memory=2**16)
network = FeedForwardClassifier(max_epochs=6, batch_size=1024, early_stopping=False, device="cpu", random_state=0)
network.fit(source)  # libraries are loaded
before = faults()
network.fit(source)
print((faults() - before) / 48)  # steps
resource.setrlimit(resource.RLIMIT_DATA, (2**20, 2**20))  # less than there is already
keep_freed_memory.__wrapped__()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have rules of their own")
def test_the_steps_of_a_stream_keep_their_memory():
    """Of the 10 MiB of a step, hundreds of pages are faults if it asks for them anew; a limit does not end a fit."""
    out = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True).stdout
    assert float(out) < 50


def test_a_fit_needs_little_beside_the_table():
    out = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True).stdout
    for_fit, for_prediction = map(float, out.split())
    assert for_fit < 0.6
    assert for_prediction < 0.2
