"""Networks for tables, and others' networks and boosted trees: score and processor time.

The simulated events (weighted AUC, folds by event id), and ten small tables that scikit-learn ships: digits, breast
cancer, wine, iris, glass, endings of chess games (categories alone) and the passengers of the Titanic, whose table has
gaps and categories (accuracy); diabetes, the speed of processors and the mass of penguins (R²); and a regression of
4000 rows whose formula is known (Friedman's first, R²). Every model sees the same
folds. ``Table*`` and ``RealMLP*`` get the columns as they are, other networks behind AutoScaler, MissingValueImputer
and one column of 0 and 1 for each category; trees and the models of pytabkit as they are, with their own defaults.
RealMLP and TabM of pytabkit have no argument for weights, and train without them. Reported are the mean and the
standard deviation over the folds, and the mean seconds of processor time of a fit, with the preparation. Each fold is
printed as it ends.

    OMP_NUM_THREADS=1 python benchmarks/bench_tables.py [--data events digits ...] [--events 6000] [--folds 3]
        [--models "Table" "XGBoost" ...]
"""

from __future__ import annotations

import argparse
import gzip
import re
import time
import warnings
from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import torch
from lightgbm import LGBMClassifier, LGBMRegressor
from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor, TabM_D_Classifier, TabM_D_Regressor
from sklearn import datasets
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier, XGBRegressor

from sklearn_ml4fp import (
    AutoScaler,
    EventKFold,
    FeedForwardClassifier,
    FeedForwardRegressor,
    MissingValueImputer,
    RealMLPClassifier,
    RealMLPRegressor,
    TableClassifier,
    TableRegressor,
    TabMClassifier,
    TabMRegressor,
    load_events,
    roc_auc_score,
)

TABLES = (
    *("events", "digits", "breast_cancer", "wine", "iris", "titanic", "chess", "glass"),
    *("diabetes", "processors", "penguins", "friedman"),
)
REGRESSIONS = ("diabetes", "processors", "penguins", "friedman")
SMALL_TABM = {"k": 8, "width": 128, "num_embedding": "piecewise"}  # for a processor: the defaults take 16 times as long
CATEGORIES = (
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    make_column_selector(dtype_include="category"),
)
NO_WEIGHTS = ("pytabkit: RealMLP", "pytabkit: TabM")


def prepared(network: Any) -> Any:
    """A network behind the preparation of a table."""
    numbers = make_pipeline(AutoScaler(), MissingValueImputer(add_indicator=True))
    return make_pipeline(make_column_transformer(CATEGORIES, remainder=numbers), network)


def models(*, regression: bool) -> dict[str, Callable[[], Any]]:
    """All models, by the names of their rows."""
    i = int(regression)
    feedforward, tabm = ((FeedForwardClassifier, FeedForwardRegressor)[i], (TabMClassifier, TabMRegressor)[i])
    real, table = ((RealMLPClassifier, RealMLPRegressor)[i], (TableClassifier, TableRegressor)[i])
    histogram = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)[i]
    xgb, lgbm = (XGBClassifier, XGBRegressor)[i], (LGBMClassifier, LGBMRegressor)[i]
    their_real, their_tabm = (RealMLP_TD_Classifier, RealMLP_TD_Regressor)[i], (TabM_D_Classifier, TabM_D_Regressor)[i]
    common, theirs = {"random_state": 0, "device": "cpu"}, {"random_state": 0, "device": "cpu", "n_threads": 1}
    return {
        "Table": partial(table, **common),
        "Table, one member": partial(table, n_members=1, **common),
        "FeedForward": lambda: prepared(feedforward(**common)),
        "TabM, k=8, width=128, piecewise": lambda: prepared(tabm(**SMALL_TABM, **common)),
        "HistGradientBoosting": partial(histogram, categorical_features="from_dtype", random_state=0),
        "XGBoost": partial(xgb, random_state=0, n_jobs=1, enable_categorical=True),
        "LightGBM": partial(lgbm, random_state=0, n_jobs=1, verbose=-1),
        "RealMLP": lambda: imputed(real(**common)),
        "pytabkit: RealMLP": lambda: imputed(their_real(**theirs)),
        "pytabkit: TabM": partial(their_tabm, tabm_k=8, d_block=128, n_epochs=30, **theirs),
    }


def imputed(model: Any) -> Any:
    """A model that takes no gaps, nor categories: means in their place, and columns that tell them."""
    return make_pipeline(make_column_transformer(CATEGORIES, remainder=MissingValueImputer(add_indicator=True)), model)


