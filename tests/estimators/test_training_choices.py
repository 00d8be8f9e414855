"""Every training choice, through the estimators."""

import copy
import inspect

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

import sklearn_ml4fp
from sklearn_ml4fp import BayesSearchCV, FeedForwardClassifier, FeedForwardRegressor, search_space
from sklearn_ml4fp.engine import OPTIMIZERS, SCHEDULES
from sklearn_ml4fp.nn import ACTIVATIONS

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
TARGET = 3 * X[:, 0] + 10
PLAIN = {"width": 16, "n_layers": 2, "random_state": 0, "max_epochs": 4, "device": "cpu"}


class EveryBatch(Callback):
    """Asks for batch events, which switches to skorch's own loop."""

    def on_batch_end(self, net, **kwargs):
        pass


def fitted(**params):
    return FeedForwardClassifier(**{**PLAIN, **params}).fit(X, Y)


def weights_of(estimator):
    return torch.cat([p.detach().flatten() for p in estimator.net_.module_.parameters()])


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, torch.optim.NAdam, torch.optim.Adamax])
def test_every_optimiser_lowers_the_loss(optimizer):
    numbers = {"momentum": np.float64(0.5), "weight_decay": np.float64(1e-4)}  # as a search draws them
    losses = fitted(optimizer=optimizer, nesterov=True, lr=0.01, **numbers).history_["train_loss"]
    assert losses[-1] < 0.95 * losses[0]


def test_an_optimiser_class_is_the_named_one():
    assert torch.equal(weights_of(fitted(optimizer="adam")), weights_of(fitted(optimizer=torch.optim.Adam)))


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_beta2_is_that_of_adam(optimizer):
    network = fitted(optimizer=optimizer, beta2=np.float64(0.9))
    assert network.net_.optimizer_.param_groups[0]["betas"] == (0.9, 0.9)
    assert not torch.equal(weights_of(network), weights_of(fitted(optimizer=optimizer)))


@pytest.mark.parametrize(("optimizer", "message"), [(dict, "subclass of"), (torch.optim.LBFGS, "no closure")])
def test_what_is_no_optimiser_is_refused(optimizer, message):
    with pytest.raises(ValueError, match=message):
        fitted(optimizer=optimizer)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_learns(activation):
    network = FeedForwardClassifier(
        **{**PLAIN, "max_epochs": 30}, activation=activation, dropout=0.05, lr=0.01, early_stopping=False
    )
    assert network.fit(X, Y).score(X, Y) > 0.9


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_every_classification_loss_learns(loss, label_smoothing):
    network = fitted(loss=loss, label_smoothing=label_smoothing, max_epochs=30, lr=0.01)
    assert network.score(X, Y) > 0.9


def test_label_smoothing_bounds_the_confidence():
    """On separable classes the smoothed loss is least at p = 1 − ε/2; plain cross-entropy has no such bound."""
    clear = np.where(Y[:, None] == 1, 1.0, -1.0) * np.ones((1, 4), np.float32)
    arguments = {**PLAIN, "max_epochs": 60, "lr": 0.01, "early_stopping": False}
    smoothed = FeedForwardClassifier(**arguments, label_smoothing=0.2).fit(clear, Y).predict_proba(clear)
    plain = FeedForwardClassifier(**arguments).fit(clear, Y).predict_proba(clear)
    assert smoothed.max(1) == pytest.approx(0.9, abs=0.01)
    assert plain.max(1).min() > 0.97


@pytest.mark.parametrize("loss", ["mse", "huber", "quantile", "gaussian_nll"])
def test_every_regression_loss_learns(loss):
    network = FeedForwardRegressor(**{**PLAIN, "max_epochs": 60}, loss=loss, lr=0.01, early_stopping=False)
    assert network.fit(X, TARGET).score(X, TARGET) > 0.9


