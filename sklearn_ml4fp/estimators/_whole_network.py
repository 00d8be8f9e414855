"""Fitted network as one torch module on arrays: the units of the events, the network, and the units of the target.

A program in another language has arrays ``(n, ...)``, those of points padded. Every operation is one of torch, on
tensors alone, and no shape depends on a value: an exporter sees the whole computation.
"""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ._inputs import SequenceInput, TableInput
from ._point_encoding import TableEncoding
from ._set_inputs import GraphInput, KinematicInput, SetInput
from ._targets import ClassTarget, NumberTarget
from ._transverse_momentum import SOFTEST, TransverseMomentum


def _at_least_one(x: Tensor, axis: int) -> Tensor:
    """Append zeros along an axis where there is nothing: libraries fail, or even end the program, without events."""
    shape = list(x.shape)
    one = x.new_zeros([*shape[:axis], 1, *shape[axis + 1 :]])
    rest = one[shape[0] :] if axis == 0 else one[:, shape[1] :]  # of no length, if there is something
    return torch.cat([x, rest], dim=axis)


def _one_more(x: Tensor) -> Tensor:
    """Append zeros along the second axis."""
    return torch.cat([x, x.new_zeros([x.shape[0], 1, *x.shape[2:]])], dim=1)


def _wrapped(angle: Tensor) -> Tensor:
    """Bring angles in rad to [−π, π), as `wrap_phi` does."""
    turned = torch.fmod(angle + math.pi, 2 * math.pi)
    return torch.where(turned < 0, turned + 2 * math.pi, turned) - math.pi


class Standardised(nn.Module):
    """Columns ``(..., d)`` in units of their spread, in double precision: (x − mean)/scale."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Any, scale: Any) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(np.array(mean, dtype=np.float64)))
        self.register_buffer("scale", torch.as_tensor(np.array(scale, dtype=np.float64)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., d)`` to the same shape."""
        return ((x.double() - self.mean) / self.scale).float()


class Encoded(nn.Module):
    """Columns as a `TableEncoding` has them."""

    def __init__(self, encoding: TableEncoding) -> None:
        super().__init__()
        self.angles = encoding.angles
        self.standardised = Standardised(*encoding.moments)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(..., d)`` to ``(..., d_encoded)``."""
        if not self.angles:
            return self.standardised(x)
        columns, sines = list(x.double().unbind(-1)), []
        for column, relative in self.angles:
            angle = columns[column]
            columns[column] = _wrapped(angle) if relative else angle.cos()
            if not relative:
                sines.append(angle.sin())
        return self.standardised(torch.stack([*columns, *sines], dim=-1))


class LogMomentum(nn.Module):
    """ln pT of points as a `TransverseMomentum` computes it, as a further column."""

    def __init__(self, pt: TransverseMomentum) -> None:
        super().__init__()
        self.pt = pt

    def forward(self, points: Tensor) -> Tensor:
        """Map ``(..., d)`` to ``(..., 1)``."""
        column = points[..., self.pt.column, None].double()
        logarithm = column if self.pt.logarithmic else column.clamp(min=SOFTEST).log()
        return (logarithm - self.pt.mean).float()


class Arrays(nn.Module):
    """Rows of a table ``X`` ``(n, d)``, or images ``X`` ``(n, c, h, w)``, which enter the network unchanged."""

    def __init__(self, shape: tuple[int, ...], n_columns: int | None) -> None:
        super().__init__()
        self.shape = shape
        self.shapes = {"X": shape if n_columns is None else (n_columns,)}

    def forward(self, X: Tensor) -> tuple[Tensor, ...]:
        """Return the inputs of the network."""
        return (X.view(X.shape[0], *self.shape),)


class TableOfPoints(nn.Module):
    """Points in the neighbouring columns of a table ``X`` ``(n, n_columns)``."""

    def __init__(self, n_columns: int, d: int, padding: float | None, *, always: bool) -> None:
        super().__init__()
        self.n_points, self.d, self.padding, self.always = n_columns // d, d, padding, always
        self.shapes = {"X": (n_columns,)}

    def forward(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Return points ``(n, p, d)``, and a mask ``(n, p)`` of those that are there."""
        points = X.view(X.shape[0], self.n_points, self.d)
        if self.always:
            return points, torch.ones_like(points[..., 0]) > 0
        mask = ~points.isnan().all(2)
        return points, mask if self.padding is None else mask & (points != self.padding).any(2)


class PaddedPoints(nn.Module):
    """Points ``(n, p, d)``, their ``mask`` ``(n, p)``, not 0 where there is a point, and ``event`` columns, if any."""

    def __init__(self, d: int, d_event: int) -> None:
        super().__init__()
        event: dict[str, tuple[int | str, ...]] = {"event": (d_event,)} if d_event else {}
        self.shapes = {"points": ("p", d), "mask": ("p",), **event}

    def forward(self, points: Tensor, mask: Tensor, *event: Tensor) -> tuple[Tensor, ...]:
        """Return points, mask and event columns, with one point that is not there in the place of none."""
        return (_at_least_one(points, 1), _at_least_one(mask, 1) != 0, *event)


