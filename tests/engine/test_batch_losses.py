"""Losses of the batches of an epoch: their mean, and that they take little room."""

import gc

import pytest
import torch

from sklearn_ml4fp.engine._batch_losses import BatchLosses

N = 2500
LOSSES = torch.rand(N, generator=torch.Generator().manual_seed(0))
SIZES = [64] * (N - 1) + [17]


def test_their_sum_is_that_of_all_outputs():
    seen = BatchLosses()
    for loss, size in zip(LOSSES, SIZES, strict=True):
        seen.add(loss, size)
    wanted = LOSSES.double().dot(torch.tensor(SIZES, dtype=torch.float64)).item()
    assert seen.total_and_size() == BatchLosses.of(LOSSES, SIZES).total_and_size() == (wanted, sum(SIZES))
    assert len(seen) == N


def test_a_process_may_have_no_batch():
    assert BatchLosses().total_and_size() == (0.0, 0)


def test_a_long_epoch_keeps_few_tensors():
    """Each of many small ones would keep the memory around it from being given back."""
    seen, before = BatchLosses(), sum(type(one) is torch.Tensor for one in gc.get_objects())
    for i in range(N):
        seen.add(torch.full((), i / N), 1)
    assert sum(type(one) is torch.Tensor for one in gc.get_objects()) - before < N / 2
    assert seen.total_and_size() == (pytest.approx((N - 1) / 2), N)
