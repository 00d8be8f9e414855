r"""
Scaling
=======

The same network on the same events, with columns in GeV, with z-scores, and with the scaler that suits each column.

A gradient step is of the same size in all directions, so a column in hundreds of GeV drowns one in radians. The z-score
gives all columns mean 0 and standard deviation 1; it leaves a long tail long, and the logarithm does not:

.. math:: z = \frac{x - \mu}{\sigma}, \qquad z = \frac{\log(x + x_0) - \mu_{\log}}{\sigma_{\log}}

(LeCun et al., *Efficient BackProp*, 1998, section 4.3). ``AutoScaler`` chooses by quantiles, column by column.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import (
    AutoScaler,
    FeedForwardClassifier,
    MissingValueImputer,
    TrainingWarning,
    ZScoreScaler,
    load_events,
)

warnings.simplefilter("ignore", TrainingWarning)  # it says that the first network needs a scaler
events = load_events(as_frame=True)
X, y = events.data[:8000], np.asarray(events.target)[:8000]
scalers = {"as it is, in GeV": "passthrough", "z-score": ZScoreScaler(), "AutoScaler": AutoScaler()}

figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
figure.suptitle("One network, three scalings")
for (name, scaler), style, colour in zip(scalers.items(), (":", "--", "-"), ("black", "C0", "C1"), strict=True):
    network = FeedForwardClassifier(width=64, max_epochs=15, metrics=["roc_auc"], random_state=0)
    model = make_pipeline(scaler, MissingValueImputer(strategy="constant"), network).fit(X, y)
    history = model[-1].history_
    label = f"{name}: {history['valid_roc_auc'].max():.3f}"
    axes[2].plot(history["epoch"], history["valid_roc_auc"], style, color=colour, label=label)
    if scaler != "passthrough":
        scaled = model[0].transform(X[["jet1_pt"]].reindex(columns=X.columns))
        axes[1].hist(np.asarray(scaled)[:, 0], np.linspace(-3, 7, 60), histtype="step", linestyle=style, color=colour)
axes[0].hist(X["jet1_pt"], np.linspace(0, 600, 60), histtype="step", linestyle=":", color="black")
axes[0].set(xlabel="pT of jet 1 (GeV)", ylabel="events", title="before")
axes[1].set(xlabel="pT of jet 1, scaled", ylabel="events", title="after")
axes[2].set(xlabel="epoch", ylabel="ROC AUC of the hold-out", title="what the network makes of it")
axes[2].set_xticks(range(0, 16, 5))
axes[2].legend()
plt.show()

# %%
# Which scaler for which column? The reasons stand in the fitted scaler.

for number in (0, 1, 2, X.columns.get_loc("n_jets")):
    print(f"{X.columns[number]:>8}: {model[0].scalings_[number]:8} {model[0].reasons_[number]}")

# %%
# **Try:** measure pT in MeV (``X * 1000`` for the columns with ``pt`` in their names). Which of the three curves
# change?
