"""Graph networks against plain re-implementations in loops over events, points and edges, from the papers' formulas."""

import math

import pytest
import torch

from sklearn_ml4fp.nn import EdgeConv, InteractionNetwork, MessagePassing, ParticleTransformer, initialise
from sklearn_ml4fp.nn._edge_layers import EdgeLinear
from sklearn_ml4fp.nn._graph import ListedEdges

# an empty event, one of a single point, and one with fewer other points than neighbours are asked for
COUNTS = [5, 0, 1, 3, 6]
N_ROWS = sum(COUNTS) + 2  # two rows of padding
D, D_EVENT, D_EDGE, N_NEIGHBORS = 3, 2, 2, 3
PERIODIC = (False, True)


def drawn(module):
    """Random weights, biases and scales, so that none of them can be left out unnoticed; double precision."""
    generator = torch.Generator().manual_seed(0)
    initialise(module, init="auto", activation="relu", generator=generator)
    with torch.no_grad():
        for p in module.parameters():
            if p.ndim == 1:
                p.add_(torch.randn(p.shape, generator=generator) * 0.3)
    return module.double().eval()


def data(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inputs(n_raw=0):
    """Points with η, φ (some beyond ±π) and ``n_raw`` columns behind, counts and event columns; padding is rubbish."""
    x = data(N_ROWS, D + 2 + n_raw)
    x[:, D + 1] *= 3
    return x, torch.tensor(COUNTS), data(len(COUNTS), D_EVENT, seed=2)


def given_edges():
    """Edges within events, a point to itself, one twice; behind them two that fill up, at the last row of padding."""
    local = {0: [(0, 1), (1, 0), (2, 2), (4, 1), (4, 1)], 3: [(0, 2)], 4: [(5, 0), (1, 0), (2, 0), (0, 3)]}
    starts = [sum(COUNTS[:i]) for i in range(len(COUNTS))]
    rows = [(starts[event] + a, starts[event] + b) for event, edges in local.items() for a, b in edges]
    rows += [(N_ROWS - 1, N_ROWS - 1)] * 2
    return torch.tensor(rows), data(len(rows), D_EDGE, seed=3)


def angle_between(a):
    return math.remainder(a, 2 * math.pi)


def separation(a, b):
    """Δη, Δφ and distance from b to a."""
    difference = torch.stack([a[D] - b[D], torch.tensor(angle_between(float(a[D + 1] - b[D + 1])), dtype=a.dtype)])
    return difference, max(float(difference.square().sum().sqrt()), 1e-8)


def events_of(x, given=None):
    """For every event its points and its edges (origin, end, features)."""
    start = 0
    for count in COUNTS:
        points = x[start : start + count]
        edges = []
        if given is None:
            for i in range(count):
                near = sorted((separation(points[j], points[i])[1], j) for j in range(count) if j != i)
                edges += [(j, i, None) for _, j in near[:N_NEIGHBORS]]
        else:
            for (a, b), values in zip((given[0] - start).tolist(), given[1], strict=True):
                edges += [(a, b, values)] if 0 <= b < count else []
        yield points, edges
        start += count


def described(points, edges):
    """ln Δ and direction of every edge, and its own features."""
    found = []
    for j, i, values in edges:
        difference, distance = separation(points[j], points[i])
        own = [torch.tensor([math.log(distance)], dtype=torch.float64), difference / distance]
        found.append(torch.cat(own if values is None else [*own, values]))
    return found


def linear(x, p, prefix):
    return p[f"{prefix}.weight"] @ x + p[f"{prefix}.bias"]


def layer_norm(x, p, prefix, normalisation):
    if normalisation == "none":
        return x
    mean, variance = x.mean(), x.var(unbiased=False)
    return (x - mean) / (variance + 1e-5).sqrt() * p[f"{prefix}.weight"] + p[f"{prefix}.bias"]


def layers(x, p, prefix, n, normalisation):
    for i in range(n):
        x = layer_norm(linear(x, p, f"{prefix}.layers.{i}"), p, f"{prefix}.norms.{i}", normalisation).relu()
    return x


def edge_layers(x, p, prefix, n, normalisation):
    x = layer_norm(linear(x, p, f"{prefix}.first"), p, f"{prefix}.first_norm", normalisation).relu()
    return layers(x, p, f"{prefix}.layers", n - 1, normalisation)


REDUCED = {"mean": lambda rows: rows.mean(0), "max": lambda rows: rows.amax(0), "sum": lambda rows: rows.sum(0)}


def reduced(rows, how, width):
    """Zeros where there are none."""
    return REDUCED[how](torch.stack(rows)) if rows else torch.zeros(width, dtype=torch.float64)


@pytest.mark.parametrize("given", [None, given_edges()], ids=["nearest", "given"])
@pytest.mark.parametrize("messages", ["isotropic", "anisotropic"])
@pytest.mark.parametrize(
    ("aggregation", "pooling", "normalisation"),
    [("mean", "sum", "layer"), ("max", "mean", "none"), ("sum", "max", "layer")],
)
def test_message_passing(given, messages, aggregation, pooling, normalisation):
    """h_i + U(h_i, reduce M(h_j)) or M(h_i, h_j, e_ij) (arXiv:1704.01212, equations 1 and 2)."""
    width, n_blocks, n_layers = 4, 2, 2
    settings = {"aggregation": aggregation, "pooling": pooling, "normalisation": normalisation, "messages": messages}
    shape_in = (D, D_EVENT, 0 if given is None else D_EDGE)
    network = MessagePassing(
        shape_in, 2, periodic=PERIODIC, n_blocks=n_blocks, n_layers=n_layers, width=width, n_neighbors=N_NEIGHBORS,
        n_points=7.0, **settings,
    )  # fmt: skip
    p, (x, counts, event) = dict(drawn(network).state_dict()), inputs()
    outputs = network(x, counts, event, *(given or ()))
    for k, (points, edges) in enumerate(events_of(x, given)):
        e = described(points, edges)
        h = [linear(point[:D], p, "embed") for point in points]
        for r in range(n_blocks):
            heard = [[] for _ in h]
            for (j, i, _), values in zip(edges, e, strict=True):
                if messages == "isotropic":
                    message = layers(h[j], p, f"rounds.{r}.message", n_layers, normalisation)
                else:
                    ends = torch.cat([h[i], h[j], values])
                    message = edge_layers(ends, p, f"rounds.{r}.message", n_layers, normalisation)
                heard[i].append(message)
            joined = [torch.cat([h[i], reduced(heard[i], aggregation, width)]) for i in range(len(h))]
            inner = [layers(one, p, f"rounds.{r}.update", 1, normalisation) for one in joined]
            h = [h[i] + linear(inner[i], p, f"rounds.{r}.added") for i in range(len(h))]
        pooled = reduced([layer_norm(one, p, "last", normalisation) for one in h], pooling, width)
        pooled = pooled / 7.0 if pooling == "sum" else pooled
        hidden = linear(torch.cat([pooled, event[k]]), p, "join.0").relu()
        assert torch.allclose(outputs[k], linear(hidden, p, "head"), atol=1e-9, rtol=0)


@pytest.mark.parametrize("given", [None, given_edges()], ids=["nearest", "given"])
@pytest.mark.parametrize(
    ("aggregation", "pooling", "normalisation"),
    [("sum", "sum", "layer"), ("mean", "max", "none"), ("max", "mean", "layer")],
)
def test_interaction_network(given, aggregation, pooling, normalisation):
    """e' = φ_e(h_i, u, h_j, e), h' = φ_v(h_i, reduce e', u), u' = φ_u(pool h', u) (arXiv:1806.01261, algorithm 1)."""
    width, n_blocks, n_layers = 4, 2, 2
    settings = {"aggregation": aggregation, "pooling": pooling, "normalisation": normalisation}
    shape_in = (D, D_EVENT, 0 if given is None else D_EDGE)
    network = InteractionNetwork(
        shape_in, 2, periodic=PERIODIC, n_blocks=n_blocks, n_layers=n_layers, width=width, n_neighbors=N_NEIGHBORS,
        n_points=7.0, **settings,
    )  # fmt: skip
    p, (x, counts, event) = dict(drawn(network).state_dict()), inputs()
    outputs = network(x, counts, event, *(given or ()))
    for k, (points, edges) in enumerate(events_of(x, given)):
        h, e, u = [point[:D] for point in points], described(points, edges), event[k]
        for r in range(n_blocks):
            e = [
                edge_layers(torch.cat([h[i], u, h[j], values]), p, f"blocks.{r}.of_edges", n_layers, normalisation)
                for (j, i, _), values in zip(edges, e, strict=True)
            ]
            heard = [
                reduced([m for (_, end, _), m in zip(edges, e, strict=True) if end == i], aggregation, width)
                for i in range(len(h))
            ]
            h = [
                layers(torch.cat([h[i], heard[i], u]), p, f"blocks.{r}.of_points", n_layers, normalisation)
                for i in range(len(h))
            ]
            pooled = reduced(h, pooling, width)
            pooled = pooled / 7.0 if pooling == "sum" else pooled
            u = layers(torch.cat([pooled, u]), p, f"blocks.{r}.of_event", n_layers, normalisation)
        assert torch.allclose(outputs[k], linear(u, p, "head"), atol=1e-9, rtol=0)


def of_pair(a, b, has_pt):
    """ln Δ, ln kT, ln z, ln m² (arXiv:2202.03772, equation 3) from four-momenta; points hold (η, φ, ln pT) behind."""
    difference, distance = separation(a, b)
    if not has_pt:
        return torch.tensor([math.log(distance)], dtype=torch.float64)
    pt = [math.exp(float(one[D + 2])) for one in (a, b)]
    momenta = [
        torch.tensor(
            [q * math.cosh(eta), q * math.cos(phi), q * math.sin(phi), q * math.sinh(eta)], dtype=torch.float64
        )
        for q, (eta, phi) in zip(pt, (one[D : D + 2].tolist() for one in (a, b)), strict=True)
    ]
    total = sum(momenta)
    mass = float(total[0] ** 2 - total[1:].square().sum()) if bool(difference.any()) else 0.0
    mass = math.log(mass) if mass > 0 else math.log(pt[0] * pt[1] * 1e-16)
    softer = min(pt)
    return torch.tensor(
        [math.log(distance), math.log(softer * distance), math.log(softer / sum(pt)), mass], dtype=torch.float64
    )


def attended(queries, keys, values, bias, n_heads):
    """softmax(q k/√d + bias) v of one query for each head."""
    out = []
    for head in range(n_heads):
        q, k, v = (torch.stack(list(x)).chunk(n_heads, -1)[head] for x in ([queries], keys, values))
        logits = (k @ q[0]) / math.sqrt(q.shape[1]) + torch.stack([b[head] for b in bias])
        out.append(torch.softmax(logits, 0) @ v)
    return torch.cat(out)


def widened(x, p, prefix, normalisation):
    inner = linear(layer_norm(x, p, f"{prefix}.norm", normalisation), p, f"{prefix}.inner.layers.0").relu()
    return x + linear(layer_norm(inner, p, f"{prefix}.inner_norm", normalisation), p, f"{prefix}.outer")


def mixed(x, heard, p, prefix, normalisation):
    x = x + linear(layer_norm(heard, p, f"{prefix}.attended_norm", normalisation), p, f"{prefix}.mixed")
    return widened(x, p, f"{prefix}.widened", normalisation)


def pair_bias(values, p, normalisation):
    return linear(layers(values, p, "pairs.layers", 3, normalisation), p, "pairs.out")


def all_biases(points, edges, p, has_pt, given, normalisation, n_heads):
    """For every point, whom it attends to and with which bias."""
    if given is None:
        pairs = [
            [(j, pair_bias(of_pair(a, b, has_pt), p, normalisation)) for j, b in enumerate(points)] for a in points
        ]
        return pairs
    found = [[(i, torch.zeros(n_heads, dtype=torch.float64))] for i in range(len(points))]
    for j, i, values in edges:
        features = torch.cat([of_pair(points[i], points[j], has_pt), values])
        found[i].append((j, pair_bias(features, p, normalisation)))
    return found


@pytest.mark.parametrize("limit", [2**20, 100], ids=["whole", "in parts"])
@pytest.mark.parametrize("given", [None, given_edges()], ids=["all", "given"])
@pytest.mark.parametrize(("has_pt", "normalisation"), [(True, "layer"), (True, "none"), (False, "layer")])
def test_particle_transformer(monkeypatch, limit, given, has_pt, normalisation):
    """Seven features and three heads: heads of three features. Parts of events and of points change nothing."""
    monkeypatch.setattr("sklearn_ml4fp.nn._pairs._NUMBERS", limit)
    monkeypatch.setattr("sklearn_ml4fp.nn._pairs._KEPT", limit)
    width, n_heads, n_blocks = 7, 3, 2
    sizes = {"width": width, "n_heads": n_heads, "n_blocks": n_blocks, "n_class_blocks": 2, "pair_width": 5}
    shape_in = (D, D_EVENT, 0 if given is None else D_EDGE)
    network = ParticleTransformer(
        shape_in, 2, periodic=PERIODIC, has_pt=has_pt, normalisation=normalisation, **sizes
    )  # fmt: skip
    p, (x, counts, event) = dict(drawn(network).state_dict()), inputs(int(has_pt))
    x[7] = x[6]  # two particles at the same place
    outputs = network(x, counts, event, *(given or ()))
    for k, (points, edges) in enumerate(events_of(x, given)):
        h = [linear(layers(point[:D], p, "layers", 1, normalisation), p, "tokens") for point in points]
        biases = all_biases(points, edges, p, has_pt, given, normalisation, n_heads)
        for r in range(n_blocks):
            prefix = f"blocks.{r}"
            qkv = [linear(layer_norm(x, p, f"{prefix}.norm", normalisation), p, f"{prefix}.qkv").chunk(3) for x in h]
            heard = [
                attended(
                    qkv[i][0],
                    *zip(*(qkv[j][1:] for j, _ in biases[i]), strict=True),
                    [b for _, b in biases[i]],
                    n_heads,
                )
                for i in range(len(h))
            ]
            h = [mixed(h[i], heard[i], p, prefix, normalisation) for i in range(len(h))]
        token = p["class_token.token"]
        for r in range(2):
            prefix = f"class_blocks.{r}"
            own = layer_norm(token, p, f"{prefix}.norm_token", normalisation)
            others = [layer_norm(x, p, f"{prefix}.norm_points", normalisation) for x in h]
            keys, values = zip(*(linear(x, p, f"{prefix}.kv").chunk(2) for x in [own, *others]), strict=True)
            zeros = [torch.zeros(n_heads, dtype=torch.float64)] * len(keys)
            token = mixed(
                token, attended(linear(own, p, f"{prefix}.q"), keys, values, zeros, n_heads), p, prefix, normalisation
            )
        hidden = linear(torch.cat([layer_norm(token, p, "last", normalisation), event[k]]), p, "join.0").relu()
        assert torch.allclose(outputs[k], linear(hidden, p, "head"), atol=1e-9, rtol=0)


def test_parts_of_a_large_event_have_the_gradients_of_the_whole(monkeypatch):
    """What is computed again in parts for the gradients gives the same ones."""
    sizes = {"width": 8, "n_heads": 2, "n_blocks": 2, "n_class_blocks": 1, "pair_width": 4}
    network = drawn(ParticleTransformer((D, D_EVENT, 0), 2, periodic=PERIODIC, has_pt=True, **sizes)).train()
    gradients = []
    # whole; whole, but computed again; some events at a time; points of an event in parts
    for numbers, kept in ((2**20, 2**26), (2**20, 10), (300, 10), (40, 10)):
        monkeypatch.setattr("sklearn_ml4fp.nn._pairs._NUMBERS", numbers)
        monkeypatch.setattr("sklearn_ml4fp.nn._pairs._KEPT", kept)
        network(*inputs(1)).square().sum().backward()
        gradients.append([p.grad.clone() for p in network.parameters()])
        network.zero_grad()
    assert all(bool(g.any()) for g in gradients[0][:-1])
    for others in gradients[1:]:
        for one, other in zip(gradients[0], others, strict=True):
            assert torch.allclose(one, other, atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    ("network", "layer"),
    [(MessagePassing, "last"), (InteractionNetwork, "blocks.0.of_points"), (EdgeConv, "blocks.0")],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_points_without_coordinates_look_for_neighbours_among_their_features(network, layer):
    """Of two distant pairs each hears itself alone, whatever the order of the points."""
    settings = {"n_blocks": 1, "n_layers": 1, "width": 4, "n_neighbors": 1}
    settings |= {"head_width": 4} if network is EdgeConv else {}
    module, seen = drawn(network((1, 0, 0), 1, periodic=(), **settings)), []
    module.get_submodule(layer).register_forward_hook(lambda _, inputs, output: seen.append(output))
    for features in ([0.0, 1.0], [50.0, 51.0], [0.0, 50.0, 1.0, 51.0]):
        module(torch.tensor(features, dtype=torch.float64)[:, None], torch.tensor([len(features)]), data(1, 0))
    assert torch.allclose(seen[2][[0, 2, 1, 3]], torch.cat(seen[:2]), atol=1e-12, rtol=0)


def test_the_first_layer_on_points_is_that_on_edges():
    rows, values = given_edges()
    edges, x = ListedEdges(*rows.T, N_ROWS), data(N_ROWS, D)
    layer = drawn(EdgeLinear(D, D, D_EDGE, 4))
    messages = layer(x, x, edges, values)
    for k, (j, i) in enumerate(rows.tolist()):
        joined = torch.cat([x[i], x[j], values[k]])
        assert torch.allclose(messages[k], layer.weight @ joined + layer.bias, atol=1e-12, rtol=0)