class PaddedGraphs(nn.Module):
    """Points as before, and edges between them.

    ``edges`` ``(n, e, 2)`` are origins and ends by their places among the points of the event, ``edge_mask`` ``(n, e)``
    is not 0 where there is an edge, and ``edge_values`` ``(n, e, d_edge)`` are the features of edges, if there are any.
    """

    def __init__(self, points: SetOfPoints, edges: TableEncoding, d_edge: int) -> None:
        super().__init__()
        self.points, self.n_arrays = points, len(points.shapes)
        self.values = Encoded(edges)
        values: dict[str, tuple[int | str, ...]] = {"edge_values": ("e", d_edge)} if d_edge else {}
        self.shapes: Any = {**points.shapes, "edges": ("e", 2), "edge_mask": ("e",), **values}

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Return the inputs of the network; an edge that is not there is one of a further point that is not there."""
        points, mask, *event = arrays[: self.n_arrays]
        points, mask = (_one_more(array) for array in (points, mask))
        edges, there, *values = (_at_least_one(array, 1) for array in arrays[self.n_arrays :])
        there, length = there != 0, mask.shape[1]
        first = torch.arange(mask.shape[0], device=mask.device) * length
        rows = torch.where(there[..., None], edges, length - 1) + first[:, None, None]
        features = torch.where(there[..., None], values[0], 0.0) if values else points.new_zeros(*there.shape, 0)
        return (*self.points(points, mask, *event), rows.flatten(0, 1), self.values(features).flatten(0, 1))


class SequenceOfPoints(nn.Module):
    """Points in their order, after which padding follows, and event columns in units of their spread."""

    def __init__(self, read: nn.Module, learned: SequenceInput) -> None:
        super().__init__()
        self.read = read
        self.shapes: Any = read.shapes
        unit = learned._event_unit
        self.event = None if unit is None else Standardised(*unit)

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Return the inputs of the network."""
        points, mask, *event = self.read(*arrays)
        length = mask.shape[1]
        place = torch.arange(length, device=mask.device) + length * (~mask).long()
        order = place.sort(dim=1)[1]
        points = points.gather(1, order[..., None].expand(-1, -1, points.shape[2]))
        mask = mask.gather(1, order)
        points = torch.where(mask[..., None], points, 0.0)
        return (points, mask, *event) if self.event is None else (points, mask, self.event(*event))

    def in_given_places(self, outputs: Tensor, arrays: tuple[Tensor, ...]) -> Tensor:
        """Bring outputs of points ``(n · p, d)`` to where the points stood before; those of padding mean nothing."""
        mask = self.read(*arrays)[1]
        place = (mask.long().cumsum(1) - 1).clamp(min=0)
        outputs = outputs.view(*mask.shape, outputs.shape[1])
        return outputs.gather(1, place[..., None].expand(-1, -1, outputs.shape[2])).flatten(0, 1)


