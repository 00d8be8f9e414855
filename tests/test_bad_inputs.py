"""Bad input, over the whole public list: each ends in one error that says what to do, and never deep in a library."""

import inspect
import re
import traceback
import warnings
from functools import cache, partial
from numbers import Integral
from pathlib import Path
from tempfile import gettempdir
from types import SimpleNamespace

import awkward as ak
import dask
import numpy as np
import pandas as pd
import pytest
import sklearn
from imblearn.over_sampling import SMOTE
from scipy import sparse
from sklearn.base import MetaEstimatorMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import BaseCrossValidator, GridSearchCV
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._split import BaseShuffleSplit
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils._param_validation import InvalidParameterError

import sklearn_ml4fp
from sklearn_ml4fp import (
    DropOutliers,
    FeedForwardClassifier,
    NetworkClassifier,
    NetworkEstimator,
    PointClouds,
    RaggedArray,
    Reflect,
    Sampler,
)
from sklearn_ml4fp._params import Declared
from sklearn_ml4fp.metrics._scorers import _EdgeScorer

PUBLIC = {name: getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__}


# Python's and numpy's own words for what went wrong deeper than where it should have been noticed.
PYTHONS_OWN = re.compile(
    r".*(object is not|object has no|could not convert|is required$|unsupported operand|can only concatenate|"
    r"argument of)"
)


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
        return f"says too little: {error}" if of_ours and PYTHONS_OWN.match(str(error)) else None
    except Exception as error:
        return f"ends in {error!r}"
    return "is accepted without a word"


def faults(cases):
    """What is wrong, of cases that are pairs of a label and a call."""
    return {label: fault for label, call in cases if (fault := fault_of(call))}


# --- what is wrong with an argument, by what the argument is --------------------------------------------------------

N = 24
RNG = np.random.default_rng(0)
TABLE = np.abs(RNG.normal(size=(N, 6))) + 0.1
CLASSES = np.arange(N) % 2
EVENTS = np.arange(N)
FEW = (EVENTS > 16).astype(int)  # events of one class
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


# --- the networks ---------------------------------------------------------------------------------------------------


def lacks_a_method(one):
    """Whether a class is abstract: scikit-learn's base has no metaclass that would say so."""
    return any(getattr(getattr(one, name, None), "__isabstractmethod__", False) for name in dir(one))


