"""What every public estimator must do, asked of every name in the public list: a new one is covered unasked."""

import copy
import inspect
import pickle
import subprocess
import sys
from numbers import Integral

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.utils._param_validation import Interval
from sklearn.utils.estimator_checks import check_estimator
from skopt.space import Space
from torch import nn

import sklearn_ml4fp
from sklearn_ml4fp import NetworkClassifier, NetworkEstimator, NetworkRegressor, search_space
from sklearn_ml4fp._params import hp
from sklearn_ml4fp.nn import ACTIVATIONS, Dropout, Norm

PUBLIC = {name: getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__}


def is_abstract(one):
    """Whether something is still to be implemented, so that it is a base and nothing to use."""
    return any(getattr(getattr(one, name, None), "__isabstractmethod__", False) for name in dir(one))


NETWORKS = [
    one
    for one in PUBLIC.values()
    if inspect.isclass(one) and issubclass(one, NetworkEstimator) and not is_abstract(one)
]

# Enough for the scores that scikit-learn's checks ask for, and no more: what is tested is not the architecture. A
# larger rate makes up for the few epochs; two layers, because a convolution sees only its neighbours.
SMALL = {
    "k": 4,
    "width": 16,
    "n_layers": 2,
    "n_blocks": 1,
    "n_class_blocks": 1,
    "n_heads": 2,
    "max_epochs": 30,
    "lr": 0.02,
    "batch_size": 32,
    "n_members": 1,
}


def small(network, **params):
    """A network of few weights, whatever its hyperparameters."""
    declared = {name: value for name, value in SMALL.items() if name in network._hyperparameters}
    return network(**{"random_state": 0, "device": "cpu", **declared, **params})


