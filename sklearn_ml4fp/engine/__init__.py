"""The training loop: skorch and torch; knows no architecture."""

from ._batches import TensorData
from ._losses import WeightedLoss
from ._monitor import Monitor
from ._net import Net, resolve_device
from ._optimizers import OPTIMIZERS, optimizer_arguments

__all__ = [
    "OPTIMIZERS",
    "Monitor",
    "Net",
    "TensorData",
    "WeightedLoss",
    "optimizer_arguments",
    "resolve_device",
]
