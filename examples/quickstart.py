"""
From collisions to a tuned, cross-validated network
===================================================

Simulated top-quark pairs against W and Z bosons with jets, the whole way: look at the data, split by event number,
compare classifiers with event weights, tune one by Bayesian search, and test it once.
"""

# %%
# Event weights and event numbers reach every fit, split and score by themselves with scikit-learn's metadata routing.
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # pictures go to files, also where there is no screen

import numpy as np
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skopt.space import Integer

from sklearn_ml4fp import (
    BayesSearchCV,
    EventKFold,
    FeedForwardClassifier,
    LossCurveDisplay,
    OvertrainingDisplay,
    RejectionDisplay,
    asimov_score,
    load_events,
    roc_auc_scorer,
    search_space,
    train_val_test_split,
)

sklearn.set_config(enable_metadata_routing=True)

# %%
# The data: two classes, event weights that sum to the expected yields at 1 /fb, NaN for absent jets.
events = load_events()
for label, name in enumerate(events.target_names):
    weight = events.sample_weight[events.target == label]
    n_eff = weight.sum() ** 2 / (weight**2).sum()
    print(f"{name:9s} {len(weight):6d} events, N_eff {n_eff:6.0f}, {weight.sum():9.0f} expected at 1 /fb")
missing = np.isnan(events.data).any(axis=0).sum()
print(f"{events.data.shape[1]} columns, {missing} of them with absent jets\n")

# %%
# The split follows the event number; the test events are not looked at again before the end.
X, X_val, X_test, y, y_val, y_test, w, w_val, w_test, event, _, _ = train_val_test_split(
    events.data, events.target, events.sample_weight, events.groups, groups=events.groups
)

# %%
# Five-fold cross-validation by event number, weighted: an untuned network beside scikit-learn's own.


def prepared(classifier):
    """Fill absent jets, scale by the weighted mean and spread, classify."""
    return Pipeline(
        [
            ("fill", SimpleImputer(strategy="constant", fill_value=0.0)),
            ("scale", StandardScaler().set_fit_request(sample_weight=True)),
            ("network", classifier),
        ]
    )


network = prepared(FeedForwardClassifier(random_state=0))
candidates = {
    "FeedForwardClassifier": network,
    "MLPClassifier": prepared(
        MLPClassifier((256,) * 3, early_stopping=True, random_state=0).set_fit_request(sample_weight=True)
    ),
    "HistGradientBoosting": HistGradientBoostingClassifier(random_state=0).set_fit_request(sample_weight=True),
}
metadata = {"sample_weight": w, "groups": event}
for name, candidate in candidates.items():
    scores = cross_validate(candidate, X, y, cv=EventKFold(5), scoring=roc_auc_scorer, params=metadata, n_jobs=-1)
    auc = scores["test_score"]
    print(f"{name:22s} AUC {auc.mean():.4f} ± {auc.std(ddof=1):.4f}, {scores['fit_time'].mean():4.1f} s per fit")
print()

# %%
# Bayesian search in the space that the network itself declares, with small networks only: this is a demonstration.
space = search_space(
    network, include=["width", "dropout", "lr", "weight_decay"], override={"width": Integer(16, 128, "log-uniform")}
)
search = BayesSearchCV(network, space, n_iter=12, cv=EventKFold(4), scoring=roc_auc_scorer, n_jobs=-1, random_state=0)
search.fit(X, y, **metadata)
best = {name.split("__")[1]: value for name, value in search.best_params_.items()}
print(f"best of {search.n_iter}: AUC {search.best_score_:.4f} with", end=" ")
print(", ".join(f"{name} {value:.3g}" for name, value in best.items()), "\n")

# %%
# A cut for the largest expected significance, chosen on the validation events; the test events, once.
tuned = search.best_estimator_
yields = dict(zip(("background_yield", "signal_yield"), np.bincount(events.target, events.sample_weight), strict=True))


def significance(cut, X, y, w):
    """Asimov significance of the signal above a cut at 1 /fb, with a background known to 10 %."""
    selected = tuned.predict_proba(X)[:, 1] > cut
    return asimov_score(y, selected, sample_weight=w, relative_uncertainty=0.1, **yields)


cut = max(np.linspace(0.1, 0.98, 45), key=lambda cut: significance(cut, X_val, y_val, w_val))
print(f"best cut {cut:.2f}: expected significance {significance(cut, X_test, y_test, w_test):.1f} on test events")
print(f"test AUC of the tuned network: {roc_auc_scorer(tuned, X_test, y_test, sample_weight=w_test):.4f}")

plots = Path("quickstart_plots")
plots.mkdir(exist_ok=True)
displays = {
    "rejection": RejectionDisplay.from_estimator(tuned, X_test, y_test, sample_weight=w_test, name="tuned network"),
    "overtraining": OvertrainingDisplay.from_estimator(
        tuned, X, y, X_test, y_test, sample_weight_train=w, sample_weight_test=w_test
    ),
    "loss": LossCurveDisplay.from_estimator(tuned),
}
titles = {"rejection": "Rejection of W and Z bosons", "overtraining": "Scores of both classes", "loss": "Loss curves"}
for name, display in displays.items():
    display.ax_.set_title(titles[name])
    display.figure_.savefig(plots / f"{name}.png", dpi=150)
print(f"pictures: {', '.join(str(plots / f'{name}.png') for name in displays)}")
