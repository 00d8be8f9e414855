"""Events of points as a source of batches."""

import pytest
import torch

from sklearn_ml4fp import load_quark_gluon_jets
from sklearn_ml4fp.engine import PointData

COUNTS = [3, 0, 9, 1, 16, 17, 2]
CPU = torch.device("cpu")


def made(in_parts=True):
    """Points numbered through, in the first feature; the event's number in the second and in its column."""
    offsets = torch.tensor([0, *COUNTS]).cumsum(0)
    events = torch.repeat_interleave(torch.arange(len(COUNTS)), torch.tensor(COUNTS))
    values = torch.stack([torch.arange(len(events)) + 1, events], dim=1).float()
    column, target = torch.arange(len(COUNTS))[:, None].float(), torch.arange(len(COUNTS))
    return PointData((values, offsets, column), target, 10.0 * target, in_parts=in_parts)


def check(points, mask, column, event):
    """One event of a batch: its points in their order, zeros behind, and what belongs to it."""
    n = COUNTS[event]
    first = sum(COUNTS[:event])
    assert mask.tolist() == [True] * n + [False] * (len(mask) - n)
    assert points[:n, 0].tolist() == [first + i + 1 for i in range(n)]
    assert not points[n:].any()
    assert column.item() == event


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize("generator", [None, torch.Generator().manual_seed(0)])
def test_every_event_once_padded_to_the_longest_of_its_part(generator, in_parts):
    seen = []
    for parts, target, weight in made(in_parts=in_parts).batches(3, CPU, generator):
        events = target.tolist()
        assert weight.tolist() == [10 * event for event in events]
        seen += events
        assert in_parts or len(parts) == 1
        for points, mask, column in parts:
            mine, events = events[: len(points)], events[len(points) :]
            counts = [COUNTS[event] for event in mine]
            assert points.shape[1] == max(1, *counts)
            assert not in_parts or min(counts) >= 0.7 * max(counts)
            for i, event in enumerate(mine):
                check(points[i], mask[i], column[i], event)
        assert not events
    assert sorted(seen) == list(range(len(COUNTS)))
    assert (seen == sorted(seen)) == (generator is None and not in_parts)


def test_under_a_fifth_of_a_batch_of_jets_is_padding():
    jets, _ = load_quark_gluon_jets(return_X_y=True)
    values = torch.from_numpy(jets.values[:, :1].copy())
    data = PointData((values, torch.from_numpy(jets.offsets.copy())), torch.zeros(len(jets)))
    for batch_size in (128, 1024):
        batches = list(data.batches(batch_size, CPU, torch.Generator().manual_seed(0)))
        room = sum(mask.numel() for parts, _, _ in batches for _, mask in parts)
        whole = sum(len(target) * max(mask.shape[1] for _, mask in parts) for parts, target, _ in batches)
        assert 1 - len(values) / room < 0.2 < 0.5 < 1 - len(values) / whole


def test_blocks_have_shapes_of_their_own_length():
    seen = {}
    for rows, (points, mask, column) in made().blocks(20, CPU):
        assert len(points) == len(mask) == len(rows) <= 80 // points.shape[1]
        for i, event in enumerate(rows.tolist()):
            check(points[i], mask[i], column[i], event)
            seen[event] = points.shape[1]
    assert seen == {0: 8, 1: 8, 2: 16, 3: 8, 4: 16, 5: 32, 6: 8}


def test_long_events_come_alone():
    data = PointData((torch.ones(5000, 4), torch.tensor([0, 5000])), torch.zeros(1))
    ((_, (points, _)),) = data.blocks(512, CPU)
    assert points.shape == (1, 8192, 4)


def test_events_without_any_point():
    data = PointData((torch.ones(0, 3), torch.zeros(3, dtype=torch.long)), torch.zeros(2))
    ((((points, mask),), _, weight),) = data.batches(5, CPU)
    assert points.shape == (2, 1, 3)
    assert not mask.any()
    assert weight is None
