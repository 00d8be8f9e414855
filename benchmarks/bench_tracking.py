"""Labels of edges and of hits: graph networks against a cut and against boosted trees, in folds of events.

python benchmarks/bench_tracking.py            # an hour on one core
python benchmarks/bench_tracking.py --folds 1 --epochs 10
python benchmarks/bench_tracking.py --only EdgeConv
python benchmarks/bench_tracking.py --only "building edges"

Edges of tracks: efficiency at a purity of 99 %, and of 95 %, of a cut on slope and z0 (the scales of both tuned on the
training folds), of boosted trees on the features of the edge and of its ends, and of the Interaction Network. Hits of
tracks: area under the ROC curve and rejection of noise at 99 % efficiency, of boosted trees on hand-made features of
the neighbourhood, of message passing and of EdgeConv. Tracks from the edges that are accepted at a probability of one
half. Every model sees the events of four folds, and is judged by the fifth. Before that, the seconds in which edges are
built for 100 000 hits, median of five.
"""

import argparse
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_ml4fp import (
    EdgeConvClassifier,
    EventKFold,
    InteractionNetworkClassifier,
    MessagePassingClassifier,
    RaggedArray,
    ToGraph,
    ToTrackGraph,
    background_rejection,
    build_tracks,
    duplicate_rate,
    edge_labels,
    efficiency_at_purity,
    fake_rate,
    load_tracker_hits,
    roc_auc_score,
    tracking_efficiency,
)


def column(graphs, name):
    return graphs.edge_values[:, graphs.edge_names.index(name)].astype(np.float64)


def edge_table(graphs):
    """Features of each edge and of its two ends."""
    source, target = graphs.flat_edges().T
    return np.hstack([graphs.edge_values, graphs.nodes.values[source], graphs.nodes.values[target]])


class Cut:
    """The smallest of |slope| and |z0|, in scales that are tuned for the efficiency at a purity of 95 %."""

    def fit(self, graphs, y):
        def efficiency(scale):
            return efficiency_at_purity(y.values, self._score(graphs, scale), purity=0.95)

        self.scale = max(np.geomspace(1e3, 1e7, 30), key=efficiency)  # mm of z0 for one rad/mm of slope
        return self

    def _score(self, graphs, scale):
        return -np.maximum(np.abs(column(graphs, "slope")) * scale, np.abs(column(graphs, "z0")))

    def predict(self, graphs):
        return RaggedArray(self._score(graphs, self.scale), graphs.edge_offsets)


class EdgeTrees:
    """Boosted trees, edge by edge."""

    def fit(self, graphs, y):
        self.model = HistGradientBoostingClassifier(random_state=0).fit(edge_table(graphs), y.values)
        return self

    def predict(self, graphs):
        return RaggedArray(self.model.predict_proba(edge_table(graphs))[:, 1], graphs.edge_offsets)


class Network:
    """A graph network, with the edges or points that it is given."""

    def __init__(self, network):
        self.network = network

    def fit(self, graphs, y):
        self.network.fit(graphs, y)
        return self

    def predict(self, graphs):
        p = self.network.predict_proba(graphs)
        return p.with_values(p.values[:, 1])


def hit_table(graphs):
    """What surrounds each hit: its edges inwards and outwards, and how straight the best pair of them is."""
    nodes, n = graphs.nodes, len(graphs.nodes.values)
    target = graphs.flat_edges()[:, 1]
    slope, z0 = column(graphs, "slope"), column(graphs, "z0")
    features = [nodes.column("r"), nodes.column("z")]
    outward = column(graphs, "delta_r") > 0
    for way in (outward, ~outward):
        ends, number = target[way], np.bincount(target[way], minlength=n)
        features.append(number)
        for values in (np.abs(slope[way]), np.abs(z0[way])):
            least = np.full(n, np.inf)
            np.minimum.at(least, ends, values)
            features.append(np.where(number, least, np.nan))
    features += straightest(target[outward], target[~outward], slope, z0, outward, n)
    return np.column_stack(features)


def straightest(ends_in, ends_out, slope, z0, outward, n):
    """Smallest difference of slope, and of z0, between an edge from inside and one from outside."""
    order_in, order_out = np.argsort(ends_in, kind="stable"), np.argsort(ends_out, kind="stable")
    counts_out = np.bincount(ends_out, minlength=n)
    first_out = np.cumsum(counts_out) - counts_out
    hit = ends_in[order_in]
    repeat = counts_out[hit]
    left = np.repeat(order_in, repeat)
    inside = np.arange(repeat.sum()) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    right = order_out[np.repeat(first_out[hit], repeat) + inside]
    found = []
    for values in (slope, z0):
        least = np.full(n, np.inf)
        np.minimum.at(least, ends_in[left], np.abs(values[outward][left] - values[~outward][right]))
        found.append(np.where(np.isfinite(least), least, np.nan))
    return found


