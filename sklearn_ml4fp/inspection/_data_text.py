"""Data report as text."""

from __future__ import annotations

from ._data_facts import Facts, printable

_WIDEST = 24


def size(n_bytes: float) -> str:
    """Format a number of bytes for people."""
    for unit in ("B", "KiB", "MiB"):
        if n_bytes < 1024:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.3g} GiB"


def summary(report: Facts) -> list[str]:
    """Summarise the data: one line each for amount, weights and classes."""
    has_particles = any(c.level == "particle" for c in report.columns)
    particles = f", {report.n_particles} particles" if has_particles else ""
    types = sorted({c.dtype for c in report.columns} | set(report.other_columns.values()))
    n_columns = len(report.columns) + len(report.other_columns)
    lines = [report.origin] if report.origin else []
    lines.append(
        f"{report.n_events} events{particles}, {n_columns} columns ({', '.join(types)}), {size(report.memory_bytes)}"
    )
    if report.n_sampled is not None:
        lines.append(f"Quantiles, histograms and correlations are those of {report.n_sampled} events, drawn at random")
    if w := report.weights:
        lines.append(
            f"Weights: Σw = {w['sum']:.6g}, from {w['least']:.4g} to {w['greatest']:.4g}, {w['negative_fraction']:.2%} "
            f"negative, effective sample size {w['n_effective']:.0f}"
        )
    if len(report.classes) > 1:
        for one in report.classes:
            lines.append(
                f"Class {one['label']}: {one['n_events']} events ({one['share_of_events']:.1%}), "
                f"Σw = {one['sum_of_weights']:.6g} ({one['share_of_weights']:.1%})"
            )
    if report.test_shift:
        lines.append(f"Training against test: area {report.test_shift['auc']:.3f} (0.5: alike)")
    return lines


def text(report: Facts) -> str:
    """Format the findings, then one line per column."""
    lines = [*summary(report), "", f"Findings: {len(report.findings) or 'none'}"]
    for number, one in enumerate(report.findings, 1):
        lines += [f"{number}. {one.severity}, {one.kind}: {one.meaning}", f"   → {one.action}"]
    width = min(max(len(printable(c.name)) for c in report.columns), _WIDEST)
    heads = ("missing", "mean", "std", "skew", "min", "median", "max", "target", "scaling")
    lines += ["", " ".join([f"{'column':<{width}}", *(f"{head:>10}" for head in heads)])]
    for c in report.columns:
        numbers = (c.mean, max(c.variance, 0) ** 0.5, c.skewness, c.shape.low, c.shape.q50, c.shape.high, c.target)
        cells = [f"{c.missing:.1%}", *(f"{x:.4g}" if x == x else "" for x in numbers), c.scaling]
        lines.append(" ".join([f"{printable(c.name)[:width]:<{width}}", *(f"{cell:>10}" for cell in cells)]))
    for pattern in report.missing_patterns:
        names = ", ".join(pattern["columns"]) or "nothing"
        lines.append(f"Missing together in {pattern['n_events']} events: {names}")
    return "\n".join(map(printable, lines))
