"""Fits that processes make together, for `test_distributed`: each process leaves what it has learned in a file."""

import os
import signal
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from skorch.callbacks import Callback

import sklearn_ml4fp.engine._checkpoint as checkpoints
from sklearn_ml4fp import (
    CrossFitClassifier,
    DeepSetsClassifier,
    EventSource,
    FeedForwardClassifier,
    FeedForwardRegressor,
    MessagePassingClassifier,
    PointClouds,
    RaggedArray,
    Smear,
    TransformerClassifier,
    save_model,
)

N = 403
RNG = np.random.default_rng(0)
CLASS = RNG.integers(0, 2, N)
VALUES = RNG.normal(size=(N, 4)).astype(np.float32)
VALUES[:, 0] += CLASS
NUMBER = 40 * VALUES[:, 1] + 300
WEIGHT = RNG.choice([1.5, -0.4, 0.8], N)
EVENT = np.arange(N) // 2
COUNTS = RNG.integers(0, 6, N)
CLOUDS = PointClouds(
    np.column_stack([RNG.exponential(20, COUNTS.sum()), RNG.uniform(-3, 3, (COUNTS.sum(), 2))]),
    np.concatenate([[0], COUNTS.cumsum()]),
    feature_names=["pt", "eta", "phi"],
)
SMALL = {"width": 8, "n_layers": 1, "max_epochs": 3, "lr": 0.01, "random_state": 0}
GIVEN = {"sample_weight": WEIGHT, "groups": EVENT}
FULL = {**SMALL, "batch_size": 8 * N, "optimizer": "sgd", "momentum": 0.9, "lr": 0.1}


EPOCHS = set()  # in which batches were trained on


class Killed(Callback):
    """Kill the process of this rank, as a machine without memory does, in the third epoch."""

    def on_batch_end(self, net, training=False, **kwargs):
        EPOCHS.add(len(net.history))
        if training and len(net.history) == 3 and os.environ.get("KILLED") == os.environ.get("RANK", "-"):
            os.kill(os.getpid(), signal.SIGKILL)


def to_resume(folder):
    choices = {**SMALL, "batch_size": 50, "max_epochs": 5, "ema_decay": 0.9, "checkpoint": folder}
    return FeedForwardClassifier(callbacks=[Killed()], **choices).fit(VALUES, CLASS)


