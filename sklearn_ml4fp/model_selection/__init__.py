"""Splits by event, search spaces and searches."""

from ._splits import EventKFold, EventShuffleSplit, RotatingKFold, train_val_test_split

__all__ = ["EventKFold", "EventShuffleSplit", "RotatingKFold", "train_val_test_split"]
