"""Converters of the transformers of tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..preprocessing import (
    AutoScaler,
    DropMissingColumns,
    LogScaler,
    MinMaxScaler,
    MissingValueImputer,
    OutlierClipper,
    ZScoreScaler,
)
from ._onnx_convert import Array, Export, transform
from ._onnx_graph import DOUBLE, FLOAT, Tensor, concat, interpolate


def clip(x: Tensor, lower: Any, upper: Any) -> Tensor:
    """Set what is outside of the limits to them; NaN stays."""
    x = (x < lower).where(x.graph.constant(lower), x)
    return (x > upper).where(x.graph.constant(upper), x)


@transform.register
def _(step: MinMaxScaler, value: Array, export: Export) -> Tensor:
    scaled = value.tensor * step.scale_ + step.min_
    return clip(scaled, *map(float, step.feature_range)) if step.clip else scaled


@transform.register
def _(step: ZScoreScaler, value: Array, export: Export) -> Tensor:
    x = value.tensor
    x = x - step.mean_ if step.with_mean else x
    return x / step.scale_ if step.with_std else x


def _logarithm(step: LogScaler, x: Tensor) -> Tensor:
    if step.method == "symlog":
        size = (x.abs() / step.linear_ + 1.0).log()
        return (x < 0.0).where(-size, size)
    shift = np.ones_like(step.offset_) if step.method == "log1p" else step.offset_
    return (x + shift).log()


@transform.register
def _(step: LogScaler, value: Array, export: Export) -> Tensor:
    """Values outside of the domain, which Python refuses, are NaN."""
    return (_logarithm(step, value.tensor) - step.mean_) / step.scale_


def by_kind(step: AutoScaler, convert: Any, value: Array) -> Tensor:
    """Convert the columns of each kind by their own scaler, and put them back in their places."""
    places = [np.flatnonzero(step.scalings_ == kind) for kind in step.scalers_]
    parts = [
        convert(scaler, value.tensor.take(place)) for scaler, place in zip(step.scalers_.values(), places, strict=True)
    ]
    return concat(parts, 1).take(np.argsort(np.concatenate(places)))


@transform.register
def _(step: AutoScaler, value: Array, export: Export) -> Tensor:
    return by_kind(step, lambda scaler, x: transform(scaler, Array(x, None), export), value)


@transform.register
def _(step: OutlierClipper, value: Array, export: Export) -> Tensor:
    return clip(value.tensor, step.lower_, step.upper_)


def _marked(x: Tensor, missing_values: Any) -> Tensor:
    """Replace numbers that mark a missing value; they are compared as float32, in which the events come."""
    marks = missing_values if isinstance(missing_values, (tuple, list)) else (missing_values,)
    for mark in marks:
        if not np.isnan(mark):
            x = x.astype(FLOAT).equals(mark).where(np.nan, x)
    return x


@transform.register
def _(step: DropMissingColumns, value: Array, export: Export) -> Tensor:
    return value.tensor.take(step.get_support(indices=True))


@transform.register
def _(step: MissingValueImputer, value: Array, export: Export) -> Tensor:
    x = _marked(value.tensor, step.missing_values)
    missing = x.isnan()
    filled = missing.where(x.graph.constant(step.statistics_), x)
    if step.curves_:
        along = x.take([step._along])
        known = ~along.isnan()
        columns = []
        for i in range(step.n_features_in_):
            column = filled.take([i])
            if i in step.curves_:
                column = (missing.take([i]) & known).where(interpolate(along, *step.curves_[i]), column)
            columns.append(column)
        filled = concat(columns, 1)
    if not len(step.indicated_):
        return filled
    return concat([filled, missing.take(step.indicated_).astype(DOUBLE)], 1)