def of_openml(name: str, target: str, columns: list[str] | None = None) -> tuple[pd.DataFrame, np.ndarray]:
    """A table among the files with which scikit-learn tests its downloads: some columns, or all but the target."""
    folder = Path(sklearn.__file__).parent / "datasets" / "tests" / "data" / "openml" / name
    text = gzip.decompress(next(folder.glob("data-*.arff.gz")).read_bytes()).decode()
    head, rows = re.split(r"@data\s*\n", text, maxsplit=1, flags=re.IGNORECASE)
    names = re.findall(r"^@attribute\s+[\"']?([\w.]+)", head, re.IGNORECASE | re.MULTILINE)
    table = pd.read_csv(StringIO(rows), names=names, na_values="?", quotechar='"', comment="%")
    table = table.dropna(subset=target)
    columns = columns or [name for name in names if name != target]
    texts = table[columns].select_dtypes(exclude="number").columns
    return table[columns].astype(dict.fromkeys(texts, "category")), table[target].to_numpy()


def load(name: str, n: int) -> tuple[Any, Any, Any, Any]:
    """Rows, targets, weights or None, and ids; of the events at most ``n``, always the same."""
    if name == "events":
        bunch = load_events()
        rows = np.random.default_rng(0).permutation(len(bunch.target))[:n]
        X = pd.DataFrame(bunch.data[rows], columns=bunch.feature_names)
        return X, bunch.target[rows], bunch.sample_weight[rows], bunch.groups[rows]
    if name == "titanic":  # without the columns that tell who was in a boat
        X, y = of_openml("id_40945", "survived", ["pclass", "sex", "age", "sibsp", "parch", "fare", "embarked"])
    elif name == "chess":  # whether White, with king and rook against king and pawn, wins
        X, y = of_openml("id_3", "class")
        y = (y == "'won'").astype(int)
    elif name == "glass":
        X, y = of_openml("id_40675", "class")
    elif name == "penguins":
        X, y = of_openml("id_42585", "body_mass_g")
    elif name == "processors":
        X, y = of_openml("id_561", "class", ["vendor", "MYCT", "MMIN", "MMAX", "CACH", "CHMIN", "CHMAX"])
    elif name == "friedman":
        X, y = datasets.make_friedman1(4000, noise=1.0, random_state=0)
    else:
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X if hasattr(X, "iloc") else pd.DataFrame(X).rename(columns=str), y, None, np.arange(len(y))


def fit_and_score(row: str, model: Any, name: str, train: Any, test: Any) -> tuple[float, float]:
    """Score of a model, and its processor time."""
    (X, y, w), (X_test, y_test, w_test) = train, test
    step = f"{model.steps[-1][0]}__" if hasattr(model, "steps") else ""
    weights = {} if w is None or row in NO_WEIGHTS else {f"{step}sample_weight": w / w.mean()}
    start = time.process_time()
    model.fit(X, y, **weights)
    seconds = time.process_time() - start
    if name == "events":
        return roc_auc_score(y_test, model.predict_proba(X_test)[:, 1], sample_weight=w_test), seconds
    metric = r2_score if name in REGRESSIONS else accuracy_score
    return metric(y_test, model.predict(X_test)), seconds


def main() -> None:
    """Print one table a data set, and each fit before."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--models", nargs="+", help="names of rows; all where not given")
    parser.add_argument("--events", type=int, default=6000)
    parser.add_argument("--folds", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for name in arguments.data:
        X, y, w, ids = load(name, arguments.events)
        folds = list(EventKFold(arguments.folds).split(X, y, groups=ids))
        lines = []
        for row, make in models(regression=name in REGRESSIONS).items():
            if arguments.models is not None and row not in arguments.models:
                continue
            found = []
            for fold in folds:
                parts = [(X.iloc[i], y[i], None if w is None else w[i]) for i in fold]
                found.append(fit_and_score(row, make(), name, *parts))
                print(name, row, *np.round(found[-1], 4), flush=True)
            scores, seconds = np.array(found).T
            lines.append(f"| {row} | {scores.mean():.4f} ± {scores.std(ddof=1):.4f} | {seconds.mean():.1f} |")
        print(f"\n{name}: {X.shape[0]} rows of {X.shape[1]} columns\n\n| model | score | fit [s] |\n|---|---:|---:|")
        print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    main()
