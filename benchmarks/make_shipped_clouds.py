"""Simulate the samples of ``load_quark_gluon_jets``, ``load_air_showers`` and ``load_tracker_hits``, in compact form.

python benchmarks/make_shipped_clouds.py jets       # a quarter of an hour on one core
python benchmarks/make_shipped_clouds.py showers    # a second
python benchmarks/make_shipped_clouds.py hits       # a second
"""

import argparse
import json
from pathlib import Path

import numpy as np

import sklearn_ml4fp
from sklearn_ml4fp import make_air_showers, make_quark_gluon_jets, make_tracker_hits
from sklearn_ml4fp.datasets import _air_showers, _quark_gluon, _tracker

FOLDER = Path(sklearn_ml4fp.__file__).parent / "datasets"


def jets():
    sample = make_quark_gluon_jets(16_000, random_state=2026, verbose=True)
    return sample, _quark_gluon.pack(sample.data, sample.target), FOLDER / "quark_gluon.npz"


def showers():
    sample = make_air_showers(10_000, random_state=2026)
    return sample, _air_showers.pack(sample.data, sample), FOLDER / "air_showers.npz"


def hits():
    sample = make_tracker_hits(400, random_state=2026)
    return sample, _tracker.pack(sample.data, sample.particle, sample.tracks), FOLDER / "tracker_hits.npz"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", choices=["jets", "showers", "hits"])
    sample, arrays, path = {"jets": jets, "showers": showers, "hits": hits}[parser.parse_args().sample]()
    np.savez_compressed(path, simulation=json.dumps(sample.simulation), **arrays)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