class SetOfPoints(nn.Module):
    """Points without an order, as `SetInput` and its subclasses encode them."""

    def __init__(self, read: nn.Module, learned: SetInput) -> None:
        super().__init__()
        self.read = read
        self.shapes: Any = read.shapes
        encoding = learned.encoding
        self.points, self.event = Encoded(encoding.points), Encoded(encoding.event)
        self.coordinates = tuple(zip(encoding.coordinates, encoding.periodic, strict=True))
        pt = learned._pt if isinstance(learned, KinematicInput) else None
        self.momentum = None if pt is None else LogMomentum(pt)

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Return the inputs of the network: rows, a mask in the place of counts, and event columns."""
        points, mask, *event = self.read(*arrays)
        points = torch.where(mask[..., None], points, 0.0)
        columns = [self.points(points)]
        for column, periodic in self.coordinates:
            raw = points[..., column, None]
            columns.append(_wrapped(raw.double()).float() if periodic else raw)
        if self.momentum is not None:
            columns.append(self.momentum(points))
        encoded = self.event(event[0]) if event else points.new_zeros(points.shape[0], 0)
        return torch.cat(columns, dim=-1).flatten(0, 1), mask, encoded


class Probabilities(nn.Module):
    """Probabilities of the classes ``(n, n_classes)``."""

    has_width = False

    def __init__(self, loss: Any) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, outputs: Tensor) -> tuple[Tensor, ...]:
        """Map what the network computes."""
        return (self.loss.read(outputs).double().softmax(1),)


class Prediction(nn.Module):
    """Targets in their own unit, ``(n,)`` or ``(n, n_targets)``, and standard deviations where the loss has them."""

    mean: Tensor
    scale: Tensor

    def __init__(self, loss: Any, target: NumberTarget) -> None:
        super().__init__()
        self.loss, self.is_column = loss, target._is_column
        self.has_width = loss.has_deviation
        for name, value in target.unit.items():
            self.register_buffer(name, torch.as_tensor(np.array(value, dtype=np.float64)))

    def forward(self, outputs: Tensor) -> tuple[Tensor, ...]:
        """Map what the network computes."""
        read = self.loss.read(outputs).double()
        mean, scale = (one.view(-1, *[1] * (read.ndim - 2)) for one in (self.mean, self.scale))
        found = [read * scale + mean]  # several quantiles have a last axis
        if self.has_width:
            found.append(self.loss.deviation(outputs).double() * self.scale)
        return tuple(one[:, 0] if self.is_column else one for one in found)


class OneNetwork(nn.Module):
    """A single fitted network."""

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        fitted = estimator._fitted
        self.events: Any = _events_of(fitted.input, estimator)
        self.network = deepcopy(fitted.net.module_).cpu().eval()
        loss = deepcopy(fitted.net.criterion_).cpu()
        target: ClassTarget | NumberTarget = fitted.target
        self.in_order = isinstance(self.events, SequenceOfPoints) and getattr(estimator, "output", "event") == "point"
        if self.in_order:
            self.network.with_padding = True
        self.reading = Probabilities(loss) if isinstance(target, ClassTarget) else Prediction(loss, target)

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Map arrays of at least one event to outputs in double precision."""
        outputs = self.network(*self.events(*arrays))
        if self.in_order:
            outputs = self.events.in_given_places(outputs, arrays)
        read: tuple[Tensor, ...] = self.reading(outputs)
        return read


class WholeNetwork(nn.Module):
    """A fitted network of one or several members, on arrays of float32.

    Parameters
    ----------
    estimator : NetworkEstimator
        The fitted network.

    Attributes
    ----------
    shapes : dict
        Shape of an event in each input, by its name; "p" for any number of points.
    names : tuple of str
        Names of the outputs.
    axis : str or None
        "p" or "e" where outputs belong to points or edges, and have two axes for them, ``(n, p, ...)``; those of
        padding mean nothing.
    """

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        each = [OneNetwork(member) for member in estimator.members_]
        self.members = nn.ModuleList(each)
        self.shapes: Any = each[0].events.shapes
        self.by_class = isinstance(each[0].reading, Probabilities)
        self.axis = {"point": "p", "edge": "e"}.get(getattr(estimator, "output", "event"))
        has_std = not self.by_class and (len(each) > 1 or each[0].reading.has_width)
        self.names = ("probabilities",) if self.by_class else ("prediction", "std")[: 1 + has_std]

    def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
        """Map arrays, by the order of ``shapes``, to outputs, by the order of ``names``."""
        n = arrays[0].shape[0]
        length = arrays[list(self.shapes).index("edges") if self.axis == "e" else 0].shape[1]
        arrays = tuple(_at_least_one(array, 0) for array in arrays)
        outputs = [one.float() for one in self._averaged([member(*arrays) for member in self.members])]
        if self.axis is not None:
            outputs = [one.unflatten(0, (arrays[0].shape[0], -1))[:, :length] for one in outputs]
        return tuple(one[:n] for one in outputs)

    def _averaged(self, each: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """Mean over the members; the square of a width is the mean of theirs and the variance of their predictions."""
        if len(each) == 1:
            return each[0]
        means = torch.stack([one[0] for one in each])
        mean = means.mean(0)
        if self.by_class:
            return (mean,)
        variance = (means - mean).square().mean(0)
        within = [one[1].square() for one in each if len(one) > 1]
        return mean, (variance + torch.stack(within).mean(0) if within else variance).sqrt()


def _events_of(learned: TableInput, estimator: Any) -> nn.Module:
    """Make the module that reads the events."""
    shape = learned.shape
    assert shape is not None
    if not isinstance(learned, SequenceInput) or len(shape) != 2:
        n_pixels = math.prod(shape)
        from_table = getattr(learned, "image_shape", None) is not None and estimator.n_features_in_ == n_pixels
        return Arrays(shape, n_pixels if from_table else None)
    if learned._kind == "points":
        read: nn.Module = PaddedPoints(*shape)
    else:  # a set without particle_features has one point for each row
        always = isinstance(learned, SetInput) and learned.particle_features is None
        read = TableOfPoints(estimator.n_features_in_, shape[0], learned.padding, always=always)
    if not isinstance(learned, SetInput):
        return SequenceOfPoints(read, learned)
    points = SetOfPoints(read, learned)
    if isinstance(learned, GraphInput) and learned._edges is not None:
        return PaddedGraphs(points, learned._edges, len(learned._edge_names))
    return points
