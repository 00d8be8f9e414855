"""Splits of a source: the same event is in the same part in memory and in a stream."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ml4fp import EventKFold, EventShuffleSplit, EventSource, RotatingKFold, train_val_test_split

N = 300
FRAME = pd.DataFrame({"a": np.arange(N, dtype=float), "label": np.arange(N) % 2, "event": np.arange(N) // 2 + 2**60})
SOURCE = EventSource(FRAME, features=["a"], target="label", event_id="event")


def rows_of(source):
    return source.read().data[:, 0].astype(int)


@pytest.mark.parametrize("splitter", [EventKFold(3), RotatingKFold(4, salt=1), EventShuffleSplit(2)], ids=repr)
def test_folds_are_those_of_arrays(splitter):
    wanted = list(splitter.split(FRAME, groups=FRAME.event))
    for sides, rows in zip(splitter.split(SOURCE), wanted, strict=True):
        for source, expected in zip(sides, rows, strict=True):
            assert np.array_equal(rows_of(source), expected)


def test_three_parts_are_those_of_arrays():
    wanted = train_val_test_split(FRAME.a.to_numpy(), groups=FRAME.event, sizes=(0.5, 0.2, 0.3), salt="x")
    parts = train_val_test_split(SOURCE, sizes=(0.5, 0.2, 0.3), salt="x")
    for source, expected in zip(parts, wanted, strict=True):
        assert np.array_equal(rows_of(source), expected)
        assert np.array_equal(np.concatenate([chunk.data[:, 0] for chunk in source.chunks(7)]), expected)


def test_a_source_is_split_by_its_own_ids():
    without = EventSource(FRAME, features=["a"])
    for call in (
        lambda: next(EventKFold(3).split(without)),
        lambda: next(EventShuffleSplit(2).split(without)),
        lambda: next(EventKFold(3).split(SOURCE, groups=FRAME.event)),
        lambda: train_val_test_split(without),
    ):
        with pytest.raises(ValueError, match="split by its own ids"):
            call()
    with pytest.raises(TypeError, match="split alone"):
        train_val_test_split(SOURCE, FRAME.label)