def test_the_width_of_a_normal_distribution():
    """Noise of 0.2 on one side and 1 on the other, in a unit of 1000: the predicted standard deviation follows."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(4000, 1)).astype(np.float32)
    sigma = np.where(x[:, 0] > 0, 1000.0, 200.0)
    y = 5000 + 1000 * x[:, 0] + sigma * rng.normal(size=len(x))
    network = FeedForwardRegressor(width=32, loss="gaussian_nll", lr=0.005, max_epochs=40, random_state=0).fit(x, y)
    mean, std = network.predict(x, return_std=True)
    assert mean == pytest.approx(network.predict(x))
    for side in (x[:, 0] > 0.2, x[:, 0] < -0.2):
        assert np.median(std[side]) == pytest.approx(np.median(sigma[side]), rel=0.15)
        pulls = (y - mean)[side] / std[side]
        assert stats.norm.fit(pulls)[1] == pytest.approx(1, abs=0.1)


def test_several_targets_with_their_widths():
    targets = np.stack([TARGET, -TARGET], axis=1)
    network = FeedForwardRegressor(**PLAIN, loss="gaussian_nll").fit(X, targets)
    mean, std = network.predict(X, return_std=True)
    assert mean.shape == std.shape == targets.shape
    assert (std > 0).all()


def test_a_width_that_was_not_trained_is_an_error():
    with pytest.raises(ValueError, match="gaussian_nll"):
        FeedForwardRegressor(**PLAIN).fit(X, TARGET).predict(X, return_std=True)


def test_quantiles_cover_their_share():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(3000, 1)).astype(np.float32)
    y = rng.exponential(1 + x[:, 0])
    for quantile in (0.1, 0.9):
        network = FeedForwardRegressor(
            width=16, loss="quantile", quantile=quantile, lr=0.01, max_epochs=30, random_state=0
        ).fit(x, y)
        assert (y < network.predict(x)).mean() == pytest.approx(quantile, abs=0.03)


def test_huber_bears_outliers():
    """5 % of the targets are off by a hundred: the squared error follows them, Huber's does not."""
    rng = np.random.default_rng(0)
    spoiled = TARGET + np.where(rng.uniform(size=len(X)) < 0.05, 100.0, 0.0)
    arguments = {**PLAIN, "max_epochs": 60, "lr": 0.01, "early_stopping": False, "n_layers": 1, "width": 4}
    bias = {
        loss: abs(
            np.median(
                FeedForwardRegressor(**arguments, loss=loss, huber_delta=0.05).fit(X, spoiled).predict(X) - TARGET
            )
        )
        for loss in ("mse", "huber")
    }
    assert bias["huber"] < bias["mse"] / 2


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_of_every_epoch_is_in_the_history(schedule):
    network = fitted(lr_schedule=schedule, lr=0.01, max_epochs=4, warmup_epochs=1, lr_decay_epochs=2)
    rates = network.history_["lr"]
    assert len(rates) == 4  # too few for early stopping
    assert rates.max() <= 0.01 * (1 + 1e-9)
    assert (rates[-1] < rates.max()) == (schedule not in ("constant", "plateau"))
    assert network.net_.optimizer_.param_groups[0]["lr"] == 0.01  # the next training starts from the full rate


def test_a_constant_rate_is_recorded_too():
    np.testing.assert_array_equal(fitted(lr=0.01).history_["lr"], [0.01] * 4)


def test_partial_fit_goes_on_in_the_schedule():
    network = FeedForwardClassifier(**PLAIN, lr=0.01, lr_schedule="step", lr_decay=0.1, lr_decay_epochs=1)
    for _ in range(3):
        network.partial_fit(X, Y, classes=[0, 1])
    assert network.history_["lr"] == pytest.approx([1e-2, 1e-3, 1e-4])


def test_clipping_bounds_the_step():
    """With SGD a step is lr times the gradient, so its length is at most lr times the clipping."""
    arguments = {"optimizer": "sgd", "lr": 1.0, "max_epochs": 1, "batch_size": 240, "early_stopping": False}
    start = weights_of(fitted(**arguments, gradient_clipping=1e-9))
    free = (weights_of(fitted(**arguments)) - start).norm()
    clipped = (weights_of(fitted(**arguments, gradient_clipping=0.01)) - start).norm()
    assert free > 0.1
    assert clipped.item() == pytest.approx(0.01, rel=1e-3)


def test_l1_moves_every_matrix_entry_by_its_sign():
    arguments = {"optimizer": "sgd", "lr": 0.1, "max_epochs": 1, "batch_size": 240, "early_stopping": False}
    plain, pulled = fitted(**arguments), fitted(**arguments, l1=0.01)
    start = fitted(**{**arguments, "lr": 1e-12})
    for (name, p), q, p0 in zip(
        plain.net_.module_.named_parameters(),
        pulled.net_.module_.parameters(),
        start.net_.module_.parameters(),
        strict=True,
    ):
        expected = -0.1 * 0.01 * p0.sign() if "weight" in name else torch.zeros_like(p)
        assert torch.allclose(q - p, expected, atol=1e-6)


def test_l1_makes_useless_columns_light():
    arguments = {"max_epochs": 60, "lr": 0.01, "early_stopping": False}
    useless = [
        network.net_.module_.hidden[0].weight[:, 2:].abs().mean().item()
        for network in (fitted(**arguments), fitted(**arguments, l1=1e-2))
    ]
    assert useless[1] < useless[0] / 10


SEEN = []


class Watch(Callback):
    """Keeps the weights after every step."""

    def on_batch_end(self, net, training=False, **kwargs):
        SEEN.append(torch.cat([p.detach().flatten().clone() for p in net.module_.parameters()]))


