"""Findings of a data report: each says what it means and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ._data_facts import Facts, Finding, printable

# Five standard deviations: with hundreds of comparisons per report, chance alone gives no finding.
_SIGMA = 5.0
# An area of 0.99 from one column, or a rank correlation of that size with the target, is too good to be physics.
_LEAK = 0.98
_NEAR_DUPLICATE = 0.999
_TREND = 0.1  # a weaker rank correlation with the event id does not matter to a model
_MISSING_DIFFERENCE = 0.05  # of the shares of missing values in two classes
_MANY_MISSING = 0.5
_RARE_CLASS = 0.1
_SHIFTED = 0.05  # largest difference of the cumulative distributions of training and test
_TOLD_APART = 0.55  # area of the classifier of training against test
_FEW_EFFECTIVE = 0.5  # effective over actual number of events


_ORDER = ("error", "warning", "hint")


def find(report: Facts) -> list[Finding]:
    """Find all faults that a report shows, the severest first."""
    checks = (_of_values, _of_weights, _of_classes, _of_missing, _of_associations, _of_duplicates, _of_test)
    found = [one._replace(meaning=printable(one.meaning)) for check in checks for one in check(report)]
    return sorted(found, key=lambda one: _ORDER.index(one.severity))


def _is_trend(correlation: float, n: float) -> bool:
    """Return whether a rank correlation of ``n`` independent events is large, and not by chance (σ = 1/√n)."""
    return abs(correlation) > _TREND and abs(correlation) * np.sqrt(n) > _SIGMA


def _of_values(report: Facts) -> Iterator[Finding]:
    for name in report.repeated_names:
        yield Finding(
            "warning", "repeated names", (name,),
            f"Several columns are called {name}; the later ones are {name} (2) and so on here.",
            "Rename them: a selection by name takes all of them, or any.",
        )  # fmt: skip
    for name, dtype in report.other_columns.items():
        yield Finding("warning", "not numeric", (name,), f"{name} holds {dtype}.", "Encode it as numbers, or drop it.")
    for c in report.columns:
        one = (c.name,)
        if c.n_infinite:
            yield Finding(
                "error", "infinite", one, f"{c.n_infinite} values of {c.name} are infinite.",
                "Mend the formula that makes them, or mark them as missing (NaN).",
            )  # fmt: skip
        if c.n_missing == report.n_rows(c.level):
            yield Finding("warning", "empty", one, f"{c.name} has no value at all.", "Drop it: DropMissingColumns.")
        elif not c.shape.high > c.shape.low:
            yield Finding(
                "warning", "constant", one, f"{c.name} has the one value {c.shape.low:g}: it tells nothing.", "Drop it."
            )
        if c.placeholder is not None:
            value, count = c.placeholder
            yield Finding(
                "error", "placeholder", one,
                f"{count} events share the value {value:g} of {c.name}, far from all others: it seems to stand for a "
                "missing value, and would rule every mean and range.",
                "Replace it by NaN (MissingValueImputer with missing_values=), then mask or impute.",
            )  # fmt: skip
        elif c.n_outliers:
            low, high = c.limits
            yield Finding(
                "warning", "outliers", one,
                f"{c.n_outliers} values of {c.name} lie outside ({low:.4g}, {high:.4g}), beyond what its own tails "
                f"lead to; it reaches from {c.shape.low:.4g} to {c.shape.high:.4g}.",
                "Look at these events. OutlierClipper limits such values; DropOutliers leaves the events out.",
            )  # fmt: skip
        there = 1 - c.n_missing / max(report.n_rows(c.level), 1)
        if _is_trend(c.trend, there * report.n_independent):
            yield Finding(
                "warning", "trend", one,
                f"{c.name} changes along the {report.order} (rank correlation {c.trend:+.2f}): conditions drifted, or "
                "the events are sorted.",
                "Split by event id (EventKFold) rather than by position, and find the cause.",
            )  # fmt: skip


def _of_weights(report: Facts) -> Iterator[Finding]:
    w = report.weights
    if not w:
        return
    if w["negative_fraction"] > 0:
        yield Finding(
            "hint", "negative weights", (),
            f"{w['negative_fraction']:.2%} of the events weigh less than zero; Σw/Σ|w| = {w['cancellation']:.3f}.",
            "Pass sample_weight everywhere, and use metrics that are defined for signed weights: those of this library "
            "are. Resampling refuses such weights.",
        )  # fmt: skip
    if w["n_effective"] < _FEW_EFFECTIVE * report.n_events:
        yield Finding(
            "hint", "effective sample", (),
            f"The weights leave the statistical power of {w['n_effective']:.0f} of {report.n_events} events.",
            "Quote uncertainties from (Σw)²/Σw², not from counts; a few heavy events may rule the training.",
        )  # fmt: skip


def _of_classes(report: Facts) -> Iterator[Finding]:
    if len(report.classes) < 2:
        return
    if _is_trend(report.target_trend, report.n_independent):
        yield Finding(
            "warning", "sorted target", (),
            f"The target changes along the {report.order} (rank correlation {report.target_trend:+.2f}).",
            "Shuffle before splitting by position; drop the id from the columns.",
        )  # fmt: skip
    for share, what, remedy in (
        ("share_of_events", "events", "Resampled with an over- or undersampler, or class_weight='balanced'"),
        ("share_of_weights", "sum of weights", "class_weight='balanced', which equalises sums of weights"),
    ):
        rarest = min(report.classes, key=lambda one: one[share])
        if rarest[share] < _RARE_CLASS:
            yield Finding(
                "warning", "class imbalance", (),
                f"Class {rarest['label']} has {rarest[share]:.2%} of the {what}: always naming the other class is "
                f"right in {1 - rarest[share]:.1%}.",
                f"{remedy}; judge by ROC AUC or average precision, not by accuracy.",
            )  # fmt: skip


def _of_missing(report: Facts) -> Iterator[Finding]:
    by_meaning: dict[tuple[float, ...], list[str]] = {}
    by_share: dict[float, list[str]] = {}
    for c in report.columns:
        if c.missing > _MANY_MISSING and c.n_missing < report.n_rows(c.level):
            by_share.setdefault(c.missing, []).append(c.name)
        shares = np.array(c.missing_by_class)
        events = np.array([one["n_effective"] for one in report.classes])
        low, high = shares.argmin(), shares.argmax()
        spread = np.sqrt(sum(max(shares[i] * (1 - shares[i]), 1 / events[i]) / events[i] for i in (low, high)))
        if shares[high] - shares[low] > max(_MISSING_DIFFERENCE, _SIGMA * spread):
            by_meaning.setdefault(tuple(shares.round(6)), []).append(
                c.name
            )  # columns that are missing together are one finding
    for share, names in by_share.items():
        yield Finding(
            "hint", "mostly missing", tuple(names), f"{share:.0%} of {', '.join(names)} are missing.",
            "Mask them (point clouds), impute with add_indicator=True, or drop them: DropMissingColumns.",
        )  # fmt: skip
    for shares_found, names in by_meaning.items():
        listed = ", ".join(
            f"{one['label']}: {share:.1%}" for one, share in zip(report.classes, shares_found, strict=True)
        )
        yield Finding(
            "warning", "missing by class", tuple(names),
            f"Whether {', '.join(names)} {'is' if len(names) == 1 else 'are'} missing tells the class ({listed}).",
            "Fine where physics makes it so, such as absent jets. A flaw where the simulations differ: then drop the "
            "column, or fill it without an indicator.",
        )  # fmt: skip


def _of_associations(report: Facts) -> Iterator[Finding]:
    of_columns = {c.name: c.target for c in report.columns} | report.other_targets
    for name, target in of_columns.items():
        if abs(target) > _LEAK:
            how = "tells the classes apart" if len(report.classes) > 1 else "follows the target"
            yield Finding(
                "error", "leak", (name,), f"{name} alone {how} almost perfectly ({abs(target):.4f} of 1).",
                "Find out whether it is known before the answer is; drop it if not.",
            )  # fmt: skip
    names = report.event_names
    for i, j in report.equal_columns:
        yield Finding(
            "warning", "duplicate columns", (names[i], names[j]), f"{names[i]} and {names[j]} are equal.", "Drop one."
        )
    pearson, spearman = np.abs(report.pearson), np.abs(report.spearman)
    strongest = np.fmax(pearson, spearman)
    for i, j in zip(*np.nonzero(np.triu(strongest > _NEAR_DUPLICATE, 1)), strict=True):
        if (int(i), int(j)) not in report.equal_columns:
            yield Finding(
                "warning", "near-duplicate columns", (names[i], names[j]),
                f"{names[i]} and {names[j]} carry the same information (correlation {strongest[i, j]:.5f}).",
                "Drop one.",
            )  # fmt: skip


def _of_duplicates(report: Facts) -> Iterator[Finding]:
    d = report.duplicates
    if d["n_ids"] < report.n_events:
        yield Finding(
            "warning", "repeated ids", (),
            f"{report.n_events} rows belong to {d['n_ids']} events: the rows of one id are not independent.",
            "Split by event id (EventKFold, GroupKFold), pass groups= to every fit, and take uncertainties from "
            "bootstrap_interval(groups=), not from the number of rows.",
        )  # fmt: skip
    if d["n_events"]:
        across = f", {d['n_across_groups']} of them under another event id" if d["has_groups"] else ""
        yield Finding(
            "error" if d["n_across_groups"] or not d["has_groups"] else "warning", "duplicate events", (),
            f"{d['n_events']} events repeat an earlier one in every column{across}: a split puts them on both sides.",
            "Remove them, or give them one event id and split by it.",
        )  # fmt: skip
    if d["n_in_test"]:
        yield Finding(
            "error", "test overlap", (), f"{d['n_in_test']} test events are in the training set as well.",
            "Split anew by event id: train_val_test_split.",
        )  # fmt: skip


def _of_test(report: Facts) -> Iterator[Finding]:
    shift = report.test_shift
    if shift is None:
        return
    n, m = shift["n_train"], shift["n_test"]
    chance = np.sqrt((n + m) / (n * m))  # scale of a Kolmogorov-Smirnov distance, and of 3.5 σ of an area
    # 2.5: the probability of a larger distance is 2 exp(−2 · 2.5²) = 7e-6 per column
    moved = [(name, d) for name, d in shift["distance"].items() if d > max(_SHIFTED, 2.5 * chance)]
    if moved:
        listed = ", ".join(f"{name} by {d:.2f}" for name, d in sorted(moved, key=lambda pair: -pair[1]))
        yield Finding(
            "error", "test shift", tuple(name for name, _ in moved),
            f"Training and test set differ: the cumulative distributions of {listed}.",
            "Find the cause. A score on this test set does not measure what training can reach.",
        )  # fmt: skip
    elif shift["auc"] - 0.5 > max(_TOLD_APART - 0.5, _SIGMA * chance / np.sqrt(12)):
        yield Finding(
            "error", "test shift", (),
            f"A classifier tells training from test events (area {shift['auc']:.3f}; 0.5 is chance), though no single "
            "column differs: they differ in how columns depend on each other.",
            "Find the cause. A score on this test set does not measure what training can reach.",
        )  # fmt: skip
