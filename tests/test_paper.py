"""`make paper`, small: a second run does nothing, a changed seed reruns what depends on it, the numbers are right."""

import ast
import html
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest
from mlflow import MlflowClient

ROOT = Path(__file__).parents[1]
SMALLER = [
    ("events: 20000", "events: 1500"),
    ("max_epochs: 40", "max_epochs: 2"),
    ("candidates: 6", "candidates: 2"),
    ("folds: 3", "folds: 2"),
    ("folds: 5", "folds: 2"),
    ("widest: 96", "widest: 24"),
    ("resamples: 200", "resamples: 20"),
]


def change(config, *changes):
    text = config.read_text(encoding="utf-8")
    for before, after in changes:
        assert text.count(before) == 1
        text = text.replace(before, after)
    config.write_text(text, encoding="utf-8")


def make_paper(folder, *arguments):
    """Call what `make paper` calls, in a copy of the folder; return what it says."""
    recipe = re.search(
        r"^paper:.*\n\tcd examples/paper && \S+/python (.*) \$\(ARGS\)$", (ROOT / "Makefile").read_text(), re.M
    )
    command = [sys.executable, *shlex.split(recipe[1].replace("--cores all", "--cores 1")), *arguments]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def planned(folder):
    """The steps that would run."""
    return set(re.findall(r"^(?:local)?rule (\w+):", make_paper(folder, "--dry-run"), re.M))


def stored(folder):
    """Every metric and parameter of the lab book by run and name, read with MLflow's own client."""
    client = MlflowClient(f"sqlite:///{folder / 'results' / 'runs.db'}")
    found = {}
    for run in client.search_runs([one.experiment_id for one in client.search_experiments()]):
        found |= {(run.info.run_id, name): value for name, value in run.data.metrics.items()}
        found |= {(run.info.run_id, f"params.{name}"): value for name, value in run.data.params.items()}
    return found


def as_float(text):
    return float(text.replace("\u202f", "").replace("\u2212", "-"))


def agrees(text, value):
    """Whether a text is the value, rounded to the digits that it has."""
    digits = len(text.partition(".")[2])
    return as_float(text) == pytest.approx(float(value), rel=5e-4, abs=0.501 * 10**-digits)


def check_the_numbers(folder):
    """Compare page, PDF and macros with the lab book."""
    book = stored(folder)

    # every number of the page is that of the lab book, and says where it is from
    page = (folder / "results" / "paper.html").read_text(encoding="utf-8")
    shown = re.findall(r'<span class="number" title="(\S+) of run (\w+)" data-number="(\S+)">(.*?)</span>', page)
    assert len(shown) == page.count('class="number"') > 60
    for name, run, _, text in shown:
        assert agrees(html.unescape(text), book[run, name]), (name, text)

    # the PDF has the same numbers in its text, and lists each of them with its run
    pdf = "\n".join(one.extract_text() for one in pypdf.PdfReader(folder / "results" / "paper.pdf").pages)
    squeezed = re.sub(r"\s", "", pdf)
    text_part, appendix = squeezed.split("RunsandnumbersEvery", 1)
    for name, run, key, text in shown:
        step = key.partition(".")[0]
        assert html.unescape(text).replace("\u202f", "") in text_part, (name, text)
        assert run in appendix
        row = re.search(rf"{step}{re.escape(name)}([\d.e+-]+)", appendix.replace("\u2212", "-"))
        assert row is not None, (step, name)
        assert row[1].startswith(f"{float(book[run, name]):.8g}"), (name, row[1])

    # the same numbers for LaTeX, and the figures in both forms
    numbers = json.loads((folder / "results" / "numbers.json").read_text())["numbers"]
    macros = re.findall(
        r"\\newcommand\{\\([A-Za-z]+)\}\{(.*?)\} % (\S+) of (\w+)", (folder / "results" / "numbers.tex").read_text()
    )
    assert len({name for name, *_ in macros}) == len(macros)
    assert {key for *_, key, _ in shown} <= set(numbers)
    for _, text, name, run in macros:
        assert agrees(text.replace(r"\,", "").replace("$-$", "-"), book[run, name]), name
    for form in ("svg", "pdf"):
        assert {path.stem for path in (folder / "results" / "figures").glob(f"*.{form}")} == {
            "inputs", "training", "scores", "rejection", "uncertainties",
        }  # fmt: skip


@pytest.mark.timeout(1200)  # eight programs, each of which loads torch or MLflow, on a machine that is busy
def test_from_data_to_paper(tmp_path):
    folder = tmp_path / "paper"
    shutil.copytree(ROOT / "examples" / "paper", folder, ignore=shutil.ignore_patterns("results", ".snakemake", "__*"))
    config = folder / "config.yaml"
    change(config, *SMALLER)
    make_paper(folder)

    # again: nothing; after a change: what depends on it
    assert "Nothing to be done" in make_paper(folder)
    evaluation = {"evaluated", "figures", "paper"}
    change(config, ("seed: 4", "seed: 5"))
    assert planned(folder) == evaluation
    change(config, ("seed: 5", "seed: 4"), ("seed: 3", "seed: 6"))
    assert planned(folder) == {"crossfit", *evaluation}
    change(config, ("seed: 6", "seed: 3"))
    assert planned(folder) == set()

    check_the_numbers(folder)


def test_numbers_of_events_are_written_out():
    """20 000, and not 2e+04."""
    source = (ROOT / "examples" / "paper" / "steps" / "paper.py").read_text(encoding="utf-8")
    formats = ast.literal_eval(re.search(r"^FORMATS = (\[.*?^\])", source, re.DOTALL | re.MULTILINE)[1])
    for name in ("score.events", "score.events_analysis", "score.yield_signal"):
        form = next(form for pattern, form in formats if re.search(pattern, name))
        assert f"{20000.0:{form}}" == "20,000"
