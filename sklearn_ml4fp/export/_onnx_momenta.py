"""Converters of what is computed from momenta: images of jets, and the features of their particles."""

from __future__ import annotations

import numpy as np

from .._particles import CLASSES, PARTICLES, look_up
from ..preprocessing import JetConstituentFeatures, ToImage
from ._onnx_clouds import with_more_rows
from ._onnx_convert import Clouds, Export, transform
from ._onnx_graph import DOUBLE, FLOAT, INT, Tensor, stack, wrap_phi

_NEUTRAL = {"pt": 1.0, "e": 2.0, "px": 1.0}  # of rows without a point: their numbers are finite, and not used


class Momenta:
    """Momenta of the points of clouds, by the roles that the transformer learned."""

    def __init__(self, step: ToImage | JetConstituentFeatures, clouds: Clouds) -> None:
        names = list(step.feature_names_in_)
        self.known = set(step.roles_)
        self.columns: dict[str, Tensor] = {
            role: clouds.mask.where(clouds.points.take(names.index(name), axis=2), _NEUTRAL.get(role, 0.0))
            for role, name in step.roles_.items()
        }

    def particles(self) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Mass, charge, and 1 in the column of the class, by the PDG id."""
        ids = np.array(sorted(PARTICLES))
        mass, charge, kind = look_up(ids)
        own = np.arange(len(CLASSES)) == kind[:, None]
        other = np.arange(len(CLASSES)) == CLASSES.index("other")
        pdgid = self.columns["pdgid"]
        found = pdgid.abs().expand_dims(2).equals(ids.astype(float)).astype(DOUBLE)
        table = found @ np.column_stack([mass, charge, own - 1.0 * other])
        classes = [table.take(2 + i, axis=2) + float(other[i]) for i in range(len(CLASSES))]
        return table.take(0, axis=2), table.take(1, axis=2) * pdgid.sign(), classes

    def four(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """E, px, py, pz, each ``(n, p)``."""
        columns = self.columns
        first = next(iter(columns.values()))
        mass = columns["m"] if "m" in columns else self.particles()[0] if "pdgid" in columns else first * 0.0
        if "px" in columns:
            x, y, z = (columns[role] for role in ("px", "py", "pz"))
            energy = columns["e"] if "e" in columns else (x * x + y * y + z * z + mass * mass).sqrt()
            return energy, x, y, z
        pt, phi = columns["pt"], columns["phi"]
        x, y = pt * phi.cos(), pt * phi.sin()
        if "eta" in columns:
            z = pt * columns["eta"].sinh()
            energy = columns["e"] if "e" in columns else (pt * pt + z * z + mass * mass).sqrt()
            return energy, x, y, z
        along = columns["rapidity" if "rapidity" in columns else "y"]
        if "e" in columns:
            return columns["e"], x, y, columns["e"] * along.tanh()
        across = pt.hypot(mass)
        return across * along.cosh(), x, y, across * along.sinh()

    def coordinates(self) -> tuple[Tensor, Tensor, Tensor]:
        """Transverse momentum, (pseudo)rapidity and azimuth."""
        columns = self.columns
        if "pt" in columns:
            return columns["pt"], next(columns[r] for r in ("rapidity", "y", "eta") if r in columns), columns["phi"]
        energy, x, y, z = self.four()
        pt = x.hypot(y)
        known = self.known & {"e", "m", "pdgid"}
        along = ((1.0 + z / energy) / (1.0 - z / energy)).log() * 0.5 if known else (z / pt).arcsinh()
        return pt, along, y.arctan2(x)


@transform.register
def _(step: JetConstituentFeatures, value: Clouds, export: Export) -> Clouds:
    """Momenta and energies that are not positive, which Python refuses, give features that are not finite."""
    momenta = Momenta(step, value)
    energy, x, y, z = momenta.four()
    there = value.mask.astype(DOUBLE)
    jet_x, jet_y, jet_z = ((there * one).sum(1, keepdims=True) for one in (x, y, z))
    pt, jet_pt = x.hypot(y), jet_x.hypot(jet_y)
    delta_eta = (z / pt).arcsinh() - (jet_z / jet_pt).arcsinh()
    delta_phi = wrap_phi(y.arctan2(x) - jet_y.arctan2(jet_x))
    columns = [delta_eta, delta_phi, pt.log(), energy.log(), (pt / jet_pt).log(), delta_eta.hypot(delta_phi)]
    if "pdgid" in step.roles_:
        _, charge, classes = momenta.particles()
        columns += [charge, *classes]
    return Clouds(value.mask.expand_dims(2).where(stack(columns, 2), 0.0), value.mask, value.event)


@transform.register
def _(step: ToImage, value: Clouds, export: Export) -> Tensor:
    points, mask = with_more_rows(value, 1)  # so that there is one
    pt, along, phi = Momenta(step, Clouds(points, mask, None)).coordinates()
    pt = mask.where(pt, 0.0)
    total = pt.sum(1, keepdims=True)
    safe = (total > 0.0).where(total, 1.0)
    if step.center:
        hardest = mask.where(pt, -1.0).argmax(1).expand_dims(1)
        some = (mask.astype(DOUBLE).sum(1, keepdims=True) > 0.0).where(phi.take_along(hardest, 1), 0.0)
        phi = wrap_phi(phi - some)
        along, phi = (one - (pt * one).sum(1, keepdims=True) / safe for one in (along, phi))
    if step.rotate:
        along, phi = _rotated(pt, along, phi)
    if step.flip:
        balances = [(one, (pt * one.sign()).sum(1, keepdims=True)) for one in (along, phi)]
        along, phi = ((balance < 0.0).where(-one, one) for one, balance in balances)
    images = _pixelised(pt, along, phi, mask, step.n_pixels, step.extent)
    return images / safe.expand_dims(2) if step.normalize else images


def _rotated(pt: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Turn the principal axis to the first coordinate, by half the angle of (uu − vv, 2 uv)."""
    uu, vv, uv = ((pt * a * b).sum(1, keepdims=True) for a, b in ((u, u), (v, v), (u, v)))
    angle = (uv * 2.0).arctan2(uu - vv) * 0.5
    cos, sin = angle.cos(), angle.sin()
    return cos * u + sin * v, cos * v - sin * u


def _pixelised(pt: Tensor, u: Tensor, v: Tensor, mask: Tensor, n_pixels: int, extent: float) -> Tensor:
    """Sum pT in pixels; what is outside of the image goes into one more, which is left out."""
    row, column = (((one + extent) * (n_pixels / (2 * extent))).floor() for one in (u, v))
    inside = mask & (row >= 0.0) & (row < float(n_pixels)) & (column >= 0.0) & (column < float(n_pixels))
    size = n_pixels * n_pixels
    place = inside.where(row * float(n_pixels) + column, float(size)).astype(INT)
    empty = pt.fill(0.0, [pt.length(0), size + 1])
    sums = pt.graph.op("ScatterElements", empty, place, pt, axis=1, reduction="add")
    images = sums.take(np.arange(size)).reshape(pt.length(0), n_pixels, n_pixels)
    return images.astype(FLOAT).astype(DOUBLE)  # as in Python
