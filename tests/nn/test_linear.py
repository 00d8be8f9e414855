"""Linear layers by oneDNN, and the draws of dropout."""

import pytest
import torch
import torch.nn.functional as F

from sklearn_ml4fp.nn._layers import Dropout, kept
from sklearn_ml4fp.nn._linear import WIDE, Linear, has_onednn, linear, product

D = 256
N = WIDE // D**2 + 1  # the smallest number of events of a large product


def tensors(*shape, bias=True, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    made = [torch.randn(*size, generator=generator, dtype=dtype) for size in ((*shape, D), (D, D), (D,))]
    return [one.requires_grad_() for one in (made if bias else made[:2])]


def functions_of(output):
    """Names of all functions of autograd behind a tensor."""
    found, waiting = set(), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None:
            found.add(type(node).__name__)
            waiting += [one for one, _ in node.next_functions]
    return found


@pytest.mark.skipif(not has_onednn(), reason="torch without oneDNN")
@pytest.mark.parametrize("shape", [(N,), (2, N)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_value_and_gradients_are_those_of_torch(shape, bias):
    x, weight, *rest = tensors(*shape, bias=bias)
    constant = rest[0] if rest else None
    y, expected = linear(x, weight, constant), F.linear(x, weight, constant)
    assert "_ByOneDNNBackward" in functions_of(y)
    factors = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    # sums of 256 products of numbers of size one, in float32
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-4)
    leaves = [x, weight, *rest]
    found = torch.autograd.grad(y, leaves, factors)
    torch.testing.assert_close(found, torch.autograd.grad(expected, leaves, factors), rtol=1e-5, atol=1e-4)


@pytest.mark.skipif(not has_onednn(), reason="torch without oneDNN")
def test_some_columns_of_a_matrix(monkeypatch):
    """OneDNN would take a thousand times as long for them as for a copy."""
    x, weight, _ = tensors(N)
    seen, real = [], torch.ops.mkldnn._linear_pointwise
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", lambda *args: seen.append(args[1]) or real(*args))
    for part in (weight[:, : D // 2], weight.T[:, : D // 2]):
        inputs = x[:, : D // 2].detach()
        torch.testing.assert_close(product(inputs, part), inputs @ part.T, rtol=1e-5, atol=1e-4)
    assert [one.is_contiguous() for one in seen] == [True, False]  # the transpose of a contiguous one is as good
    assert seen[1].T.is_contiguous()


def test_inputs_without_a_gradient():
    x, weight, bias = tensors(N)
    linear(x.detach(), weight, bias).sum().backward()
    torch.testing.assert_close(weight.grad, x.detach().sum(0).expand(D, D), rtol=1e-5, atol=1e-4)
    assert x.grad is None


def test_small_and_other_products_are_left_to_torch():
    x, weight, bias = tensors(N)
    few = linear(x[: N // 2], weight, bias)
    double = linear(*tensors(N, dtype=torch.float64))
    with torch.autocast("cpu", torch.bfloat16):
        narrow = linear(x, weight, bias)
    assert narrow.dtype == torch.bfloat16
    assert not any("_ByOneDNNBackward" in functions_of(one) for one in (few, double, narrow))


@pytest.mark.skipif(not has_onednn(), reason="torch without oneDNN")
def test_predictions_are_made_by_onednn_too():
    x, weight, bias = tensors(N)
    with torch.inference_mode(), torch.profiler.profile() as seen:
        y = Linear(D, D)(x)
    assert "mkldnn::_linear_pointwise" in {one.key for one in seen.key_averages()}
    assert y.shape == (N, D)
    fixed = linear(x, weight.detach(), bias)  # the gradient of the inputs alone
    (of_x,) = torch.autograd.grad(fixed.sum(), x)
    torch.testing.assert_close(of_x, weight.detach().sum(0).expand(N, D), rtol=1e-5, atol=1e-4)


@pytest.mark.skipif(not has_onednn(), reason="torch without oneDNN")
@pytest.mark.parametrize(("d_in", "d_out"), [(64, 256), (256, 64)])
def test_gradients_of_matrices_that_are_not_square(d_in, d_out):
    generator = torch.Generator().manual_seed(0)
    n = WIDE // (d_in * d_out) + 1
    x, weight, factors = (torch.randn(*shape, generator=generator) for shape in ((n, d_in), (d_out, d_in), (n, d_out)))
    (of_weight,) = torch.autograd.grad(linear(x, weight.requires_grad_(), None), weight, factors)
    torch.testing.assert_close(of_weight, factors.T @ x, rtol=1e-5, atol=1e-4)


def test_a_compiled_layer_is_that_of_torch():
    x, weight, bias = tensors(N)
    seen = []
    compiled = torch.compile(linear, backend=lambda graph, _: seen.append(graph.code) or graph.forward)
    torch.testing.assert_close(compiled(x, weight, bias), linear(x, weight, bias), rtol=1e-5, atol=1e-4)
    assert "linear" in seen[0]
    assert "ByOneDNN" not in seen[0]


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_features_are_dropped_with_the_probability_and_independently(p):
    n = 200_000
    one = kept(torch.empty(n, 5), p, torch.Generator().manual_seed(0))
    assert set(one.unique().tolist()) == {0.0, 1.0}
    share = one.double().mean(0)
    tolerance = 5 * (p * (1 - p) / n) ** 0.5  # five standard deviations, of each column and of each pair
    torch.testing.assert_close(share, torch.full_like(share, 1 - p), rtol=0, atol=tolerance)
    flat = one.flatten().double()
    for lag in (1, 2, 3, 4, 5, 8):  # four neighbours come of one draw
        both = float((flat[lag:] * flat[:-lag]).mean())
        assert both == pytest.approx((1 - p) ** 2, abs=5 * (p * (1 - p) / len(flat)) ** 0.5)


def test_the_draws_are_those_of_the_generator_alone():
    x = torch.ones(7, 3)
    before = torch.random.get_rng_state()
    one, two = (kept(x, 0.5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, kept(x, 0.5, torch.Generator().manual_seed(4)))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert kept(x[:0], 0.5, None).shape == (0, 3)


def test_dropout_keeps_the_mean():
    layer = Dropout(0.15).train()
    layer.generator = torch.Generator().manual_seed(0)
    y = layer(torch.ones(1000, 1000))
    assert float(y.double().mean()) == pytest.approx(1, abs=5 * (0.15 / 0.85) ** 0.5 / 1000)
    assert float(y.max()) == pytest.approx(1 / 0.85)
