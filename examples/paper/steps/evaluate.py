"""Compare the classifiers, choose the cuts, and measure the signal strength with all its uncertainties."""

from functools import partial
from pathlib import Path

import numpy as np
from analysis import part, read, select, write
from snakemake.script import snakemake

from sklearn_ml4fp import LabBook, background_rejection, bootstrap_interval, load_model, roc_auc_score

settings = snakemake.params.evaluate
crossfits = {Path(path).stem: read(path) for path in snakemake.input.crossfits}
of_tuned = crossfits["tuned"]
y, w, event, fold = (of_tuned[name] for name in ("y", "w", "event", "fold"))
classifiers = {name: one["score"] for name, one in crossfits.items()} | {"ht": of_tuned["ht"]}
scores = {"events": len(y), "yield_signal": w[y == 1].sum(), "yield_background": w[y == 0].sum()}
bootstrap = partial(
    bootstrap_interval,
    sample_weight=w,
    groups=event,
    n_resamples=settings["resamples"],
    random_state=settings["seed"],
)


def add_interval(name, metric, prediction):
    """Add a metric with the interval of its bootstrap."""
    value, low, high = bootstrap(metric, y, prediction)
    scores.update({name: value, f"{name}_low": low, f"{name}_high": high})


def rejection(y, score, sample_weight):
    """The rejection with one event added, which is finite for every sample."""
    return background_rejection(
        y, score, sample_weight=sample_weight, signal_efficiency=settings["efficiency"], b_reg=1.0
    )


def auc_difference(y, pair, sample_weight):
    """The difference of two areas on the same events."""
    return np.subtract(*(roc_auc_score(y, score, sample_weight=sample_weight) for score in pair.T))


for name, score in classifiers.items():
    add_interval(f"auc_{name}", roc_auc_score, score)
    add_interval(f"rejection_{name}", rejection, score)
add_interval("auc_gain", auc_difference, np.column_stack([classifiers["tuned"], classifiers["trees"]]))


# --- the cut of each fold, chosen on the other folds ---


def yields(y, w, selected):
    """Expected signal and background of a selection."""
    return w[selected & (y == 1)].sum(), w[selected & (y == 0)].sum()


def expected_error(cut, others):
    """Uncertainty of the signal strength by counting, background and limited simulation, on some of the events."""
    share = len(y) / others.sum()
    selected = others & (of_tuned["score"] > cut)
    s, b = (share * one for one in yields(y, w, selected))
    variance = s + b + (settings["background"] * b) ** 2 + share**2 * (w[selected] ** 2).sum()
    return np.sqrt(variance) / s if s > 0 else np.inf


grid = np.linspace(0.02, 0.98, 97)
cuts = np.array([min(grid, key=lambda cut, k=k: expected_error(cut, fold != k)) for k in range(fold.max() + 1)])
selected = of_tuned["score"] > cuts[fold]
s, b = yields(y, w, selected)
n = s + b
scores |= {"selected_signal": s, "selected_background": b, "cut": cuts.mean(), "purity_percent": 100 * s / n}
scores["efficiency_percent"] = 100 * s / scores["yield_signal"]
scores["background_percent"] = 100 * b / scores["yield_background"]

# --- the signal strength μ = (N − B) / S, N as expected: its uncertainties in percent ---

errors = {"counting": 100 * np.sqrt(n) / s}


def strength(y, selected, sample_weight):
    """Signal strength that a sample of the simulated events would measure."""
    signal, background = yields(y, sample_weight, selected)
    return (n - background) / signal


_, low, high = bootstrap(strength, y, selected)
errors["simulation"] = 100 * (high - low) / 2
errors["background"] = 100 * settings["background"] * b / s
errors["luminosity"] = 100 * abs((n / (1 + settings["luminosity"]) - b) / s - 1)
events, model = part(read(snakemake.input.events), tuning=False), load_model(snakemake.input.model)
for scale, size in snakemake.params.variations.items():
    shifts = []
    for direction, factor in (("up", 1 + size), ("down", 1 - size)):
        varied = select(events, **{scale: factor})
        score = model.predict_proba(varied["X"], groups=varied["event"])[:, 1]  # by who has not seen the event
        passed = score > cuts[model.cv_.assign(varied["event"])]
        s_varied, b_varied = yields(varied["y"], varied["w"], passed)
        shifts.append(100 * ((n - b_varied) / s_varied - 1))
        scores[f"shift_{scale}_{direction}_percent"] = shifts[-1]
    errors[scale] = max(np.abs(shifts))
statistical = errors["counting"]
systematic = np.sqrt(sum(value**2 for name, value in errors.items() if name not in ("counting", "luminosity")))
scores |= {f"error_{name}_percent": value for name, value in errors.items()}
scores |= {"error_systematic_percent": systematic}
scores |= {"error_total_percent": np.sqrt(statistical**2 + systematic**2 + errors["luminosity"] ** 2)}

book = LabBook(snakemake.params.book, experiment="evaluated")
run = book.add("evaluation", scores, params={**snakemake.params.variations, **settings})
write(snakemake.output.run, experiment="evaluated", run=run, cuts=cuts.tolist(), errors=errors)
