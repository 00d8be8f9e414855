"""Every architecture against a plain re-implementation with its weights, written from the papers' formulas."""

import itertools
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sklearn_ml4fp.nn import CNN, DenseNet, Recurrent, ResNet, Transformer, initialise


def drawn(module, activation="relu"):
    """Random weights, biases and scales, so that none of them can be left out unnoticed; double precision."""
    generator = torch.Generator().manual_seed(0)
    initialise(module, init="auto", activation=activation, generator=generator)
    with torch.no_grad():
        for p in module.parameters():
            if p.ndim == 1:
                p.add_(torch.randn(p.shape, generator=generator) * 0.3)
        for b in module.buffers():
            b.add_(torch.rand(b.shape, generator=generator))
    return module.double().eval()


def data(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def layer_norm(x, p, prefix):
    """Over all axes but the first."""
    axes = tuple(range(1, x.ndim))
    mean, variance = x.mean(axes, keepdim=True), x.var(axes, unbiased=False, keepdim=True)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return (x - mean) / (variance + 1e-5).sqrt() * p[f"{prefix}.weight"].view(shape) + p[f"{prefix}.bias"].view(shape)


def batch_norm(x, p, prefix):
    """With the running moments."""
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, variance, weight, bias = (
        p[f"{prefix}.{name}"].view(shape) for name in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


NORMS = {"layer": layer_norm, "batch": batch_norm, "none": lambda x, p, prefix: x}


def linear(x, p, prefix):
    return x @ p[f"{prefix}.weight"].T + p[f"{prefix}.bias"]


def conv(x, p, prefix, stride=1):
    """A convolution as a sum over the positions of its kernel."""
    weight, bias = p[f"{prefix}.weight"], p[f"{prefix}.bias"]
    k = weight.shape[-1]
    h, w = x.shape[2:]
    padded = F.pad(x, (k // 2,) * 4)
    out = sum(
        torch.einsum("nchw,oc->nohw", padded[:, :, i : i + h, j : j + w], weight[:, :, i, j])
        for i in range(k)
        for j in range(k)
    )
    return (out + bias[:, None, None])[:, :, ::stride, ::stride]


def halves(x, function):
    """A function of the 2 × 2 neighbours of every second pixel; fewer at an odd edge."""
    h, w = x.shape[2:]
    rows = [[function(x[:, :, i : i + 2, j : j + 2].flatten(2), -1) for j in range(0, w, 2)] for i in range(0, h, 2)]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


@pytest.mark.parametrize("normalisation", NORMS)
def test_resnet_on_tables(normalisation):
    """x + W₂ ReLU(W₁ norm(x) + b₁) + b₂, as in section 3.2 of arXiv:2106.11959."""
    network = drawn(ResNet((5,), 3, n_blocks=2, width=6, normalisation=normalisation))
    p, norm, x = dict(network.state_dict()), NORMS[normalisation], data(4, 5)
    h = linear(x, p, "stem")
    for i in range(2):
        hidden = linear(norm(h, p, f"blocks.{i}.ahead.0"), p, f"blocks.{i}.branch.0").relu()
        h = h + linear(hidden, p, f"blocks.{i}.branch.3")
    expected = linear(norm(h, p, "last.0").relu(), p, "head")
    assert torch.allclose(network(x), expected)


@pytest.mark.parametrize("normalisation", ["layer", "batch"])
def test_resnet_on_images(normalisation):
    """Three stages of 2, 4 and 8 channels, each half the extent of the one before (arXiv:1603.05027)."""
    network = drawn(ResNet((2, 7, 10), 3, n_blocks=3, width=8, normalisation=normalisation))
    p, norm, x = dict(network.state_dict()), NORMS[normalisation], data(4, 2, 7, 10)
    h = conv(x, p, "stem")
    for i in range(3):
        at, stride = f"blocks.{i}", 1 if i == 0 else 2
        ahead = norm(h, p, f"{at}.ahead.0").relu()
        inner = norm(conv(ahead, p, f"{at}.branch.0", stride), p, f"{at}.branch.1").relu()
        skip = h if i == 0 else conv(halves(ahead, torch.mean), p, f"{at}.skip.1")
        h = skip + conv(inner, p, f"{at}.branch.4")
    assert h.shape == (4, 8, 2, 3)
    expected = linear(norm(h, p, "last.0").relu().mean((2, 3)), p, "head")
    assert torch.allclose(network(x), expected)


@pytest.mark.parametrize("shape", [(5,), (2, 7, 5)])
def test_densenet(shape):
    """Two blocks of two layers, with a transition in between (arXiv:1608.06993)."""
    network = drawn(DenseNet(shape, 3, n_blocks=2, n_layers=2, width=3))
    p, x = dict(network.state_dict()), data(4, *shape)
    affine = linear if len(shape) == 1 else conv
    h = affine(x, p, "stem")
    for i in (0, 1, "transition", 6, 7):
        if i == "transition":
            h = affine(layer_norm(h, p, "blocks.2").relu(), p, "blocks.4")
            h = h if len(shape) == 1 else halves(h, torch.mean)
            continue
        new = affine(layer_norm(h, p, f"blocks.{i}.new.0").relu(), p, f"blocks.{i}.new.2")
        h = torch.cat([h, new], 1)
    h = layer_norm(h, p, "last.0").relu()
    expected = linear(h if len(shape) == 1 else h.mean((2, 3)), p, "head")
    assert torch.allclose(network(x), expected)


@pytest.mark.parametrize("normalisation", NORMS)
def test_cnn_on_images(normalisation):
    network = drawn(CNN((2, 7, 10), 3, n_layers=2, width=4, normalisation=normalisation))
    p, norm, x = dict(network.state_dict()), NORMS[normalisation], data(4, 2, 7, 10)
    h = x
    for i in range(2):
        h = norm(conv(h, p, f"layers.{i}.convolution"), p, f"layers.{i}.norm").relu()
        h = halves(h, torch.amax)
    assert torch.allclose(network(x), linear(h.mean((2, 3)), p, "head"))


def points(n=5, longest=6, d=3):
    """Points of 0 to ``longest``, their mask, and the same events as a list without padding."""
    counts = [longest, 0, 1, 4, 3][:n]
    mask = torch.arange(longest) < torch.tensor(counts)[:, None]
    x = torch.where(mask[..., None], data(n, longest, d), 0.0)
    return x, mask, [x[i, :count] for i, count in enumerate(counts)]


def test_cnn_on_sequences_event_by_event():
    """Without padding: a convolution over what is there, normalised position by position, maxima of pairs."""
    network = drawn(CNN((3, 1), 2, n_layers=2, width=4))
    p, (x, mask, events), column = dict(network.state_dict()), points(), data(5, 1)
    outputs = network(x, mask, column)
    for i, h in enumerate(events):
        for layer in range(2):
            weight, bias = p[f"layers.{layer}.convolution.weight"], p[f"layers.{layer}.convolution.bias"]
            padded = F.pad(h, (0, 0, 1, 1))
            h = torch.stack(
                [torch.einsum("kc,ock->o", padded[t : t + 3], weight) + bias for t in range(len(h))]
                or [h.new_zeros(len(bias))]
            )[: len(h)]
            if len(h):
                h = layer_norm(h, p, f"layers.{layer}.norm").relu()
                h = torch.stack([h[t : t + 2].amax(0) for t in range(0, len(h), 2)])
        pooled = h.mean(0) if len(h) else torch.zeros(8, dtype=h.dtype)
        assert torch.allclose(outputs[i], linear(torch.cat([pooled, column[i]]), p, "head"))


def lstm_step(x, h, c, w, u, b):
    i, f, g, o = (w @ x + u @ h + b).chunk(4)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gru_step(x, h, c, w, u, b_in, b_state):
    (r, z, n), (r2, z2, n2) = (w @ x + b_in).chunk(3), (u @ h + b_state).chunk(3)
    r, z = (r + r2).sigmoid(), (z + z2).sigmoid()
    return (1 - z) * (n + r * n2).tanh() + z * h, c


def rnn_step(x, h, c, w, u, b):
    return (w @ x + u @ h + b).tanh(), c


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_event_by_event(cell, bidirectional):
    """Two layers of cells over what is there, forwards and backwards."""
    width = 4
    network = drawn(Recurrent((3, 1), 2, cell=cell, n_layers=2, width=width, bidirectional=bidirectional))
    p, (x, mask, events), column = dict(network.state_dict()), points(), data(5, 1)
    outputs = network(x, mask, column)
    step = {"lstm": lstm_step, "gru": gru_step, "rnn": rnn_step}[cell]

    def run(sequence, prefix):
        w, u, b1, b2 = (p[f"{prefix}.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        biases = (b1, b2) if cell == "gru" else (b1 + b2,)
        h = c = torch.zeros(width, dtype=torch.float64)
        states = []
        for point in sequence:
            h, c = step(point, h, c, w, u, *biases)
            states.append(h)
        return states

    for i, sequence in enumerate(events):
        ends = [torch.zeros(width * (2 if bidirectional else 1), dtype=torch.float64)]
        for layer in range(2):
            if not len(sequence):
                break
            forwards = run(sequence, f"layers.{layer}.0")
            backwards = run(sequence.flip(0), f"layers.{layer}.1")[::-1] if bidirectional else None
            pairs = [torch.cat(pair) for pair in zip(forwards, backwards, strict=True)] if bidirectional else forwards
            sequence = torch.stack(pairs)
            ends = [forwards[-1], *([backwards[0]] if bidirectional else [])]
        hidden = linear(torch.cat([*ends, column[i]]), p, "join.0").relu()
        assert torch.allclose(outputs[i], linear(hidden, p, "head"))


def attend(h, p, prefix, n_heads):
    """softmax(Q Kᵀ/√d) V, one event and head at a time."""
    q, k, v = linear(h, p, f"{prefix}.qkv").chunk(3, -1)
    heads = [
        torch.softmax(q_i @ k_i.T / math.sqrt(q_i.shape[1]), -1) @ v_i
        for q_i, k_i, v_i in zip(q.chunk(n_heads, -1), k.chunk(n_heads, -1), v.chunk(n_heads, -1), strict=True)
    ]
    return linear(torch.cat(heads, -1), p, f"{prefix}.mixed")


def encode(h, p, n_blocks, n_heads):
    for i in range(n_blocks):
        h = h + attend(layer_norm(h, p, f"blocks.{i}.norm_attention"), p, f"blocks.{i}", n_heads)
        inner = linear(layer_norm(h, p, f"blocks.{i}.norm_mlp"), p, f"blocks.{i}.mlp.0").relu()
        h = h + linear(inner, p, f"blocks.{i}.mlp.3")
    return layer_norm(h, p, "last")


@pytest.mark.parametrize("pooling", ["class_token", "mean", "max", "sum"])
@pytest.mark.parametrize("positions", ["none", "sinusoidal"])
def test_transformer_event_by_event(pooling, positions):
    """Seven features and three heads: heads of three features, over the points that are there."""
    width, n_heads = 7, 3
    settings = {"n_blocks": 2, "width": width, "n_heads": n_heads, "pooling": pooling, "positions": positions}
    network = drawn(Transformer((3, 1), 2, **settings))
    p, (x, mask, events), column = dict(network.state_dict()), points(), data(5, 1)
    outputs = network(x, mask, column)
    for i, event in enumerate(events):
        h = linear(event, p, "tokens")
        if positions == "sinusoidal":
            angles = [[t / 10000 ** (2 * (j // 2) / width) for j in range(width)] for t in range(len(h))]
            waves = [[(math.cos if j % 2 else math.sin)(a) for j, a in enumerate(row)] for row in angles]
            h = h + torch.tensor(waves, dtype=torch.float64).reshape(-1, width)
        if pooling == "class_token":
            h = torch.cat([p["class_token.token"][None], h])
        if len(h):
            h = encode(h, p, 2, n_heads)
            pool = {"mean": lambda h: h.mean(0), "max": lambda h: h.amax(0), "sum": lambda h: h.sum(0)}
            pooled = h[0] if pooling == "class_token" else pool[pooling](h)
        else:
            pooled = torch.zeros(width, dtype=torch.float64)
        # the positions are computed in single precision
        expected = linear(torch.cat([pooled, column[i]]), p, "head")
        assert torch.allclose(outputs[i], expected, atol=1e-5 if positions == "sinusoidal" else 1e-9)


def test_transformer_on_tables():
    """One token x_j W_j + b_j a column, and the class token (arXiv:2106.11959)."""
    network = drawn(Transformer((5,), 3, n_blocks=2, width=6, n_heads=2))
    p, x = dict(network.state_dict()), data(4, 5)
    outputs = network(x)
    for i, row in enumerate(x):
        tokens = row[:, None] * p["tokens.weight"] + p["tokens.bias"]
        h = encode(torch.cat([p["class_token.token"][None], tokens]), p, 2, 2)
        assert torch.allclose(outputs[i], linear(h[0], p, "head"))


def test_transformer_against_torchs_own_encoder():
    """torch's layer with the normalisation in front, given the same weights; padding hidden by its own mask."""
    network = drawn(Transformer((3, 0), 2, n_blocks=2, width=6, n_heads=2))
    p, (x, mask, _) = dict(network.state_dict()), points()
    layer = torch.nn.TransformerEncoderLayer(6, 2, 12, dropout=0.0, batch_first=True, norm_first=True)
    theirs = torch.nn.TransformerEncoder(layer, 2, torch.nn.LayerNorm(6), enable_nested_tensor=False).double().eval()
    names = {
        "self_attn.in_proj_": "qkv.", "self_attn.out_proj.": "mixed.", "linear1.": "mlp.0.", "linear2.": "mlp.3.",
        "norm1.": "norm_attention.", "norm2.": "norm_mlp.",
    }  # fmt: skip
    state = {f"norm.{kind}": p[f"last.{kind}"] for kind in ("weight", "bias")}
    for i, (their, our) in itertools.product(range(2), names.items()):
        state |= {f"layers.{i}.{their}{kind}": p[f"blocks.{i}.{our}{kind}"] for kind in ("weight", "bias")}
    theirs.load_state_dict(state)
    tokens = torch.cat([p["class_token.token"].expand(len(x), 1, 6), linear(x, p, "tokens")], 1)
    hidden = ~torch.cat([mask.new_ones(len(x), 1), mask], 1)
    with torch.no_grad():
        expected = linear(theirs(tokens, src_key_padding_mask=hidden)[:, 0], p, "head")
    assert torch.allclose(network(x, mask), expected)


@pytest.mark.parametrize(
    ("build", "n_parameters"),
    [
        # stem 5·8 + 8; two blocks of norm 2·8 and twice 8·8 + 8; norm 2·8; head 8·3 + 3
        (lambda: ResNet((5,), 3, n_blocks=2, width=8), 48 + 2 * (16 + 144) + 16 + 27),
        # (1·9 + 1)·4 + 2·4; (4·9 + 1)·8 + 2·8; head 8·3 + 3
        (lambda: CNN((1, 8, 8), 3, n_layers=2, width=4), 48 + 312 + 27),
        # 4·(3·8 + 8·8 + 2·8); join 8·8 + 8; head 8·3 + 3
        (lambda: Recurrent((3, 0), 3, cell="lstm", n_layers=1, width=8), 416 + 72 + 27),
    ],
)
def test_numbers_of_parameters(build, n_parameters):
    assert sum(np.prod(p.shape) for p in build().parameters()) == n_parameters
