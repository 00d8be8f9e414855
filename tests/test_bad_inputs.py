"""Bad input, over the whole public list: each ends in one error that says what to do, and never deep in a library."""

import inspect
import traceback
import warnings
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

import sklearn_ml4fp
from sklearn_ml4fp import NetworkClassifier, NetworkEstimator, PointClouds

PUBLIC = {name: getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__}


def fault_of(call):
    """Call with a bad input; what is wrong with the way in which that ends, or None."""
    try:
        with warnings.catch_warnings(action="ignore"):
            call()
    except (ValueError, TypeError) as error:
        raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        of_ours, of_theirs = (raised_in.is_relative_to(Path(one.__file__).parent) for one in (sklearn_ml4fp, sklearn))
        if type(error) not in (ValueError, TypeError, InvalidParameterError, NotFittedError):
            return f"ends in {error!r}"
        if not (of_ours or of_theirs):
            return f"is raised in {raised_in.name}: {error}"
        return f"says too little: {error}" if of_ours and len(str(error)) < 50 else None
    except Exception as error:
        return f"ends in {error!r}"
    return "is accepted without a word"


def faults(cases):
    """What is wrong, of cases that are pairs of a label and a call."""
    return {label: fault for label, call in cases if (fault := fault_of(call))}


# --- what is wrong with an argument, by what the argument is ---------------------------------------------------------

N = 24
RNG = np.random.default_rng(0)
TABLE = np.abs(RNG.normal(size=(N, 6))) + 0.1
CLASSES = np.arange(N) % 2
EVENTS = np.arange(N)
CLOUDS = PointClouds(np.abs(RNG.normal(size=(2 * N, 3))) + 0.1, np.arange(N + 1) * 2, ["pt", "eta", "phi"])


def spoiled(array, value):
    """A copy with one entry replaced."""
    copy = array.astype(np.result_type(array, type(value)))
    copy[3] = value
    return copy


BAD_TABLES = {
    "a sparse matrix": sparse.csr_matrix(TABLE),
    "text": np.full((N, 6), "a"),
    "complex numbers": TABLE + 1j,
    "dates": np.zeros((N, 6), dtype="datetime64[s]"),
    "a column of text": pd.DataFrame(TABLE, columns=list("abcdef")).assign(c="much"),
    "one dimension": TABLE[:, 0],
    "no columns": TABLE[:, :0],
    "no events": TABLE[:0],
    "five dimensions": np.zeros((N, 1, 1, 2, 2)),
    "None": None,
    "a number": 3.0,
    "dates in a frame": pd.DataFrame(TABLE, columns=list("abcdef")).assign(c=pd.Timestamp("2020")),
    "infinity": spoiled(TABLE, np.inf),
}
NAN = {"NaN": spoiled(TABLE, np.nan)}
BAD_CLASSES = {
    "too few": CLASSES[:-1],
    "None": None,
    "one class": np.ones(N),
    "fractions": RNG.normal(size=N),
    "NaN": spoiled(CLASSES.astype(float), np.nan),
    "two columns": np.stack([CLASSES, CLASSES], axis=1),
}
BAD_TARGETS = {
    "too few": CLASSES[:-1],
    "None": None,
    "text": np.full(N, "a"),
    "complex numbers": CLASSES + 1j,
    "NaN": spoiled(CLASSES.astype(float), np.nan),
    "infinity": spoiled(CLASSES.astype(float), np.inf),
    "three dimensions": np.zeros((N, 2, 2)),
}
BAD_WEIGHTS = {
    "too few": np.ones(N - 1),
    "text": np.full(N, "1"),
    "complex numbers": np.ones(N) + 0j,
    "dates": np.zeros(N, dtype="datetime64[s]"),
    "sparse": sparse.csr_matrix(np.ones((N, 1))),
    "NaN": spoiled(np.ones(N), np.nan),
    "a mask": np.ma.array(np.ones(N), mask=EVENTS == 1),
    "two columns": np.ones((N, 2)),
    "an overflow": np.full(N, 1e308),
}
BAD_SUMS = {"zeros": np.zeros(N), "a negative sum": -np.ones(N)}
BAD_IDS = {
    "too few": EVENTS[:-1],
    "fractions": EVENTS + 0.5,
    "None among them": np.array([None, *EVENTS[1:]], dtype=object),
    "booleans": EVENTS > 3,
    "sparse": sparse.csr_matrix(EVENTS[:, None]),
    "three dimensions": EVENTS.reshape(N, 1, 1),
}


def each(call, name, values):
    """Pairs of a label and a call with one bad value of the argument ``name``."""
    return [(f"{name}: {what}", partial(call, **{name: value})) for what, value in values.items()]


# --- the networks ----------------------------------------------------------------------------------------------------