# Mini-batches in float32 cannot give equal results to 1e-7; tests/estimators/test_weights.py shows the equivalence for
# full batches.
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "mini-batches are drawn from other rows",
    "check_sample_weight_equivalence_on_sparse_data": "mini-batches are drawn from other rows",
}
# Checks that scikit-learn runs for a classifier and a regressor on tables: a wrong tag would make it skip most.
LEAST_CHECKS = {"classifier": 60, "regressor": 57}
# scikit-learn before 1.9 has fewer checks.
OLDER_SCIKIT_LEARN = tuple(map(int, __import__("sklearn").__version__.split(".")[:2])) < (1, 9)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input")
def test_scikit_learns_own_checks(network):
    results = check_estimator(small(network), expected_failed_checks=EXPECTED_FAILURES, on_fail=None)
    by_status = {}
    for result in results:
        by_status.setdefault(result["status"], []).append(result["check_name"])
    failures = [(r["check_name"], repr(r["exception"])) for r in results if r["status"] == "failed"]
    assert not failures
    assert set(by_status.get("skipped", [])) <= {"check_array_api_input"}
    assert set(by_status.get("xfail", [])) <= set(EXPECTED_FAILURES)
    if not OLDER_SCIKIT_LEARN:
        kind = "classifier" if issubclass(network, NetworkClassifier) else "regressor"
        assert len(by_status["passed"]) + len(by_status["xfail"]) >= LEAST_CHECKS[kind]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_signature_constraints_and_documentation_come_from_one_declaration(network):
    declared = network._hyperparameters
    assert list(inspect.signature(network).parameters) == list(declared)
    assert network().get_params() == {name: parameter.default for name, parameter in declared.items()}
    assert network._parameter_constraints == {name: list(parameter.valid) for name, parameter in declared.items()}
    for name, parameter in declared.items():
        assert f"\n{name} : " in network.__doc__
        assert parameter.doc.split(".")[0] in " ".join(network.__doc__.split())


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_a_fitted_network_survives_pickle_and_deepcopy(network, two_blobs):
    X, y, _ = two_blobs
    fitted = small(network, max_epochs=2).fit(X, y)
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(twin.predict(X), fitted.predict(X))
        assert twin.history_["train_loss"].tolist() == fitted.history_["train_loss"].tolist()
    assert not hasattr(clone(fitted), "net_")


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_a_seed_is_a_network_and_the_global_random_state_is_left_alone(network, two_blobs):
    X, y, _ = two_blobs
    state, settings = torch.get_rng_state(), {"max_epochs": 2, "dropout": 0.2}
    first, second = (small(network, **settings).fit(X, y).predict(X[:50]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)
    other = small(network, **settings, random_state=1).fit(X, y)
    assert any(
        not torch.equal(p, q)
        for p, q in zip(
            other.net_.module_.parameters(),
            small(network, **settings).fit(X, y).net_.module_.parameters(),
            strict=True,
        )
    )


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_random_candidates_of_the_whole_search_space_train(network, two_blobs):
    """Every combination is legal, in numpy's own types too, which a search hands over; only the width is kept small."""
    X, y, _ = two_blobs
    space = search_space(network(), exclude=["width"])
    for values in Space(list(space.values())).rvs(4, random_state=0):
        candidate = dict(zip(space, values, strict=True))
        fitted = small(network, **{**candidate, "max_epochs": 1}).fit(X[:60], y[:60])
        assert np.isfinite(fitted.predict(X)).all(), candidate


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("normalisation", ["batch", "layer"])
def test_bfloat16_is_near_float32(network, normalisation, two_blobs):
    """8 bits of mantissa: after the same few steps, outputs agree within a few per cent of their spread."""
    X, y, _ = two_blobs
    settings = {"max_epochs": 2, "optimizer": "sgd", "early_stopping": False, "normalisation": normalisation}
    single, half = (
        small(network, precision=one, **settings).fit(X, y)._read(X).numpy() for one in ("float32", "bfloat16")
    )
    assert not np.array_equal(single, half)
    assert np.sqrt(np.mean((half - single) ** 2)) < 0.05 * max(1, single.std())


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_the_contract_of_the_weights(network, two_blobs):
    """All ones and all doubled are no weights; in full batches, weight zero removes an event and halves join."""
    X, y, _ = two_blobs
    X, y = X[:80], y[:80]
    settings = {"max_epochs": 2, "batch_size": 1000, "early_stopping": False, "optimizer": "sgd", "dropout": 0.0}

    def outputs(X_fit, y_fit, weights):
        return small(network, **settings).fit(X_fit, y_fit, sample_weight=weights)._read(X).numpy()

    plain, twice = outputs(X, y, None), np.concatenate([X, X])
    spoiled = np.concatenate([X, X + 5])
    for X_fit, y_fit, weights in (
        (X, y, np.ones(80)),
        (X, y, np.full(80, 2.0)),
        (spoiled, np.concatenate([y, y]), np.repeat([1.0, 0.0], 80)),
        (twice, np.concatenate([y, y]), np.repeat([1.5, -0.5], 80)),
    ):
        # other shapes of the matrix products round differently
        np.testing.assert_allclose(outputs(X_fit, y_fit, weights), plain, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("normalisation", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", ["relu", "selu"])
def test_every_normalisation_with_signed_weights(network, normalisation, activation, two_blobs):
    """The last batch of an epoch is a single event."""
    X, y, _ = two_blobs
    X, y = X[:61], y[:61]
    weights = np.random.default_rng(0).normal(1, 0.5, size=61)
    choices = {"normalisation": normalisation, "activation": activation, "dropout": 0.1}
    fitted = small(network, **choices, max_epochs=2, batch_size=20, early_stopping=False, lr=1e-3)
    prediction = fitted.fit(X, y, sample_weight=weights).predict(X)
    assert np.isfinite(prediction).all()
    np.testing.assert_allclose(fitted.predict(X[:7]), prediction[:7], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
@pytest.mark.parametrize(
    ("name", "value"), [("lr", 0.0), ("max_epochs", 0), ("dropout", 1.0), ("optimizer", "no"), ("validation", 0.0)]
)
def test_a_hyperparameter_outside_its_range_is_named(network, name, value, two_blobs):
    X, y, _ = two_blobs
    with pytest.raises(ValueError, match=f"'{name}' parameter of {network.__name__} must be"):
        network(**{name: value}).fit(X, y)


def test_every_public_class_is_documented_with_an_example():
    for name, one in PUBLIC.items():
        documentation = inspect.getdoc(one) if callable(one) else "callable"
        assert documentation, f"{name} has no docstring"
        if inspect.isclass(one) and issubclass(one, BaseEstimator) and not is_abstract(one):
            assert ">>>" in documentation, f"{name} shows no example"


def test_networks_are_classifiers_or_regressors():
    assert NETWORKS
    assert all(is_classifier(one()) != is_regressor(one()) for one in NETWORKS)


def test_importing_the_package_is_light():
    """`import sklearn_ml4fp` imports neither torch nor scikit-learn nor numpy (under 0.2 s follows from that)."""
    code = "import sys, sklearn_ml4fp; print([m for m in ('torch', 'sklearn', 'numpy', 'skorch') if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


class Gate(nn.Module):
    """An architecture that nobody has tested: a linear layer, gated by another one."""

    def __init__(self, d_in, d_out, *, width, activation, dropout, normalisation):
        super().__init__()
        self.norm = Norm(normalisation, d_in) if normalisation != "none" else nn.Identity()
        self.signal, self.gate = nn.Linear(d_in, width), nn.Linear(d_in, width)
        self.activation, self.dropout = ACTIVATIONS[activation](), Dropout(dropout)
        self.head = nn.Linear(width, d_out)

    def forward(self, x):
        """Map features ``(n_events, d_in)`` to outputs ``(n_events, d_out)``."""
        x = self.norm(x)
        return self.head(self.dropout(self.activation(self.signal(x)) * torch.sigmoid(self.gate(x))))


class _Gate(NetworkEstimator):
    width: int = hp(64, valid=Interval(Integral, 1, None, closed="left"), search=(16, 256), doc="Number of nodes.")

    _module = Gate


class GateClassifier(_Gate, NetworkClassifier):
    """Gated linear layer that classifies the rows of a table."""


class GateRegressor(_Gate, NetworkRegressor):
    """Gated linear layer that predicts numbers from the rows of a table."""


@pytest.mark.parametrize("network", [GateClassifier, GateRegressor])
@pytest.mark.filterwarnings("ignore:Skipping check check_array_api_input")
def test_a_new_architecture_is_covered_untouched(network, two_blobs):
    """The 40 lines above are all there is to write."""
    test_scikit_learns_own_checks(network)
    test_signature_constraints_and_documentation_come_from_one_declaration(network)
    test_a_fitted_network_survives_pickle_and_deepcopy(network, two_blobs)
    test_a_seed_is_a_network_and_the_global_random_state_is_left_alone(network, two_blobs)
    test_every_normalisation_with_signed_weights(network, "batch", "selu", two_blobs)
    assert {"width", "lr", "optimizer", "lr_schedule", "loss"} <= set(search_space(network()))
