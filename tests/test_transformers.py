"""What every public transformer and sampler must do, asked of every name in the public list: a new one is covered too.

Where a class needs an argument, or a column of a certain kind, the parameters and tags of the class itself say so.
"""

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectorMixin
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

import sklearn_ml4fp
from sklearn_ml4fp import Augmenter, Graphs, NetworkEstimator, PointClouds, Reflect, ToTrackGraph
from sklearn_ml4fp._params import Declared

CLASSES = [getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__]
CLASSES = [
    one
    for one in CLASSES
    if inspect.isclass(one) and hasattr(one, "get_params") and not issubclass(one, NetworkEstimator)
    and not any(getattr(getattr(one, name, None), "__isabstractmethod__", False) for name in dir(one))
]  # fmt: skip
# what an argument without a default may be
ARGUMENTS = {"transformer": StandardScaler(), "augmenters": (Reflect(),)}


def make(one, **params):
    """An object of a class with its defaults, and what it cannot do without."""
    needed = {name: value for name, value in ARGUMENTS.items() if name in inspect.signature(one).parameters}
    seed = {"random_state": 0} if "random_state" in inspect.signature(one).parameters else {}
    return one(**{**needed, **seed, **params})


TRANSFORMERS = [one for one in CLASSES if issubclass(one, TransformerMixin)]
OF_TABLES = [one for one in TRANSFORMERS if get_tags(make(one)).input_tags.two_d_array]
OF_CLOUDS = [one for one in TRANSFORMERS if one not in OF_TABLES]
SAMPLERS = [one for one in CLASSES if hasattr(one, "fit_resample")]
# augmenters find their columns by name
OF_ARRAYS = [one for one in SAMPLERS if not issubclass(one, Augmenter)]
INVERTIBLE = [one for one in TRANSFORMERS if hasattr(one, "inverse_transform")]


def each(classes):
    return pytest.mark.parametrize("one", classes, ids=lambda one: one.__name__)


N = 60
NAMES = [*(f"jet{i}_{what}" for i in (1, 2) for what in ("pt", "eta", "phi")), "met", "met_phi"]
Y = np.arange(N) % 2


def table(one, dtype=np.float64):
    """Events with the momenta and angles of two jets; all positive where the class says that it needs it."""
    rng = np.random.default_rng(0)
    X = np.column_stack(
        [column for i in range(3) for column in (rng.lognormal(3, 1, N), rng.normal(size=N), rng.uniform(-3, 3, N))]
    )[:, [0, 1, 2, 3, 4, 5, 6, 8]]
    X[:, [0, 3]] = -np.sort(-X[:, [0, 3]], axis=1)
    if get_tags(make(one)).input_tags.positive_only:
        X = np.abs(X) + 0.1
    return pd.DataFrame(X.astype(dtype), columns=NAMES)


def clouds(dtype=np.float64, n=N):
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 6, n)
    size = counts.sum()
    values = np.column_stack([rng.lognormal(3, 1, size), rng.normal(size=size), rng.uniform(-3, 3, size)])
    return PointClouds(
        values.astype(dtype), np.r_[0, np.cumsum(counts)], ["pt", "eta", "phi"],
        event_values=rng.normal(size=(n, 1)).astype(dtype), event_names=["met"],
    )  # fmt: skip


