"""All architectures, and others' models, on tables, images and jets: score, parameters and seconds.

Five folds by event id (by random ids on the digits); every model sees the same folds, and the folds of one data set run
one after the other, models interleaved. Reported are the mean and the standard deviation over the folds of the weighted
AUC (accuracy on the digits), the number of parameters, and the median seconds of a fit.

How each peer treats weights: HistGradientBoosting, XGBoost and LightGBM multiply gradients and Hessians by them;
MLPClassifier takes weights since scikit-learn 1.7; RealMLP and TabM (pytabkit) take none, and train unweighted. All
weights of these events are positive. The events are the only data set here with weights; scores are weighted.

    python benchmarks/bench_architectures.py [--data events jets digits] [--events 20000] [--folds 5] [--epochs 100]

XGBoost, LightGBM and pytabkit take part where they are installed: put them in an environment of their own
(``pip install xgboost lightgbm pytabkit`` beside this package).
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
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
    CNNClassifier,
    DenseNetClassifier,
    EventKFold,
    FeedForwardClassifier,
    JetConstituentFeatures,
    ParticleWise,
    PointClouds,
    RecurrentClassifier,
    ResNetClassifier,
    ToImage,
    ToList,
    TransformerClassifier,
    load_events,
    load_quark_gluon_jets,
    roc_auc_score,
)

Model = Callable[[], Any]


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


def peers() -> dict[str, Model]:
    """Others' models for tables, with their own defaults."""
    found = {
        "HistGradientBoosting": lambda: HistGradientBoostingClassifier(random_state=0),
        "XGBoost": peer("xgboost", "XGBClassifier", random_state=0, n_jobs=1),
        "LightGBM": peer("lightgbm", "LGBMClassifier", random_state=0, n_jobs=1, verbose=-1),
        "MLPClassifier": lambda: scaled(MLPClassifier((256,) * 3, early_stopping=True, random_state=0)),
        "RealMLP": peer("pytabkit", "RealMLP_TD_Classifier", random_state=0, device="cpu"),
        "TabM": peer("pytabkit", "TabM_D_Classifier", random_state=0, device="cpu"),
    }
    return {name: model for name, model in found.items() if model is not None}


def scaled(network: Any) -> Any:
    """A network behind the imputation and scaling of a table; absent objects keep a column that says so."""
    return make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), network)


def table_models(common: dict[str, Any]) -> dict[str, Model]:
    """Networks and peers for a table."""
    ours = {
        "FeedForward": lambda: scaled(FeedForwardClassifier(**common)),
        "ResNet": lambda: scaled(ResNetClassifier(width=128, dropout=0.1, **common)),
        "DenseNet": lambda: scaled(DenseNetClassifier(**common)),
        "Transformer": lambda: scaled(TransformerClassifier(n_blocks=2, width=32, **common)),
    }
    return {**ours, **peers()}


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
        "list: HistGradientBoosting": (listed[:2], HistGradientBoostingClassifier(random_state=0)),
    }
    return {name: lambda steps=steps, net=net: make_pipeline(*steps, net) for name, (steps, net) in networks.items()}


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
    """Score on the test part and seconds of the fit."""
    X, y, w = data["X"], data["y"], data["w"]
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if w is None or name in ("RealMLP", "TabM"):
            model.fit(X[train], y[train])
        else:  # in units of their mean, since some peers regularise against the sum of weights
            prefix = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
            model.fit(X[train], y[train], **{f"{prefix}sample_weight": w[train] / w[train].mean()})
    seconds = time.perf_counter() - start
    if data["score"] == "accuracy":
        return float(np.mean(model.predict(X[test]) == y[test])), seconds
    weights = None if w is None else w[test]
    return roc_auc_score(y[test], model.predict_proba(X[test])[:, 1], sample_weight=weights), seconds


def n_parameters(model: Any) -> str:
    """Number of trained weights of one of our networks."""
    net = getattr(model.steps[-1][1] if hasattr(model, "steps") else model, "net_", None)
    return "–" if net is None else str(sum(p.numel() for p in net.module_.parameters()))


def load(name: str, n: int) -> tuple[dict[str, Any], Callable[[dict[str, Any]], dict[str, Model]]]:
    """At most ``n`` events of a data set, and the models that suit it."""
    if name == "events":
        bunch = load_events()
        rows = np.random.default_rng(0).permutation(len(bunch.target))[:n]  # fixed: every run compares the same events
        data = {"X": bunch.data[rows], "y": bunch.target[rows], "w": bunch.sample_weight[rows]}
        return {**data, "ids": bunch.groups[rows], "score": "AUC"}, table_models
    if name == "jets":
        bunch = load_quark_gluon_jets()
        data = {"X": bunch.data[:n], "y": bunch.target[:n], "w": None, "ids": bunch.groups[:n]}
        return {**data, "score": "AUC"}, jet_models
    X, y = load_digits(return_X_y=True)
    return {"X": X[:n], "y": y[:n], "w": None, "ids": np.arange(len(y[:n])), "score": "accuracy"}, digit_models


def measure(name: str, n: int, folds: int, common: dict[str, Any]) -> None:
    """Print the table of one data set."""
    data, models_of = load(name, n)
    models = models_of(common)
    results: dict[str, list[tuple[float, float]]] = {model: [] for model in models}
    sizes = {}
    for train, test in EventKFold(folds).split(data["X"], data["y"], groups=data["ids"]):
        for model_name, make in models.items():
            model = make()
            results[model_name].append(fit_score(model_name, model, data, train, test))
            sizes[model_name] = n_parameters(model)
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
        measure(name, arguments.events, arguments.folds, common)


if __name__ == "__main__":
    main()
