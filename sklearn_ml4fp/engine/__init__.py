"""The training loop: skorch and torch; knows no architecture."""

from ._ahead import ahead
from ._batches import PiecewiseData, Share, ShuffledBatches, Source, TensorData, sample_of, shuffled
from ._checkpoint import CheckpointFile, fingerprint_of
from ._classifier_net import ClassifierNet
from ._devices import has_bfloat16, resolve_device
from ._distributed import ALONE, Processes, joined
from ._losses import Loss, MemberLoss, WeightedLoss, own_loss
from ._memory import build_on_meta
from ._monitor import Monitor
from ._net import Net
from ._optimizers import OPTIMIZERS, optimizer_arguments
from ._points import PackedData, PointData
from ._recipe import Recipe
from ._schedules import SCHEDULES, WARMED_UP, Schedule
from ._together import Training, train_together

__all__ = [
    "ALONE",
    "OPTIMIZERS",
    "SCHEDULES",
    "WARMED_UP",
    "CheckpointFile",
    "ClassifierNet",
    "Loss",
    "MemberLoss",
    "Monitor",
    "Net",
    "PackedData",
    "PiecewiseData",
    "PointData",
    "Processes",
    "Recipe",
    "Schedule",
    "Share",
    "ShuffledBatches",
    "Source",
    "TensorData",
    "Training",
    "WeightedLoss",
    "ahead",
    "build_on_meta",
    "fingerprint_of",
    "has_bfloat16",
    "joined",
    "optimizer_arguments",
    "own_loss",
    "resolve_device",
    "sample_of",
    "shuffled",
    "train_together",
]
