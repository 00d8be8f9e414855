"""Draw every figure, as SVG for the page and as PDF for LaTeX."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from analysis import part, read, select
from snakemake.script import snakemake

from sklearn_ml4fp import LossCurveDisplay, RejectionDisplay

BACKGROUND, SIGNAL = "#0072B2", "#D55E00"
# fixed ids and no dates: the same numbers give the same files
plt.rcParams.update(
    {"font.size": 9, "svg.fonttype": "path", "svg.hashsalt": "paper", "figure.constrained_layout.use": True}
)
folder = Path(snakemake.output.svg[0]).parent
crossfits = {Path(path).stem: read(path) for path in snakemake.input.crossfits}
of_tuned = crossfits["tuned"]
y, w = of_tuned["y"], of_tuned["w"]
evaluated = json.loads(Path(snakemake.input.evaluated).read_text())


def keep(figure, name):
    """Write a figure in both forms."""
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
    plt.close(figure)


def compare(ax, values, edges, label, *, y, w, density=True):
    """Draw weighted histograms of both classes, told apart by colour and by line."""
    for name, of_class, color, style in (("W/Z+jets", 0, BACKGROUND, "-"), ("tt̄", 1, SIGNAL, "--")):
        chosen = y == of_class
        inside = np.clip(values[chosen], edges[0], np.nextafter(edges[-1], edges[0]))
        weights = w[chosen] / w[chosen].sum() if density else w[chosen]
        counts, error = (np.histogram(inside, edges, weights=one)[0] for one in (weights, weights**2))
        ax.stairs(counts, edges, color=color, linestyle=style, linewidth=1.5, label=name)
        centres = (edges[1:] + edges[:-1]) / 2
        ax.errorbar(centres, counts, np.sqrt(error), fmt="none", ecolor=color, elinewidth=1)
    ax.set(xlabel=label, ylabel="Share of events" if density else "Expected events", xlim=edges[[0, -1]])


events = select(part(read(snakemake.input.events), tuning=True))
figure, axes = plt.subplots(1, 3, figsize=(7, 2.3))
for ax, name, edges, label in zip(
    axes,
    ("ht", "n_jets", "met"),
    (np.linspace(60, 700, 17), np.arange(1.5, 7), np.linspace(0, 200, 17)),
    ("$H_T$ (GeV)", "Number of jets", "Missing $p_T$ (GeV)"),
    strict=True,
):
    compare(ax, events["X"][name].to_numpy(), edges, label, y=events["y"], w=events["w"])
axes[1].set_xticks(range(2, 7), ["2", "3", "4", "5", "6"])
axes[2].legend(frameon=False)
keep(figure, "inputs")

figure, ax = plt.subplots(figsize=(3.4, 2.6))
LossCurveDisplay.from_history(json.loads(Path(snakemake.input.training).read_text())["history"], ax=ax)
keep(figure, "training")

figure, ax = plt.subplots(figsize=(3.4, 2.6))
compare(ax, of_tuned["score"], np.linspace(0, 1, 26), "Score of the tuned network", y=y, w=w, density=False)
ax.axvline(np.mean(evaluated["cuts"]), color="black", linestyle=":", label="cut (mean of folds)")
ax.set_yscale("log")
ax.legend(framealpha=1, edgecolor="white")
keep(figure, "scores")

figure, ax = plt.subplots(figsize=(3.4, 2.6))
curves = {"tuned network": of_tuned["score"], "trees": crossfits["trees"]["score"], "$H_T$ alone": of_tuned["ht"]}
for name, score in curves.items():
    RejectionDisplay.from_predictions(y, score, sample_weight=w, name=name, ax=ax)
keep(figure, "rejection")

figure, ax = plt.subplots(figsize=(3.4, 2.6))
errors = dict(sorted(evaluated["errors"].items(), key=lambda one: one[1]))
names = {
    "counting": "counting",
    "simulation": "simulated events",
    "background": "background",
    "luminosity": "luminosity",
    "jet_scale": "jet energy",
    "lepton_scale": "lepton energy",
    "met_scale": "missing $p_T$",
}
bars = ax.barh([names[name] for name in errors], list(errors.values()), color=BACKGROUND)
ax.bar_label(bars, fmt="%.2f", padding=2)
ax.set(xlabel="Uncertainty of μ (%)", xlim=(0, 1.2 * max(errors.values())))
keep(figure, "uncertainties")
