"""A pipeline as one ONNX graph gives what the pipeline gives, to 1e-5, or is refused by name and not written."""

import json
from functools import partial

import lightgbm
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import sklearn
import sklearn.preprocessing as theirs
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import SVC, LinearSVC
from test_common import small

from sklearn_ml4fp import (
    AugmentedPrediction,
    AutoScaler,
    CNNClassifier,
    Compose,
    CrossFitClassifier,
    CrossFitRegressor,
    DeepSetsClassifier,
    DropMissingColumns,
    DropOutliers,
    EdgeConvClassifier,
    EventKFold,
    FeedForwardClassifier,
    FeedForwardRegressor,
    JetConstituentFeatures,
    LogScaler,
    MinMaxScaler,
    MissingValueImputer,
    OutlierClipper,
    ParticleWise,
    PointClouds,
    Reflect,
    Resampled,
    Rotate,
    RotatingKFold,
    ToImage,
    ToList,
    ToSet,
    ZScoreScaler,
    to_onnx,
)
from sklearn_ml4fp.export._onnx_convert import transform as converters

N = 400
RNG = np.random.default_rng(0)
TABLE = (RNG.normal(size=(N, 5)) * [1, 10, 100, 1000, 1] + [0, 5, 0, 1e4, 0]).astype("float32").astype(float)
GAPS = np.where(RNG.random(TABLE.shape) < 0.1, np.nan, TABLE)
TWO = (TABLE[:, 0] + TABLE[:, 4] > 0).astype(int)
THREE = np.digitize(TABLE[:, 0], [-0.5, 0.5])
TARGET = 50 * TABLE[:, 0] + 1000
IDS = np.arange(N)
NUMBERS = (0, 1, 7, 10_000)

