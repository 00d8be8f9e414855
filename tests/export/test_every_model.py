"""Every public estimator, and scikit-learn's compositions of them, is the same after it is kept: a new one unasked."""

import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sklearn
import skops.io
from imblearn.over_sampling import RandomOverSampler
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from skopt.space import Categorical, Real
from test_common import NETWORKS, is_abstract, small
from test_transformers import NAMES, SAMPLERS, TRANSFORMERS, Y, clouds, events, make, table, values_of

import sklearn_ml4fp
from sklearn_ml4fp import (
    AugmentedPrediction,
    BayesSearchCV,
    Compose,
    CrossFitClassifier,
    CrossFitRegressor,
    DeepSetsClassifier,
    EventKFold,
    EventShuffleSplit,
    FeedForwardClassifier,
    FeedForwardRegressor,
    Graphs,
    MissingValueImputer,
    NeighbourInterpolation,
    OptunaSearchCV,
    ParticleTransformerRegressor,
    ParticleWise,
    PointClouds,
    RecurrentRegressor,
    Reflect,
    Resampled,
    RotatingKFold,
    Smear,
    WeightedSampler,
    ZScoreScaler,
    roc_auc_scorer,
    save_model,
)

TABLE = table(ZScoreScaler)
X = ((TABLE - TABLE.mean()) / TABLE.std()).to_numpy()
IDS, WEIGHTS = np.arange(len(Y)) // 2, np.linspace(-0.2, 1.8, len(Y))
TREES = ("sklearn.tree._tree.Tree",)


def network(**params):
    return small(FeedForwardClassifier, max_epochs=1, **params)


def regressor(**params):
    return small(FeedForwardRegressor, max_epochs=1, **params)


def search(kind, space, **params):
    return kind(LogisticRegression(), space, n_iter=2, cv=2, random_state=0, progress=False, **params)


def weighted(model):
    """Fitted with weights and ids, so that its parts hold requests of metadata, which know their owners."""
    return model.fit(X, Y, sample_weight=np.ones(len(Y)), groups=IDS)


def with_request():
    with sklearn.config_context(enable_metadata_routing=True):
        parts = StandardScaler().set_fit_request(sample_weight=True), network().set_fit_request(groups=False)
        return make_pipeline(*parts).fit(X, Y, sample_weight=np.abs(WEIGHTS))


# what scikit-learn makes of the networks, and what the public classes that need an argument are tried with
COMPOSITIONS = {
    "pipeline": lambda: make_pipeline(SimpleImputer(), MissingValueImputer(), network()).fit(X, Y),
    "requests": with_request,
    "columns": lambda: make_pipeline(
        make_column_transformer((ZScoreScaler(), NAMES[:2]), (StandardScaler(), NAMES[2:4]), remainder="passthrough"),
        network(),
    ).fit(TABLE, Y),
    "union": lambda: make_pipeline(FeatureUnion([("a", ZScoreScaler()), ("b", StandardScaler())]), network()).fit(X, Y),
    "voting": lambda: VotingClassifier([("a", network()), ("b", LogisticRegression())], voting="soft").fit(X, Y),
    "stacking": lambda: StackingClassifier([("a", network()), ("b", LogisticRegression())], cv=2).fit(X, Y),
    "bagging": lambda: BaggingClassifier(network(), n_estimators=2, random_state=0).fit(X, Y),
    "forest": lambda: make_pipeline(ZScoreScaler(), RandomForestClassifier(2, random_state=0)).fit(X, Y),
    "sigmoid": lambda: CalibratedClassifierCV(network(), cv=2).fit(X, Y),
    "isotonic": lambda: CalibratedClassifierCV(network(), cv=2, method="isotonic").fit(X, Y),
    "target": lambda: TransformedTargetRegressor(regressor(), func=np.log1p, inverse_func=np.expm1).fit(X, Y),
    "outputs": lambda: MultiOutputRegressor(regressor()).fit(X, X[:, :2]),
    "two numbers": lambda: regressor().fit(X, X[:, :2]),
    "deviation": lambda: regressor(loss="gaussian_nll").fit(X, X[:, 0]),
    "classes": lambda: OneVsRestClassifier(network()).fit(X, np.arange(len(Y)) % 3),
    "text": lambda: network(class_weight="balanced").fit(X, np.array(["top", "W"])[Y], sample_weight=np.abs(WEIGHTS)),
    "grid": lambda: GridSearchCV(network(), {"lr": [0.1, 0.01]}, cv=KFold(2), scoring="roc_auc").fit(X, Y),
    "random": lambda: RandomizedSearchCV(
        network(), {"width": [4, 8]}, n_iter=2, cv=2, scoring={"a": roc_auc_scorer, "b": "accuracy"}, refit="a"
    ).fit(X, Y),
    "BayesSearchCV": lambda: weighted(BayesSearchCV(network(), n_iter=1, cv=2, random_state=0, progress=False)),
    "dimensions": lambda: weighted(
        search(BayesSearchCV, [({"C": Real(0.1, 1.0)}, 1), {"C": Categorical([0.1, 1.0])}], warm_start=True)
    ),
    "OptunaSearchCV": lambda: weighted(search(OptunaSearchCV, {"C": (0.1, 1.0)}, warm_start=True)),
    "CrossFitClassifier": lambda: CrossFitClassifier(network(), cv=2, scoring=roc_auc_scorer).fit(X, Y, groups=IDS),
    "cross-fit, weighted": lambda: CrossFitClassifier(make_pipeline(StandardScaler(), network()), cv=2).fit(
        X, Y, groups=IDS, sample_weight=np.ones(len(Y))
    ),
    "CrossFitRegressor": lambda: CrossFitRegressor(regressor(), cv=2).fit(X, Y),
    "Resampled": lambda: weighted(Resampled(WeightedSampler(sampler=RandomOverSampler(random_state=0)), network())),
    "AugmentedPrediction": lambda: AugmentedPrediction(Smear(relative=0.1), network(), random_state=0).fit(TABLE, Y),
    "augmented": lambda: network(augment=Compose(augmenters=(Reflect(), Smear(relative=0.1)))).fit(TABLE, Y),
    "neighbours": lambda: network(augment=NeighbourInterpolation()).fit(X, Y),
    "splitter": lambda: network(validation=EventShuffleSplit(1)).fit(X, Y, groups=IDS),
    "clouds": lambda: DeepSetsClassifier(max_epochs=1, width=8).fit(clouds(), Y),
    "particles": lambda: make_pipeline(ParticleWise(ZScoreScaler()), RecurrentRegressor(max_epochs=1, width=8)).fit(
        clouds(), Y
    ),
    "kinematics": lambda: small(ParticleTransformerRegressor, max_epochs=1).fit(clouds(), Y),
}


