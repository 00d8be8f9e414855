"""All architectures, and others' models, on tables, images and jets: score, parameters and seconds.

Five folds by event id (by random ids on the digits); every model sees the same folds, and the folds of one data set run
one after the other, models interleaved. Reported are the mean and the standard deviation over the folds of the weighted
AUC (accuracy on the digits), the number of parameters, and the median seconds of processor time of a fit (which other
jobs on the machine hardly change). Every fit is printed as it ends.

How each peer treats weights: HistGradientBoosting, XGBoost and LightGBM multiply gradients and Hessians by them;
MLPClassifier takes weights since scikit-learn 1.7; RealMLP and TabM (pytabkit) take none: their ``fit`` has no argument
for them, and they train unweighted. A row of our own network without weights says what that costs. All weights of these
events are positive. The events are the only data set here with weights; scores are weighted.

Trees and ``Table`` get the columns as they are, with NaN for what is absent; all other models, also the peers, get them
behind AutoScaler and MissingValueImputer with its indicators. The rows "turned" see each event turned about the beam
and mirrored, so that the lepton has φ = 0 and η > 0 and the missing momentum φ > 0: nothing there depends on it.

    python benchmarks/bench_architectures.py [--data events jets digits] [--events 20000] [--folds 5] [--epochs 100]

XGBoost, LightGBM and pytabkit take part where they are installed: put them in an environment of their own
(``pip install xgboost-cpu lightgbm pytabkit`` beside this package).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ml4fp import (
    AutoScaler,
    CNNClassifier,
    DenseNetClassifier,
    EventKFold,
    FeedForwardClassifier,
    JetConstituentFeatures,
    MissingValueImputer,
    ParticleWise,
    PointClouds,
    RealMLPClassifier,
    RecurrentClassifier,
    ResNetClassifier,
    TableClassifier,
    ToImage,
    ToList,
    TransformerClassifier,
    load_events,
    load_quark_gluon_jets,
    roc_auc_score,
)

Model = Callable[[], Any]
UNWEIGHTED = ("RealMLP", "TabM", "FeedForward, no weights")
EPOCHS_OF_TOKENS = 10  # on the events: a Transformer over columns takes 30 times as long an epoch as the others


def points_alone(clouds: PointClouds) -> PointClouds:
    """Clouds without columns of the event."""
    return PointClouds(clouds.values, clouds.offsets, clouds.feature_names)


def peer(module: str, name: str, **arguments: Any) -> Model | None:
    """A model of another package, where that is installed."""
    try:
        kind = getattr(import_module(module), name)
    except ImportError:
        return None
    return lambda: kind(**arguments)


def trees() -> dict[str, Model]:
    """Others' boosted trees, with their own defaults."""
    found = {
        "HistGradientBoosting": lambda: HistGradientBoostingClassifier(random_state=0),
        "XGBoost": peer("xgboost", "XGBClassifier", random_state=0, n_jobs=1),
        "LightGBM": peer("lightgbm", "LGBMClassifier", random_state=0, n_jobs=1, verbose=-1),
    }
    return {name: model for name, model in found.items() if model is not None}


def other_networks() -> dict[str, Model]:
    """Others' networks; TabM is narrower than its defaults (32 members of 512 nodes, no limit to the epochs)."""
    common = {"random_state": 0, "device": "cpu", "n_threads": 1}
    small = {"tabm_k": 8, "d_block": 256, "n_epochs": 30}  # for one core: the defaults take an hour a fit
    found = {
        "MLPClassifier": lambda: MLPClassifier((256,) * 3, early_stopping=True, random_state=0),
        "RealMLP": peer("pytabkit", "RealMLP_TD_Classifier", **common),
        "TabM": peer("pytabkit", "TabM_D_Classifier", **small, **common),
    }
    return {name: lambda model=model: prepared(model()) for name, model in found.items() if model is not None}


def prepared(model: Any) -> Any:
    """A model behind the scaling and imputation of a table; absent objects keep a column that says so."""
    return make_pipeline(AutoScaler(), MissingValueImputer(add_indicator=True), model)


