"""Report of an investigation, as text, dict, table and page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._optional import needs
from ._data_columns import as_json
from ._data_facts import Facts
from ._data_html import body, page
from ._data_text import text


@dataclass(repr=False)
class DataReport(Facts):
    """Report of `investigate`: printed as text, shown as a page in a notebook.

    Attributes
    ----------
    findings : list of Finding
        Faults, the severest first: ``severity``, ``kind``, ``columns``, ``meaning`` and ``action``.
    columns : list of Column
        Statistics of each column; of point clouds per event first, then per particle.
    classes : list of dict
        ``label``, ``n_events``, ``sum_of_weights``, ``n_effective`` and the shares of each class.
    pearson, spearman : ndarray of shape (n_columns, n_columns)
        Correlations of the event-level columns ``event_names``.
    missing_patterns : list of dict
        The most frequent sets of columns that are missing together, and how many events lack them.
    test_shift : dict or None
        Area of a classifier of training against test events, and the largest difference of the cumulative
        distributions (Kolmogorov-Smirnov) of each column.
    n_sampled : int or None
        Number of events from which quantiles, histograms and correlations were estimated, of a source that exceeds its
        memory.

    See Also
    --------
    investigate : Make a report.
    """

    def to_dict(self) -> dict[str, Any]:
        """Convert all but the histograms to numbers, strings, lists and dicts, ready for ``json.dump``."""
        everything = {name: value for name, value in vars(self).items() if name != "equal_columns"}
        everything["columns"] = [{k: v for k, v in vars(c).items() if k != "histogram"} for c in self.columns]
        result: dict[str, Any] = as_json(everything)
        return result

    def to_frame(self) -> Any:
        """Make a table of the statistics, one row per column (pandas DataFrame)."""
        pd = needs("pandas")
        labels = [f"missing in {one['label']}" for one in self.classes] if len(self.classes) > 1 else []
        rows = []
        for c in self.columns:
            own = {k: v for k, v in vars(c).items() if k not in ("histogram", "shape", "limits", "missing_by_class")}
            limits = {"lower_limit": c.limits[0], "upper_limit": c.limits[1]}
            rows.append(own | c.shape._asdict() | limits | dict(zip(labels, c.missing_by_class, strict=False)))
        return pd.DataFrame(rows).set_index("name")

    def to_html(self, path: str | Path | None = None) -> str:
        """Make a page that needs no network: findings, columns with weighted histograms per class, correlations.

        Parameters
        ----------
        path : str or Path, default=None
            File to write the page to; None writes none.

        Returns
        -------
        str
            The page.
        """
        html = page(self)
        if path is not None:
            Path(path).write_text(html, encoding="utf-8")
        return html

    def _repr_html_(self) -> str:
        return body(self)

    def __str__(self) -> str:
        return text(self)

    __repr__ = __str__
