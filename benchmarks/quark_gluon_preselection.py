"""Does the preselection of ``make_quark_gluon_jets`` change the jets? The tables of docs/quark_gluon.rst.

    python benchmarks/quark_gluon_preselection.py generate without.npz --n-jets 20000     # an hour on one core
    python benchmarks/quark_gluon_preselection.py compare sklearn_ml4fp/datasets/quark_gluon.npz without.npz \
        > docs/quark_gluon_tables.inc

    python benchmarks/quark_gluon_preselection.py rate
    python benchmarks/quark_gluon_preselection.py lost --n-jets 2000                      # a quarter of an hour

``generate`` runs without the preselection, at pTHatMin = 300 GeV. ``compare`` takes two files of the shipped form, the
first with the preselection. ``rate`` gives the jets in a second of processor time, with and without, medians of five
interleaved runs. ``lost`` makes jets without the preselection, which only looks on, and counts those it would have
lost.
"""

import argparse
import json
from time import process_time

import numpy as np
from sklearn.metrics import roc_auc_score

from sklearn_ml4fp import make_quark_gluon_jets
from sklearn_ml4fp._kinematics import delta_r
from sklearn_ml4fp._segments import segment_sum
from sklearn_ml4fp.data._conversions import needs
from sklearn_ml4fp.datasets._quark_gluon import TARGET_NAMES, pack, unpack
from sklearn_ml4fp.datasets._quark_gluon_pythia import JET_PT, JET_RADIUS, JET_Y, preselection, simulate_jets, start


def observables(jets):
    """Multiplicity, mass (GeV), width = sum pT dR / sum pT, and pTD = sqrt(sum pT^2) / sum pT of each jet."""
    pt = jets.column("pt").astype(np.float64)
    axis = np.repeat(jets.event_values[:, 1:3], jets.counts, axis=0).astype(np.float64)
    distance = delta_r(jets.column("y"), jets.column("phi"), *axis.T)
    total = segment_sum(pt, jets.offsets)
    return {
        "multiplicity": jets.counts.astype(float),
        "mass (GeV)": jets.column("jet_m").astype(np.float64),
        "width": segment_sum(pt * distance, jets.offsets) / total,
        "pTD": np.sqrt(segment_sum(pt**2, jets.offsets)) / total,
    }


def mean(x):
    return x.mean(), x.std(ddof=1) / np.sqrt(len(x))


def compare(first, second):
    with np.load(first) as a, np.load(second) as b:
        samples = [unpack(a), unpack(b)]
    values = [observables(jets) for jets, _ in samples]
    print(".. Made by benchmarks/quark_gluon_preselection.py.\n")
    print(".. list-table:: Means with standard errors, with and without the preselection")
    print("   :header-rows: 1\n")
    print("   * - class\n     - observable\n     - with\n     - without\n     - difference in σ")
    for label, name in enumerate(TARGET_NAMES):
        chosen = [target == label for _, target in samples]
        for key in values[0]:
            (m1, e1), (m2, e2) = (mean(value[key][mask]) for value, mask in zip(values, chosen, strict=True))
            pull = (m1 - m2) / np.hypot(e1, e2)
            digits = 2 if m1 > 1 else 4
            print(f"   * - {name}\n     - {key}\n     - {m1:.{digits}f} ± {e1:.{digits}f}")
            print(f"     - {m2:.{digits}f} ± {e2:.{digits}f}\n     - {pull:+.1f}")
    counts = [[int(np.sum(target == label)) for label in (0, 1)] for _, target in samples]
    print(f"\nWith: {counts[0][0]} gluon and {counts[0][1]} quark jets; without: {counts[1][0]} and {counts[1][1]}.")
    auc = [roc_auc_score(target, -jets.counts) for jets, target in samples]
    print(f"The multiplicity alone separates the classes with an AUC of {auc[0]:.3f} and {auc[1]:.3f}.")


def rate(n_with=60, n_without=15):
    for label, name in enumerate(TARGET_NAMES):
        rates = []
        for seed in range(1, 6):
            pair = []
            for n, preselect in ((n_with, True), (n_without, False)):
                before = process_time()
                simulate_jets(label, n, seed, preselect)
                pair.append(n / (process_time() - before))
            rates.append(pair)
        fast, slow = np.median(rates, axis=0)
        ratio = np.median([a / b for a, b in rates])
        print(f"{name}: {fast:.1f} jets/s with, {slow:.1f} without, ratio {ratio:.1f}")


def lost(n_jets, seed):
    pythia8 = needs("pythia8mc", "simulate")
    for label, name in enumerate(TARGET_NAMES):
        verdicts, missed, found = [], 0, 0
        hook = preselection(pythia8)
        judge = hook.doVetoPT

        def look_on(position, event, judge=judge, verdicts=verdicts):
            verdicts.append(judge(position, event))
            return False

        hook.doVetoPT = look_on
        pythia = start(label, seed, hook)
        clustering = pythia8.SlowJet(-1, JET_RADIUS, JET_PT[0] / 2, 25.0, 2, 2)
        while found < n_jets:
            verdicts.clear()
            if not pythia.next():
                continue
            clustering.analyze(pythia.event)
            if clustering.sizeJet() and JET_PT[0] <= clustering.pT(0) <= JET_PT[1] and abs(clustering.y(0)) < JET_Y:
                found += 1
                missed += any(verdicts)
        print(f"{name}: {missed} of {found} jets would have been lost")


def generate(path, n_jets, seed):
    sample = make_quark_gluon_jets(n_jets, preselect=False, random_state=seed, verbose=True)
    np.savez_compressed(path, simulation=json.dumps(sample.simulation), **pack(sample.data, sample.target))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("generate")
    one.add_argument("path")
    one.add_argument("--n-jets", type=int, default=20_000)
    one.add_argument("--seed", type=int, default=1)
    two = commands.add_parser("compare")
    two.add_argument("first")
    two.add_argument("second")
    commands.add_parser("rate")
    three = commands.add_parser("lost")
    three.add_argument("--n-jets", type=int, default=2000)
    three.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.command == "generate":
        generate(args.path, args.n_jets, args.seed)
    elif args.command == "rate":
        rate()
    elif args.command == "lost":
        lost(args.n_jets, args.seed)
    else:
        compare(args.first, args.second)