def averaged_by_hand(decay):
    """The trained weights after every step of the first epoch, averaged with the ramp of the decay."""
    SEEN.clear()
    fitted(max_epochs=1, early_stopping=False, callbacks=[Watch()])
    start = weights_of(fitted(max_epochs=1, early_stopping=False, lr=1e-12))
    average = start
    for n, weights in enumerate(SEEN, start=1):
        d = min(decay, (1 + n) / (10 + n))
        average = d * average + (1 - d) * weights
    return average


@pytest.mark.parametrize("decay", [0.3, 0.999])
def test_the_average_of_the_weights(decay):
    network = fitted(max_epochs=1, early_stopping=False, ema_decay=decay)
    assert torch.allclose(weights_of(network), averaged_by_hand(decay), atol=1e-6)


def test_the_average_does_not_disturb_the_training():
    """The steps go on from the trained weights: the training loss is that of the training without an average."""
    plain, averaged = fitted(early_stopping=False), fitted(early_stopping=False, ema_decay=0.99)
    assert averaged.history_["train_loss"] == pytest.approx(plain.history_["train_loss"])
    assert not torch.allclose(weights_of(plain), weights_of(averaged), atol=1e-4)


def test_the_average_is_what_early_stopping_watches():
    network = fitted(ema_decay=0.99, max_epochs=6, validation=0.3)
    best = network.history_["valid_loss"].min()
    assert np.isfinite(best)
    # the hold-out is not known outside; a second fit with the same seed and X_val given is compared instead
    part = FeedForwardClassifier(**PLAIN, ema_decay=0.99).fit(X[:180], Y[:180], X_val=X[180:], y_val=Y[180:])
    log_p = part.predict_log_proba(X[180:])[np.arange(60), Y[180:]]
    assert -log_p.mean() == pytest.approx(part.history_["valid_loss"].min(), rel=1e-5)


def test_partial_fit_refuses_an_average():
    with pytest.raises(ValueError, match="ema_decay"):
        FeedForwardClassifier(**PLAIN, ema_decay=0.9).partial_fit(X, Y, classes=[0, 1])


def test_skorchs_own_loop_follows_the_same_recipe():
    choices = {"lr_schedule": "one_cycle", "gradient_clipping": 0.1, "l1": 1e-3, "ema_decay": 0.9, "dropout": 0.1}
    ours, skorchs = fitted(**choices), fitted(**choices, callbacks=[EveryBatch()])
    assert torch.allclose(weights_of(ours), weights_of(skorchs), atol=1e-6)


@pytest.mark.parametrize("normalisation", ["batch", "layer"])
def test_normalisation_with_weights_and_a_last_batch_of_one(normalisation):
    weights = np.random.default_rng(0).normal(1, 0.5, size=len(X))
    network = FeedForwardClassifier(**PLAIN, normalisation=normalisation, batch_size=239, early_stopping=False)
    assert np.isfinite(network.fit(X, Y, sample_weight=weights).predict_proba(X)).all()
    network.set_params(batch_size=16, max_epochs=30, early_stopping=True, lr=0.01)
    assert network.fit(X, Y).score(X, Y) > 0.9


@pytest.mark.parametrize("choices", [{"loss": "focal"}, {"label_smoothing": 0.1}, {"gradient_clipping": 0.1}])
def test_the_unit_of_the_weights_is_free(choices):
    one, two = (
        FeedForwardClassifier(**PLAIN, **choices).fit(X, Y, sample_weight=np.full(len(X), w)) for w in (1.0, 2.0)
    )
    assert torch.allclose(weights_of(one), weights_of(two), atol=1e-6)


@pytest.mark.parametrize("choices", [{"loss": loss} for loss in ("huber", "quantile", "gaussian_nll")])
def test_an_event_of_weight_zero_is_not_there(choices):
    """In full batches, so that removing it changes no batch."""
    arguments = {**PLAIN, **choices, "batch_size": 1000, "early_stopping": False, "optimizer": "sgd"}
    weights = np.ones(len(X))
    weights[:40] = 0
    X_spoiled = np.concatenate([100 + X[:40], X[40:]])
    with_zeros = FeedForwardRegressor(**arguments).fit(X_spoiled, TARGET, sample_weight=weights)
    without = FeedForwardRegressor(**arguments).fit(X[40:], TARGET[40:], sample_weight=weights[40:])
    assert torch.allclose(weights_of(with_zeros), weights_of(without), atol=1e-5)


def test_bfloat16_stays_near_float32():
    """bfloat16 has 8 bits of mantissa: outputs within 2 % after the same few steps; predictions are float32."""
    full, half = fitted(), fitted(precision="bfloat16")
    assert not torch.equal(weights_of(full), weights_of(half))
    assert half.predict_proba(X) == pytest.approx(full.predict_proba(X), abs=0.02)
    automatic = fitted(precision="auto")  # on a processor: float32
    assert torch.equal(weights_of(full), weights_of(automatic))