NETWORKS = [
    one
    for one in PUBLIC.values()
    if inspect.isclass(one) and issubclass(one, NetworkEstimator) and not inspect.isabstract(one)
    if not any(getattr(getattr(one, name, None), "__isabstractmethod__", False) for name in dir(one))
]
SMALL = {"width": 8, "n_layers": 1, "n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "head_width": 8}
BAD_HYPERPARAMETERS = {
    "callbacks": [[1], ["print"], [("a name", 1)], [int]],
    "optimizer": [int, "no such"],
    "device": ["no such", "cuda:99"],
    "width": [10**9, 10**30],
    "validation": [1.5, "some"],
    "augment": ["rotate", 1],
    "random_state": ["some", -1],
    "quantile": [0.9],
    "class_weight": [
        {0: -1.0, 1: 1.0},
        {0: 0.0, 1: 1.0},
        {0: np.nan, 1: 1.0},
        {0: np.inf, 1: 1.0},
        {0: "much", 1: 1.0},
        {0: [1.0], 1: 1.0},
        {0: 1.0},
        {"0": 1.0, "1": 1.0},
        {},
        "even",
        [1.0, 1.0],
    ],
    "particle_features": [4, 7],
    "image_shape": [(2, 2), (6,), (0, 6), ("a", 6), (True, 6), (-2, -3)],
    "angles": [("no such",), (9,), (1.5,), (None,)],
    "coordinates": [("no such",), (9,), (1.5,), (None,)],
    "transverse_momentum": ["no such", 99],
}


def small(network, **params):
    declared = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    return network(**{"random_state": 0, "device": "cpu", "max_epochs": 1, **declared, **params})


def fit(network, X=TABLE, y=CLASSES, params=None, **more):
    return small(network, **(params or {})).fit(X, y, **more)


def takes_images(network):
    return "image_shape" in network._hyperparameters


def takes_points(network):
    return "particle_features" in network._hyperparameters


@cache
def fitted(network):
    return fit(network)


def fitted_then(network, method, **arguments):
    return getattr(fitted(network), method)(**arguments)


def cases_of_network(network):
    run, classifies = partial(fit, network), issubclass(network, NetworkClassifier)
    yield from each(run, "X", BAD_TABLES | NAN)
    yield from each(run, "y", BAD_CLASSES if classifies else BAD_TARGETS)
    yield from each(run, "sample_weight", BAD_WEIGHTS | BAD_SUMS)
    for early_stopping in (True, False):  # ids that are not used are checked as well
        yield from each(partial(run, params={"early_stopping": early_stopping}), "groups", BAD_IDS)
    yield "X_val alone", partial(run, X_val=TABLE)
    yield "y_val alone", partial(run, y_val=CLASSES)
    yield "sample_weight_val alone", partial(run, sample_weight_val=np.ones(N))
    yield "X_val with other columns", partial(run, X_val=TABLE[:, :3], y_val=CLASSES)
    yield "X_val without events", partial(run, X_val=TABLE[:0], y_val=CLASSES[:0])
    yield "y_val: too few", partial(run, X_val=TABLE, y_val=CLASSES[:-1])
    yield "sample_weight_val: too few", partial(run, X_val=TABLE, y_val=CLASSES, sample_weight_val=np.ones(N - 1))
    for name, values in BAD_HYPERPARAMETERS.items():
        for value in values if name in network._hyperparameters else ():
            yield f"{name}={value!r}", partial(run, params={name: value})
    yield "predict before fit", lambda: network().predict(TABLE)
    for what, value in {"other columns": TABLE[:, :3], **BAD_TABLES, **NAN}.items():
        if what != "no events":
            yield f"predict, {what}", partial(fitted_then, network, "predict", X=value)
    if takes_points(network) and not takes_images(network):
        yield "images of points", partial(run, X=np.zeros((N, 1, 5, 5)))
    if takes_points(network):
        yield "points without features", partial(run, X=PointClouds(np.zeros((2 * N, 0)), CLOUDS.offsets))
        yield "no points at all", partial(run, X=PointClouds(np.zeros((0, 3)), np.zeros(N + 1, dtype=int)))
        yield "points where a table was", partial(fitted_then, network, "predict", X=CLOUDS)
    if not takes_images(network) and not takes_points(network):
        yield "clouds in place of a table", partial(run, X=CLOUDS)
        yield "images in place of a table", partial(run, X=np.zeros((N, 5, 5)))
    if takes_images(network):
        yield "images without channels", partial(run, X=np.zeros((N, 0, 5, 5)))
        yield "images without pixels", partial(run, X=np.zeros((N, 5, 0)))
    if classifies:
        yield "partial_fit without classes", lambda: small(network).partial_fit(TABLE, CLASSES)
        yield "partial_fit, unknown labels", lambda: small(network).partial_fit(TABLE, CLASSES, classes=[0, 2])
    yield "partial_fit without events", partial(fitted_then, network, "partial_fit", X=TABLE[:0], y=CLASSES[:0])


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_networks(network):
    assert not faults(cases_of_network(network))


# --- no events at all ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_a_chunk_without_events_is_predicted(network):
    """Streams have empty chunks; the shape is that of other predictions."""
    samples = [TABLE, CLOUDS] if takes_points(network) else [TABLE]
    samples += [np.ones((N, 2, 5, 5)), np.ones((N, 5, 5))] if takes_images(network) else []
    for X in samples:
        fitted = fit(network, X=X)
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
            if hasattr(fitted, method):
                full, empty = (getattr(fitted, method)(part) for part in (X, X[:0]))
                assert empty.shape == (0, *full.shape[1:])
                assert empty.dtype == full.dtype
    if not issubclass(network, NetworkClassifier):
        several = fit(network, y=RNG.normal(size=(N, 3)), params={"loss": "gaussian_nll"})
        assert [part.shape for part in several.predict(TABLE[:0], return_std=True)] == [(0, 3), (0, 3)]
