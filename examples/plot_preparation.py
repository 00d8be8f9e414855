"""
Know your data, then prepare it
===============================

A report before the first model, the scalings that it names, and an outlier and a rare class dealt with inside a
Pipeline that carries event weights and event numbers.
"""

# %%
# Simulated collisions with weights, event numbers, and NaN where a jet is absent. Two faults are planted: a readout
# error that left −999, and a column that knows the answer.
import matplotlib.pyplot as plt
import numpy as np
import sklearn
from imblearn.over_sampling import RandomOverSampler
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    EventKFold,
    FeedForwardClassifier,
    MissingValueImputer,
    OutlierClipper,
    Resampled,
    Smear,
    investigate,
    load_events,
    roc_auc_scorer,
)

events = load_events(as_frame=True)
X, y, w, ids = events.data, np.asarray(events.target), events.sample_weight, events.groups
spoiled = X.assign(truth_mass=np.where(y == 1, 172.5, 91.2) + np.random.default_rng(0).normal(0, 3, len(y)))
spoiled.loc[::50, "met"] = -999.0
report = investigate(spoiled, y, sample_weight=w, groups=ids)
for finding in report.findings[:2]:
    print(f"{finding.kind} {finding.columns}: {finding.meaning}\n    {finding.action}")

# %%
# The whole report is a page; here it is for the data as it came. Findings are on top, each column has its histogram per
# class, and names the scaling that suits it.
report = investigate(X, y, sample_weight=w, groups=ids)
report  # noqa: B018

# %%
# ``AutoScaler`` applies what the report names. What it does to four columns:
scaler = AutoScaler().fit(X, sample_weight=w)
scaled = scaler.set_output(transform="pandas").transform(X)
shown = {"jet1_pt": "GeV", "met": "GeV", "jet1_eta": "pseudorapidity", "jet1_phi": "rad"}
figure, axes = plt.subplots(2, len(shown), figsize=(11, 4.5), layout="constrained")
figure.suptitle("Four columns before and after AutoScaler")
for column, name in enumerate(shown):
    for row, frame in enumerate((X, scaled)):
        axes[row, column].hist(frame[name], bins=60, weights=w, histtype="step")
        scaling = scaler.scalings_[X.columns.get_loc(name)]
        axes[row, column].set_xlabel(f"{name} ({shown[name]})" if row == 0 else f"{name}, {scaling}")
for axis in axes[:, 0]:
    axis.set_ylabel("weighted events")
plt.show()

# %%
# Everything inside one Pipeline: limits, scalings and fill values are learned from the training folds alone, with
# weights. ``Resampled`` balances the classes of the training events; the network's hold-out is set apart before, by
# event number.
sklearn.set_config(enable_metadata_routing=True)
network = FeedForwardClassifier(width=32, n_layers=2, max_epochs=10, random_state=0)
model = make_pipeline(
    OutlierClipper(),
    AutoScaler(),
    MissingValueImputer(strategy="constant", add_indicator=True),
    Resampled(RandomOverSampler(random_state=0), network),
)
scores = cross_validate(
    model, X, y, cv=EventKFold(3), scoring=roc_auc_scorer, params={"sample_weight": w, "groups": ids}
)["test_score"]
print(f"ROC AUC {scores.mean():.4f} ± {scores.std(ddof=1):.4f}")

# %%
# An augmentation to look at: jets smeared by a calorimeter's resolution, with the missing momentum and the sum of
# transverse momenta following.
jets = [f"jet{i}_pt" for i in range(1, 7)]
smeared = Smear(columns=jets, stochastic=0.8, relative=0.05, random_state=0).augment(X)
figure, axis = plt.subplots(figsize=(5, 3.5), layout="constrained")
axis.hist(smeared["jet1_pt"] / X["jet1_pt"], bins=np.linspace(0.6, 1.6, 80), histtype="step", label="jet1_pt")
axis.hist(smeared["ht"] / X["ht"], bins=np.linspace(0.6, 1.6, 80), histtype="step", ls="--", label="ht")
axis.set(title="Smeared jets", xlabel="smeared / measured", ylabel="events")
axis.legend()
plt.show()
sklearn.set_config(enable_metadata_routing=False)
