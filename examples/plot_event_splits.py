"""
Splits by event, cross-fitting and weighted metrics
===================================================

From one file of weighted events to numbers that can stand in a paper: parts that follow the event number, a classifier
that never scores an event that it was trained on, its working point and significance with uncertainties, and pictures.
"""

# %%
# Events, with weights that sum to the expected yield at 1 /fb, and with event numbers.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_ml4fp import (
    CalibrationDisplay,
    CorrelationDisplay,
    CrossFitClassifier,
    EventKFold,
    ImportanceDisplay,
    OvertrainingDisplay,
    RejectionDisplay,
    asimov_score,
    background_rejection,
    bootstrap_interval,
    ks_test,
    load_events,
    roc_auc_score,
    roc_auc_scorer,
    train_val_test_split,
)

events = load_events(as_frame=True)
X, y, w, event = events.data, np.asarray(events.target), np.asarray(events.sample_weight), np.asarray(events.groups)
shown = ["jet1_pt", "jet2_pt", "lepton_pt", "met", "ht", "n_jets"]
CorrelationDisplay.from_data(X[shown], sample_weight=w)
plt.title("Weighted correlations")
plt.show()

# %%
# Three parts by event number. Sorting the rows, adding events, or reading a systematic variation of the same events
# does not move an event from one part to another.
X_train, X_val, X_test, y_train, y_val, y_test, w_train, w_val, w_test, e_train, e_val, e_test = train_val_test_split(
    X, y, w, event, groups=event
)
print(f"{len(X_train)} + {len(X_val)} + {len(X_test)} events")
order = np.random.default_rng(0).permutation(len(X))
again = train_val_test_split(event[order], groups=event[order])
print("the same test events after shuffling the file:", set(again[2]) == set(e_test))

# %%
# Folds inside a part are independent of it: all five are of equal size. Folds inside folds are too, if their number or
# their salt is another; else an error says what to do.
folds = EventKFold(5).assign(e_train)
print("events in the folds of the training part:", np.bincount(folds))
train = folds != 0
print("folds inside fold 0's training events:   ", np.bincount(EventKFold(5, salt="inner").assign(e_train[train])))
try:
    list(EventKFold(5).split(e_train[train], groups=e_train[train]))
except ValueError as error:
    print(error)

# %%
# Cross-fitting: five models, each trained without one fold. Every event, of this file or of any other, is scored by the
# model that has not seen it, so no event is lost for training, and none is scored by its own model.
model = CrossFitClassifier(HistGradientBoostingClassifier(max_iter=60, random_state=0), scoring=roc_auc_scorer)
model.fit(X_train, y_train, groups=e_train, sample_weight=w_train)
print(f"out-of-fold AUC {model.oof_score_:.4f}, fold by fold {model.fold_scores_.round(4)}")

score_train = model.predict_proba(X_train, groups=e_train)[:, 1]
score_val = model.predict_proba(X_val, groups=e_val)[:, 1]
score_test = model.predict_proba(X_test, groups=e_test)[:, 1]

# %%
# Metrics of the test events, with the uncertainty from drawing events again.
auc = bootstrap_interval(
    roc_auc_score, y_test, score_test, sample_weight=w_test, groups=e_test, n_resamples=200, random_state=0
)
print(f"test AUC {auc.value:.4f}, 68 % interval [{auc.low:.4f}, {auc.high:.4f}]")
rejection, error = background_rejection(
    y_test, score_test, signal_efficiency=0.5, sample_weight=w_test, return_error=True
)
print(f"background rejection at half of the signal: {rejection:.1f} ± {error:.1f}")

# %%
# A cut is chosen on validation events and reported on test events: the expected significance over a background that is
# known to 10 %. Both parts are a fifth of all: the yields of each whole class scale them up.
yields = {"relative_uncertainty": 0.1, "signal_yield": w[y == 1].sum(), "background_yield": w[y == 0].sum()}
cuts = np.linspace(0.05, 0.95, 19)
significance = [asimov_score(y_val, score_val > cut, sample_weight=w_val, **yields) for cut in cuts]
best = cuts[np.argmax(significance)]
print(f"best cut {best:.2f}: {max(significance):.1f} standard deviations on validation, ", end="")
print(f"{asimov_score(y_test, score_test > best, sample_weight=w_test, **yields):.1f} on test events")

# %%
# Negative weights are no special case: here the sign of a tenth of them is flipped, and the rest scaled up.
flipped = np.random.default_rng(1).uniform(size=len(w_test)) < 0.1
signed = np.where(flipped, -1, 1) * w_test / (1 - 2 * 0.1)
print(f"test AUC with a tenth of negative weights: {roc_auc_score(y_test, score_test, sample_weight=signed):.4f}")

# %%
# Are the scores of training and test events alike? The training events' are out of fold, so they should be.
for label, name in enumerate(events.target_names):
    one, two = y_train == label, y_test == label
    result = ks_test(
        score_train[one], score_test[two], weight_1=w_train[one], weight_2=w_test[two], groups_1=e_train[one],
        groups_2=e_test[two], n_permutations=199, random_state=0,
    )  # fmt: skip
    print(f"{name}: KS distance {result.statistic:.3f}, p-value {result.pvalue:.2f}")

# %%
# Pictures, in scikit-learn's convention: ``from_estimator`` or ``from_predictions``, and ``ax=``.
fig, axes = plt.subplots(2, 2, figsize=(11, 9), layout="constrained")
fig.suptitle("Rejection, overtraining, calibration and importance")
RejectionDisplay.from_predictions(y_test, score_test, sample_weight=w_test, name="cross-fitted", ax=axes[0, 0])
OvertrainingDisplay.from_predictions(
    y_train, score_train, y_test, score_test, sample_weight_train=w_train, sample_weight_test=w_test, ax=axes[0, 1]
)
CalibrationDisplay.from_estimator(model, X_test, y_test, sample_weight=w_test, groups=e_test, ax=axes[1, 0])
jets = {f"jet {i}": [f"jet{i}_{name}" for name in ("pt", "eta", "phi", "m")] for i in (1, 2, 3, 4)}
lepton = {"lepton": ["lepton_pt", "lepton_eta", "lepton_phi"], "missing pT": ["met", "met_phi"]}
sums = {"H_T": "ht", "number of jets": "n_jets"}
ImportanceDisplay.from_estimator(
    model, X_test, y_test, columns=jets | lepton | sums, sample_weight=w_test, groups=e_test, n_repeats=3,
    random_state=0, ax=axes[1, 1],
)  # fmt: skip
plt.show()
