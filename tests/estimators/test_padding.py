"""What pads dense events is said, or asked for: zeros that are taken for points warn, and padding changes no score."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier

import sklearn_ml4fp
from sklearn_ml4fp import CNNClassifier, DeepSetsClassifier, PointClouds, TransformerClassifier, as_point_clouds

SMALL = {"width": 8, "n_layers": 1, "n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "max_epochs": 1}
NETWORKS = [
    one
    for one in (getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__)
    if inspect.isclass(one) and issubclass(one, sklearn_ml4fp.NetworkEstimator)
    if "padding" in one._hyperparameters and "CNN" not in one.__name__
]  # a CNN takes three axes for images

RNG = np.random.default_rng(0)
COUNTS = np.r_[0, 1, 6, RNG.integers(0, 7, 27)]
ZEROS = RNG.normal(size=(30, 6, 3)) * (np.arange(6) < COUNTS[:, None])[..., None]
NANS = np.where(ZEROS == 0, np.nan, ZEROS)
LONGER = np.concatenate([ZEROS, np.zeros((30, 4, 3))], axis=1)
Y = np.arange(30) % 2


def small(network, **params):
    known = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    return network(**{**known, "device": "cpu", "random_state": 0, "early_stopping": False, **params})


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("value", [0.0, -999.0])
@pytest.mark.filterwarnings("error:.*rows of zeros:UserWarning")
def test_four_more_rows_of_padding_change_no_score(network, value):
    y = Y if is_classifier(network()) else ZEROS.sum(axis=(1, 2))
    dense, longer = (np.where(array == 0, value, array) for array in (ZEROS, LONGER))
    fitted = small(network, padding=value).fit(dense, y)
    score = fitted.predict_proba if is_classifier(fitted) else fitted.predict
    np.testing.assert_allclose(score(longer), score(dense), rtol=1e-5, atol=1e-6)
    of_clouds = small(network).fit(PointClouds.from_padded(NANS), y)
    again = of_clouds.predict_proba if is_classifier(fitted) else of_clouds.predict
    np.testing.assert_allclose(score(dense), again(NANS), rtol=1e-5, atol=1e-6)


def test_a_table_says_its_padding_too():
    table = pd.DataFrame(
        ZEROS.reshape(30, -1), columns=[f"Jet {i} {f}" for i in range(1, 7) for f in ("px", "py", "pz")]
    )
    for network in (DeepSetsClassifier, CNNClassifier):
        with pytest.warns(
            UserWarning, match=r"\d+ of 30 events end in rows of zeros.*PointClouds.from_padded\(X, padding="
        ):
            small(network, particle_features=3).fit(table, Y)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", ".*rows of zeros")
            fitted = small(network, particle_features=3, padding=0.0).fit(table, Y)
            other = small(network, particle_features=3).fit(table.mask(table == 0), Y)
        np.testing.assert_allclose(fitted.predict_proba(table), other.predict_proba(table.mask(table == 0)), rtol=1e-5)


@pytest.mark.parametrize(
    "read",
    [
        PointClouds.from_padded,
        as_point_clouds,
        lambda X: small(DeepSetsClassifier).fit(X, Y),
        lambda X: small(TransformerClassifier).fit(NANS, Y).predict(X),
        lambda X: sklearn_ml4fp.ToList(2).fit(X),
        lambda X: PointClouds.from_wide(pd.DataFrame({f"Jet {i + 1} pt": X[:, i, 0] for i in range(6)}), ["pt"]),
    ],
)
def test_zeros_that_look_like_padding_warn(read):
    with pytest.warns(UserWarning, match=r"events end in rows of zeros.*If they are padding, say padding=0.0"):
        read(ZEROS)


SERIES = RNG.poisson(0.5, size=(30, 6, 1)).astype(float)
QUIET = {
    "NaN was said": lambda: PointClouds.from_padded(ZEROS, padding=np.nan),
    "zeros were said": lambda: PointClouds.from_padded(ZEROS, padding=0.0),
    "a mask": lambda: PointClouds.from_padded(ZEROS, ZEROS.any(axis=2)),
    "NaN pads": lambda: PointClouds.from_padded(NANS),
    "zeros within": lambda: PointClouds.from_padded(SERIES),
    "one feature is zero": lambda: PointClouds.from_padded(ZEROS + np.array([0, 0, 1])),
    "one point": lambda: PointClouds.from_padded(ZEROS[:, :1]),
    "a table of full columns": lambda: small(TransformerClassifier).fit(ZEROS[:, :, 0], Y),
}


@pytest.mark.parametrize("read", QUIET.values(), ids=QUIET)
def test_what_does_not_warn(read):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*rows of zeros")
        read()


def test_what_padding_means():
    np.testing.assert_array_equal(PointClouds.from_padded(ZEROS, padding=0.0).counts, COUNTS)
    np.testing.assert_array_equal(PointClouds.from_padded(ZEROS, padding=np.nan).counts, np.full(30, 6))
    both = np.where(np.arange(6)[:, None] == 5, np.nan, ZEROS)  # a row without any value is no point, whatever pads
    np.testing.assert_array_equal(PointClouds.from_padded(both, padding=0.0).counts, np.minimum(COUNTS, 5))
    assert as_point_clouds(ZEROS, padding=0.0) == PointClouds.from_padded(NANS)
    assert clone(DeepSetsClassifier(padding=np.nan)).get_params()["padding"] is not None
    with pytest.raises(ValueError, match="'padding' parameter"):
        DeepSetsClassifier(padding="zero").fit(ZEROS, Y)