def test_a_fitted_estimator_with_every_choice_is_copied():
    network = fitted(lr_schedule="cosine", ema_decay=0.9, l1=1e-3, gradient_clipping=1.0, optimizer=torch.optim.NAdam)
    assert np.array_equal(copy.deepcopy(network).predict_proba(X), network.predict_proba(X))


def test_a_search_over_optimiser_schedule_and_activation_has_no_failed_candidate():
    network = FeedForwardClassifier(**{**PLAIN, "max_epochs": 2, "momentum": 0.9})
    space = search_space(network, include=["optimizer", "lr_schedule", "activation", "nesterov"])
    assert {len(space[name].categories) for name in ("optimizer", "lr_schedule", "activation")} == {5, 7}
    search = BayesSearchCV(network, space, n_iter=12, cv=2, random_state=0, error_score="raise", refit=False)
    scores = search.fit(X, Y).cv_results_["mean_test_score"]
    assert len(scores) == 12
    assert np.isfinite(scores).all()


def test_every_optimiser_with_every_schedule_and_activation():
    """The whole product, not a draw of it: 5 × 7 × 7 candidates, none of which fails."""
    network = FeedForwardClassifier(**{**PLAIN, "n_layers": 1, "max_epochs": 1, "batch_size": 60})
    grid = {"optimizer": list(OPTIMIZERS), "lr_schedule": list(SCHEDULES), "activation": list(ACTIVATIONS)}
    one_split = [(np.arange(180), np.arange(180, 240))]
    search = GridSearchCV(network, grid, scoring="neg_log_loss", cv=one_split, error_score="raise", refit=False)
    scores = search.fit(X, Y).cv_results_["mean_test_score"]
    assert scores.shape == (245,)
    assert np.isfinite(scores).all()


# every training choice, with a word of the docstring's sentence on where a search looks for it
SEARCHED = {
    "optimizer": "'sgd', 'adagrad', 'rmsprop', 'adam', 'adamw'", "momentum": "from 0 to 0.99",
    "nesterov": "False, True", "lr": "from 0.0001 to 0.01", "weight_decay": "from 1e-06", "l1": "from 1e-07",
    "lr_schedule": "'constant', 'exponential', 'step', 'plateau', 'cosine', 'one_cycle', 'coslog4'",
    "lr_decay": "from 0.1 to 0.9",
    "lr_decay_epochs": "from 2 to 20", "warmup_epochs": "from 0 to 5", "gradient_clipping": "from 0.1 to 10",
    "activation": "'relu', 'sigmoid', 'tanh', 'selu', 'gelu', 'silu', 'mish'",
    "init": "'auto', 'glorot', 'he', 'lecun'",
    "normalisation": "'none', 'batch', 'layer'", "dropout": "from 0 to 0.5", "ema_decay": "from 0.9 to 0.9999",
    "regularisation_schedule": "'constant', 'flat_cos'",
    "batch_size": "from 64 to 1024",
}  # fmt: skip
OF_CLASSIFIERS = {
    "loss": "'cross_entropy', 'focal'",
    "label_smoothing": "from 0 to 0.2",
    "focal_gamma": "from 0.5 to 5",
}
OF_REGRESSORS = {"loss": "'mse', 'huber', 'quantile', 'gaussian_nll'", "huber_delta": "from 0.1 to 3"}


OF_LARGE_STEPS = {  # whose steps are large
    "RealMLPClassifier": {"lr": "from 0.01 to 0.3", "weight_decay": "from 0.001"},
    "RealMLPRegressor": {"lr": "from 0.02 to 0.5", "weight_decay": "from 0.001"},
    "TableClassifier": {"lr": "from 0.005 to 0.1", "weight_decay": "from 0.001"},
    "TableRegressor": {"lr": "from 0.005 to 0.1", "weight_decay": "from 0.001"},
}


BASES = ("NetworkEstimator", "NetworkClassifier", "NetworkRegressor")
NETWORKS = [
    one
    for name in sklearn_ml4fp.__all__
    if name not in BASES and inspect.isclass(one := getattr(sklearn_ml4fp, name))
    if issubclass(one, sklearn_ml4fp.NetworkEstimator)
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.__name__)
def test_every_choice_of_every_network_is_within_reach_of_a_search(network):
    """And the docstring says where the search looks."""
    own = OF_CLASSIFIERS if issubclass(network, sklearn_ml4fp.NetworkClassifier) else OF_REGRESSORS
    space, documented = search_space(network()), network.__doc__.split("\nAttributes\n")[0]
    for name, domain in (SEARCHED | own | OF_LARGE_STEPS.get(network.__name__, {})).items():
        assert name in space
        entry = documented.split(f"\n{name} : ")[1].split("\n")[1]
        assert domain in entry.split("A search ")[1]