def by_itself(one):
    """A public class with its defaults, fitted where an array is enough for that."""
    if one in TRANSFORMERS:
        return make(one).fit(events(one))
    return make(one)


PUBLIC = [
    one
    for one in (getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__)
    if inspect.isclass(one) and issubclass(one, BaseEstimator) and not is_abstract(one)
]
MODELS = {
    **{one.__name__: lambda one=one: small(one, max_epochs=1).fit(X, Y) for one in NETWORKS},
    **{
        one.__name__: lambda one=one: by_itself(one)
        for one in PUBLIC
        if one not in NETWORKS and one.__name__ not in COMPOSITIONS
    },
    **COMPOSITIONS,
}


def events_for(model):
    if type(model) in TRANSFORMERS:
        return events(type(model))  # which its scaling allows
    if getattr(model, "n_features_in_", None) == clouds().values.shape[1]:
        return clouds()
    return TABLE if hasattr(model, "feature_names_in_") else X


def numbers_of(answer):
    return values_of(answer) if isinstance(answer, PointClouds | Graphs) else answer


def answers_of(model):
    """All that a model says of the events."""
    events, answers = events_for(model), {}
    by_id = isinstance(model, (CrossFitClassifier, CrossFitRegressor)) and model._by_event
    for method in ("predict", "predict_proba", "decision_function", "transform"):
        if hasattr(model, method) and (hasattr(model, "n_features_in_") or hasattr(model, "classes_")):
            answers[method] = numbers_of(getattr(model, method)(events, **({"groups": IDS} if by_id else {})))
    if type(model) in SAMPLERS:
        answers["fit_resample"] = np.asarray(model.fit_resample(TABLE, Y)[0])
    if getattr(model, "loss", None) == "gaussian_nll":
        answers["deviation"] = model.predict(events, return_std=True)[1]
    return answers


SCRIPT = """
import pickle, sys
sys.path[:0] = sys.argv[2:]
from test_every_model import MODELS, TREES, answers_of
from sklearn_ml4fp import load_model
answers = {}
for number, name in enumerate(MODELS):
    model = load_model(f"{sys.argv[1]}/{number}.skops", trusted=TREES)
    answers[name] = answers_of(model), repr(model.get_params()), getattr(model, "history_", None)
with open(f"{sys.argv[1]}/answers", "wb") as file:
    pickle.dump(answers, file)
"""


@pytest.fixture(scope="module")
def models():
    return {name: fit() for name, fit in MODELS.items()}


@pytest.fixture(scope="module")
def answers(models, tmp_path_factory):
    """What the models say after they are loaded in another process, one for all of them."""
    folder = tmp_path_factory.mktemp("models")
    for number, model in enumerate(models.values()):
        save_model(model, folder / f"{number}.skops")
    here, root = Path(__file__).parent, Path(sklearn_ml4fp.__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, folder, root, here, here.parent],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return pickle.loads((folder / "answers").read_bytes())


@pytest.mark.parametrize("name", MODELS)
def test_it_is_the_same_in_another_process(name, models, answers):
    model, (loaded, parameters, history) = models[name], answers[name]
    expected = answers_of(model)
    assert loaded.keys() == expected.keys()
    assert expected
    for method, answer in expected.items():
        np.testing.assert_array_equal(loaded[method], answer)
    if hasattr(model, "history_"):
        np.testing.assert_equal(history, model.history_)
    assert parameters == repr(model.get_params())


def test_no_public_estimator_is_left_out(models):
    """A class that needs an argument gets its line in COMPOSITIONS."""
    assert {one.__name__ for one in PUBLIC} <= models.keys()


def defaults_of(one):
    parameters = inspect.signature(one.__init__).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters if parameter.default is not parameter.empty}


@pytest.mark.parametrize("one", [*PUBLIC, EventKFold, EventShuffleSplit, RotatingKFold], ids=lambda one: one.__name__)
def test_a_file_may_be_older_than_a_hyperparameter(one):
    """Which then has its default: here all of them are younger."""
    old = object.__new__(one)
    old.__dict__["learned_"] = 1
    content = skops.io.dumps(old)
    loaded = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    assert loaded.learned_ == 1
    assert {name: getattr(loaded, name, "absent") for name in defaults_of(one)} == defaults_of(one)
