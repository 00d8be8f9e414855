r"""
Learning rates and schedules
============================

Too small, right, too large; and a rate that falls while the training goes on.

Near a minimum of curvature :math:`\lambda`, gradient descent multiplies the distance by :math:`1 - \eta\lambda` in
every step: it creeps for small :math:`\eta`, and diverges for

.. math:: \eta > \frac{2}{\lambda_\text{max}}

(LeCun et al., *Efficient BackProp*, 1998, section 5). A large rate finds the valley fast and a small one its bottom, so
schedules go from one to the other; a cosine, :math:`\eta_t = \tfrac{\eta}{2}(1 + \cos \pi t/T)`, needs no further
number (Loshchilov and Hutter, `arXiv:1608.03983 <https://arxiv.org/abs/1608.03983>`_).
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import AutoScaler, FeedForwardClassifier, MissingValueImputer, TrainingWarning, load_events

warnings.simplefilter("ignore", TrainingWarning)  # two of these trainings are bad on purpose, and it would say so
events = load_events()
prepare = make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant"))
X, y = prepare.fit_transform(events.data[:12000]), events.target[:12000]
common = {"width": 32, "max_epochs": 20, "patience": 20, "random_state": 0}

figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
figure.suptitle("The learning rate, and what a schedule makes of it")
for lr, style in ((1e-5, ":"), (1e-3, "-"), (0.3, "--")):
    history = FeedForwardClassifier(lr=lr, **common).fit(X, y).history_
    axes[0].plot(history["epoch"], history["valid_loss"], linestyle=style, label=f"{lr:g}")
axes[0].set(xlabel="epoch", ylabel="cross-entropy of the hold-out", title="three constant rates", ylim=(0.3, 0.9))
axes[0].legend(title="learning rate")
for schedule, style in (("constant", "-"), ("step", "-."), ("cosine", "--"), ("one_cycle", ":")):
    history = FeedForwardClassifier(lr=0.05, lr_schedule=schedule, **common | {"width": 8}).fit(X, y).history_
    axes[1].plot(history["epoch"], history["lr"], linestyle=style, label=schedule)
    axes[2].plot(history["epoch"], history["valid_loss"], linestyle=style, label=schedule)
axes[1].set(xlabel="epoch", ylabel="learning rate", title="four schedules")
axes[2].set(xlabel="epoch", ylabel="cross-entropy of the hold-out", title="what they reach")
axes[2].legend()
plt.show()

# %%
# **Try:** ``optimizer="sgd"`` with the same three rates. What is the right one now, and why is it larger than Adam's?
