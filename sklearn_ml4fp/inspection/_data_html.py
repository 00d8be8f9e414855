"""Data report as an HTML page: no script, no network, readable on a telephone."""

from __future__ import annotations

import html

import numpy as np

from ._data_columns import Column
from ._data_facts import Facts, printable
from ._data_text import summary

# Colours that colour-blind readers tell apart (Okabe & Ito, 2008).
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_WIDTH, _HEIGHT = 240, 110
_STYLE = """
.ml4fp-report{font:15px/1.45 system-ui,sans-serif;color:#222;background:#fff;
max-width:1200px;margin:auto;padding:0 12px}
.ml4fp-report h2{font-size:1.15em;margin:1.2em 0 .4em}
.ml4fp-report .finding{border-left:5px solid #888;padding:.3em .7em;margin:.5em 0;
background:#f6f6f6;overflow-wrap:anywhere}
.ml4fp-report .error{border-color:#c0392b}.ml4fp-report .warning{border-color:#e08e0b}
.ml4fp-report .hint{border-color:#2980b9}
.ml4fp-report .grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:10px}
.ml4fp-report .card{border:1px solid #ddd;border-radius:6px;padding:8px;overflow-wrap:anywhere}
.ml4fp-report .card p{margin:.15em 0;font-size:13px}
.ml4fp-report svg{display:block;width:100%;height:auto}
.ml4fp-report .wide{overflow-x:auto}
.ml4fp-report .key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 .9em}
"""


def escape(text: str) -> str:
    """Escape markup and control characters."""
    return html.escape(printable(text))


def _number(x: float) -> str:
    return f"{x:.4g}" if np.isfinite(x) else "–"


def _steps(sums: np.ndarray, top: float) -> str:
    """Outline of a histogram as the points of a polyline; a sum of weights below zero is drawn at zero."""
    heights = _HEIGHT - 4 - (_HEIGHT - 8) * np.clip(sums / top, 0, 1)
    x = np.linspace(0, _WIDTH, len(sums) + 1)
    return " ".join(f"{a:.1f},{h:.1f} {b:.1f},{h:.1f}" for a, b, h in zip(x, x[1:], heights, strict=False))


def _histogram(column: Column, labels: list[str]) -> str:
    """Weighted histogram of each class, each scaled to its own sum."""
    if column.histogram is None:
        return ""
    edges, sums = column.histogram
    totals = sums.sum(axis=1, keepdims=True)
    shares = np.divide(sums, totals, out=np.zeros_like(sums), where=totals > 0)
    top = shares.max() or 1.0
    lines = "".join(
        f'<polyline points="{_steps(share, top)}" fill="none" stroke="{_COLOURS[i % len(_COLOURS)]}" '
        f'stroke-width="1.5">'
        f"<title>{escape(label)}</title></polyline>"
        for i, (share, label) in enumerate(zip(shares, labels, strict=True))
    )
    log = " (logarithmic)" if column.scaling == "log" else ""
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 14}" role="img" aria-label="histogram of {escape(column.name)}">{lines}'
        f'<line x1="0" x2="{_WIDTH}" y1="{_HEIGHT - 3}" y2="{_HEIGHT - 3}" stroke="#999"/>'
        f'<text x="0" y="{_HEIGHT + 11}" font-size="11">{_number(edges[0])}</text>'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 11}" font-size="11" text-anchor="middle">{log}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 11}" font-size="11" text-anchor="end">{_number(edges[-1])}</text></svg>'
    )


def _card(column: Column, labels: list[str]) -> str:
    spread = _number(max(column.variance, 0) ** 0.5)
    lines = [
        f"{column.dtype}, per {column.level}, {column.missing:.1%} missing",
        f"mean {_number(column.mean)}, standard deviation {spread}, skewness {_number(column.skewness)}",
        f"{_number(column.shape.low)} | {_number(column.shape.q25)} | {_number(column.shape.q50)} | "
        f"{_number(column.shape.q75)} | {_number(column.shape.high)} (min, quartiles, max)",
        f"with the target {_number(column.target)}, along the events {_number(column.trend)}",
        f"scaling: {column.scaling}, {column.reason}",
    ]
    described = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<div class="card"><b>{escape(column.name)}</b>{_histogram(column, labels)}{described}</div>'


def _colour(value: float) -> str:
    """Choose a colour: blue for −1, white for 0, red for +1, grey where there is no correlation."""
    if not np.isfinite(value):
        return "#bbb"
    fade = round(255 * (1 - abs(value)))
    return f"rgb(255,{fade},{fade})" if value > 0 else f"rgb({fade},{fade},255)"


def _map(names: list[str], matrix: np.ndarray) -> str:
    """Correlation map; each square shows its pair and value when pointed at."""
    cell, margin = 16, 8 * max(map(len, names)) + 8
    side = margin + cell * len(names)
    parts = [
        f'<text x="{margin - 4}" y="{margin + cell * i + 12}" font-size="11" text-anchor="end">{escape(name)}</text>'
        f'<text transform="translate({margin + cell * i + 12},{margin - 4}) rotate(-90)" font-size="11">{escape(name)}'
        "</text>"
        for i, name in enumerate(names)
    ]
    parts += [
        f'<rect x="{margin + cell * j}" y="{margin + cell * i}" width="{cell}" height="{cell}" '
        f'fill="{_colour(matrix[i, j])}"><title>{escape(names[i])}, {escape(names[j])}: {matrix[i, j]:.2f}</title>'
        "</rect>"
        for i in range(len(names))
        for j in range(len(names))
    ]
    # never smaller than readable letters: the box around it scrolls
    return f'<svg viewBox="0 0 {side} {side}" style="width:{side}px" role="img" aria-label="map">{"".join(parts)}</svg>'


def body(report: Facts) -> str:
    """Format the report as one element, for a notebook."""
    labels = [str(one["label"]) for one in report.classes]
    findings = "".join(
        f'<div class="finding {one.severity}"><b>{one.severity}: {escape(one.kind)}</b><br>{escape(one.meaning)}'
        f"<br><i>{escape(one.action)}</i></div>"
        for one in report.findings
    )
    legend = "".join(
        f'<span class="key" style="background:{_COLOURS[i % len(_COLOURS)]}"></span>{escape(label)}'
        for i, label in enumerate(labels)
    )
    cards = "".join(_card(column, labels) for column in report.columns)
    patterns = "".join(
        f"<p>{one['n_events']} events: {escape(', '.join(one['columns']) or 'nothing missing')}</p>"
        for one in report.missing_patterns
    )
    return (
        f'<div class="ml4fp-report"><style>{_STYLE}</style>'
        + "".join(f"<p>{escape(line)}</p>" for line in summary(report))
        + f"<h2>Findings ({len(report.findings)})</h2>{findings or '<p>none</p>'}"
        + "<h2>Columns</h2><p>Histograms are weighted, each class scaled to one."
        + f"{legend if len(labels) > 1 else ''}</p>"
        + f'<div class="grid">{cards}</div>'
        + (f"<h2>Missing together</h2>{patterns}" if patterns else "")
        + f'<h2>Pearson correlation</h2><div class="wide" tabindex="0">{_map(report.event_names, report.pearson)}</div>'
        + '<h2>Spearman rank correlation</h2><div class="wide" tabindex="0">'
        + f"{_map(report.event_names, report.spearman)}</div></div>"
    )


def page(report: Facts) -> str:
    """Format the report as a whole HTML page."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Data report</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,"></head>'
        f"<body>{body(report)}</body></html>"
    )
