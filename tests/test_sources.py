"""A source in the place of arrays, over the whole public list: it is taken, or refused in one sentence."""

import inspect

import awkward as ak
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import sklearn_ml4fp
from sklearn_ml4fp import (
    AugmentedPrediction,
    DropOutliers,
    EventSource,
    NetworkEstimator,
    Reflect,
    Resampled,
    Rotate,
    ZScoreScaler,
)
from sklearn_ml4fp._params import Declared

N = 60
RNG = np.random.default_rng(0)
LABEL = np.arange(N) % 2
FRAME = pd.DataFrame(RNG.exponential(size=(N, 4)), columns=list("abcd")).assign(
    label=LABEL, number=RNG.normal(size=N), weight=RNG.uniform(0.5, 2, N), event=np.arange(N) // 2
)
FRAME["a"] += LABEL
ROLES = {"features": list("abcd"), "target": "label", "event_id": "event"}
POINTS = ak.Array({f"jet_{name}": [[1.0, 2.0]] * N for name in ("pt", "eta", "phi", "m", "layer", "r", "z")})
SMALL = {"width": 4, "n_layers": 1, "n_blocks": 1, "n_class_blocks": 1, "n_heads": 1, "k": 2, "n_members": 1}
NEEDED = {
    "Resampled": (DropOutliers(), LogisticRegression()),
    "AugmentedPrediction": (Reflect(columns=[1]), LogisticRegression()),
    "BayesSearchCV": (LogisticRegression(), {"C": (0.1, 1.0)}),
    "OptunaSearchCV": (LogisticRegression(), {"C": (0.1, 1.0)}),
    "CrossFitClassifier": (LogisticRegression(),),
    "CrossFitRegressor": (Ridge(),),
    "ParticleWise": (ZScoreScaler(),),
}
METHODS = ("fit", "partial_fit", "fit_resample", "fit_transform", "split")


def is_base(one):
    abstract = any(getattr(getattr(one, name, None), "__isabstractmethod__", False) for name in dir(one))
    return abstract or (issubclass(one, Declared) and not hasattr(one, "fit"))


CASES = [
    (name, method)
    for name in sklearn_ml4fp.__all__
    if inspect.isclass(one := getattr(sklearn_ml4fp, name)) and not is_base(one) and not name.endswith("Display")
    for method in METHODS
    if hasattr(one, method)
]


def made(name):
    kind = getattr(sklearn_ml4fp, name)
    if not issubclass(kind, NetworkEstimator):
        return kind(*NEEDED.get(name, ()))
    declared = {name: value for name, value in SMALL.items() if name in kind._hyperparameters}
    return kind(**{"max_epochs": 1, "random_state": 0, **declared})


def source_for(one, memory=2**30):
    takes_points = hasattr(one, "transform") and not one.__sklearn_tags__().input_tags.two_d_array
    if takes_points or type(one).__name__ in ("ParticleWise", "JetConstituentFeatures"):
        words = [name.removeprefix("jet_") for name in POINTS.fields]
        return EventSource(POINTS, collections={"jet": words}, memory=memory)
    target = "number" if type(one).__name__.endswith("Regressor") else "label"
    return EventSource(FRAME, **ROLES | {"target": target}, memory=memory)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "method"), CASES, ids=[".".join(case) for case in CASES])
def test_a_source_is_taken_or_refused_in_one_sentence(name, method):
    one = made(name)
    refused = answer_of(getattr(one, method), source_for(one))
    if refused:
        assert "EventSource" in refused
        assert "source.read()" in refused or "source.chunks()" in refused
        assert method != "fit" or not isinstance(one, NetworkEstimator)


def answer_of(call, source):
    """What an error says, or None."""
    try:
        result = call(source)
    except (ValueError, TypeError) as error:
        return str(error)
    if inspect.isgenerator(result):
        assert all(isinstance(side, EventSource) for sides in result for side in sides)
    return None


def test_the_list_is_whole():
    assert {"fit", "partial_fit", "fit_resample", "fit_transform", "split"} == {method for _, method in CASES}
    assert len({name for name, _ in CASES}) > 60


@pytest.mark.parametrize("weight", [None, "weight"])
@pytest.mark.parametrize("kind", [Resampled, AugmentedPrediction])
def test_what_holds_an_estimator_reads_a_source(kind, weight):
    """And predicts it chunk by chunk, whatever its size."""
    first = DropOutliers() if kind is Resampled else Reflect(columns=[1])
    source = EventSource(FRAME, **ROLES, weight=weight)
    events = source.read()
    model = kind(first, LogisticRegression())
    given = {"sample_weight": events.sample_weight, "groups": events.groups}
    wanted = model.fit(events.data, events.target, **given).predict_proba(events.data)
    score = model.score(events.data, events.target, sample_weight=events.sample_weight)
    assert model.fit(source) is model
    np.testing.assert_allclose(model.predict_proba(source), wanted)
    np.testing.assert_array_equal(model.predict(source), model.predict(events.data))
    assert model.score(source) == pytest.approx(score)
    large = EventSource(FRAME, **ROLES, weight=weight, memory=100)
    np.testing.assert_allclose(model.predict_proba(large), wanted)
    with pytest.raises(ValueError, match=f"{kind.__name__} is fitted to events in memory.*memory=100"):
        model.fit(large)
    with pytest.raises(ValueError, match="y came as well"):
        model.fit(source, events.target)
    with pytest.raises(ValueError, match=r"y(, sample_weight)? came as well"):
        model.score(source, events.target)
    with pytest.raises(ValueError, match="needs the target of the source"):
        model.fit(EventSource(FRAME, **ROLES | {"target": None}))
    if kind is AugmentedPrediction:
        mean, std = model.predict_proba(source, return_std=True)
        np.testing.assert_allclose(mean, wanted)
        assert std.shape == wanted.shape


def test_directions_are_turned_back_chunk_by_chunk():
    frame = pd.DataFrame(RNG.normal(size=(N, 2)), columns=["x", "y"])
    source = EventSource(frame.assign(u=frame.x, v=frame.y), features=["x", "y"], target=["u", "v"])
    model = AugmentedPrediction(Rotate(xy_columns=[(0, 1)], target_xy=[(0, 1)]), Ridge(alpha=1e-6))
    events = source.read()
    wanted = model.fit(events.data, events.target).predict(events.data)
    np.testing.assert_allclose(model.fit(source).predict(source), wanted)
    assert model.score(source) == pytest.approx(model.score(events.data, events.target))
