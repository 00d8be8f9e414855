"""Packed events and graphs as a source of batches."""

import pytest
import torch

from sklearn_ml4fp.engine import PackedData

COUNTS, EDGES = [3, 0, 9, 1, 16, 17, 2], [2, 0, 0, 1, 30, 4, 2]
CPU = torch.device("cpu")


def made(graphs, weight=True):
    """Points numbered through; the event's number in its column and its edges, from its first point to its last."""
    offsets = torch.tensor([0, *COUNTS]).cumsum(0)
    values = torch.arange(int(offsets[-1]))[:, None] + 1.0
    target = torch.arange(len(COUNTS))
    inputs = (values, offsets, target[:, None].float())
    if graphs:
        last = torch.repeat_interleave(torch.tensor(COUNTS) - 1, torch.tensor(EDGES))
        edges = torch.stack([torch.zeros_like(last), last], dim=1)
        of_event = torch.repeat_interleave(target, torch.tensor(EDGES))[:, None].float()
        inputs = (*inputs, edges, of_event, torch.tensor([0, *EDGES]).cumsum(0))
    return PackedData(inputs, target, 10.0 * target if weight else None)


def check(inputs, events):
    """The events' own points, columns and edges, in their order."""
    points, counts, columns, *edges = inputs
    first = 0
    for i, event in enumerate(events):
        n = COUNTS[event]
        assert counts[i] == n
        assert points[first : first + n, 0].tolist() == [sum(COUNTS[:event]) + j + 1 for j in range(n)]
        assert columns[i].item() == event
        if edges:
            own = edges[1][:, 0] == event
            own[sum(EDGES[one] for one in events) :] = False
            assert edges[0][own].tolist() == [[first, first + n - 1]] * EDGES[event]
        first += n
    return first


@pytest.mark.parametrize("graphs", [False, True])
@pytest.mark.parametrize("generator", [None, torch.Generator().manual_seed(0)])
def test_every_event_once_without_padding(graphs, generator):
    seen = []
    for inputs, target, weight in made(graphs).batches(3, CPU, generator):
        events = target.tolist()
        assert check(inputs, events) == len(inputs[0])
        assert weight.tolist() == [10 * event for event in events]
        seen += events
    assert sorted(seen) == list(range(len(COUNTS)))
    assert (seen == sorted(seen)) == (generator is None)


@pytest.mark.parametrize("graphs", [False, True])
def test_every_event_is_in_one_block_beside_events_of_about_its_size(graphs):
    data, seen = made(graphs), []
    for rows, inputs in data.blocks(1, CPU):
        assert check(inputs, rows.tolist()) == len(inputs[0])
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(COUNTS)))
    assert [COUNTS[event] for event in seen] == sorted(COUNTS)


def test_a_large_event_has_a_block_of_its_own():
    data = PackedData((torch.ones(10_000, 2), torch.tensor([0, 10_000]), torch.zeros(1, 0)), torch.zeros(1))
    ((_, (points, counts, _)),) = data.blocks(512, CPU)
    assert points.shape == (10_000, 2)
    assert counts.tolist() == [10_000]


def test_events_without_any_point():
    data = PackedData((torch.ones(0, 3), torch.zeros(3, dtype=torch.long), torch.zeros(2, 0)), torch.zeros(2))
    (((points, counts, columns), _, weight),) = data.batches(5, CPU)
    assert points.shape == (0, 3)
    assert counts.tolist() == [0, 0]
    assert columns.shape == (2, 0)
    assert weight is None