def table_models(common: dict[str, Any]) -> dict[str, Model]:
    """Networks and peers for a table; our choices were made on 6000 of the events and three folds."""
    feedforward = {"activation": "silu", "dropout": 0.1, **common}
    columns = {"n_blocks": 2, "width": 32, "pooling": "mean", **common}
    its_own = {name: value for name, value in common.items() if name != "max_epochs"}  # with their own schedules
    return {
        "Table": lambda: TableClassifier(**its_own),
        "Table, one member": lambda: TableClassifier(n_members=1, **its_own),
        "RealMLP of this package": lambda: prepared(RealMLPClassifier(**its_own)),
        "FeedForward": lambda: prepared(FeedForwardClassifier(**feedforward)),
        "FeedForward, 4 members": lambda: prepared(FeedForwardClassifier(n_members=4, **feedforward)),
        "FeedForward, 5 members": lambda: prepared(FeedForwardClassifier(n_members=5, **feedforward)),
        "ResNet": lambda: prepared(ResNetClassifier(width=128, dropout=0.1, **common)),
        "DenseNet": lambda: prepared(DenseNetClassifier(**common)),
        "Transformer": lambda: prepared(TransformerClassifier(**columns)),
        **trees(),
        **other_networks(),
    }


def turned(X: np.ndarray, names: list[str]) -> np.ndarray:
    """Events turned about the beam and mirrored, to a lepton at φ = 0 and η > 0, and missing momentum at φ > 0."""
    X = X.copy()
    phi, eta = ([i for i, name in enumerate(names) if name.endswith(word)] for word in ("phi", "eta"))
    at = {name: names.index(name) for name in ("lepton_phi", "lepton_eta", "met_phi")}
    X[:, phi] = (X[:, phi] - X[:, [at["lepton_phi"]]] + np.pi) % (2 * np.pi) - np.pi
    X[:, phi] *= np.where(X[:, [at["met_phi"]]] < 0, -1, 1)
    X[:, eta] *= np.where(X[:, [at["lepton_eta"]]] < 0, -1, 1)
    return np.delete(X, at["lepton_phi"], axis=1)


def event_models(names: list[str], common: dict[str, Any]) -> dict[str, Model]:
    """Those for a table, some of them also for turned events, and one without weights."""
    fewer = {**common, "max_epochs": min(common["max_epochs"], EPOCHS_OF_TOKENS)}
    models = {**table_models(common), "Transformer": table_models(fewer)["Transformer"]}
    turn = FunctionTransformer(turned, kw_args={"names": names})
    again = ("FeedForward", "ResNet", *trees())
    return {
        **models,
        "FeedForward, no weights": models["FeedForward"],
        **{f"turned: {name}": lambda name=name: make_pipeline(turn, *steps_of(models[name]())) for name in again},
    }


def steps_of(model: Any) -> list[Any]:
    """The steps of a pipeline, or the model alone."""
    return [step for _, step in model.steps] if hasattr(model, "steps") else [model]


def jet_models(common: dict[str, Any]) -> dict[str, Model]:
    """Every representation of a jet, each with its networks."""
    image = [ToImage(n_pixels=17), FunctionTransformer(np.sqrt)]
    points = [JetConstituentFeatures(), FunctionTransformer(points_alone), ParticleWise(StandardScaler())]
    listed = [JetConstituentFeatures(), ToList(20), SimpleImputer(), StandardScaler()]
    networks = {
        "list: FeedForward": (listed, FeedForwardClassifier(**common)),
        "list: ResNet": (listed, ResNetClassifier(width=128, dropout=0.1, **common)),
        "image: CNN": (image, CNNClassifier(width=16, **common)),
        "image: ResNet": (image, ResNetClassifier(width=32, **common)),
        "image: DenseNet": (image, DenseNetClassifier(n_layers=2, width=8, **common)),
        "sequence: CNN": (points, CNNClassifier(width=32, **common)),
        "sequence: GRU": (points, RecurrentClassifier(cell="gru", **common)),
        "set: Transformer": (points, TransformerClassifier(n_blocks=2, width=32, pooling="mean", **common)),
    }
    ours = {name: lambda steps=steps, net=net: make_pipeline(*steps, net) for name, (steps, net) in networks.items()}
    peers = {**trees(), **other_networks()}
    return {
        **ours,
        **{
            f"list: {name}": lambda make=make: make_pipeline(*listed[:2], *steps_of(make()))
            for name, make in peers.items()
        },
    }


