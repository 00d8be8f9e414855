"""Converters of the representations of point clouds, and of transformers of points."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._roles import column_for
from ..preprocessing import ParticleWise, ToGraph, ToList, ToSet, ToTrackGraph
from ._onnx_convert import Array, Clouds, Export, apply, transform
from ._onnx_graph import DOUBLE, INT, Tensor, at_least_one, concat, cut

_NONE = -np.inf  # key of a row without a point: it goes behind all others


def leading(clouds: Clouds, names: list[str], order_by: str | None, n: int, fill: float) -> tuple[Tensor, Tensor]:
    """Bring the ``n`` leading points of each cloud to the front, with padding behind them; return them and their mask.

    As in Python, the largest come first, equal ones in their order, and those without a number last.
    """
    points, mask = with_more_rows(clouds, n)
    if order_by is None:
        key = -points.range_like(1).astype(DOUBLE)
    else:
        column = points.take(column_for(names, order_by, "order_by"), axis=2)
        key = column.isnan().where(np.finfo(np.float64).min, column)
    key = mask.where(key, _NONE)
    graph = points.graph
    ranked = at_least_one(key, [key.length(1)])  # older runtimes crash where there are no rows to sort
    _, order = graph.ops("TopK", [DOUBLE, INT], ranked, graph.constant([n], INT), axis=1)
    order = cut(order, key)
    wide = graph.op("Expand", order.expand_dims(2), concat([order.shape(), points.length(2)], 0))
    there = mask.astype(DOUBLE).take_along(order, 1) > 0.5
    return there.expand_dims(2).where(points.take_along(wide, 1), fill), there


def with_more_rows(clouds: Clouds, n: int) -> tuple[Tensor, Tensor]:
    """Add ``n`` rows without a point, so that there are as many at least; return the points and their mask."""
    points = clouds.points
    more = points.fill(0.0, [points.length(0), n, points.length(2)])
    none = points.fill(0.0, [points.length(0), n])
    return concat([points, more], 1), concat([clouds.mask.astype(DOUBLE), none], 1) > 0.5


@transform.register
def _(step: ToList, value: Clouds, export: Export) -> Tensor:
    names = list(step.feature_names_in_)
    points, _ = leading(value, names, step.order_by, step.n_points, np.nan)
    table = points.reshape(points.length(0), step.n_points * len(names))
    return table if value.event is None else concat([table, value.event], 1)


@transform.register
def _(step: ToSet, value: Clouds, export: Export) -> Tensor:
    points, mask = leading(value, list(step.feature_names_in_), step.order_by, step.max_points_, float(step.fill))
    return concat([points, mask.astype(DOUBLE).expand_dims(2)], 2) if step.add_mask else points


@transform.register
def _(step: ParticleWise, value: Clouds, export: Export) -> Clouds:
    points = value.points
    n, p = points.length(0), points.length(1)
    rows = points.reshape(-1, len(step.feature_names_in_))
    with export.inside("of ParticleWise"):
        seen = Array(rows.take(step._seen), step._seen_of(value.events))
        changed = apply(step.transformer_, seen, export).tensor  # type: ignore[union-attr]
    if step._left:
        changed = concat([changed, rows.take(step._left)], 1)
    changed = changed.reshape(n, p, len(step.get_feature_names_out()))
    return Clouds(value.mask.expand_dims(2).where(changed, 0.0), value.mask, value.event)


@transform.register(ToGraph)
@transform.register(ToTrackGraph)
def _(step: Any, value: Clouds, export: Export) -> Clouds:
    raise export.refuse(
        step,
        "a graph of ONNX makes no edges. Export the network behind it alone, to which a program gives its edges; "
        "networks such as EdgeConvClassifier find neighbours themselves",
    )


def clouds_of(array: Array, padding: Any = None) -> Clouds:
    """Take a padded array for points, as networks do: a row is none where all its features are NaN, or the padding."""
    x = array.tensor
    width = float(array.shape[-1])
    absent = x.isnan().astype(DOUBLE).sum(2) >= width
    if padding is not None:
        absent = absent | (x.equals(float(padding)).astype(DOUBLE).sum(2) >= width)
    there = ~absent
    return Clouds(there.expand_dims(2).where(x, 0.0), there, None, array.events)