network = partial(small, FeedForwardClassifier, max_epochs=2)
regressor = partial(small, FeedForwardRegressor, max_epochs=2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def exported(model, X, path):
    to_onnx(model, X, path)
    return session_of(path)


def metadata(session):
    return {name: json.loads(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}


def resampled(table, n, seed=1):
    """So many events, drawn with replacement."""
    rows = np.random.default_rng(seed).integers(0, len(table), n)
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]


def feeds_of(X, seed=None):
    """Padded arrays of point clouds; with a seed the padding stands anywhere, and holds anything."""
    padded, mask = X.to_padded(max(1, int(X.counts.max(initial=0))), fill=0.0)
    if seed is not None:
        rng = np.random.default_rng(seed)
        width = padded.shape[1] + 3
        places = np.sort(np.argsort(rng.random((len(X), width)), axis=1)[:, : padded.shape[1]], axis=1)
        wide, there = rng.normal(size=(len(X), width, padded.shape[2])), np.zeros((len(X), width))
        np.put_along_axis(wide, places[..., None], padded, axis=1)
        np.put_along_axis(there, places, mask, axis=1)
        padded, mask = wide, there
    feeds = {"points": padded.astype("float32"), "mask": mask.astype("float32")}
    return feeds | ({"event": X.event_values.astype("float32")} if X.event_names else {})


def agree(session, feeds, expected, scale=1.0):
    outputs = session.run(None, feeds)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for output, wanted in zip(outputs, expected, strict=True):
        assert output.dtype == np.float32
        np.testing.assert_allclose(output, wanted, rtol=0, atol=1e-5 * scale)


def spread(values):
    return np.maximum(1.0, np.nanmax(np.abs(values), initial=0.0))


# --- transformers of tables -------------------------------------------------------------------------------------------

TABLES = {
    "min-max": MinMaxScaler(),
    "min-max, clipped": MinMaxScaler(feature_range=(0, 1), clip=True),
    "z-score": ZScoreScaler(),
    "z-score, no mean": ZScoreScaler(with_mean=False),
    "symlog": LogScaler(method="symlog"),
    "auto": AutoScaler(),
    "clipper": OutlierClipper(factor=0.0),
    "mean": MissingValueImputer(),
    "indicators": MissingValueImputer(strategy="median", add_indicator=True),
    "marks": MissingValueImputer(strategy="constant", fill_value=-7.0, missing_values=(-999.9, 5)),
    "interpolation": MissingValueImputer(strategy="interpolation", along=3),
    "none": MissingValueImputer(strategy="none", missing_values=-999.9),
    "columns": DropMissingColumns(max_missing=0.1),
    "theirs": make_pipeline(theirs.StandardScaler(), theirs.RobustScaler()),
    "quantiles": theirs.QuantileTransformer(n_quantiles=20),
    "imputer": SimpleImputer(),
    "function": FunctionTransformer(np.abs, feature_names_out="one-to-one"),
}


def with_everything(table):
    """A table with marks, zeros, and values on the edges of what was seen."""
    table = table.copy()
    table[::7, 0], table[::11, 1], table[::13, 2] = -999.9, 5, 0.0
    return table


@pytest.mark.parametrize("step", TABLES.values(), ids=TABLES)
def test_transformers_of_tables(step, path):
    X = GAPS.copy()
    X[:, 1] = np.round(X[:, 1])  # the interpolation is not steeper than float32 can tell
    X[:, 3] = np.round(X[:, 3] / 100)
    session = exported(step.fit(X), X, path)
    events = with_everything(X)
    for n in NUMBERS:
        few = resampled(events, n)
        expected = step.transform(few) if n else step.transform(events)[:0]
        agree(session, {"X": few.astype("float32")}, expected, spread(expected))


@pytest.mark.parametrize("method", ["log", "log1p"])
def test_logarithms(method, path):
    X = np.abs(GAPS)
    X[::5, 0] = 0.0
    step = LogScaler(method=method).fit(X)
    session = exported(step, X, path)
    agree(session, {"X": resampled(X, 50).astype("float32")}, step.transform(resampled(X, 50)))
    assert np.isnan(session.run(None, {"X": np.full((1, 5), -100.0, "float32")})[0]).all()  # Python refuses it


def test_every_public_transformer_has_a_converter():
    import sklearn_ml4fp.export._onnx_pipeline  # it registers them

    registered = {one.__name__ for one in converters.registry}
    assert set(sklearn_ml4fp.preprocessing.__all__) <= registered


# --- transformers of point clouds -------------------------------------------------------------------------------------

MOMENTA = {
    "pt": ["pt", "eta", "phi", "d0"],
    "mass": ["Jet_pt", "Jet_y", "Jet_phi", "Jet_m"],
    "energy": ["pt", "rapidity", "phi", "e"],
    "ids": ["pt", "eta", "phi", "pdgid"],
    "xyz": ["px", "py", "pz"],
    "xyze": ["px", "py", "pz", "e"],
    "xyz and ids": ["px", "py", "pz", "pdgid"],
}


def column(name, n, rng):
    word = name.split("_")[-1]
    if word == "pdgid":
        return rng.choice([11, -11, 13, 22, 211, -211, 130, 2112, 0, 5], n)
    draw = {"pt": lambda: 1 + rng.exponential(20, n), "phi": lambda: rng.uniform(-np.pi, np.pi, n)}
    draw |= {"e": lambda: 400 + rng.exponential(20, n), "m": lambda: rng.uniform(0, 1, n)}
    return draw.get(word, lambda: rng.normal(size=n) * (30 if word.startswith("p") else 1))()


def clouds(names, n=300, most=12, seed=0, event=True):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, most, n)
    counts[:2] = 0, most
    values = np.column_stack([column(name, counts.sum(), rng) for name in names]).astype("float32").astype(float)
    events = {"event_values": rng.normal(size=(n, 2)), "event_names": ["met", "ht"]} if event else {}
    return PointClouds(values, np.r_[0, np.cumsum(counts)], names, **events)


