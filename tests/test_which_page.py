"""The page "When to use which" quotes the benchmarks, and nothing else."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_score_stands_in_the_results():
    """Each number with a point is in RESULTS.md, as it is or more precisely."""
    page = (ROOT / "docs" / "which.rst").read_text(encoding="utf-8")
    measured = set(re.findall(r"\d+\.\d+", (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")))
    quoted = set(re.findall(r"\d+\.\d+", page))
    assert len(quoted) > 40
    rounded = {f"{float(value):.{digits}f}" for value in measured for digits in range(4)}
    assert quoted <= measured | rounded


def test_every_row_of_a_table_is_a_row_of_the_results():
    """Score and seconds belong to the same model."""
    page = (ROOT / "docs" / "which.rst").read_text(encoding="utf-8")
    rows = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8").splitlines()
    found = re.findall(r"     - (\d\.\d{4} ± \d\.\d{4})\n     - (\d+\.\d|–)\n", page)
    assert len(found) == 13
    for score, seconds in found:
        assert any(score in row and f" {seconds} |" in row for row in rows), (score, seconds)
