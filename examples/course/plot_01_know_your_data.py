r"""
Know your data
==============

Before the first network: look at every column, in both classes, with the event weights.

Four columns of simulated collisions tell four stories: a long tail asks for a logarithm, a flat angle has nothing to
say by itself, absent jets are information, and a column that knows the answer must go. The weights count too: a sample
of :math:`n` weighted events tells as much as

.. math:: n_\text{eff} = \frac{\left(\sum_i w_i\right)^2}{\sum_i w_i^2} \le n

events of equal weight (Kish, *Survey Sampling*, 1965). ``investigate`` says all this of any table, the worst first.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ml4fp import investigate, load_events

events = load_events(as_frame=True)
X, y, w = events.data, np.asarray(events.target), np.asarray(events.sample_weight)
spoiled = X.assign(truth=np.where(y == 1, 172.5, 91.2) + np.random.default_rng(0).normal(0, 3, len(y)))
for finding in investigate(spoiled, y, sample_weight=w, groups=events.groups).findings[:3]:
    print(f"{finding.kind}, {', '.join(finding.columns)}: {finding.meaning}")
print(f"{len(w)} events tell as much as {w.sum() ** 2 / (w**2).sum():.0f} of equal weight")

# %%
# The absence of a fourth jet separates the classes better than many a number does.

figure, axes = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained")
figure.suptitle("Four columns, four stories")
shown = {
    "jet1_pt": "pT of jet 1 (GeV)\nlong tail: take the logarithm",
    "jet1_phi": "φ of jet 1 (rad)\nflat: no information alone",
    "truth": "planted column (GeV)\ntoo good: it knows the answer",
}
for axis, (column, label) in zip(axes, shown.items(), strict=False):
    edges = np.linspace(spoiled[column].min(), spoiled[column].quantile(0.995), 41)
    for number, name in enumerate(events.target_names):
        of, style = y == number, ("-", "--")[number]
        axis.hist(spoiled[column][of], edges, weights=w[of], density=True, histtype="step", linestyle=style, label=name)
    axis.set(xlabel=label, ylabel="density of weighted events")
jets = np.arange(1, 7)
for number, name in enumerate(events.target_names):
    absent = [np.average(np.isnan(X[f"jet{jet}_pt"][y == number]), weights=w[y == number]) for jet in jets]
    axes[3].plot(jets, absent, "o-", label=name)
axes[3].set(xlabel="jet\nabsence is information", ylabel="share of events without it", ylim=(0, 1))
axes[3].legend()
plt.show()

# %%
# **Try:** spoil the table in another way (a readout error of −999 in every fiftieth event, two equal columns, the
# events sorted by class). Does ``investigate`` find it?
