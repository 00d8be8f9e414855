"""The pages "When to use which" and "How fast it is" quote the benchmarks, and nothing else."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("name", "n_numbers"), [("which", 40), ("performance", 25)])
def test_every_number_stands_in_the_results(name, n_numbers):
    """Each one with a point is in RESULTS.md, as it is or more precisely."""
    page = (ROOT / "docs" / f"{name}.rst").read_text(encoding="utf-8")
    measured = set(re.findall(r"\d+\.\d+", (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")))
    quoted = set(re.findall(r"\d+\.\d+", page))
    assert len(quoted) > n_numbers
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
