"""What differs between runs, and whether a run can be reproduced."""

import json
import warnings

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ml4fp import (
    BayesSearchCV,
    CrossFitClassifier,
    DeepSetsClassifier,
    DropOutliers,
    FeedForwardClassifier,
    FeedForwardRegressor,
    Graphs,
    LabBook,
    MessagePassingClassifier,
    MissingValueImputer,
    PointClouds,
    RaggedArray,
    Resampled,
    ToGraph,
)
from sklearn_ml4fp.lab_book._comparison import _of_data
from sklearn_ml4fp.lab_book._data import data_of

RNG = np.random.default_rng(1)
Y = np.arange(200) % 2
FRAME = pd.DataFrame(RNG.normal(size=(200, 4)) + Y[:, None], columns=["met", "ht", "mass", "eta"])
X = FRAME.to_numpy()
CLOUDS = PointClouds(RNG.uniform(0.1, 2.0, (600, 3)), np.arange(201) * 3, ["pt", "eta", "phi"])
W, IDS = RNG.uniform(-0.2, 1.0, 200), np.arange(200) // 2
SMALL = {"width": 8, "n_layers": 1, "max_epochs": 2}
NETWORK = FeedForwardClassifier(**SMALL, random_state=0)
GRAPHS = ToGraph(n_neighbors=1).fit_transform(CLOUDS[:60])
OF_POINTS = RaggedArray((GRAPHS.nodes.column("pt") > 1).astype(int), GRAPHS.nodes.offsets)
OF_EDGES = RaggedArray(np.arange(len(GRAPHS.edges)) % 2, GRAPHS.edge_offsets)
LR = {"lr": [0.001, 0.01]}


def labels(output):
    """A network with a label for every point or edge."""
    return MessagePassingClassifier(output=output, width=4, n_blocks=1, max_epochs=2, random_state=0)


def fits():
    """Estimators, with what their fit gets."""
    inner = make_pipeline(MissingValueImputer(), StandardScaler(), NETWORK)
    return {
        "table": (NETWORK, (X, Y), {}),
        "weights and ids": (NETWORK, (FRAME, Y), {"sample_weight": W, "groups": IDS}),
        "regression": (FeedForwardRegressor(**SMALL, random_state=0), (X, X[:, 0]), {}),
        "clouds": (DeepSetsClassifier(width=8, n_layers=1, max_epochs=2, random_state=0), (CLOUDS, Y), {}),
        "points": (
            labels("point"),
            (GRAPHS, OF_POINTS),
            {"sample_weight": OF_POINTS.with_values(OF_POINTS.values + 0.5)},
        ),
        "edges": (labels("edge"), (GRAPHS, OF_EDGES), {"sample_weight": W[:60] + 0.3, "groups": IDS[:60]}),
        "cross-fit of points": (CrossFitClassifier(labels("point"), cv=2), (GRAPHS, OF_POINTS), {"groups": IDS[:60]}),
        "pipeline": (inner, (FRAME, Y), {"feedforwardclassifier__sample_weight": W}),
        "resampled": (Resampled(DropOutliers(), NETWORK), (X, Y), {}),
        "cross-fit": (CrossFitClassifier(NETWORK, cv=2), (X, Y), {"groups": IDS}),
        "grid": (GridSearchCV(NETWORK, LR, cv=2), (X, Y), {}),
        "bayes": (BayesSearchCV(NETWORK, LR, n_iter=2, cv=2, random_state=0), (X, Y), {"sample_weight": W}),
        "no network": (make_pipeline(MissingValueImputer(), LogisticRegression()), (X, Y), {}),
        "no seed": (FeedForwardClassifier(**SMALL), (X, Y), {}),
        "a generator": (FeedForwardClassifier(**SMALL, random_state=np.random.RandomState(3)), (X, Y), {}),
    }


@pytest.fixture
def book(store):
    return LabBook(store)


def recorded(book, model, data, params):
    with book, warnings.catch_warnings(action="ignore"):
        model.fit(*data, **params)
    return book.runs().index[0]


def test_recorded_runs_are_reproduced(book):
    for name, (model, data, params) in fits().items():
        run = recorded(book, model, data, params)
        with warnings.catch_warnings(action="ignore"):
            again = book.reproduce(run, *data, **params)
        assert again.agrees, f"{name}: {again}"
        assert not again, name
        assert str(again) == "data and scores agree\nnothing differs"
        assert type(again.model) is type(model)


def test_a_changed_column_is_named(book):
    run = recorded(book, NETWORK, (FRAME, Y), {"sample_weight": W})
    changed = FRAME.assign(mass=FRAME.mass + (FRAME.index == 3))
    again = book.reproduce(run, changed, Y, sample_weight=W)
    assert not again.agrees
    assert set(again.data) == {"column mass of X"}
    assert "valid_loss" in again.scores
    assert not any([again.parameters, again.seeds, again.versions])
    assert str(again).startswith("data or scores do not agree\nscores: ")
    assert "data: column mass of X: hash " in str(again)
    again = book.reproduce(run, FRAME, Y, sample_weight=2 * W)
    assert set(again.data) == {"sample_weight", "sum of sample_weight"}
    assert set(book.reproduce(run, FRAME, Y).data) == {"sample_weight"}