REPRESENTATIONS = {
    "list": ToList(4, order_by="pt"),
    "long list": ToList(20),
    "set": ToSet(5, order_by="d0"),
    "set with mask": ToSet(fill=0.0, add_mask=True),
    "points": make_pipeline(ParticleWise(LogScaler(), columns=["pt"]), ToList(3)),
    "points, theirs": make_pipeline(ParticleWise(make_pipeline(theirs.StandardScaler(), AutoScaler())), ToSet(4)),
}


@pytest.mark.parametrize("step", REPRESENTATIONS.values(), ids=REPRESENTATIONS)
def test_representations(step, path):
    X = clouds(MOMENTA["pt"])
    session = exported(step.fit(X), X, path)
    for n in NUMBERS:
        few = X[np.random.default_rng(n).integers(0, len(X), n)]
        agree(session, feeds_of(few), step.transform(few), scale=100)
    agree(session, feeds_of(X, seed=1), step.transform(X), scale=100)


@pytest.mark.parametrize("names", MOMENTA.values(), ids=MOMENTA)
def test_what_is_made_of_momenta(names, path):
    X = clouds(names)
    for step in (make_pipeline(JetConstituentFeatures(), ToList(12)), ToImage(9, extent=2.0)):
        session = exported(step.fit(X), X, path)
        agree(session, feeds_of(X, seed=2), step.transform(X))


def test_images_without_their_steps_and_large_clouds(path):
    X = clouds(MOMENTA["pt"], n=20, most=200)
    step = ToImage(8, center=False, rotate=False, flip=False, normalize=False, extent=3.0).fit(X)
    agree(exported(step, X, path), feeds_of(X), step.transform(X), scale=1000)


# --- networks in pipelines --------------------------------------------------------------------------------------------

boosted = partial(HistGradientBoostingClassifier, max_iter=5, max_leaf_nodes=4)

NETWORKS = {
    "two classes": (make_pipeline(MissingValueImputer(), ZScoreScaler(), network()), TWO),
    "three classes": (make_pipeline(AutoScaler(), MissingValueImputer(add_indicator=True), network()), THREE),
    "text": (make_pipeline(SimpleImputer(), theirs.StandardScaler(), network()), np.array(["b", "a"])[TWO]),
    "number": (make_pipeline(MissingValueImputer(), ZScoreScaler(), regressor()), TARGET),
    "numbers": (make_pipeline(MissingValueImputer(), ZScoreScaler(), regressor()), np.c_[TARGET, -TARGET]),
    "union": (make_pipeline(SimpleImputer(), make_union(ZScoreScaler(), PCA(2)), ZScoreScaler(), network()), TWO),
    "resampled": (make_pipeline(MissingValueImputer(), ZScoreScaler(), Resampled(DropOutliers(), network())), TWO),
    "boosted trees": (boosted(), TWO),
    "boosted trees, three classes": (boosted(), THREE),
    "boosted trees, numbers": (HistGradientBoostingRegressor(max_iter=5, max_leaf_nodes=4), TARGET),
    "boosted trees and a network": (
        VotingClassifier(
            [("t", boosted()), ("n", make_pipeline(MissingValueImputer(), ZScoreScaler(), network()))], voting="soft"
        ),
        TWO,
    ),
}