def hits(dtype=np.float64):
    """Clouds in the layers of a tracker."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, N)
    layer = rng.integers(0, 4, counts.sum())
    values = np.column_stack([30 * (layer + 1), rng.uniform(-0.1, 0.1, len(layer)), rng.normal(size=len(layer)), layer])
    return PointClouds(values.astype(dtype), np.r_[0, np.cumsum(counts)], ["r", "phi", "z", "layer"])


def events(one, dtype=np.float64):
    if one is ToTrackGraph:
        return hits(dtype)
    return clouds(dtype) if one in OF_CLOUDS else table(one, dtype)


def rows(X, chosen):
    return X.iloc[chosen] if hasattr(X, "iloc") else X[chosen]


def values_of(X):
    """Numbers of whatever comes out."""
    if isinstance(X, Graphs):
        return np.hstack([values_of(X.nodes), X.edges.ravel(), X.edge_offsets, X.edge_values.ravel()])
    if isinstance(X, PointClouds):
        return np.hstack([X.values.ravel(), X.offsets, X.event_values.ravel()])
    return np.asarray(X, dtype=np.asarray(X).dtype if np.asarray(X).dtype.kind != "O" else np.float64)


def fitted(one, X, **params):
    return make(one).fit(X, **params) if hasattr(one, "fit") else make(one)


def assert_same(found, expected, **tolerance):
    np.testing.assert_allclose(values_of(found), values_of(expected), **{"rtol": 1e-9, "atol": 1e-9, **tolerance})


def takes(one, name, method="fit"):
    return name in inspect.signature(getattr(one, method)).parameters


def test_the_list_is_whole():
    assert len(OF_TABLES) >= 7
    assert len(OF_CLOUDS) >= 5
    assert len(SAMPLERS) >= 12


@each([*TRANSFORMERS, *SAMPLERS])
def test_clone_and_parameters(one):
    mine = make(one)
    twin = clone(mine)
    assert repr(twin.get_params()) == repr(mine.get_params())
    assert {*mine.get_params(deep=False)} == {*inspect.signature(one).parameters}
    assert repr(mine.set_params(**mine.get_params(deep=False))) == repr(twin)


@each(TRANSFORMERS)
def test_fit_changes_neither_parameters_nor_events(one):
    X = events(one)
    before, mine = copy.deepcopy(X), make(one)
    assert mine.fit(X) is mine
    mine.transform(X)
    assert repr(mine.get_params()) == repr(make(one).get_params())
    assert_same(X, before, rtol=0, atol=0)
    assert not hasattr(clone(mine), "n_features_in_")
    names = list(X.feature_names) if one in OF_CLOUDS else NAMES
    assert mine.n_features_in_ == len(names)
    assert list(mine.feature_names_in_) == names


@each(TRANSFORMERS)
def test_an_event_does_not_depend_on_the_others(one):
    X = events(one)
    mine = make(one).fit(X)
    chosen = np.random.default_rng(1).permutation(N)[:20]
    assert_same(mine.transform(rows(X, chosen)), rows(mine.transform(X), chosen), rtol=0, atol=0)
    assert_same(mine.transform(X), make(one).fit_transform(X), rtol=0, atol=0)


@each(TRANSFORMERS)
def test_not_fitted(one):
    for method in ("transform", "inverse_transform", "get_feature_names_out"):
        if hasattr(one, method):
            with pytest.raises(NotFittedError):
                getattr(make(one), method)(*[events(one)] * (method != "get_feature_names_out"))


@each(TRANSFORMERS)
def test_names_of_the_output(one):
    X = events(one)
    mine = make(one).fit(X)
    out = mine.transform(X)
    out = out.nodes if isinstance(out, Graphs) else out
    if hasattr(one, "get_feature_names_out"):  # pixels have no names
        names = list(mine.get_feature_names_out())
        assert len(set(names)) == len(names)
        assert list(getattr(out, "feature_names", names)) == names
        assert (out.values if isinstance(out, PointClouds) else out).shape[-1] == len(names)
    else:
        assert out.ndim > 2
    other = (
        X.with_values(X.values, list("abcd")[: len(X.feature_names)])
        if one in OF_CLOUDS
        else X.rename(columns={"met": "tem"})
    )
    with pytest.raises(ValueError, match=r"(?i)feature"):
        mine.transform(other)


@each(TRANSFORMERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_types(one, dtype):
    """Floats keep their width; integers become float64, but where columns are only chosen; images are float32."""
    if one in OF_CLOUDS:
        X = events(one, dtype if dtype != np.int64 else np.float64)
        X = X.with_values(np.ceil(X.values).astype(dtype), X.feature_names)
    else:
        X = (table(one).abs() + 1).astype(dtype)
    out = make(one).fit_transform(X)
    out = out.nodes if isinstance(out, Graphs) else out
    found = out.values.dtype if isinstance(out, PointClouds) else np.asarray(out).dtype
    if dtype == np.int64:
        assert found == np.float64 or issubclass(one, SelectorMixin) or one in OF_CLOUDS
    else:
        assert found == dtype or (found == np.float32 and np.ndim(out) > 2)


@each([one for one in TRANSFORMERS if takes(one, "sample_weight")])
def test_weights(one):
    """Ones are no weights, all doubled are the same, zero is no event, and an event and its counter-event cancel."""
    X = events(one)
    plain = make(one).fit(X).transform(X)
    concatenate = PointClouds.concatenate if one in OF_CLOUDS else pd.concat
    twice = concatenate([X, rows(X, np.arange(0, N))])
    three = concatenate([X, rows(X, np.arange(20)), rows(X, np.arange(20))])
    for X_fit, weights in (
        (X, np.ones(N)),
        (X, np.full(N, 2.0)),
        (twice, np.r_[np.ones(N), np.zeros(N)]),
        (twice, np.r_[np.full(N, 0.5), np.full(N, 0.5)]),
        (three, np.r_[np.ones(N), np.full(20, 0.5), np.full(20, -0.5)]),
    ):
        assert_same(make(one).fit(X_fit, sample_weight=weights).transform(X), plain, rtol=1e-7, atol=1e-7)
    for wrong, message in ((np.ones(3), "sample_weight"), (np.full(N, np.nan), "sample_weight"), (-np.ones(N), "sum")):
        with pytest.raises(ValueError, match=message):
            make(one).fit(X, sample_weight=wrong)
    assert make(one).get_metadata_routing().consumes("fit", ["sample_weight"])


@each([one for one in TRANSFORMERS if not takes(one, "sample_weight")])
def test_no_weights(one):
    with pytest.raises(TypeError, match="sample_weight"):
        make(one).fit(events(one), sample_weight=np.ones(N))


@each(INVERTIBLE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_way_back(one, dtype):
    X = events(one, dtype)
    if one in OF_TABLES:
        X.iloc[::7, 1] = np.nan
    mine = make(one).fit(X)
    back = mine.inverse_transform(mine.transform(X))
    tolerance = 1e-4 if dtype == np.float32 else 1e-9
    assert_same(back, X, rtol=tolerance, atol=tolerance)
    assert (back.values if isinstance(back, PointClouds) else back).dtype == dtype


@each(TRANSFORMERS)
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output(one, container):
    """Tables come in the container that is asked for; point clouds, sets and images stay what they are."""
    X = events(one)
    if one in OF_TABLES:
        X.index = np.arange(N) + 100
    mine = make(one).set_output(transform=container)
    plain, out = make(one).fit_transform(X), mine.fit_transform(X)
    with sklearn.config_context(transform_output=container):
        everywhere = make(one).fit_transform(X)
    assert type(everywhere) is type(out)
    assert_same(out, plain)
    if isinstance(plain, PointClouds | Graphs) or plain.ndim > 2:
        assert type(out) is type(plain)
        return
    assert isinstance(out, pd.DataFrame if container == "pandas" else pl.DataFrame)
    assert list(out.columns) == list(mine.get_feature_names_out())
    assert list(mine.transform(rows(X, [])).columns) == list(out.columns)
    if one in OF_TABLES:
        assert container == "polars" or list(out.index) == list(X.index)
        assert_same(mine.fit_transform(pl.from_pandas(X)), out)


@each(TRANSFORMERS)
def test_pickle_and_deepcopy(one):
    X = events(one)
    mine = make(one).fit(X)
    for twin in (pickle.loads(pickle.dumps(mine)), copy.deepcopy(mine)):
        assert_same(twin.transform(X), mine.transform(X), rtol=0, atol=0)


@each(TRANSFORMERS)
def test_no_events(one):
    """Nothing can be learned from no event; a chunk of none comes out as one of none."""
    X = events(one)
    with pytest.raises(ValueError, match=r"0 sample|minimum of 1|no point|no events|0 clouds"):
        make(one).fit(rows(X, []))
    mine = make(one).fit(X)
    out = mine.transform(rows(X, []))
    assert len(out) == 0
    assert getattr(out, "values", out).shape[1:] == getattr(mine.transform(X), "values", mine.transform(X)).shape[1:]
    if one in INVERTIBLE:
        assert len(mine.inverse_transform(out)) == 0


@each(TRANSFORMERS)
def test_a_single_event(one):
    X = events(one)
    out = make(one).fit_transform(rows(X, [3]))
    assert len(out) == 1
    assert np.isfinite(values_of(out)).all() or one.__name__ == "ToList"


@each(OF_TABLES)
def test_a_text_column_is_named(one):
    X = table(one).assign(channel=["e mu"] * N)
    with pytest.raises(ValueError, match="channel"):
        make(one).fit(X)
    with pytest.raises(ValueError, match=r"text in the columns 8 \('e mu'\)"):
        make(one).fit(X.to_numpy())
    if not issubclass(one, SelectorMixin):  # which looks at no value
        mine = make(one).fit(table(one).assign(channel=1.0))
        with pytest.raises(ValueError, match="channel"):
            mine.transform(X)


@each(OF_TABLES)
def test_missing_in_every_form(one):
    X = table(one)
    X.iloc[::7, 1] = np.nan
    mine = make(one).fit(X)
    expected = mine.transform(X)
    hidden = X.to_numpy().copy()
    hidden[::7, 1] = 1e9
    mask = np.zeros(hidden.shape, dtype=bool)
    mask[::7, 1] = True
    forms = [
        np.ma.array(hidden, mask=mask),
        X.astype(object).where(~X.isna(), None),
        X.convert_dtypes(),
        pl.from_pandas(X),
    ]
    for form in forms:
        if not hasattr(form, "columns"):
            mine = make(one).fit(form)
        assert_same(mine.transform(form), expected)
        assert_same(make(one).fit(form).transform(form), expected)


def other_value(parameter):
    """Another value of a hyperparameter than its default, None if there is none to guess."""
    if isinstance(parameter.default, bool):
        return not parameter.default
    if parameter.choices:
        return next((one for one in parameter.choices if one != parameter.default), None)
    if parameter.search:
        low, high = parameter.search
        return type(parameter.default)(high if parameter.default != high else low)
    return None


@each([one for one in [*TRANSFORMERS, *SAMPLERS] if issubclass(one, Declared)])
def test_a_subclass_with_other_defaults(one):
    """By a declaration, and by the ordinary ``__init__``."""
    others = {name: other_value(parameter) for name, parameter in one._hyperparameters.items()}
    name, value = next(((name, value) for name, value in others.items() if value is not None), (None, None))
    if name is None:
        pytest.skip("no hyperparameter with another value to guess")
    names: dict = {"one": one}
    exec(f"class Mine(one):\n def __init__(self, *, {name}={value!r}):\n  super().__init__({name}={name})", names)
    mine = names["Mine"]()
    assert mine.get_params() == {name: value}
    assert getattr(clone(mine), name) == value
    X = events(one)
    if one in TRANSFORMERS:
        assert_same(mine.fit(X).transform(X), make(one, **{name: value}).fit(X).transform(X))


# --- samplers ---


@each(SAMPLERS)
@pytest.mark.parametrize("container", ["pandas", "polars", "array"])
def test_samplers_keep_containers_types_weights_and_ids(one, container):
    for dtype in (np.float32, np.float64):
        frame = table(one, dtype)
        X = {"pandas": frame, "polars": pl.from_pandas(frame), "array": frame.to_numpy()}[container]
        if container == "array" and one not in OF_ARRAYS:
            continue
        before = copy.deepcopy(X)
        weights, ids = np.random.default_rng(0).uniform(1, 2, N), np.arange(N) // 2
        mine = make(one)
        X_new, y_new, w_new, ids_new = mine.fit_resample(X, Y, sample_weight=weights, groups=ids)
        assert type(X_new) is type(X)
        assert_same(X, before, rtol=0, atol=0)
        assert len(X_new) == len(y_new) == len(w_new) == len(ids_new) == len(mine.sample_indices_)
        assert list(getattr(X_new, "columns", NAMES)) == NAMES
        assert np.asarray(X_new).dtype == dtype
        np.testing.assert_array_equal(ids_new, ids[mine.sample_indices_])
        np.testing.assert_array_equal(y_new, Y[mine.sample_indices_])
        again = make(one).fit_resample(X, Y, sample_weight=2 * weights, groups=ids)
        assert_same(again[0], X_new)
        np.testing.assert_allclose(again[2], 2 * w_new)
        ones = make(one).fit_resample(X, Y, sample_weight=np.ones(N))
        assert_same(ones[0], make(one).fit_resample(X, Y)[0])


@each(SAMPLERS)
def test_samplers_pickle(one):
    X = table(one)
    mine = make(one)
    expected = mine.fit_resample(X, Y)
    for twin in (pickle.loads(pickle.dumps(make(one))), copy.deepcopy(make(one))):
        assert_same(twin.fit_resample(X, Y)[0], expected[0], rtol=0, atol=0)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(mine)).sample_indices_, mine.sample_indices_)


@each(SAMPLERS)
def test_samplers_on_no_event_and_on_one(one):
    X = table(one)
    with pytest.raises(ValueError, match="no events"):
        make(one).fit_resample(X.iloc[:0], Y[:0])
    if get_tags(make(one)).target_tags.required:  # it balances classes
        with pytest.raises(ValueError, match="class"):
            make(one).fit_resample(X.iloc[:1], Y[:1])
    else:
        assert len(make(one).fit_resample(X.iloc[:1], Y[:1])[0]) >= 1


@each(SAMPLERS)
def test_samplers_keep_what_is_missing(one):
    X = table(one)
    X.iloc[::7, 1] = np.nan
    hidden = X.to_numpy().copy()
    hidden[::7, 1] = 1e9
    out = make(one).fit_resample(X, Y)[0]
    masked = make(one).fit_resample(np.ma.array(hidden, mask=X.isna()) if one in OF_ARRAYS else X, Y)[0]
    assert out.isna().to_numpy().sum() == np.isnan(values_of(masked)).sum()
    assert out.isna().any().any() or one.__name__ == "DropMissingRows"


@each([one for one in CLASSES if "missing_values" in inspect.signature(one).parameters])
@pytest.mark.parametrize("marks", [-999, -999.0, (-999, -1), [-1.0, np.nan, -999]])
def test_numbers_that_mark_a_missing_value(one, marks):
    """One meaning wherever there is such a parameter: the same as NaN."""
    X = table(one).abs()
    X.iloc[::7, 1] = np.nan
    X.iloc[1::9, 4] = np.nan
    numbers = X.copy()
    numbers.iloc[::7, 1] = -999
    numbers.iloc[1::9, 4] = np.atleast_1d(marks)[0]
    act = "fit_resample" if one in SAMPLERS else "fit_transform"
    arguments = (Y,) if one in SAMPLERS else ()
    for dtype in (np.float32, np.float64):
        expected = getattr(make(one), act)(X.astype(dtype), *arguments)
        found = getattr(make(one, missing_values=marks), act)(numbers.astype(dtype), *arguments)
        first, wanted = (out[0] if one in SAMPLERS else out for out in (found, expected))
        if issubclass(one, SelectorMixin):  # keeps what it chooses
            wanted = np.where(np.isnan(wanted), values_of(first), wanted)
        assert_same(first, wanted)
    with pytest.raises(ValueError, match="missing_values"):
        getattr(make(one, missing_values=("x",)), act)(X, *arguments)
    with pytest.raises(ValueError, match="missing_values"):
        getattr(make(one, missing_values=True), act)(X, *arguments)


# --- point clouds ---


@each(OF_CLOUDS)
def test_a_table_is_no_point_cloud(one):
    with pytest.raises(TypeError, match="expected point clouds"):
        make(one).fit(np.ones((5, 3)))


@each(OF_CLOUDS)
def test_whatever_holds_point_clouds(one):
    """Lists and padded arrays have no names; awkward arrays do."""
    X = events(one)
    named = PointClouds(X.values, X.offsets, X.feature_names)
    assert_same(make(one).fit_transform(named.to_awkward()), make(one).fit_transform(named), rtol=0, atol=0)
    if hasattr(one, "_learn_roles") or one is ToTrackGraph:  # momenta and layers are found by their names
        return
    bare = PointClouds(X.values, X.offsets)
    for form in (list(bare), bare.to_padded()[0]):
        assert_same(make(one).fit_transform(form), make(one).fit_transform(bare), rtol=0, atol=0)
