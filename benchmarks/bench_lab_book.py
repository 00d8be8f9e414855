"""Cost of a lab book: fits with and without one, in turns.

    OMP_NUM_THREADS=1 python benchmarks/bench_lab_book.py --rounds 7 --long 60

Short fits are of 10 and 50 epochs of 3000 events, alone and in a Pipeline; a long one is of about ``--long`` seconds of
a processor. Each round makes a fit without a lab book and one with it. Wall time is what one waits for; processor time
is what does not depend on other jobs on the machine.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import FeedForwardClassifier, LabBook, MissingValueImputer, ZScoreScaler, load_events


def seconds(call):
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def compare(name, fit, book, rounds):
    """Medians of the times without, and of the differences of each round."""
    fit()
    times = []
    for i in range(rounds):
        pair = {}
        for with_book in (False, True) if i % 2 else (True, False):
            if with_book:
                book.start()
            pair[with_book] = seconds(fit)
            book.stop()
        times.append([*pair[False], *np.subtract(pair[True], pair[False])])
    wall, processor, more_wall, more_processor = np.median(times, axis=0)
    print(
        f"| {name} | {wall:.3f} | {processor:.3f} | {more_wall:.3f} | {more_processor:.3f} | "
        f"{100 * more_processor / processor:.1f} % |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--long", type=float, default=60.0, help="processor seconds of the long fit; 0 leaves it out")
    given = parser.parse_args()
    X, y = load_events(return_X_y=True)
    few = X[:3000], y[:3000]
    print("| fit | without (s) | processor (s) | more (s) | more processor (s) | share |")
    print("|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        book = LabBook(Path(folder) / "runs.db").start()
        for epochs in (10, 50):
            network = FeedForwardClassifier(max_epochs=epochs, early_stopping=False, width=64, random_state=0)
            model = make_pipeline(MissingValueImputer(), ZScoreScaler(), network)
            clean = model[:-1].fit_transform(few[0])
            compare(f"network, {epochs} epochs", lambda n=network, c=clean: n.fit(c, few[1]), book, given.rounds)
            compare(f"pipeline, {epochs} epochs", lambda m=model: m.fit(*few), book, given.rounds)
        if given.long:
            network = FeedForwardClassifier(early_stopping=False, width=64, random_state=0)
            model = make_pipeline(MissingValueImputer(), ZScoreScaler(), network)
            model.set_params(feedforwardclassifier__max_epochs=3)
            an_epoch = seconds(lambda: model.fit(X, y))[1] / 3
            epochs = max(3, round(given.long / an_epoch))
            model.set_params(feedforwardclassifier__max_epochs=epochs)
            compare(f"pipeline, {epochs} epochs", lambda: model.fit(X, y), book, min(given.rounds, 3))


if __name__ == "__main__":
    main()