def answer_of(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize(("model", "y"), NETWORKS.values(), ids=NETWORKS)
def test_networks_in_pipelines(model, y, path):
    session = exported(model.fit(GAPS, y), GAPS, path)
    for n in NUMBERS:
        few = resampled(GAPS, n)
        expected = answer_of(model, few) if n else answer_of(model, GAPS)[:0]
        agree(session, {"X": few.astype("float32")}, expected, spread(expected))


def test_the_width_of_a_normal_distribution(path):
    model = make_pipeline(ZScoreScaler(), regressor(loss="gaussian_nll")).fit(TABLE, TARGET)
    session = exported(model, TABLE, path)
    assert [one.name for one in session.get_outputs()] == ["prediction", "std"]
    agree(session, {"X": TABLE.astype("float32")}, model.predict(TABLE, return_std=True), spread(TARGET))
    n_layers = sum(isinstance(one, torch.nn.Linear) for one in model[-1].net_.module_.modules())
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    assert kinds.count("Gemm") + kinds.count("MatMul") == n_layers  # one network gives both outputs


def test_networks_of_points_and_images(path):
    X = clouds(MOMENTA["pt"])
    y = (X.event_values[:, 0] > 0).astype(int)
    models = (
        make_pipeline(ParticleWise(ZScoreScaler(), columns=["pt", "d0"]), small(DeepSetsClassifier, max_epochs=1)),
        make_pipeline(ToSet(5), small(DeepSetsClassifier, max_epochs=1)),
        small(EdgeConvClassifier, max_epochs=1),
        make_pipeline(ToImage(9, extent=2.0), small(CNNClassifier, max_epochs=1)),
        make_pipeline(ToList(3), MissingValueImputer(), ZScoreScaler(), network()),
    )
    for model in models:
        session = exported(model.fit(X, y), X, path)
        agree(session, feeds_of(X, seed=3), model.predict_proba(X))


def test_data_frames_and_columns_of_their_own(path):
    X = pd.DataFrame(GAPS, columns=list("abcde")).assign(kind=np.arange(N) % 3)
    columns = ColumnTransformer(
        [
            ("ours", make_pipeline(MissingValueImputer(), AutoScaler()), ["c", "a"]),
            ("kinds", OneHotEncoder(), ["kind"]),
            ("theirs", SimpleImputer(), slice("d", "d")),
            ("left", "drop", [1]),
        ],
        remainder="passthrough",
    )
    model = make_pipeline(columns, MissingValueImputer(), ZScoreScaler(), network()).fit(X, TWO)
    session = exported(model, X, path)
    few = resampled(X, 50)
    agree(session, {"X": few.to_numpy("float32")}, model.predict_proba(few))
    assert metadata(session)["columns"] == list(X.columns)


# --- models around models ---------------------------------------------------------------------------------------------


def scaled(model):
    return make_pipeline(ZScoreScaler(), model)


METAS = {
    "soft votes": VotingClassifier(
        [("a", scaled(network())), ("b", scaled(LogisticRegression())), ("c", RandomForestClassifier(3, max_depth=2))],
        voting="soft",
        weights=[1, 2, 3],
    ),
    "search": GridSearchCV(scaled(network()), {"feedforwardclassifier__width": [4, 8]}, cv=2),
    "symmetry": AugmentedPrediction(Reflect(columns=[0], probability=1.0), scaled(network()), n_copies=3),
    "two symmetries": AugmentedPrediction(
        Compose(augmenters=[Reflect(columns=[0], probability=1.0), Reflect(columns=[4], probability=1.0)]),
        scaled(network()),
    ),
    "cross-fit by row": CrossFitClassifier(scaled(network()), cv=2),
}


@pytest.mark.parametrize("model", METAS.values(), ids=METAS)
@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
def test_models_around_classifiers(model, y, path):
    model = sklearn.clone(model).fit(TABLE, y)
    few = resampled(TABLE, 50)
    agree(exported(model, TABLE, path), {"X": few.astype("float32")}, model.predict_proba(few))


FOREST = RandomForestClassifier(3, max_depth=2, random_state=0)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic", "temperature"])
@pytest.mark.parametrize("inner", [network(), LogisticRegression(), FOREST], ids=type)
@pytest.mark.parametrize("y", [TWO, THREE], ids=["two", "three"])
@pytest.mark.filterwarnings("ignore:.*so close to an edge:UserWarning")  # a step of the isotonic regression
def test_calibrated_classifiers(method, inner, y, path):
    """Other converters silently give wrong probabilities: https://github.com/onnx/sklearn-onnx/issues/1246."""
    if method == "temperature" and not hasattr(sklearn.calibration, "_TemperatureScaling"):
        pytest.skip("this scikit-learn has no temperature")
    model = CalibratedClassifierCV(scaled(inner), method=method, cv=2).fit(TABLE, y)
    session = exported(model, TABLE, path)
    output, expected = session.run(None, {"X": TABLE.astype("float32")})[0], model.predict_proba(TABLE)
    wrong = np.abs(output - expected).max(axis=1) > 1e-5
    jumps = method == "isotonic" or inner is FOREST  # where float32 moves an event over an edge
    assert wrong.sum() <= 0.01 * N * jumps


REGRESSIONS = {
    "votes": VotingRegressor([("a", scaled(regressor())), ("b", Ridge())], weights=[1, 3]),
    "logarithm": TransformedTargetRegressor(scaled(regressor()), func=np.log, inverse_func=np.exp),
    "scaled": TransformedTargetRegressor(Ridge(), transformer=AutoScaler()),
    "mirrored": AugmentedPrediction(
        Reflect(columns=[0], probability=1.0, target_columns=[0]), scaled(regressor()), n_copies=1
    ),
}


@pytest.mark.parametrize("model", REGRESSIONS.values(), ids=REGRESSIONS)
def test_models_around_regressors(model, path):
    model.fit(TABLE, TARGET)
    few = resampled(TABLE, 50)
    agree(exported(model, TABLE, path), {"X": few.astype("float32")}, model.predict(few), spread(TARGET))


@pytest.mark.parametrize(
    "model",
    [
        VotingClassifier([("a", scaled(network())), ("b", scaled(LinearSVC())), ("c", scaled(SVC()))]),
        scaled(LinearSVC()),
        scaled(SVC()),
    ],
    ids=["hard votes", "linear", "kernel"],
)
def test_classifiers_without_probabilities_give_positions_of_classes(model, path):
    labels = np.array(["c", "a", "b"])[THREE]
    model.fit(TABLE, labels)
    session = exported(model, TABLE, path)
    [positions] = session.run(["prediction"], {"X": TABLE.astype("float32")})
    assert positions.dtype == np.int64
    assert (np.array(metadata(session)["classes"])[positions] == model.predict(TABLE)).all()


def test_a_symmetry_of_points_and_of_images(path):
    X = clouds(MOMENTA["pt"])
    y = (X.event_values[:, 0] > 0).astype(int)
    mirror = Reflect(columns=["eta", "phi", "met"], probability=1.0)
    inner = make_pipeline(ToList(3), MissingValueImputer(), network())
    model = AugmentedPrediction(mirror, inner).fit(X, y)
    agree(exported(model, X, path), feeds_of(X), model.predict_proba(X))
    images = ToImage(9, extent=2.0).fit_transform(X)
    model = AugmentedPrediction(Reflect(axis=-2, probability=1.0), small(CNNClassifier, max_epochs=1)).fit(images, y)
    agree(exported(model, images, path), {"X": images[:, None]}, model.predict_proba(images))


# --- cross-fitted models ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cv", [3, EventKFold(2, salt="mine"), RotatingKFold(3)], ids=["3", "KFold", "rotating"])
@pytest.mark.parametrize("columns", [1, 3])
def test_the_graph_chooses_the_model_that_has_not_seen_the_event(cv, columns, path):
    ids = IDS if columns == 1 else np.column_stack([IDS // 100, IDS // 10, IDS])
    model = CrossFitClassifier(scaled(network()), cv=cv).fit(TABLE, TWO, groups=ids)
    session = exported(model, TABLE, path)
    drawn = np.random.default_rng(1).integers(-(2**63), 2**63 - 1, (200, columns))
    for some in (ids[:200], drawn if columns > 1 else drawn[:, 0], np.zeros_like(ids[:200])):
        feeds = {"X": TABLE[:200].astype("float32"), "event_id": some}
        agree(session, feeds, model.predict_proba(TABLE[:200], groups=some))
    assert len(set(model.cv_.assign(ids))) == model.n_folds_


def test_a_cross_fitted_regression_in_a_pipeline(path):
    with sklearn.config_context(enable_metadata_routing=True):
        model = scaled(CrossFitRegressor(regressor(), cv=2)).fit(TABLE, TARGET, groups=IDS)
        expected = model.predict(TABLE, groups=IDS)
    session = exported(model, TABLE, path)
    agree(session, {"X": TABLE.astype("float32"), "event_id": IDS}, expected, spread(TARGET))


@pytest.mark.parametrize("in_pipeline", [False, True], ids=["alone", "pipeline"])
def test_the_program_chooses_where_a_graph_computes_no_fold(in_pipeline, path):
    """Ids that are text: the outputs of all models, of which an event has that of its fold."""
    ids = np.char.add("run", IDS.astype(str))
    inner = CrossFitClassifier(network(), cv=3) if in_pipeline else CrossFitRegressor(scaled(regressor()), cv=3)
    with sklearn.config_context(enable_metadata_routing=True):
        model = (scaled(inner) if in_pipeline else inner).fit(TABLE, THREE if in_pipeline else TARGET, groups=ids)
        expected = (model.predict_proba if in_pipeline else model.predict)(TABLE, groups=ids)
    session = exported(model, TABLE, path)
    [found] = session.run(None, {"X": TABLE.astype("float32")})
    assert found.shape == (N, 3, *expected.shape[1:])
    fold = (model[-1] if in_pipeline else model).cv_.assign(ids)
    assert set(fold) == {0, 1, 2}
    scale = 1 if in_pipeline else TARGET.std()
    np.testing.assert_allclose(found[np.arange(N), fold], expected, rtol=1e-6, atol=1e-5 * scale)
    assert metadata(session)["folds"].startswith("3 on axis 1")


# --- what is refused --------------------------------------------------------------------------------------------------


class Doubling(ZScoreScaler):
    """A scaler whose converter is that of its base, and wrong."""

    def transform(self, X):
        return 2 * super().transform(X)


def fitted(*steps, y=TWO):
    return make_pipeline(*steps).fit(TABLE, y)


@sklearn.config_context(enable_metadata_routing=True)
def voting_by_text():
    inner = CrossFitClassifier(scaled(LogisticRegression()), cv=2)
    return VotingClassifier([("c", inner)], voting="soft").fit(TABLE, TWO, groups=IDS.astype(str))


REFUSED = {
    "a function": (
        lambda: fitted(FunctionTransformer(np.cbrt), LogisticRegression()),
        r"FunctionTransformer, step 'functiontransformer', cannot be exported to ONNX: .*got <ufunc 'cbrt'>",
    ),
    "an unknown class": (
        lambda: VotingClassifier([("f", Unknown())], voting="soft").fit(TABLE, TWO),
        r"Unknown, member 'f', cannot be exported to ONNX: skl2onnx does not convert it",
    ),
    "trees of another package": (
        lambda: scaled(lightgbm.LGBMClassifier(n_estimators=2, verbose=-1)).fit(TABLE, TWO),
        r"LGBMClassifier, step 'lgbmclassifier', cannot be exported to ONNX: skl2onnx does not convert it",
    ),
    "a wrong converter": (
        lambda: fitted(MinMaxScaler(), Doubling(), LogisticRegression()),
        r"other probabilities than the model for \d+ of 400 events, .*the first step that differs is Doubling, step "
        r"'doubling'\. Nothing was written",
    ),
    "a random symmetry": (
        lambda: AugmentedPrediction(Rotate(phi_columns=[0]), scaled(LogisticRegression())).fit(TABLE, TWO),
        r"^Rotate, cannot be exported to ONNX: it draws its changes at random",
    ),
    "a symmetry by chance": (
        lambda: AugmentedPrediction(Reflect(columns=[0]), scaled(LogisticRegression())).fit(TABLE, TWO),
        r"^Reflect, cannot be exported to ONNX: it draws its changes at random",
    ),
    "ids that are text": (
        lambda: voting_by_text(),
        r"EventKFold with ids of strings\. Export the models of the folds, model\.estimators_\[i\]",
    ),
}


class Unknown(LogisticRegression):
    """A class that skl2onnx does not know."""


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_exported_is_named_and_not_written(make, message, path):
    path.write_text("what was there")
    with pytest.raises(ValueError, match=message):
        to_onnx(make(), TABLE, path)
    assert path.read_text() == "what was there"
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_rounding_of_the_events_changes_is_said(path):
    times = TABLE + np.array([1.7e9, 0, 0, 0, 0])  # seconds since 1970, of which float32 tells every 128th
    with pytest.raises(ValueError, match=r"^Rounding to float32, .* subtract a constant before training"):
        to_onnx(scaled(network()).fit(times, TWO), times, path)
    assert not path.exists()
    times = np.column_stack([1.7e9 + 128 * np.round(2 * TABLE[:, 0]), TABLE[:, 1]])
    model = scaled(network()).fit(times, TWO)
    times[3, 0] += 40  # one event alone, of a pipeline in which nothing jumps
    with pytest.raises(ValueError, match="changes the probabilities of 1 of 400 events by more than 1e-05"):
        to_onnx(model, times, path)
    to_onnx(model, times.astype("float32").astype(float), path)
    path.unlink()
    tree = make_pipeline(ZScoreScaler(), RandomForestClassifier(1, max_depth=1, bootstrap=False)).fit(TABLE[:, :1], TWO)
    X = TABLE[:, :1]
    edge = tree[0].mean_ + tree[0].scale_ * tree[1].estimators_[0].tree_.threshold[0] * (1 - 1e-9)
    for row in (3, 0):
        path.unlink(missing_ok=True)
        with pytest.warns(UserWarning, match="1 of 400 events lie so close to an edge") as caught:
            to_onnx(tree, np.where(np.arange(N)[:, None] == row, edge, X), path)
        assert caught[0].filename == __file__
        assert path.exists()


def test_what_is_no_table_of_numbers(path):
    frame = pd.DataFrame(TABLE, columns=list("abcde"))
    model = scaled(network()).fit(frame, TWO)
    with pytest.raises(TypeError, match=r"text, categories or dates in the columns \['b'\]"):
        to_onnx(model, frame.assign(b="x"), path)
    with pytest.raises(ValueError, match="0 events"):
        to_onnx(model, frame.iloc[:0], path)
    with pytest.raises(ValueError, match=r"opset=16: expected a whole number from 17"):
        to_onnx(model, frame, path, opset=16)
    with pytest.raises(sklearn.exceptions.NotFittedError):
        to_onnx(network(), frame, path)


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_says_what_it_is(path):
    model = scaled(regressor()).fit(pd.DataFrame(TABLE, columns=list("abcde")), TARGET)
    about = metadata(exported(model, pd.DataFrame(TABLE, columns=list("abcde")), path))
    assert about["columns"] == list("abcde")
    np.testing.assert_allclose(about["target"]["mean"], [TARGET.mean()], rtol=0.1)
    assert set(about["versions"]) == {"sklearn_ml4fp", "scikit-learn", "torch", "numpy", "python"}
    assert about["date"].startswith("20")
    assert about["inputs"]["X"].endswith("shape ['n', 5]")
    assert about["outputs"]["prediction"].startswith("float32; in the unit of the target")
    onnx_file = onnx.load(path)
    assert {one.domain: one.version for one in onnx_file.opset_import}[""] == 17
    assert onnx_file.ir_version == 8  # read by onnxruntime from 1.12 on