class HitTrees:
    """Boosted trees on hand-made features."""

    def fit(self, graphs, y):
        self.model = HistGradientBoostingClassifier(random_state=0).fit(hit_table(graphs), y.values)
        return self

    def predict(self, graphs):
        return RaggedArray(self.model.predict_proba(hit_table(graphs))[:, 1], graphs.nodes.offsets)


def judge_edges(y, score, graphs, particle):
    found = [efficiency_at_purity(y, score, purity=purity) for purity in (0.99, 0.95)]
    accepted = score.with_values(score.values > (0.5 if score.values.min() >= 0 else -150.0))
    tracks = build_tracks(graphs, accepted)
    return [*found, *(metric(particle, tracks) for metric in (tracking_efficiency, fake_rate, duplicate_rate))]


def judge_hits(y, score):
    rejection = background_rejection(y.values, score.values, signal_efficiency=0.99)
    return [roc_auc_score(y.values, score.values), float(np.ravel(rejection)[0])]


def print_building(data):
    """Print how long the building of edges takes, for as many events as have 100 000 hits."""
    clouds = data[: int(np.searchsorted(data.offsets, 100_000))]
    builders = {"windows in φ and z (ToTrackGraph)": ToTrackGraph(), "7 nearest neighbours (ToGraph)": ToGraph(7)}
    for name, builder in builders.items():
        builder.fit(clouds)
        seconds = []
        for _ in range(5):
            start = time.process_time()
            graphs = builder.transform(clouds)
            seconds.append(time.process_time() - start)
        n_edges = len(graphs.edge_values)
        print(f"{len(clouds.values)} hits, {name}: {n_edges} edges in {np.median(seconds):.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--only", help="name of a single model")
    options = parser.parse_args()
    events = load_tracker_hits()
    print_building(events.data)
    outwards, both = (ToTrackGraph(both_ways=way).fit_transform(events.data) for way in (False, True))
    y_edges = edge_labels(outwards, events.particle)
    common = {"max_epochs": options.epochs, "patience": 8, "coordinates": (), "lr": 2e-3, "random_state": 0}
    of_edges = {
        "cut on slope and z0": Cut,
        "boosted trees": EdgeTrees,
        "InteractionNetwork": lambda: Network(
            InteractionNetworkClassifier(output="edge", n_blocks=2, batch_size=16, **common)
        ),
    }
    of_hits = {
        "boosted trees": HitTrees,
        "MessagePassing": lambda: Network(
            MessagePassingClassifier(output="point", n_blocks=3, batch_size=16, **common)
        ),
        "EdgeConv": lambda: Network(EdgeConvClassifier(output="point", n_blocks=2, width=32, batch_size=16, **common)),
    }
    of_edges, of_hits = (
        {name: make for name, make in models.items() if options.only in (None, name)} for models in (of_edges, of_hits)
    )
    tables = {"edges": {name: [] for name in of_edges}, "hits": {name: [] for name in of_hits}}
    for fold, (train, test) in enumerate(EventKFold(5, salt="tracking").split(events.data, groups=events.groups)):
        if fold == options.folds:
            break
        for name, make in of_edges.items():
            began = time.process_time()
            score = make().fit(outwards[train], y_edges[train]).predict(outwards[test])
            row = judge_edges(y_edges[test], score, outwards[test], events.particle[test])
            tables["edges"][name].append(row)
            print(fold, "edges", name, np.round(row, 4), f"{time.process_time() - began:.0f} s", flush=True)
        for name, make in of_hits.items():
            began = time.process_time()
            score = make().fit(both[train], events.target[train]).predict(both[test])
            tables["hits"][name].append(judge_hits(events.target[test], score))
            row = np.round(tables["hits"][name][-1], 4)
            print(fold, "hits", name, row, f"{time.process_time() - began:.0f} s", flush=True)
    print("edges: efficiency at purity 99 %, at 95 %, tracking efficiency, fakes, duplicates; hits: AUC, rejection")
    for what, rows in tables.items():
        for name, values in rows.items():
            mean, spread = np.mean(values, axis=0), np.std(values, axis=0)
            print(f"{what:6} {name:22}", "  ".join(f"{m:.4g} ± {s:.2g}" for m, s in zip(mean, spread, strict=True)))


if __name__ == "__main__":
    main()
