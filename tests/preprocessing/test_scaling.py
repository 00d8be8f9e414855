"""Scalers: conformance, weighted statistics, round trips, types, parts of a stream, domains."""

import warnings
from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from sklearn import preprocessing as theirs
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from sklearn_ml4fp import (
    AutoScaler,
    DropMissingColumns,
    FeedForwardRegressor,
    LogScaler,
    MinMaxScaler,
    OutlierClipper,
    ParticleWise,
    PointClouds,
    ZScoreScaler,
    investigate,
)
from sklearn_ml4fp._distributions import outlier_limits, shape_of, suitable_scaling, weighted_quantile

SCALERS = [
    MinMaxScaler(),
    ZScoreScaler(),
    LogScaler(),
    LogScaler(offset="always", standardize=False),
    LogScaler(method="log1p"),
    LogScaler(method="symlog"),
    AutoScaler(),
]
WEIGHTED = [*SCALERS, OutlierClipper()]
# the checks of scikit-learn 1.6, the oldest that is supported; 1.9 has 52 and more
LEAST_CHECKS = 45


def table(n=400, seed=0):
    """A flat, a long-tailed and a Gaussian positive column."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(2, 5, n), rng.lognormal(3, 1.5, n), rng.normal(100, 5, n)])


@pytest.mark.parametrize("scaler", WEIGHTED, ids=repr)
def test_conformance(scaler):
    results = check_estimator(scaler, on_skip=None, on_fail=None)
    states = Counter(result["status"] for result in results)
    assert states["passed"] >= LEAST_CHECKS, states
    left = {r["check_name"] for r in results if r["status"] != "passed"}
    # skipped for a whole class of libraries, which we do not claim; by scikit-learn 1.6 for all that refuse sparse X
    assert left <= {"check_array_api_input", "check_sample_weight_equivalence_on_sparse_data"}, left


@pytest.mark.parametrize("scaler", WEIGHTED, ids=repr)
@pytest.mark.parametrize("missing", [False, True])
def test_weights_are_repeated_rows(scaler, missing):
    rng = np.random.default_rng(1)
    X, times = table(), rng.integers(0, 4, 400)
    if missing:
        X[rng.uniform(size=X.shape) < 0.1] = np.nan
    by_weight = clone(scaler).fit(X, sample_weight=times)
    by_row = clone(scaler).fit(np.repeat(X, times, axis=0))
    np.testing.assert_allclose(by_weight.transform(X), by_row.transform(X), rtol=1e-9, atol=1e-12)
    # and they matter: the weights are far from equal
    if not isinstance(scaler, MinMaxScaler | OutlierClipper) and getattr(scaler, "standardize", True):
        assert not np.allclose(by_weight.transform(X), clone(scaler).fit(X).transform(X), rtol=1e-4, equal_nan=True)


def test_an_event_of_weight_zero_is_no_minimum():
    scaler = MinMaxScaler().fit([[-100.0], [0.0], [1.0]], sample_weight=[0, 1, 2])
    np.testing.assert_array_equal(scaler.data_min_, [0.0])


def test_signed_weights_are_signed_sums():
    X = table()
    extended = np.vstack([X, X[:50] * 3, X[:50] * 3])  # 50 events and their counter-events
    weights = np.r_[np.ones(len(X)), np.full(50, 0.5), np.full(50, -0.5)]
    ours, plain = ZScoreScaler().fit(extended, sample_weight=weights), ZScoreScaler().fit(X)
    np.testing.assert_allclose(ours.mean_, plain.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.var_, plain.var_, rtol=1e-9)
    np.testing.assert_allclose(
        weighted_quantile(extended[:, 0], 0.5, weights), weighted_quantile(X[:, 0], 0.5), rtol=0.02
    )


def test_a_negative_variance_is_an_error():
    X = pd.DataFrame({"pt": [0.0, 10.0, 1.0, 1.0], "eta": [1.0, 2.0, 3.0, 4.0]})
    weights = [-0.5, -0.5, 2.0, 2.0]
    with pytest.raises(ValueError, match=r"variance of the columns \['pt', 'eta'\] is not positive: expected Σw"):
        ZScoreScaler().fit(X, sample_weight=weights)


def test_the_advice_on_a_negative_variance_can_be_followed():
    X, weights = np.array([[0.0], [10.0], [1.0], [1.0]]), np.array([-0.5, -0.5, 2.0, 2.0])
    # the network of the Pipeline takes the weights, the scaler does not
    with sklearn.config_context(enable_metadata_routing=True):
        network = FeedForwardRegressor(width=4, max_epochs=1, early_stopping=False)
        pipeline = make_pipeline(ZScoreScaler().set_fit_request(sample_weight=False), network)
        scaled = pipeline.fit(X, X[:, 0], sample_weight=weights)[:-1].transform(X)
    np.testing.assert_allclose(scaled, ZScoreScaler().fit_transform(X))
    nearly_empty = np.column_stack([np.arange(40.0), np.r_[0.0, 10.0, 1.0, 1.0, np.full(36, np.nan)]])
    weights = np.r_[weights, np.ones(36)]
    with pytest.raises(
        ValueError, match=r"columns \[1\] is not .*DropMissingColumns.*set_fit_request\(sample_weight=F"
    ):
        ZScoreScaler().fit(nearly_empty, sample_weight=weights)
    kept = DropMissingColumns(max_missing=0.5).fit_transform(nearly_empty)
    assert ZScoreScaler().fit(kept, sample_weight=weights).var_ > 0


def test_cancellations_do_not_change_the_choice_of_auto_scaler():
    """Bulk events cancel in pairs: by signed sums the column is a few far values; by sizes it stays a bulk."""
    rng = np.random.default_rng(8)
    X = rng.normal(100, 5, (400, 1))
    weights = np.where(np.abs(X[:, 0] - 100) < 3, rng.choice([1.0, -0.95], 400), 1.0)
    assert suitable_scaling(shape_of(X[:, 0], weights))[0] == "min-max"  # what signed sums would say
    scaler = AutoScaler().fit(X, sample_weight=weights)
    assert scaler.scalings_.tolist() == ["z-score"]
    assert scaler.scalers_["z-score"].mean_ == pytest.approx(np.average(X[:, 0], weights=weights))  # signed
    assert investigate(X, sample_weight=weights).columns[0].scaling == "z-score"


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("named", [True, False])
def test_errors_of_auto_scaler_name_the_columns_of_the_whole_table(number, named):
    """The variance of the Gaussian and of the logarithms is negative: their scalers see one column, number 0."""
    rng = np.random.default_rng(7)
    X = np.column_stack([rng.uniform(size=200), rng.normal(size=200), rng.lognormal(2, 2, 200)])
    values = X[:, 1] if number == 1 else np.log(X[:, 2])
    weights = np.where(np.abs(values - np.median(values)) > np.std(values), -1.0, 1.0)
    data = pd.DataFrame(X, columns=["phi", "mass", "pt"]) if named else X
    expected = repr(["mass", "pt"][number - 1]) if named else str(number)
    with pytest.raises(ValueError, match=rf"variance of the columns \[{expected}\] is not positive"):
        AutoScaler().fit(data, sample_weight=weights)


@pytest.mark.parametrize("named", [True, False])
def test_auto_scaler_names_columns_outside_of_the_logarithm(named):
    X = table()[:, [0, 2, 1]]  # the logarithm is for the last
    wrong = X.copy()
    wrong[5, 2] = -1e6
    as_data = (lambda values: pd.DataFrame(values, columns=["eta", "mass", "pt"])) if named else np.asarray
    scaler = AutoScaler().fit(as_data(X))
    with pytest.raises(ValueError, match=rf"got the columns {'pt' if named else '2'} \(least value -1e\+06\)"):
        scaler.transform(as_data(wrong))


@pytest.mark.parametrize("scaler", WEIGHTED, ids=repr)
def test_weights_that_cannot_be_used(scaler):
    with pytest.raises(ValueError, match="sums to 0: expected a positive sum"):
        clone(scaler).fit(table(4), sample_weight=[1, -1, 1, -1])
    with pytest.raises(ValueError, match="expected \\(4,\\): one weight per event"):
        clone(scaler).fit(table(4), sample_weight=[1, 1])


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        st.tuples(st.integers(2, 20), st.integers(1, 4)),
        # the widest range whose squares and products stay finite and normal in float32
        elements=st.floats(2.0**-30, 2.0**30, width=32),
    ),
    st.integers(0, len(SCALERS) - 1),
    st.booleans(),
)
def test_round_trip(X, which, missing):
    scaler = clone(SCALERS[which])
    if missing:
        X[0, 0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column with one value
        back = scaler.fit(X).inverse_transform(scaler.transform(X))
    assert back.dtype == X.dtype
    # The largest number that a column passes through, times some roundings: for a linear scaler the greatest |x|; a
    # logarithm L of size up to 21 turns its own rounding into L relative ones, and is itself |mean| + |scale| · |z|.
    size = np.broadcast_to(np.nanmax(np.abs(X), axis=0, initial=0), X.shape)
    # A constant column has no scale: min-max divides it by one, and cannot tell 1e-9 from 0 beside its −1. As in
    # scikit-learn, a range below ten roundings of one counts as constant.
    eps = np.finfo(X.dtype).eps
    size = np.where(size - np.nanmin(X, axis=0, initial=np.inf) < 10 * eps, np.maximum(size, 1), size)
    tolerance = 200 * eps * size
    np.testing.assert_array_equal(np.isnan(back), np.isnan(X))
    assert (np.abs(back - X) <= tolerance)[~np.isnan(X)].all()


def test_round_trip_of_signed_columns():
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.standard_cauchy(1000), rng.normal(size=1000)])
    for scaler in (LogScaler(method="symlog"), AutoScaler(), ZScoreScaler(), MinMaxScaler()):
        Z = scaler.fit_transform(X)
        # relative: a symmetric logarithm keeps the digits of small values beside great ones
        np.testing.assert_allclose(scaler.inverse_transform(Z), X, rtol=1e-9, atol=1e-11)
        assert (np.diff(Z[np.argsort(X[:, 0]), 0]) >= 0).all()  # monotonous


@pytest.mark.parametrize("scaler", WEIGHTED, ids=repr)
def test_types_names_and_containers(scaler):
    X, names = table(), ["eta", "pt", "mass"]
    assert clone(scaler).fit_transform(X.astype(np.float32)).dtype == np.float32
    frame = pd.DataFrame(X, columns=names)
    fitted = clone(scaler).fit(frame)
    assert list(fitted.get_feature_names_out()) == names
    assert list(clone(scaler).set_output(transform="pandas").fit_transform(frame).columns) == names
    as_polars = clone(scaler).set_output(transform="polars").fit_transform(pl.DataFrame(frame.to_dict("list")))
    np.testing.assert_allclose(as_polars.to_numpy(), fitted.transform(frame))


@pytest.mark.parametrize("scaler", SCALERS, ids=repr)
def test_partial_fit_is_fit(scaler):
    X, w = table(600), np.random.default_rng(3).uniform(0.5, 2, 600)
    # choices, offsets and the unit of symlog come from the first part
    if getattr(scaler, "method", "") == "symlog" or getattr(scaler, "offset", "") == "always":
        X[200:400] = X[400:] = X[:200]
    parts = clone(scaler)
    for rows in (slice(0, 200), slice(200, 600)):
        parts.partial_fit(X[rows], sample_weight=w[rows])
    whole = clone(scaler).fit(X, sample_weight=w)
    if isinstance(scaler, AutoScaler):
        assert list(parts.scalings_) == list(whole.scalings_)
        np.testing.assert_allclose(parts.transform(X)[:, [0, 2]], whole.transform(X)[:, [0, 2]], rtol=1e-9)
        return
    if getattr(scaler, "method", "") == "symlog":
        assert parts._standard.n_samples_seen_ == pytest.approx(w.sum())
        assert not np.array_equal(parts.mean_, clone(scaler).fit(X[:200], sample_weight=w[:200]).mean_)
        return
    np.testing.assert_allclose(parts.transform(X), whole.transform(X), rtol=1e-9, atol=1e-12)


def test_the_ranges_of_min_max():
    X = table()
    assert MinMaxScaler().fit_transform(X).min() == -1
    z = MinMaxScaler(feature_range=(-1, 0)).fit_transform(X)
    np.testing.assert_allclose(z, (X - X.max(axis=0)) / (X.max(axis=0) - X.min(axis=0)), atol=1e-12)


def test_z_score_and_logarithms_by_their_formulas():
    X, w = table(), np.random.default_rng(4).uniform(0, 2, 400)

    def standard(values):
        mean = np.average(values, axis=0, weights=w)
        return (values - mean) / np.sqrt(np.average((values - mean) ** 2, axis=0, weights=w))

    tolerance = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(ZScoreScaler().fit(X, sample_weight=w).transform(X), standard(X), **tolerance)
    np.testing.assert_allclose(LogScaler().fit(X, sample_weight=w).transform(X), standard(np.log(X)), **tolerance)
    np.testing.assert_allclose(
        LogScaler(method="log1p").fit(X, sample_weight=w).transform(X), standard(np.log1p(X)), **tolerance
    )
    unit = [weighted_quantile(x, 0.5, w) for x in X.T]
    signed = LogScaler(method="symlog", standardize=False).fit(X - 50, sample_weight=w)
    unit = [weighted_quantile(np.abs(x - 50), 0.5, w) for x in X.T]
    np.testing.assert_allclose(signed.transform(X - 50), np.sign(X - 50) * np.log1p(np.abs(X - 50) / unit))


def test_offsets_for_zeros():
    X = np.array([[0.0, 2.0], [4.0, 3.0], [8.0, 5.0]])
    assert LogScaler().fit(X).offset_.tolist() == [2.0, 0.0]
    assert LogScaler(offset="always").fit(X).offset_.tolist() == [2.0, 1.0]
    assert LogScaler(offset=0.5).fit(X).offset_.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("method", "value", "message"),
    [
        ("log", -1.0, r"Negative values in data: LogScaler\(method='log'\) .* columns pt \(least value -1\).*symlog"),
        ("log", 0.0, r"Zeros in data: .* columns pt \(least value 0\)"),
        ("log1p", -1.5, r"expected values above -1, got the columns pt \(least value -1.5\)"),
    ],
)
@pytest.mark.parametrize("missing", [1.0, np.nan])
def test_outside_the_domain(method, value, message, missing):
    good = pd.DataFrame({"pt": [1.0, 2.0, 3.0], "eta": [1.0, 2.0, 3.0]})
    scaler = LogScaler(method=method).fit(good)
    with pytest.raises(ValueError, match=message):
        scaler.transform(good.assign(pt=[1.0, missing, value]))


@pytest.mark.parametrize("offset", ["zeros", "always"])
def test_an_offset_makes_room_for_zeros_and_not_for_negative_values(offset):
    X = pd.DataFrame({"pt": [0.0 if offset == "zeros" else 25.0, 25.0, 80.0, 300.0]})
    scaler = LogScaler(offset=offset, standardize=False).fit(X)
    assert scaler.offset_.tolist() == [12.5]
    assert scaler.transform(X.assign(pt=0.0)).ravel() == pytest.approx(np.log(12.5))
    message = r"values above 0, or also 0 where offset_ is positive .*, got the columns pt \(least value -5\)"
    with pytest.raises(ValueError, match=message):
        scaler.transform(X.assign(pt=-5.0))
    rounded = scaler.transform(X.assign(pt=-1e-6))  # a zero, scaled and back in float32
    assert rounded.ravel() == pytest.approx(np.log(12.5), abs=1e-6)


def test_an_offset_in_the_unit_of_the_column_is_the_bound():
    scaler = LogScaler(offset=10.0, standardize=False).fit([[1.0], [2.0]])
    assert scaler.transform([[-5.0]]) == pytest.approx(np.log(5.0))
    with pytest.raises(ValueError, match=r"expected values above -10, got the columns 0 \(least value -12\)"):
        scaler.transform([[-12.0]])


def test_auto_scaler_picks_by_the_rules():
    rng = np.random.default_rng(5)
    n = 5000
    columns = {
        "phi": (rng.uniform(-np.pi, np.pi, n), "min-max"),
        "flag": (rng.integers(0, 2, n), "min-max"),
        "constant": (np.full(n, 3.0), "min-max"),
        "energy": (rng.lognormal(3, 2, n), "log"),
        "pt": (30 + rng.exponential(40, n), "log"),
        "with_zeros": (np.where(rng.uniform(size=n) < 0.2, 0, rng.pareto(3, n)), "log"),
        "d0": (rng.standard_cauchy(n), "symlog"),
        "mass": (rng.normal(91, 3, n), "z-score"),
    }
    frame = pd.DataFrame({name: values for name, (values, _) in columns.items()})
    scaler = AutoScaler().fit(frame)
    assert dict(zip(frame, scaler.scalings_, strict=True)) == {name: kind for name, (_, kind) in columns.items()}
    assert scaler.reasons_[0].startswith("flat between -3.14")
    scaler.transform(frame.assign(energy=0.0))  # a zero to come is no error
    with pytest.raises(ValueError, match=r"got the columns pt \(least value -5\)"):  # though the offset is 15
        scaler.transform(frame.assign(pt=-5.0))


def test_auto_scaler_says_what_it_picked(capsys):
    AutoScaler(verbose=True).fit(pd.DataFrame(table(), columns=["eta", "pt", "mass"]))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in lines] == ["eta: min-max", "pt: log", "mass: z-score"]


@pytest.mark.parametrize(
    "distribution",
    [
        stats.norm(), stats.uniform(), stats.expon(), stats.lognorm(1), stats.lognorm(0.5), stats.lognorm(2),
        stats.pareto(1), stats.pareto(3), stats.t(3), stats.cauchy(), stats.laplace(), stats.gamma(2), stats.rayleigh(),
        stats.halfnorm(), stats.halfcauchy(),
    ],
    ids=lambda d: f"{d.dist.name}{d.args}",
)  # fmt: skip
def test_no_healthy_tail_is_an_outlier(distribution):
    """From exact quantiles: what lies outside is less than one event in a million."""
    shape = shape_of(distribution.ppf((np.arange(100_000) + 0.5) / 100_000))
    lower, upper = outlier_limits(shape, 8.0)
    assert distribution.cdf(lower) + distribution.sf(upper) < 1e-6


def test_the_clipper_keeps_spikes_out_and_all_else():
    rng = np.random.default_rng(6)
    X = np.column_stack([rng.normal(size=2000), rng.exponential(50, 2000)])
    spoiled = X.copy()
    spoiled[:10, 0], spoiled[:10, 1] = 1e4, -999
    clipper = OutlierClipper().fit(spoiled)
    clipped = clipper.transform(spoiled)
    np.testing.assert_array_equal(clipped[10:], X[10:])
    assert clipped[:10, 0] == pytest.approx(clipper.upper_[0])
    assert 0 < clipper.upper_[0] < 30
    assert -999 < clipped[0, 1] < 0
    assert np.isnan(clipper.transform([[np.nan, 1.0]])[0, 0])


@pytest.mark.parametrize("spike", [1.0, 0.0])
def test_a_rare_value_of_a_flag_is_no_outlier(spike):
    x = np.where(np.arange(10_000) < 20, spike, 1 - spike)
    assert outlier_limits(shape_of(x), 8.0) == (-np.inf, np.inf)


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=40),
    st.data(),
    st.floats(0, 1),
)
def test_quantiles_are_numpys(values, data, q):
    x = np.array(values, float)
    weights = np.array(data.draw(st.lists(st.integers(1, 5), min_size=len(x), max_size=len(x))), float)
    q = round(q, 3)  # not within a rounding of a step of the cumulative sum
    assert weighted_quantile(x, q) == np.quantile(x, q, method="inverted_cdf")
    assert weighted_quantile(x, q, weights) == weighted_quantile(np.repeat(x, weights.astype(int)), q)


def test_a_scaling_needs_no_finite_column():
    assert suitable_scaling(shape_of(np.full(3, np.nan)))[0] == "min-max"


def test_weights_flow_through_a_pipeline_by_themselves():
    rng = np.random.default_rng(7)
    X, y = table(), rng.integers(0, 2, 400)
    w = rng.uniform(0, 5, 400)
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(ZScoreScaler(), LogisticRegression().set_fit_request(sample_weight=True))
        model.fit(X, y, sample_weight=w)
    np.testing.assert_allclose(model[0].mean_, np.average(X, axis=0, weights=w))


def test_unweighted_as_in_scikit_learn():
    X = table().astype(np.float32)
    np.testing.assert_array_equal(ZScoreScaler().fit_transform(X), theirs.StandardScaler().fit_transform(X))
    np.testing.assert_array_equal(
        MinMaxScaler().fit_transform(X), theirs.MinMaxScaler(feature_range=(-1, 1)).fit_transform(X)
    )


@pytest.mark.parametrize("scaler", WEIGHTED, ids=repr)
def test_particle_by_particle(scaler):
    rng = np.random.default_rng(8)
    counts = rng.integers(0, 6, 150)
    clouds = PointClouds(table(int(counts.sum())), np.r_[0, np.cumsum(counts)])
    w = rng.uniform(0.5, 2, 150)
    scaled = ParticleWise(clone(scaler)).fit(clouds, sample_weight=w).transform(clouds)
    by_hand = clone(scaler).fit(clouds.values, sample_weight=np.repeat(w, counts)).transform(clouds.values)
    np.testing.assert_array_equal(scaled.values, by_hand)
