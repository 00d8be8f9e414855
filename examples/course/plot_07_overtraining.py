r"""
Overtraining, seen and cured
============================

A network of 70 000 weights learns 600 events by heart; the loss of other events tells.

The loss of the training events falls on, that of the validation events rises from some epoch on: from there on the
network learns what is particular to its own events. Four cures: more events, an end at the best epoch, dropout, and
weight decay, which adds

.. math:: \frac{\lambda}{2} \lVert\theta\rVert^2

to the loss (Krogh and Hertz, NeurIPS 1991; dropout: Srivastava et al., J. Mach. Learn. Res. 15 (2014) 1929).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import AutoScaler, FeedForwardClassifier, MissingValueImputer, load_events

events = load_events()
prepare = make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant"))
X, y = prepare.fit_transform(events.data), np.asarray(events.target)
validation = {"X_val": X[10000:14000], "y_val": y[10000:14000]}

cures = {
    "no cure": (600, 50, {}),
    "dropout of one half": (600, 50, {"dropout": 0.5}),
    "weight decay": (600, 50, {"weight_decay": 0.02}),
    "ten times the events": (6000, 5, {}),  # as many steps
}
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, (n, epochs, choices)), style in zip(cures.items(), ("-", "--", "-.", (0, (5, 1, 1, 1))), strict=True):
    network = FeedForwardClassifier(width=180, max_epochs=epochs, patience=60, batch_size=60, random_state=0, **choices)
    history = network.fit(X[:n], y[:n], **validation).history_
    steps = history["epoch"] * n // 60
    (line,) = axis.plot(steps, history["valid_loss"], linestyle=style, label=name)
    if name == "no cure":
        best = network.best_epoch_ - 1
        axis.plot(steps, history["train_loss"], ":", color=line.get_color(), label="no cure, training loss")
        axis.plot(steps[best], history["valid_loss"][best], "o", color="black", label="early stopping")
axis.set(
    title="Validation loss with and without cures",
    xlabel="gradient steps, of 60 events each",
    ylabel="cross-entropy",
    ylim=(0, 1),
)
axis.legend(ncols=2)
plt.show()

# %%
# **Try:** a network of width 8. Is a smaller network a fifth cure, or does it learn less?