def source_of(folder, **roles):
    """Six times the events, of which a window of the stream holds a part."""
    frame = pd.DataFrame(VALUES, columns=list("abcd")).assign(
        label=CLASS, number=NUMBER, weight=np.abs(WEIGHT), signed=WEIGHT, one_eta=VALUES[:, 2]
    )
    frame = pd.concat([frame] * 6, ignore_index=True).assign(event=np.arange(6 * N) // 2)
    path = Path(folder) / f"events{os.environ.get('RANK', '')}.parquet"
    frame.to_parquet(path, row_group_size=100)
    return EventSource(path, **{"features": list("abcd"), "event_id": "event", "memory": 20_000, **roles})


def fits(folder):
    """Make the fits by their names; those of a stream read files of the folder."""
    classes, numbers = FeedForwardClassifier, FeedForwardRegressor
    clouds = {"X": CLOUDS, "y": CLASS, "groups": EVENT}
    table = {"X": VALUES, "y": CLASS, **GIVEN}
    streams = {
        "classes": {"target": "label", "weight": "signed"},
        "numbers": {"target": ["number", "d"], "features": ["a", "b"], "weight": "signed"},
    }
    sets = {"features": ["c"], "collections": {"one": ["pt", "eta", "phi"]}, "target": "label", "weight": "weight"}
    sets["derived"] = {"one_pt": "exp(a)", "one_phi": "3 * tanh(d)"}
    yield "full", classes(**FULL, class_weight="balanced", gradient_clipping=0.1), table
    yield "batches", classes(**SMALL, batch_size=37, ema_decay=0.9, l1=1e-4, lr_schedule="one_cycle"), table
    watching = {"metrics": ["roc_auc", "accuracy"], "monitor": "roc_auc", "lr_schedule": "plateau", "patience": 2}
    yield "metrics", classes(**{**SMALL, "max_epochs": 8}, **watching), table
    yield "numbers", numbers(**SMALL, batch_size=50), {**table, "y": NUMBER}
    yield "watched", numbers(**SMALL), {"X": VALUES, "y": NUMBER, "X_val": VALUES[:99], "y_val": NUMBER[:99]}
    yield "sets", DeepSetsClassifier(**{**SMALL, "n_layers": 2}, batch_size=50), clouds
    sequences = {"width": 8, "n_heads": 2, "n_blocks": 1, "optimizer": "sgd", "max_epochs": 2, "random_state": 0}
    yield "sequences", TransformerClassifier(**sequences), clouds
    yield (
        "points",
        MessagePassingClassifier(width=8, output="point", coordinates=("eta", "phi"), max_epochs=2, random_state=0),
        {**clouds, "y": RaggedArray(CLOUDS.values[:, 0] > 10, CLOUDS.offsets)},
    )
    yield "members", classes(**SMALL, n_members=2), table
    yield "cross-fit", CrossFitClassifier(classes(**SMALL), cv=2), table
    for name, roles in streams.items():
        network = numbers(**FULL, num_embedding="piecewise") if name == "numbers" else classes(**FULL)
        yield f"stream of {name}", network, {"X": source_of(folder, **roles)}
    yield "stream of sets", DeepSetsClassifier(**{**SMALL, "batch_size": 8 * N}), {"X": source_of(folder, **sets)}
    of_points = {"target": {"one": "label"}, "weight": {"one": "w"}}
    labels = {**sets["derived"], "one_label": "b > 0.2", "one_w": "exp(a)"}
    yield (
        "stream of points",
        MessagePassingClassifier(
            **{**FULL, "batch_size": 8 * N, "max_epochs": 2},
            n_blocks=1,
            output="point",
            coordinates=("eta", "phi"),
            metrics="roc_auc",
        ),
        {"X": source_of(folder, **{**sets, **of_points, "derived": labels})},
    )
    yield "stream watched", classes(**FULL), {
        "X": source_of(folder, **streams["classes"]), "X_val": source_of(folder, target="label")
    }  # fmt: skip


def unequal(folder):
    """Make fits in which processes draw other numbers, or mix others of the events, than one does."""
    table = {"X": VALUES, "y": CLASS, "groups": EVENT}
    adam = {"width": 16, "n_layers": 1, "batch_size": 32, "max_epochs": 6, "lr": 0.01}
    smear = Smear(absolute=0.1, columns=[0], positive=False)
    yield "dropout", FeedForwardClassifier(**adam, dropout=0.1, random_state=0), table
    yield "no seed", FeedForwardClassifier(**adam), table
    yield "batch normalisation", FeedForwardClassifier(**adam, normalisation="batch", random_state=0), table
    yield "augmented", FeedForwardClassifier(**adam, augment=smear, random_state=0), table
    source = source_of(folder, target="label", weight="weight")
    yield "stream", FeedForwardClassifier(**adam, metrics="roc_auc", random_state=0), {"X": source}


def learned(network):
    """Weights and history of a network."""
    members = [member for one in getattr(network, "estimators_", [network]) for member in one.members_]
    weights = [v.numpy() for one in members for v in one.net_.module_.state_dict().values()]
    history = members[0].history_
    return weights, {name: one for name, one in history.items() if name.startswith(("train", "valid"))}


def error_of(function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def main(folder):
    folder, rank = Path(folder), int(os.environ["RANK"])
    checkpoints._INTERVAL = 0
    if "KILLED" in os.environ:
        to_resume(folder / "checkpoint")
        return
    found = {name: learned(network.fit(**given)) for name, network, given in fits(folder)}
    for name, network, given in unequal(folder):
        found[name] = learned(network.fit(**given)), network.predict_proba(VALUES)[:, 1]
    EPOCHS.clear()
    found["resumed"] = learned(to_resume(folder / "checkpoint"))
    found["epochs"] = sorted(EPOCHS)
    found["other events"] = error_of(FeedForwardClassifier(**SMALL).fit, VALUES + rank, CLASS)
    found["few"] = error_of(FeedForwardClassifier(**{**SMALL, "batch_size": 1}).fit, VALUES, CLASS)
    found["partial_fit"] = error_of(FeedForwardClassifier(**SMALL).partial_fit, VALUES, CLASS, classes=[0, 1])
    alone = FeedForwardClassifier(**{**SMALL, "random_state": rank}, distributed=False).fit(VALUES, CLASS)
    found["alone"] = learned(alone)
    save_model(alone, folder / f"alone{rank}.skops")
    network = FeedForwardClassifier(**SMALL, verbose=2).fit(VALUES, CLASS)
    save_model(network, folder / f"together{rank}.skops")
    joblib.dump(found, folder / f"found{rank}.joblib")


if __name__ == "__main__":
    main(sys.argv[1])
