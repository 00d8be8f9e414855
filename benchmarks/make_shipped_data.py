"""Simulate the sample that ``load_events`` ships and write it in its compact form.

    python benchmarks/make_shipped_data.py            # 23 minutes on one core and a half

Features and true missing pT are rounded to half precision: 11 binary digits are 0.05 %, far below every resolution.
Columns lie one after the other, because equal exponents compress well.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import sklearn_ml4fp
from sklearn_ml4fp import make_events

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--n-events", type=int, default=20_000)
parser.add_argument("--n-jobs", type=int, default=2)
parser.add_argument("--out", type=Path, default=Path(sklearn_ml4fp.__file__).parent / "datasets" / "events.npz")
args = parser.parse_args()

events = make_events(args.n_events, random_state=2026, n_jobs=args.n_jobs, verbose=True)
np.savez_compressed(
    args.out,
    features=np.ascontiguousarray(events.data.T, dtype=np.float16),
    target=events.target.astype(np.int8),
    weight=events.sample_weight.astype(np.float32),  # fb: the default luminosity is 1 per fb
    event_number=events.groups.astype(np.int32),
    true_met=events.true_met.astype(np.float16),
    true_met_phi=events.true_met_phi.astype(np.float16),
    simulation=json.dumps(events.simulation),
)
print(events.DESCR)
print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB")