def digit_models(common: dict[str, Any]) -> dict[str, Model]:
    """Tables and images of digits."""
    shape = {"image_shape": (8, 8)}
    ours = {
        "image: CNN": lambda: make_pipeline(StandardScaler(), CNNClassifier(**shape, **common)),
        "image: ResNet": lambda: make_pipeline(StandardScaler(), ResNetClassifier(width=64, **shape, **common)),
        "image: DenseNet": lambda: make_pipeline(StandardScaler(), DenseNetClassifier(width=16, **shape, **common)),
    }
    return {**table_models(common), **ours}


def fit_score(name: str, model: Any, data: dict[str, Any], train: np.ndarray, test: np.ndarray) -> tuple[float, float]:
    """Score on the test part and seconds of processor time of the fit."""
    X, y, w = data["X"], data["y"], data["w"]
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if w is None or name in UNWEIGHTED:
            model.fit(X[train], y[train])
        else:  # in units of their mean, since some peers regularise against the sum of weights
            prefix = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
            model.fit(X[train], y[train], **{f"{prefix}sample_weight": w[train] / w[train].mean()})
        seconds = time.process_time() - start
        if data["score"] == "accuracy":
            return float(np.mean(model.predict(X[test]) == y[test])), seconds
        weights = None if w is None else w[test]
        return roc_auc_score(y[test], model.predict_proba(X[test])[:, 1], sample_weight=weights), seconds


def n_parameters(model: Any) -> str:
    """Number of trained weights of one of our networks, all members together."""
    last = steps_of(model)[-1]
    nets = [network.net_ for network in getattr(last, "members_", [])]
    return str(sum(p.numel() for net in nets for p in net.module_.parameters())) if nets else "–"


def load(name: str, n: int) -> tuple[dict[str, Any], Callable[[dict[str, Any]], dict[str, Model]]]:
    """At most ``n`` events of a data set, and the models that suit it."""
    if name == "events":
        bunch = load_events()
        rows = np.random.default_rng(0).permutation(len(bunch.target))[:n]  # fixed: every run compares the same events
        data = {"X": bunch.data[rows], "y": bunch.target[rows], "w": bunch.sample_weight[rows]}
        return {**data, "ids": bunch.groups[rows], "score": "AUC"}, partial(event_models, list(bunch.feature_names))
    if name == "jets":
        bunch = load_quark_gluon_jets()
        data = {"X": bunch.data[:n], "y": bunch.target[:n], "w": None, "ids": bunch.groups[:n]}
        return {**data, "score": "AUC"}, jet_models
    X, y = load_digits(return_X_y=True)
    return {"X": X[:n], "y": y[:n], "w": None, "ids": np.arange(len(y[:n])), "score": "accuracy"}, digit_models


def measure(name: str, n: int, folds: int, common: dict[str, Any], only: list[str] | None) -> None:
    """Print the table of one data set, and each fit before."""
    data, models_of = load(name, n)
    models = {model: make for model, make in models_of(common).items() if only is None or model in only}
    results: dict[str, list[tuple[float, float]]] = {model: [] for model in models}
    sizes = {}
    splits = EventKFold(folds).split(data["X"], data["y"], groups=data["ids"])
    for fold, (train, test) in enumerate(splits):
        for model_name, make in models.items():
            model = make()
            results[model_name].append(fit_score(model_name, model, data, train, test))
            sizes[model_name] = n_parameters(model)
            print(name, fold, model_name, *np.round(results[model_name][-1], 4), sizes[model_name], flush=True)
    print(f"\n{name}: {len(data['y'])} events, {folds} folds\n\n| model | {data['score']} | parameters | fit [s] |")
    print("|---|---:|---:|---:|")
    for model_name, values in results.items():
        scores, seconds = np.array(values).T
        spread = scores.std(ddof=1) if folds > 1 else 0.0
        print(
            f"| {model_name} | {scores.mean():.4f} ± {spread:.4f} | {sizes[model_name]} | {np.median(seconds):.1f} |",
            flush=True,
        )


def main() -> None:
    """Print one table a data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["events", "jets", "digits"])
    parser.add_argument("--models", nargs="+", help="names of rows; all where not given")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    common = {"random_state": 0, "max_epochs": arguments.epochs, "device": arguments.device}
    print(f"{arguments.device}, {arguments.threads} thread, torch {torch.__version__}")
    for name in arguments.data:
        measure(name, arguments.events, arguments.folds, common, arguments.models)


if __name__ == "__main__":
    main()