def test_a_changed_label_of_a_point_is_named(book):
    weight = OF_POINTS.with_values(OF_POINTS.values + 0.5)
    run = recorded(book, labels("point"), (GRAPHS, OF_POINTS), {"sample_weight": weight})
    changed = OF_POINTS.values.copy()
    changed[5] = 1 - changed[5]
    again = book.reproduce(run, GRAPHS, OF_POINTS.with_values(changed), sample_weight=weight)
    assert set(again.data) == {"column values of y"}
    assert book._record(run)["data"]["sample_weight"]["sum"] == weight.values.sum()
    assert book.model(run).predict(GRAPHS) == again.model.fit(GRAPHS, OF_POINTS, sample_weight=weight).predict(GRAPHS)


def test_a_changed_version_is_named(book):
    """A run of an older installation, as its record says it."""
    run = recorded(book, NETWORK, (X, Y), {})
    path = book._store.file(book._store.run(run), "record.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "versions": {**record["versions"], "torch": "2.0.0"}}))
    again = book.reproduce(run, X, Y)
    assert again.versions == {"torch": ("2.0.0", record["versions"]["torch"])}
    assert again.agrees
    path.write_text(json.dumps({**record, "format": 99}))
    with pytest.raises(ValueError, match="recorded by a newer version"):
        book.reproduce(run, X, Y)


def test_a_changed_seed_is_named(book):
    run = recorded(book, make_pipeline(StandardScaler(), NETWORK), (X, Y), {})
    other = FeedForwardClassifier(**{**SMALL, "width": 16}, random_state=1)
    again = book.reproduce(run, X, Y, estimator=make_pipeline(StandardScaler(), other))
    assert not again.agrees
    assert again.seeds == {"feedforwardclassifier__random_state": ("0", "1")}
    assert again.parameters == {"feedforwardclassifier__width": ("8", "16")}
    assert set(again.scores) == {"train_loss", "valid_loss"}
    unseeded = make_pipeline(StandardScaler(), FeedForwardClassifier(**SMALL))
    run = recorded(book, unseeded, (X, Y), {})
    assert set(book.reproduce(run, X, Y, estimator=unseeded).seeds) == {"numpy.random"}


def test_two_runs_are_compared(book):
    a = recorded(book, NETWORK, (X, Y), {})
    b = recorded(book, NETWORK, (X, Y), {})
    assert not book.compare(a, b)
    assert str(book.compare(a, b)) == "nothing differs"
    model = make_pipeline(StandardScaler(), FeedForwardClassifier(**SMALL, random_state=1))
    c = recorded(book, model, (FRAME.drop(columns="met"), Y), {"feedforwardclassifier__sample_weight": W})
    found = book.compare(a, c)
    assert found.parameters["class"][1] == "sklearn.pipeline.Pipeline"
    assert found.data["shape of X"] == ("[200, 4]", "[200, 3]")
    assert found.data["feedforwardclassifier__sample_weight"] == (None, "shape [200]")
    assert found.scores
    search = recorded(book, GridSearchCV(NETWORK, LR, cv=2), (X, Y), {})
    with pytest.raises(ValueError, match="it is a candidate, whose folds have one"):
        book.compare(a, book.runs(of=search).index[0])


def graphs(values):
    return Graphs(PointClouds(values, [0, 2, 4], ["pt", "eta"]), [[0, 1], [1, 0]], [0, 1, 2], [[1.0], [2.0]])


VALUES = np.arange(8.0).reshape(4, 2)
FORMS = {
    "array": (lambda values: values, "column 1 of X"),
    "rows": (lambda values: values.tolist(), "column 1 of X"),
    "Fortran order": (np.asfortranarray, "column 1 of X"),
    "frame": (lambda values: pd.DataFrame(values, columns=["pt", "eta"]), "column eta of X"),
    "frame of text": (lambda values: pd.DataFrame(values.astype(str), columns=["pt", "eta"]), "column eta of X"),
    "polars": (lambda values: pl.DataFrame(values, schema=["pt", "eta"]), "column eta of X"),
    "clouds": (lambda values: PointClouds(values, [0, 2, 4], ["pt", "eta"]), "column eta of X"),
    "graphs": (graphs, "column eta of X"),
    "awkward": (
        lambda values: ak.Array([[{"pt": a, "eta": b} for a, b in part] for part in values.reshape(2, 2, 2).tolist()]),
        "column eta of X",
    ),
    "masked": (lambda values: np.ma.array(values, mask=[[True, False]] * 4), "column 1 of X"),
    "images": (lambda values: values.reshape(2, 2, 2), "X"),
    "values of points": (lambda values: RaggedArray(values, [0, 1, 4]), "column values of X"),
}


@pytest.mark.parametrize("form", FORMS)
def test_data_of_every_form_is_compared_column_by_column(form):
    make, named = FORMS[form]
    changed = VALUES.copy()
    changed[2, 1] = -1.0
    before, same, after = (data_of({"X": make(values)}) for values in (VALUES, VALUES.copy(), changed))
    assert before == same
    assert set(_of_data(before, after)) == {named}
    assert before["X"]["hash"] != after["X"]["hash"]
    assert before["X"]["shape"][0] in (2, 4)
    assert json.loads(json.dumps(before)) == before


def test_columns_in_another_order():
    frame = pd.DataFrame(VALUES, columns=["pt", "eta"])
    assert set(_of_data(data_of({"X": frame}), data_of({"X": frame[["eta", "pt"]]}))) == {"order of the columns of X"}
