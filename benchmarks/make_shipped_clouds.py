"""Simulate the samples that ``load_quark_gluon_jets`` and ``load_air_showers`` ship, and write them in compact form.

python benchmarks/make_shipped_clouds.py jets       # a quarter of an hour on one core
python benchmarks/make_shipped_clouds.py showers    # a second
"""

import argparse
import json
from pathlib import Path

import numpy as np

import sklearn_ml4fp
from sklearn_ml4fp import make_air_showers, make_quark_gluon_jets
from sklearn_ml4fp.datasets import _air_showers, _quark_gluon

FOLDER = Path(sklearn_ml4fp.__file__).parent / "datasets"


def jets():
    sample = make_quark_gluon_jets(16_000, random_state=2026, verbose=True)
    return sample, _quark_gluon.pack(sample.data, sample.target), FOLDER / "quark_gluon.npz"


def showers():
    sample = make_air_showers(10_000, random_state=2026)
    return sample, _air_showers.pack(sample.data, sample), FOLDER / "air_showers.npz"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", choices=["jets", "showers"])
    sample, arrays, path = {"jets": jets, "showers": showers}[parser.parse_args().sample]()
    np.savez_compressed(path, simulation=json.dumps(sample.simulation), **arrays)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
