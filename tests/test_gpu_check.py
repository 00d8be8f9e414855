"""The script for a machine with a GPU is rehearsed without one: each part runs, and what it writes is whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


def run(*options, cwd=ROOT):
    environment = os.environ | {"PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    command = ["bash", ROOT / "benchmarks" / "gpu_check.sh", *options]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)


def test_all_parts_on_a_cpu(tmp_path):
    file = tmp_path / "found.json"
    parts = ["speed", "members", "networks", "streams", "graphs", "choices", "jets"]  # "tests" would run tests in tests
    done = run("--device", "cpu", "--quick", "--json", file, "--parts", *parts, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["machine"]["device"] == "cpu"
    found = written["found"]
    assert list(found) == parts
    assert all(rows for rows in found.values())
    networks = {row["what"]: row for row in found["networks"]}
    assert {"FeedForwardClassifier", "EdgeConvRegressor", "CNNClassifier", "TabMRegressor"} <= set(networks)
    assert all(0 <= row["score, cpu"] <= 1 for name, row in networks.items() if name.endswith("Classifier"))
    assert {row["what"] for row in found["streams"]} == {
        f"4000 events {where}" for where in ("on the device", "in pinned memory", "on disk")
    }
    for rows in found.values():  # each row is in the table that is printed, too
        assert all(row["what"] in done.stdout for row in rows)


def test_a_part_that_the_time_does_not_suffice_for_is_named(tmp_path):
    file = tmp_path / "found.json"
    done = run("--device", "cpu", "--minutes", "0.1", "--json", file, "--parts", "speed")
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads(file.read_text(encoding="utf-8"))["found"]["speed"]
    assert row["what"] == "left out"
    assert "it may need 60" in row["because"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so():
    done = run()
    assert done.returncode == 2
    assert "torch sees no GPU here; --device cpu --quick rehearses the check" in done.stderr
