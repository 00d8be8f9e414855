"""Run scikit-learn's own tests with this library's classes in the place of scikit-learn's.

    python benchmarks/peer_suites.py                     # all suites: the table of RESULTS.md
    python benchmarks/peer_suites.py routing ranking     # some of them, by the names of the files in benchmarks/peers
    python benchmarks/peer_suites.py -v routing          # with the errors

Each test file is copied, a line that puts our classes in is added to the copy, and pytest runs it. The command fails
where a test fails that is not listed as failing by design, and where a listed one no longer does.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import pytest
import sklearn
from peers.suite import Suite

PEERS = Path(__file__).parent / "peers"
NAMES = sorted(path.stem for path in PEERS.glob("*.py") if path.stem not in ("__init__", "suite"))


class Outcomes:
    """A pytest plugin that notes what became of each test."""

    def __init__(self, suite: Suite) -> None:
        self.suite = suite
        self.of: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the tests of other things."""
        items[:] = [test for test in items if self.suite.concerns(test)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the result of a test, or the failure of what was made for it."""
        if report.when == "call" or report.outcome != "passed":
            self.of[report.nodeid.partition("::")[2]] = report.outcome

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that cannot be read."""
        if report.failed:
            self.of[f"collection of {report.nodeid}"] = "failed"

    def all_that(self, outcome: str) -> list[str]:
        """Tests that ended so."""
        return [test for test, had in self.of.items() if had == outcome]


def with_ours(source: str, suite: Suite, call: str) -> str:
    """The test file with the call added, before the line that the suite names or after the last import."""
    lines = source.splitlines()
    if suite.before:
        at = next(i for i, line in enumerate(lines) if line.startswith(suite.before))
    else:
        imports = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        at = imports[-1].end_lineno or 0
    return "\n".join([*lines[:at], call, *lines[at:], ""])


def run(suite: Suite, call: str, verbose: bool) -> Outcomes:
    """Run a suite in this process."""
    outcomes = Outcomes(suite)
    source = (Path(sklearn.__file__).parent / suite.file).read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, f"{Path(suite.file).stem}_{suite.name.replace(' ', '_')}.py")
        copy.write_text(with_ours(source, suite, call), encoding="utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\n")  # neither our options nor scikit-learn's
        shown = ["-q", "--tb=short"] if verbose else ["-qqq", "--tb=no", "--show-capture=no", "-rN"]
        pytest.main(
            [str(copy), "--rootdir", folder, "-p", "sklearn.conftest", "-p", "no:cacheprovider",
             "-W", "ignore", "--import-mode=importlib", *shown],
            plugins=[outcomes],
        )  # fmt: skip
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    if unknown := set(arguments.suites) - set(NAMES):
        parser.error(f"no suite {', '.join(sorted(unknown))}: expected {', '.join(NAMES)}")
    rows, notes, wrong = [], [], []
    for name in arguments.suites or NAMES:
        suites: list[Suite] = import_module(f"peers.{name}").SUITES
        for i, suite in enumerate(suites):
            call = f"__import__('peers.{name}', fromlist=['SUITES']).SUITES[{i}].replace(globals())"
            outcomes = run(suite, call, arguments.verbose)
            failed = outcomes.all_that("failed")
            reasons = {test: suite.reason(test) for test in failed}
            unwanted = [test for test in failed if reasons[test] is None]
            stale = suite.by_design.keys() - set(reasons.values())
            passed, skipped = len(outcomes.all_that("passed")), len(outcomes.all_that("skipped"))
            of_file = f"`{Path(suite.file).name}`"
            rows.append(
                f"| {of_file} | {suite.name} | {passed} | {len(unwanted)} | {len(failed) - len(unwanted)} | {skipped} |"
            )
            for key, why in suite.by_design.items():
                if count := list(reasons.values()).count(key):
                    notes.append(f"- {suite.name}, `{key}` ({count}): {why}")
            wrong += [f"{suite.name}: {test} fails" for test in unwanted]
            wrong += [f"{suite.name}: {key} is listed as failing by design, and does not fail" for key in sorted(stale)]
    print("\n| scikit-learn's tests | with | passed | failed | fail by design | skipped |\n|---|---|--:|--:|--:|--:|")
    print("\n".join(rows))
    print("\nBy design:\n\n" + "\n".join(notes) if notes else "")
    print("\n".join(wrong))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