NETWORKS = [
    one
    for one in PUBLIC.values()
    if inspect.isclass(one) and issubclass(one, NetworkEstimator) and not lacks_a_method(one)
]
SMALL = {"k": 2, "width": 8, "n_layers": 1, "n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "head_width": 8}
SMALL["n_members"] = 1
BAD_HYPERPARAMETERS = {
    "callbacks": [[1], ["print"], [("a name", 1)], [int]],
    "optimizer": [int, "no such"],
    "device": ["no such", "cuda:99"],
    "width": [10**9, 10**30],
    "validation": [1.5, "some"],
    "augment": ["rotate", 1],
    "random_state": ["some", -1],
    "quantile": [0.9, (0.9, 0.1), (), ("a",), [0.1, 0.9]],
    "k": [0, 2.5, "many"],
    "num_embedding": ["no such", 1],
    "scaling": ["no such", 1],
    "embedding_width": [0, 1, 2.5],
    "n_bins": [0, 1.5],
    "frequency_scale": [0.0, -1.0],
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


def takes_frames(network):
    return network.__name__.startswith("Table")


@cache
def fitted(network):
    return fit(network)


def fitted_then(network, method, **arguments):
    return getattr(fitted(network), method)(**arguments)


def cases_of_network(network):
    run, classifies = partial(fit, network), issubclass(network, NetworkClassifier)
    legal = {"NaN", "a column of text"} if takes_frames(network) else set()
    yield from each(run, "X", {what: value for what, value in (BAD_TABLES | NAN).items() if what not in legal})
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
        if what != "no events" and not (what == "NaN" and takes_frames(network)):
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
    if takes_images(network) and "num_embedding" in network._hyperparameters:
        yield "embedded pixels", partial(run, X=np.zeros((N, 5, 5)), params={"num_embedding": "periodic"})
        yield "scaled pixels", partial(run, X=np.zeros((N, 5, 5)), params={"scaling": "robust"})
    if classifies:
        yield "partial_fit without classes", lambda: small(network).partial_fit(TABLE, CLASSES)
        yield "partial_fit, unknown labels", lambda: small(network).partial_fit(TABLE, CLASSES, classes=[0, 2])
    yield "partial_fit without events", partial(fitted_then, network, "partial_fit", X=TABLE[:0], y=CLASSES[:0])


# --- everything else, by what it is ---------------------------------------------------------------------------------

FRAME = pd.DataFrame(TABLE, columns=["jet1_pt", "jet1_eta", "jet1_phi", "jet2_pt", "jet2_eta", "jet2_phi"])
SCORES = RNG.uniform(size=N)
BAD_SCORES = {
    "too few": SCORES[:-1],
    "text": np.full(N, "a"),
    "complex numbers": SCORES + 1j,
    "dates": np.zeros(N, dtype="datetime64[s]"),
    "NaN": spoiled(SCORES, np.nan),
    "a mask": np.ma.array(SCORES, mask=EVENTS == 1),
    "three dimensions": SCORES.reshape(N, 1, 1),
    "None": None,
    "sparse": sparse.csr_matrix(SCORES[:, None]),
}
BAD_LABELS = {name: BAD_CLASSES[name] for name in ("too few", "None", "one class", "NaN", "two columns")}
BAD_CLOUDS = {
    "None": None,
    "a number": 3.0,
    "text": "jets",
    "a list of numbers": [1.0, 2.0],
    "one dimension": np.ones(N),
    "a table": TABLE,
    "four dimensions": np.ones((N, 2, 3, 1)),
    "clouds of different widths": [np.ones((2, 3)), np.ones((2, 4))],
    "clouds of text": [np.full((2, 3), "a")] * N,
    "a sparse matrix": sparse.csr_matrix(TABLE),
    "a dict": {"pt": TABLE},
    "records of text": [{"pt": 1}],
}
BAD_COUNTS = [0, -1, 2.5, "many", None, True, np.nan]
BAD_SHARES = [0.0, 1.0, 1.5, -0.1, "some", np.nan, True]


def varied(call, name, values):
    return [(f"{name}={value!r}", partial(call, **{name: value})) for value in values]


def cases_of_transformer(kind):
    of_tables = kind.__name__ != "ParticleWise" and get_tags(kind()).input_tags.two_d_array
    return (cases_of_table_transformer if of_tables else cases_of_cloud_transformer)(kind)


def cases_of_table_transformer(kind):
    def run(X=TABLE, **more):
        return kind().fit(X, **more)

    def transform(X):
        return kind().fit(TABLE).transform(X)

    tables = dict(BAD_TABLES)
    yield from each(run, "X", tables)
    if not issubclass(kind, SelectorMixin):  # which picks columns, whatever is in them
        yield from each(transform, "X", {name: X for name, X in tables.items() if name != "no events"})
    yield "transform, other columns", partial(transform, TABLE[:, :3])
    yield "transform before fit", lambda: kind().transform(TABLE)
    if "sample_weight" in inspect.signature(kind.fit).parameters:
        yield from each(run, "sample_weight", BAD_WEIGHTS | BAD_SUMS)


def cases_of_cloud_transformer(kind):
    needed = (StandardScaler(),) if kind.__name__ == "ParticleWise" else ()

    def run(X=CLOUDS, **params):
        return kind(*needed, **params).fit(X)

    yield from each(run, "X", BAD_CLOUDS)
    yield from each(lambda X: run().transform(X), "X", BAD_CLOUDS)
    yield "transform, other features", lambda: run().transform(CLOUDS.with_values(CLOUDS.values[:, :2], ["pt", "eta"]))
    yield "transform before fit", lambda: kind(*needed).transform(CLOUDS)
    parameters = inspect.signature(kind).parameters
    for name in ("n_points", "n_pixels", "max_points"):
        values = [value for value in BAD_COUNTS if not (value is None and name == "max_points")]
        yield from varied(run, name, values if name in parameters else [])
    yield from varied(run, "order_by", ["no such", 3] if "order_by" in parameters else [])
    yield from varied(run, "columns", [["no such"], [7]] if "columns" in parameters else [])
    yield from varied(run, "extent", [0.0, -1.0, np.nan, "wide"] if "extent" in parameters else [])


def cases_of_sampler(kind):
    inner = {"sampler": SMOTE(k_neighbors=2)} if kind.__name__ == "WeightedSampler" else {}

    def run(X=FRAME, y=FEW, sample_weight=None, groups=None, **params):
        return kind(**{**inner, **params}).fit_resample(X, y, sample_weight=sample_weight, groups=groups)

    wrong = ("a sparse matrix", "text", "complex numbers", "dates", "one dimension", "no events", "None", "a number")
    yield from each(run, "X", {name: BAD_TABLES[name] for name in wrong})
    yield from each(run, "y", {"too few": CLASSES[:-1]})
    yield from each(run, "sample_weight", BAD_WEIGHTS | BAD_SUMS)
    yield from each(run, "groups", BAD_IDS)
    if hasattr(kind, "augment"):
        yield from each(
            lambda X: kind().augment(X), "X", {name: BAD_TABLES[name] for name in wrong if name != "no events"}
        )
    for name in ("columns", "phi_columns"):
        if name in kind._hyperparameters:
            yield from varied(run, name, [["no such"], [9], [1.5], [None], [True]])


def cases_of_composition(kind):
    first = {"Resampled": DropOutliers(), "AugmentedPrediction": Reflect()}.get(kind.__name__)
    spaces = {"BayesSearchCV": {"C": (0.1, 1.0)}, "OptunaSearchCV": {"C": (0.1, 1.0)}}.get(kind.__name__)

    model = Ridge() if kind.__name__ == "CrossFitRegressor" else LogisticRegression()

    def run(X=FRAME, y=CLASSES, estimator=model, fit=None, **params):
        if first is not None:
            params = {("sampler" if kind.__name__ == "Resampled" else "augmenter"): first} | params
        if spaces is not None:
            name = "search_spaces" if kind.__name__ == "BayesSearchCV" else "param_distributions"
            params = {name: spaces, "n_iter": 1, "cv": 2} | params
        return kind(estimator=estimator, **params).fit(X, y, **(fit or {}))

    for value in (None, "a model", 3, LogisticRegression, StandardScaler()):
        yield f"estimator={value!r}", partial(run, estimator=value)
    tables = ("text", "None", "no events", "one dimension", "a number")
    yield from each(run, "X", {name: BAD_TABLES[name] for name in tables})
    yield from each(run, "y", {name: BAD_TARGETS[name] for name in ("too few", "None", "three dimensions", "NaN")})
    for label, value in (BAD_WEIGHTS | BAD_SUMS).items():
        yield f"sample_weight: {label}", partial(run, fit={"sample_weight": value})
    for label, value in BAD_IDS.items():
        if kind.__name__ != "AugmentedPrediction":  # which has no use for them
            yield f"groups: {label}", partial(run, fit={"groups": value})
    yield "predict before fit", lambda: kind(*([first] if first else []), LogisticRegression()).predict(FRAME)
    if hasattr(kind, "cv") or "cv" in inspect.signature(kind).parameters:
        yield from varied(run, "cv", [0, 1, -1, 2.5, "five", N + 1])
        yield from varied(run, "scoring", ["no such", 3])
    if first is not None:
        name = "sampler" if kind.__name__ == "Resampled" else "augmenter"
        yield from varied(run, name, [None, "smote", 3, StandardScaler()])
    if spaces is not None:
        name = "search_spaces" if kind.__name__ == "BayesSearchCV" else "param_distributions"
        yield from varied(
            run, name, [{"no_such": (0.1, 1.0)}, {"C": (1.0, 0.1)}, {"C": []}, {"C": "all"}, {"C": 3}, [1], "C", 3]
        )
        yield from varied(run, "n_iter", BAD_COUNTS)
        yield from varied(run, "n_points", [0, -1, 2.5, "many"])
    if kind.__name__ == "AugmentedPrediction":
        yield from varied(run, "n_copies", BAD_COUNTS)
    if kind.__name__.startswith("CrossFit"):
        yield from varied(run, "without_groups", ["guess", None, 3])


def cases_of_splitter(kind):
    def run(n_splits=3, groups=EVENTS, X=TABLE, **params):
        return list(kind(n_splits, **params).split(X, groups=groups))

    yield from varied(run, "n_splits", [*BAD_COUNTS, *([] if kind.__name__ == "EventShuffleSplit" else [1])])
    yield from varied(run, "salt", [1.5, None, True, ("a",)])
    yield from each(
        run, "groups", BAD_IDS | {"None": None, "none at all": EVENTS[:0], "one event": np.zeros(N, dtype=int)}
    )
    if "test_size" in inspect.signature(kind).parameters:
        yield from varied(run, "test_size", BAD_SHARES)


def cases_of_metric(metric):
    parameters = inspect.signature(metric).parameters
    regression = "multioutput" in parameters
    score = list(parameters)[1]

    def run(y_true=CLASSES + 1.0 if regression else CLASSES, scores=SCORES, **more):
        if score == "y_pred" and not regression:
            scores = (scores > 0.5).astype(int) if scores is SCORES else scores
        return metric(y_true, scores, **more)

    yield from each(
        run, "scores", {k: v for k, v in BAD_SCORES.items() if not (regression and k == "three dimensions")}
    )
    bad = ("too few", "None", "NaN") if regression or metric.__module__.endswith("_tracking") else BAD_LABELS
    yield from each(run, "y_true", {name: BAD_CLASSES[name] for name in bad})
    yield from each(run, "sample_weight", BAD_WEIGHTS)
    if "pos_label" in parameters:
        yield from varied(run, "pos_label", ["no such", 7])
    for name, values in {
        "signal_efficiency": [0.0, 1.5, -1, np.nan, "half", [0.5, 2.0]],
        "n_bins": BAD_COUNTS,
        "b_reg": [-100.0, np.nan, "none"],
        "signal_yield": [-1.0, 0.0, np.nan, "all"],
        "background_yield": [-1.0, 0.0, np.nan, "all"],
        "relative_uncertainty": [-0.1, np.nan, "ten"],
        "multioutput": ["no such", 3],
        "labels": [[0], [0, 0], ["a", "b"], 3],
    }.items():
        yield from varied(run, name, values if name in parameters else [])


def cases_of_space(make):
    for value in (None, "a model", 3, FeedForwardClassifier):
        yield f"estimator={value!r}", partial(make, value)
    yield from varied(partial(make, FeedForwardClassifier()), "include", [["no such"], 3])
    yield from varied(partial(make, FeedForwardClassifier()), "exclude", [["no such"], 3])
    yield from varied(partial(make, FeedForwardClassifier()), "override", [{"no_such": (1, 2)}, 3])


def cases_of_scorer(scorer, name):
    fitted = (Ridge() if "response" in name else LogisticRegression()).fit(TABLE, CLASSES)
    run = partial(scorer, fitted, TABLE, CLASSES)
    yield from each(run, "sample_weight", BAD_WEIGHTS)
    yield "too few labels", lambda: scorer(fitted, TABLE, CLASSES[:-1])


LINKS = RaggedArray(np.arange(N) % 2, np.arange(N + 1))
BAD_LINKS = {
    "flat": LINKS.values,
    "too few": LINKS[:-1],
    "None": None,
    "others than 0 and 1": LINKS.with_values(LINKS.values + 0.5),
}


def cases_of_ragged_scorer(scorer):
    model = SimpleNamespace(fit=None, predict_proba=lambda X: LINKS.with_values(np.stack([SCORES, SCORES], axis=1)))
    run = partial(scorer, model, graphs_of(), LINKS)
    yield from each(partial(scorer, model, graphs_of()), "y_true", BAD_LINKS)
    yield from each(run, "sample_weight", BAD_WEIGHTS)


def cases_of_ragged_array():
    yield from varied(lambda values: sklearn_ml4fp.RaggedArray(values, [0, 1]), "values", ["a", None, 3, [[[1]]], [1j]])
    yield from varied(
        lambda offsets: sklearn_ml4fp.RaggedArray([1, 2], offsets), "offsets", [None, [0], [0, 3], [0, 0.5]]
    )


def cases_of_edge_labels():
    yield from varied(partial(sklearn_ml4fp.edge_labels, particle=LINKS), "graphs", [None, CLOUDS, 3])
    yield from each(partial(sklearn_ml4fp.edge_labels, graphs_of(), layer=None), "particle", BAD_LINKS)
    hits = RaggedArray(np.arange(2 * N), CLOUDS.offsets)
    yield from varied(partial(sklearn_ml4fp.edge_labels, graphs_of(), hits), "layer", ["no such", 3])


def cases_of_build_tracks():
    yield from varied(partial(sklearn_ml4fp.build_tracks, accepted=LINKS), "graphs", [None, CLOUDS, 3])
    yield from each(partial(sklearn_ml4fp.build_tracks, graphs_of()), "accepted", BAD_LINKS)


def cases_of_tracking_metric(metric):
    fractions = {"fractions": LINKS.with_values(LINKS.values + 0.5)}
    wrong = {name: BAD_LINKS[name] for name in ("flat", "too few", "None")} | fractions
    yield from each(partial(metric, track=LINKS), "particle", wrong)
    yield from each(partial(metric, LINKS), "track", wrong)
    yield from varied(partial(metric, LINKS, LINKS), "min_hits", BAD_COUNTS)
    yield from varied(partial(metric, LINKS, LINKS), "shared", [0.4, 1.0, "half", np.nan])
    yield from each(partial(metric, LINKS, LINKS), "sample_weight", BAD_WEIGHTS)


def cases_of_event_graph(kind):
    run = partial(kind.from_predictions, graphs_of(), LINKS, LINKS)
    yield from varied(partial(kind.from_predictions, y_true=LINKS, y_score=LINKS), "graphs", [None, CLOUDS])
    wrong = {name: BAD_LINKS[name] for name in ("flat", "too few", "None")}
    yield from each(partial(kind.from_predictions, graphs_of(), y_score=LINKS), "y_true", wrong)
    yield from each(partial(kind.from_predictions, graphs_of(), LINKS), "y_score", wrong)
    yield from varied(run, "event", [-1, N, 1.5, "first"])
    yield from varied(run, "threshold", ["half", None, np.nan])


def cases_of_display(kind):
    if kind.__name__ == "EventGraphDisplay":
        yield from cases_of_event_graph(kind)
        return
    if kind.__name__ == "LiveLossDisplay":
        yield from varied(kind, "interval", [-1, "often", None])
    if kind.__name__ == "ScoreHistoryDisplay":
        recorded = fit(FeedForwardClassifier, params={"callbacks": [sklearn_ml4fp.ScoreHistory()]})
        yield from varied(kind.from_estimator, "estimator", [None, LogisticRegression(), fit(FeedForwardClassifier)])
        yield from varied(partial(kind.from_estimator, recorded), "ax", [3, []])
    if kind.__name__ == "ImportanceDisplay":
        run = partial(kind.from_estimator, LogisticRegression().fit(TABLE, CLASSES), n_repeats=1)
        yield from each(partial(run, y=CLASSES), "X", {"other columns": TABLE[:, :3], "no events": TABLE[:0]})
        yield from each(partial(run, TABLE), "y", {name: BAD_CLASSES[name] for name in ("too few", "None", "NaN")})
        yield from each(partial(run, TABLE, CLASSES), "sample_weight", BAD_WEIGHTS)
        yield from varied(partial(run, TABLE, CLASSES), "columns", [{"a": "no such"}, {"a": [99]}, 3])
        yield from varied(partial(kind.from_estimator, y=CLASSES, X=TABLE), "estimator", [None, LogisticRegression()])
    if hasattr(kind, "from_search"):
        for value in (None, "a search", LogisticRegression(), GridSearchCV(LogisticRegression(), {"C": [1.0]})):
            yield f"from_search({value!r})", partial(kind.from_search, value)
    if hasattr(kind, "from_history"):
        for value in (None, [], {}, {"loss": [1.0]}, [3], "history"):
            yield f"from_history({value!r})", partial(kind.from_history, value)
        yield "from_estimator, not fitted", lambda: kind.from_estimator(FeedForwardClassifier())
        yield "from_estimator, none", lambda: kind.from_estimator(None)
        return
    if kind.__name__ == "CoverageDisplay":
        yield from varied(
            partial(kind.from_predictions, SCORES, np.stack([SCORES, SCORES], axis=1)),
            "levels",
            [[0.5], [0.5, 1.0], [0.0, 0.5], 0.5, "all", None, [[0.1, 0.2]]],
        )
        yield from varied(partial(kind.from_predictions, SCORES, levels=[0.5]), "y_upper", [SCORES, None, 3])
        return
    if hasattr(kind, "from_predictions"):
        if kind.__name__ == "OvertrainingDisplay":

            def run(y_true=CLASSES, scores=SCORES, sample_weight=None, **more):
                return kind.from_predictions(y_true, scores, CLASSES, SCORES, sample_weight_train=sample_weight, **more)
        elif kind.__name__ == "PullDisplay":

            def run(y_true=CLASSES, scores=SCORES, **more):
                return kind.from_predictions(y_true, scores, SCORES + 1, **more)
        else:

            def run(y_true=CLASSES + 1.0 if kind.__name__ == "ResponseDisplay" else CLASSES, scores=SCORES, **more):
                return kind.from_predictions(y_true, scores, **more)

        scores = {what: value for what, value in BAD_SCORES.items() if what != "three dimensions"}
        yield from each(run, "scores", scores)
        yield from each(run, "y_true", {name: BAD_CLASSES[name] for name in ("too few", "None", "NaN")})
        yield from each(run, "sample_weight", BAD_WEIGHTS)
        for name in ("bins", "n_bins"):
            wrong = [0, -1, 2.5, "many", np.nan, [1.0]]
            yield from varied(run, name, wrong if name in inspect.signature(kind.from_predictions).parameters else [])
    if hasattr(kind, "from_data"):
        yield from each(
            kind.from_data, "X", {name: value for name, value in BAD_TABLES.items() if name != "a column of text"}
        )
        yield from each(partial(kind.from_data, TABLE), "sample_weight", BAD_WEIGHTS)
        yield from varied(partial(kind.from_data, TABLE), "names", [["a"], 3])


def splits(*arrays, groups=EVENTS, **more):
    return sklearn_ml4fp.train_val_test_split(*(arrays or (TABLE,)), groups=groups, **more)


def clouds_of(values=CLOUDS.values, offsets=CLOUDS.offsets, **more):
    return PointClouds(values, offsets, **more)


EDGES = np.tile([0, 1], (N, 1))
EDGE_OFFSETS = np.arange(N + 1)


def graphs_of(nodes=CLOUDS, edges=EDGES, edge_offsets=EDGE_OFFSETS, **more):
    return sklearn_ml4fp.Graphs(nodes, edges, edge_offsets, **more)


def cases_of_clouds():
    yield from each(
        clouds_of,
        "values",
        {
            "one dimension": np.ones(2 * N),
            "three dimensions": np.ones((2 * N, 1, 1)),
            "text": np.full((2 * N, 2), "a"),
            "complex numbers": np.ones((2 * N, 2)) + 1j,
            "too few": np.ones((N, 2)),
            "None": None,
            "sparse": sparse.csr_matrix(np.ones((2 * N, 2))),
        },
    )
    yield from each(
        clouds_of,
        "offsets",
        {
            "fractions": CLOUDS.offsets + 0.5,
            "falling": CLOUDS.offsets[::-1],
            "not from zero": CLOUDS.offsets + 1,
            "text": np.full(N + 1, "a"),
            "None": None,
            "empty": [],
            "two dimensions": CLOUDS.offsets[None],
            "NaN": np.full(N + 1, np.nan),
        },
    )
    yield from varied(clouds_of, "feature_names", [["a"], ["a", "a", "b"], 3, "pt"])
    yield from each(
        clouds_of,
        "event_values",
        {"too few": np.ones((N - 1, 1)), "one dimension": np.ones(N), "text": np.full((N, 1), "a")},
    )
    yield from varied(partial(clouds_of, event_values=np.ones((N, 1))), "event_names", [["a", "b"], [], ["x0"], 3])
    yield "from_lists, a number", lambda: PointClouds.from_lists(3)
    yield "from_lists of numbers", lambda: PointClouds.from_lists([1, 2])
    yield "from_lists, other widths", lambda: PointClouds.from_lists([np.ones((2, 3)), np.ones((2, 4))])
    yield "from_padded, a table", lambda: PointClouds.from_padded(TABLE)
    yield "from_padded, text", lambda: PointClouds.from_padded(np.full((2, 2, 2), "a"))
    yield "from_padded, mask", lambda: PointClouds.from_padded(np.ones((2, 2, 2)), mask=np.ones((2, 3), dtype=bool))
    yield "from_padded, padding", lambda: PointClouds.from_padded(np.ones((2, 2, 2)), padding="none")
    yield "from_wide, no such columns", lambda: PointClouds.from_wide(FRAME, ["pt"])
    yield "from_wide, a list", lambda: PointClouds.from_wide([1, 2], ["pt"])
    yield "from_wide, template", lambda: PointClouds.from_wide(FRAME, ["pt"], template="jet_pt")
    yield "from_long, no such id", lambda: PointClouds.from_long(FRAME, "event")
    yield "from_long, a list", lambda: PointClouds.from_long([1], "event")
    yield "from_awkward, a number", lambda: PointClouds.from_awkward(3)
    yield "from_awkward, one dimension", lambda: PointClouds.from_awkward(ak.Array([1.0, 2.0]))
    yield "from_awkward, text", lambda: PointClouds.from_awkward(ak.Array([["a"], ["b"]]))
    yield "from_awkward, no such field", lambda: PointClouds.from_awkward(ak.Array([[{"pt": 1.0}]]), ["eta"])
    yield "from_parquet, a number", lambda: PointClouds.from_parquet(3)
    yield "from_parquet, no parquet", lambda: PointClouds.from_parquet(__file__)
    yield "from_root, no root file", lambda: PointClouds.from_root(__file__, "Events", ["pt"])


def cases_of_graphs():
    yield from each(graphs_of, "nodes", {"None": None, "a table": TABLE, "a number": 3})
    yield from each(
        graphs_of,
        "edges",
        {
            "one dimension": np.ones(N, dtype=int),
            "three columns": np.ones((N, 3), dtype=int),
            "fractions": np.full((N, 2), 0.5),
            "outside": np.full((N, 2), 10**6),
            "negative": np.full((N, 2), -1),
            "text": np.full((N, 2), "a"),
            "None": None,
        },
    )
    yield from each(
        graphs_of, "edge_offsets", {"too few": np.arange(N), "falling": np.arange(N + 1)[::-1], "None": None}
    )
    yield from each(
        graphs_of,
        "edge_values",
        {"too few": np.ones((N - 1, 1)), "one dimension": np.ones(N), "text": np.full((N, 1), "a")},
    )


def cases_of_data_set(make):
    parameters = inspect.signature(make).parameters
    for name, values in {
        "n_events": [0, -1, 2.5, "many", True],
        "n_showers": [0, -1, 2.5, "many", True],
        "n_jets": [0, -1, 2.5, "many", True],
        "target": ["no such", 3],
        "subset": ["no such", 3],
        "generator": ["no such", 3],
        "path": [3, __file__],
        "luminosity": [0.0, -1.0, np.nan, "all"],
        "negative_fraction": [-0.1, 0.6, np.nan, "all"],
        "random_state": ["some", -1],
        "return_X_y": ["no", None],
        "as_frame": ["no", None],
        "data_home": [3],
    }.items():
        yield from varied(make, name, values if name in parameters else [])


def cases_of_as_point_clouds():
    return each(sklearn_ml4fp.as_point_clouds, "X", BAD_CLOUDS)


def cases_of_asimov_significance():
    return [
        *varied(partial(sklearn_ml4fp.asimov_significance, b=1.0), "s", ["a", 1j]),
        *varied(partial(sklearn_ml4fp.asimov_significance, 1.0), "b", ["a", 1j]),
        *varied(partial(sklearn_ml4fp.asimov_significance, 1.0, 1.0), "sigma", [-1.0, "a"]),
    ]


def cases_of_bootstrap_interval():
    interval = partial(sklearn_ml4fp.bootstrap_interval, sklearn_ml4fp.roc_auc_score, CLASSES, SCORES)
    return [
        *each(interval, "sample_weight", BAD_WEIGHTS),
        *each(interval, "groups", BAD_IDS | {"one event": np.zeros(N, dtype=int)}),
        *varied(interval, "confidence", BAD_SHARES),
        *varied(interval, "n_resamples", BAD_COUNTS),
        ("metric=3", partial(sklearn_ml4fp.bootstrap_interval, 3, CLASSES, SCORES)),
        *each(partial(sklearn_ml4fp.bootstrap_interval, sklearn_ml4fp.roc_auc_score, CLASSES), "y_pred", BAD_SCORES),
    ]


def cases_of_interval_coverage():
    run = partial(sklearn_ml4fp.interval_coverage, SCORES, SCORES - 1, SCORES + 1)
    yield from each(partial(sklearn_ml4fp.interval_coverage, y_lower=SCORES, y_upper=2.0), "y_true", BAD_SCORES)
    yield from each(run, "sample_weight", BAD_WEIGHTS | BAD_SUMS)
    for name in ("y_lower", "y_upper"):
        other = {"y_lower": -np.inf, "y_upper": np.inf}
        del other[name]
        bad = {what: value for what, value in BAD_SCORES.items() if "infinit" not in what}
        yield from each(partial(sklearn_ml4fp.interval_coverage, SCORES, **other), name, bad)


def cases_of_pull_moments():
    run = partial(sklearn_ml4fp.pull_moments, SCORES)
    yield from each(partial(run, y_std=SCORES + 1), "y_pred", BAD_SCORES)
    yield from each(partial(run, SCORES), "y_std", BAD_SCORES | {"zeros": np.zeros(N)})
    yield from each(partial(run, SCORES, SCORES + 1), "sample_weight", BAD_WEIGHTS | BAD_SUMS)


def cases_of_ks_test():
    test = partial(sklearn_ml4fp.ks_test, SCORES, SCORES[::2], n_permutations=9)
    return [
        *each(
            lambda sample: sklearn_ml4fp.ks_test(sample, SCORES, n_permutations=9),
            "sample",
            {k: v for k, v in BAD_SCORES.items() if k != "too few"} | {"two columns": np.ones((N, 2))},
        ),
        *each(test, "weight_1", BAD_WEIGHTS | BAD_SUMS),
        *each(partial(test, groups_2=EVENTS[: N // 2] + N), "groups_1", BAD_IDS),
        *varied(test, "n_permutations", BAD_COUNTS),
    ]


def cases_of_make_weighted_scorer():
    return [
        *varied(sklearn_ml4fp.make_weighted_scorer, "metric", [None, "auc", 3]),
        *varied(
            partial(sklearn_ml4fp.make_weighted_scorer, sklearn_ml4fp.roc_auc_score),
            "response_method",
            ["no such", 3, None],
        ),
    ]


def cases_of_train_val_test_split():
    return [
        *each(splits, "groups", BAD_IDS | {"None": None}),
        *varied(
            splits,
            "sizes",
            [(0.5, 0.5), (0.9, 0.9, 0.9), (-1, 1, 1), "many", 3, (np.nan, 0.5, 0.5), (0, 0, 0), ("a", 0.1, 0.2)],
        ),
        *varied(splits, "salt", [1.5, None, True]),
        ("arrays of other lengths", partial(splits, TABLE, CLASSES[:-1])),
        ("no arrays", partial(sklearn_ml4fp.train_val_test_split, groups=EVENTS)),
        ("a number", partial(splits, 3.0)),
    ]


def cases_of_investigate():
    return [
        *each(
            sklearn_ml4fp.investigate,
            "X",
            {
                name: BAD_TABLES[name]
                for name in (
                    "a sparse matrix",
                    "one dimension",
                    "no columns",
                    "no events",
                    "None",
                    "a number",
                    "five dimensions",
                    "complex numbers",
                )
            },
        ),
        *each(
            partial(sklearn_ml4fp.investigate, FRAME),
            "y",
            {name: BAD_CLASSES[name] for name in ("too few", "two columns")},
        ),
        *each(partial(sklearn_ml4fp.investigate, FRAME), "sample_weight", BAD_WEIGHTS),
        *each(partial(sklearn_ml4fp.investigate, FRAME), "groups", BAD_IDS),
        ("X_test with other columns", partial(sklearn_ml4fp.investigate, FRAME, X_test=FRAME[["jet1_pt"]])),
        ("X_test=3", partial(sklearn_ml4fp.investigate, FRAME, X_test=3)),
    ]


def cases_of_hp():
    return [
        ("too little", lambda: sklearn_ml4fp.hp(1, doc="x")),
        ("both search and choices", lambda: sklearn_ml4fp.hp(1, doc="x", valid=int, search=(0, 1), choices=(0, 1))),
    ]


def cases_of_Interval():
    return [
        ("closed='right' without a right bound", partial(sklearn_ml4fp.Interval, Integral, 1, None, closed="right")),
        ("closed='no'", partial(sklearn_ml4fp.Interval, Integral, 1, 2, closed="no")),
        ("bounds in the wrong order", partial(sklearn_ml4fp.Interval, Integral, 2, 1, closed="both")),
        ("a bound of another kind", partial(sklearn_ml4fp.Interval, Integral, 1.5, 2, closed="both")),
    ]


def cases_of_DaskBackend():
    return [
        ("client=3", lambda: sklearn_ml4fp.DaskBackend(3)),
        ("client text", lambda: sklearn_ml4fp.DaskBackend("no such")),
    ]


def cases_of_model_files(call):
    """What is no path, and files that hold no model."""
    yield from varied(call, "path", [3, None, __file__, Path(__file__).parent])


def cases_of_score_history():
    def run(bins=40, **more):
        return fit(FeedForwardClassifier, params={"callbacks": [sklearn_ml4fp.ScoreHistory(bins)], **more})

    yield from varied(run, "bins", [0, 1, 2.5, "many", None])
    yield "no hold-out", partial(run, early_stopping=False)


def cases_of_save_model():
    def run(model=None, path=None):
        path = Path(gettempdir()) / "never_written.skops" if path is None else path
        return sklearn_ml4fp.save_model(LogisticRegression().fit(TABLE, CLASSES) if model is None else model, path)

    yield from varied(run, "model", [3, "model", TABLE])
    yield from varied(run, "path", [3, TABLE])


def cases_of_to_onnx():
    fitted = LogisticRegression().fit(TABLE, CLASSES)

    def run(model=fitted, X=TABLE, path=None, opset=17):
        path = Path(gettempdir()) / "never_written.onnx" if path is None else path
        return sklearn_ml4fp.to_onnx(model, X, path, opset=opset)

    yield from varied(run, "model", [3, "model", TABLE, LogisticRegression(), LogisticRegression])
    yield from varied(run, "path", [3, TABLE])
    yield from varied(run, "opset", [3, 17.5, "17", None, True, 1000])
    for what, X in BAD_TABLES.items():
        if what != "infinity":  # the model refuses it by itself
            yield f"X: {what}", partial(run, X=X)


def cases_of_momentum_components():
    def run(known=None, wanted=("pt",)):
        return sklearn_ml4fp.momentum_components({"px": EVENTS, "py": EVENTS} if known is None else known, wanted)

    yield from varied(run, "known", [{}, {"px": EVENTS}, {"px": EVENTS, "py": EVENTS[:3]}])
    yield from varied(run, "wanted", [("charge",), ("eta",)])


def cases_of_lab_book():
    yield from varied(sklearn_ml4fp.LabBook, "store", [3, "", "/no/such/folder/runs.db", Path(__file__).parent, [1]])
    yield from varied(sklearn_ml4fp.LabBook, "experiment", [3, "", None])
    yield from varied(sklearn_ml4fp.LabBook, "fold_models", [1, "all", None])

    def add(name="result", scores=None):
        sklearn_ml4fp.LabBook("never made.db").add(name, {"mu": 1.0} if scores is None else scores)

    yield from varied(add, "name", [3, "", None])
    yield from varied(add, "scores", [[1.0], {"mu": "large"}, {"mu": None}, {"mu": True}])


def cases_of_event_source():
    def run(files=FRAME, **roles):
        return sklearn_ml4fp.EventSource(files, **roles).read()

    yield from varied(run, "files", [3, "/no/such/file.root", __file__, []])
    yield from varied(partial(run, target="none of these"), "features", [list(FRAME.columns)[:1]])
    yield "no roles", run
    yield from varied(partial(run, features=["x"]), "memory", [0, -1, 2.5, "many", None])

    def of(method, *arguments):
        return getattr(sklearn_ml4fp.EventSource(pd.DataFrame({"x": TABLE[:, 0]}), features=["x"]), method)(*arguments)

    for name, rank, n_shares in (("a share of none", 0, 0), ("a share beyond", 2, 2), ("half a share", 0.5, 2)):
        yield name, partial(of, "share", rank, n_shares)
    yield "a condition with one answer", lambda: of("where", lambda events: True).read()
    yield "a condition of numbers", lambda: of("where", lambda events: events.data[:, 0]).read()
    yield "a change of the number of events", lambda: of("map", lambda data: data[:1]).read()


def cases_of_write_scores():
    frame = pd.DataFrame({"x": TABLE[:, 0], "event": EVENTS})
    source = sklearn_ml4fp.EventSource(frame, features=["x"], event_id="event")
    model = Ridge().fit(TABLE[:, :1], TABLE[:, 1])

    def run(source=source, model=model, path="/no/such/folder/x.parquet", **more):
        return sklearn_ml4fp.write_scores(source, model, path, **more)

    yield from varied(run, "source", [3, TABLE, sklearn_ml4fp.EventSource(TABLE, features=["x0"])])
    yield from varied(run, "model", [3, StandardScaler(), Ridge()])
    yield from varied(run, "path", [3, "x.csv"])
    yield from varied(run, "n_entries", [0, 2.5, "many"])


def cases_of_predict_on_dask():
    model = Ridge().fit(TABLE[:, :1], TABLE[:, 1])
    events = [dask.delayed(TABLE[:5, :1]), dask.delayed(TABLE[5:9, :1])]

    def run(model=model, X=events, like=TABLE[:1, :1], **more):
        return sklearn_ml4fp.predict_on_dask(model, X, like=like, **more)

    yield from varied(run, "model", [3, Ridge()])
    none = sklearn_ml4fp.EventSource(pd.DataFrame({"x": TABLE[:, 0]}), features=["x"], cut="x > 1e9")
    yield from varied(run, "X", [3, TABLE, [], [TABLE]])
    yield "a source without an event", partial(run, X=none, like=None)
    yield from varied(run, "like", [3, TABLE[:1], None])
    yield from varied(run, "method", [3, "predict_proba", "alpha", None])
    yield from varied(run, "groups", [3, EVENTS, events[:1]])


CASES_BY_NAME = {
    "predict_on_dask": cases_of_predict_on_dask,
    "write_scores": cases_of_write_scores,
    "RaggedArray": cases_of_ragged_array,
    "build_tracks": cases_of_build_tracks,
    "edge_labels": cases_of_edge_labels,
    "EventSource": cases_of_event_source,
    "describe_model": partial(cases_of_model_files, sklearn_ml4fp.describe_model),
    "load_model": partial(cases_of_model_files, sklearn_ml4fp.load_model),
    "momentum_components": cases_of_momentum_components,
    "ScoreHistory": cases_of_score_history,
    "save_model": cases_of_save_model,
    "to_onnx": cases_of_to_onnx,
    "DaskBackend": cases_of_DaskBackend,
    "Graphs": cases_of_graphs,
    "LabBook": cases_of_lab_book,
    "PointClouds": cases_of_clouds,
    "as_point_clouds": cases_of_as_point_clouds,
    "asimov_significance": cases_of_asimov_significance,
    "bootstrap_interval": cases_of_bootstrap_interval,
    "hp": cases_of_hp,
    "Interval": cases_of_Interval,
    "investigate": cases_of_investigate,
    "interval_coverage": cases_of_interval_coverage,
    "ks_test": cases_of_ks_test,
    "make_weighted_scorer": cases_of_make_weighted_scorer,
    "pull_moments": cases_of_pull_moments,
    "train_val_test_split": cases_of_train_val_test_split,
}


def cases_of(name, one):
    """The cases of a public name, by what it is."""
    if one in NETWORKS:
        return cases_of_network(one)
    if inspect.isclass(one):
        for kind, cases in (
            (Sampler, cases_of_sampler),
            (TransformerMixin, cases_of_transformer),
            (BaseCrossValidator, cases_of_splitter),
            (BaseShuffleSplit, cases_of_splitter),
            (MetaEstimatorMixin, cases_of_composition),
            (BaseSearchCV, cases_of_composition),
        ):
            if issubclass(one, kind):
                return cases(one)
        if name.startswith("CrossFit"):
            return cases_of_composition(one)
        return cases_of_display(one) if name.endswith("Display") else CASES_BY_NAME[name]()
    if name.endswith("_scorer") and not inspect.isfunction(one):
        return cases_of_ragged_scorer(one) if isinstance(one, _EdgeScorer) else cases_of_scorer(one, name)
    if name.startswith(("load_", "make_", "fetch_")) and name != "make_weighted_scorer":
        return cases_of_data_set(one)
    if list(inspect.signature(one).parameters)[:1] == ["y_true"]:
        return CASES_BY_NAME.get(name, partial(cases_of_metric, one))()
    if list(inspect.signature(one).parameters)[:2] == ["particle", "track"]:
        return cases_of_tracking_metric(one)
    if list(inspect.signature(one).parameters)[:1] == ["estimator"]:
        return cases_of_space(one)
    return CASES_BY_NAME[name]()


def is_base(one):
    """Whether something is a class from which others are made, and nothing to use."""
    return inspect.isclass(one) and issubclass(one, Declared) and (lacks_a_method(one) or not hasattr(one, "fit"))


# What takes no input of a user's: results, a warning, and a dictionary.
NOTHING_TO_GET_WRONG = {"DataReport", "Finding", "SCORERS", "TrainingWarning"}
TESTED = [name for name, one in PUBLIC.items() if name not in NOTHING_TO_GET_WRONG and not is_base(one)]


@pytest.mark.parametrize("name", TESTED)
def test_one_error(name):
    """A public name that is new finds its cases by itself, or fails here."""
    cases = list(cases_of(name, PUBLIC[name]))
    assert cases
    assert not faults(cases)


# --- no events at all -----------------------------------------------------------------------------------------------


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


NETWORK = FeedForwardClassifier(width=4, n_layers=1, max_epochs=1, random_state=0)
COMPOSITIONS = [
    NETWORK,
    sklearn_ml4fp.CrossFitClassifier(NETWORK, cv=2),
    sklearn_ml4fp.CrossFitClassifier(NETWORK, cv=2, without_groups="average"),
    sklearn_ml4fp.CrossFitRegressor(sklearn_ml4fp.FeedForwardRegressor(width=4, max_epochs=1), cv=2),
    sklearn_ml4fp.Resampled(DropOutliers(), NETWORK),
    sklearn_ml4fp.AugmentedPrediction(Reflect(), NETWORK, n_copies=1),
    sklearn_ml4fp.BayesSearchCV(NETWORK, {"lr": (0.001, 0.01)}, n_iter=1, cv=2),
    sklearn_ml4fp.OptunaSearchCV(NETWORK, {"lr": (0.001, 0.01)}, n_iter=1, cv=2),
]


@pytest.mark.parametrize("model", COMPOSITIONS, ids=lambda one: type(one).__name__)
def test_a_chunk_without_events_is_predicted_by_what_holds_a_network(model):
    for groups in ({}, {"groups": EVENTS}) if hasattr(model, "cv") else ({},):
        fitted = clone(model).fit(FRAME, CLASSES, **groups)
        by_event = groups if getattr(model, "without_groups", "average") != "average" else {}
        for method in ("predict", "predict_proba"):
            if hasattr(fitted, method):
                full = getattr(fitted, method)(FRAME, **by_event)
                empty = getattr(fitted, method)(FRAME[:0], **{name: ids[:0] for name, ids in by_event.items()})
                assert empty.shape == (0, *full.shape[1:])
                assert empty.dtype == full.dtype
    assert fault_of(lambda: clone(model).fit(FRAME[:0], CLASSES[:0])) is None
