"""Hyperparameters of the inputs, one class for each kind of input."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from .._compat import Interval, StrOptions
from .._params import AT_LEAST_ONE, Declared, hp
from ..nn import NUM_EMBEDDINGS, OUTPUTS, POINT_POOLINGS, Columns, ColumnScaling, MixedColumns, number_embedding
from ._column_scaling import CLIP, SCALINGS
from ._inputs import ImageInput, ImageOrSequenceInput, SequenceInput, TableInput, TableOrSequenceInput
from ._number_inputs import NumberInput, NumberOrImageInput
from ._set_inputs import GraphInput, KinematicInput, SetInput


class ImageChoices(Declared):
    """Base of networks that take images or tables.

    The module gets images ``(n, c, h, w)`` or a table ``(n, d)``, and their shape without ``n`` as ``shape_in``.

    See Also
    --------
    NetworkEstimator : Base of all networks.
    """

    _input: type[TableInput] = ImageInput

    image_shape: Any = hp(
        None,
        valid=(tuple, list, None),
        doc="Shape of the image in a row of a table: (height, width) or (channels, height, width), its columns row "
        "by row. Arrays of images, ``(n, h, w)`` or ``(n, c, h, w)``, need none.",
    )


class TableChoices(Declared):
    """Hyperparameters of networks that scale the columns of a table, and embed their numbers."""

    _input: type[TableInput] = NumberInput

    scaling: str | None = hp(
        None,
        valid=(StrOptions(set(SCALINGS)), None),
        choices=(None, *SCALINGS),
        doc="Scaling of the columns of a table inside of the network, learned from the weighted training part: auto is "
        "what `AutoScaler` chooses for each column; robust is z = (x - median)/(interquartile range) and then "
        "z/√(1 + (z/3)²), which no outlier leaves (Holzmüller et al., 2024). None for columns that are scaled before.",
    )
    num_embedding: str | None = hp(
        None,
        valid=(StrOptions(set(NUM_EMBEDDINGS)), None),
        choices=(None, *NUM_EMBEDDINGS),
        doc="Embedding of each column of a table in ``embedding_width`` features, before the first layer: a straight "
        "line plus a piecewise linear function between weighted quantiles of the training part (piecewise; Gorishniy "
        "et al., 2022); cosines and sines of learned frequencies, a linear layer and ReLU (periodic; PLR of the same); "
        "or cosines with phases and a linear layer, beside the number itself (pbld; Holzmüller et al., 2024). The last "
        "two need columns that are scaled, before or by ``scaling``. None for none.",
    )
    embedding_width: int = hp(
        16,
        valid=Interval(Integral, 2, None, closed="left"),
        search=(4, 32),
        scale="log",
        only_with=("num_embedding", NUM_EMBEDDINGS),
        doc="Number of features in which a column is embedded.",
    )
    n_bins: int = hp(
        48,
        valid=AT_LEAST_ONE,
        search=(8, 96),
        scale="log",
        only_with=("num_embedding", ("piecewise",)),
        doc="Number of bins of a piecewise embedding, between the quantiles of a column; columns with few different "
        "values have fewer.",
    )
    frequency_scale: float = hp(
        0.1,
        valid=Interval(Real, 0, None, closed="neither"),
        search=(0.01, 10.0),
        scale="log",
        only_with=("num_embedding", ("periodic", "pbld")),
        doc="Standard deviation of the first frequencies, in periods for a column's unit.",
    )

    def _build(
        self,
        shape_in: tuple[int, ...],
        n_out: int,
        *,
        edges: Any = None,
        constants: Any = None,
        mixed: Any = None,
        **of_input: Any,
    ) -> Any:
        """Make the module, with what columns pass through first if there is anything."""
        if self.scaling is not None or self.num_embedding is not None or mixed is not None:
            of_input["embedding"] = self._first_layer(shape_in[0], edges, constants, mixed)
        return super()._build(shape_in, n_out, **of_input)  # type: ignore[misc]

    def _first_layer(self, d: int, edges: Any, constants: Any, mixed: Any) -> Any:
        embedding, scaling = None, None
        d = d if mixed is None else len(mixed["numbers"])
        if self.num_embedding is not None and d > 0:
            width, scale = self.embedding_width, self.frequency_scale
            embedding = number_embedding(self.num_embedding, d, width, scale=scale, edges=edges)
        if self.scaling is not None and d > 0:
            scaling = ColumnScaling(constants, CLIP[self.scaling])
        if mixed is not None:
            return MixedColumns(scaling=scaling, embedding=embedding, **mixed)
        return embedding if scaling is None else Columns(d, scaling, embedding)


def _unsearched(name: str) -> Any:
    """Declare a hyperparameter of the columns that no search tries unasked: images have no columns."""
    return replace(TableChoices._hyperparameters[name], search=None, choices=None, only_with=None)


class TableOrImageChoices(ImageChoices, TableChoices):
    """Hyperparameters of networks for images, or for tables whose numbers they embed."""

    _input: type[TableInput] = NumberOrImageInput

    scaling: str | None = _unsearched("scaling")
    num_embedding: str | None = _unsearched("num_embedding")
    embedding_width: int = _unsearched("embedding_width")
    n_bins: int = _unsearched("n_bins")
    frequency_scale: float = _unsearched("frequency_scale")


class SequenceChoices(Declared):
    """Base of networks that take events of any number of points, in their order.

    The module gets points ``(n, t, d)``, padded to the longest event of the batch, a mask ``(n, t)`` of those that are
    there, and columns of the events ``(n, d_event)`` if there are any; ``shape_in`` is ``(d, d_event)``.

    See Also
    --------
    NetworkEstimator : Base of all networks.
    """

    _input: type[TableInput] = SequenceInput

    particle_features: int | None = hp(
        None,
        valid=(AT_LEAST_ONE, None),
        doc="Number of neighbouring columns of a table that form a point: 2 for Jet 1 pT, Jet 1 η, Jet 2 pT, Jet 2 η. "
        "A point whose columns are all NaN is absent. `PointClouds`, awkward arrays, lists of arrays and arrays "
        "``(n, t, f)`` with NaN rows as padding need none.",
    )
    padding: float | None = hp(
        None,
        valid=(Real, None),
        doc="Value of the features of rows that are not points, in arrays ``(n, t, f)`` and in tables read by "
        "``particle_features``: 0.0 for arrays that are padded with zeros. None is NaN, with a warning where events "
        "end in rows of zeros; NaN does not warn. Rows of NaN are never points.",
    )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = self.particle_features is not None  # which mark absent points of a table
        return tags


class KindChoices(Declared):
    """Hyperparameters of networks that embed each kind of points with a layer of its own."""

    kinds: Any = hp(
        None,
        valid=(tuple, list, None),
        doc="Features of the points, by name or position, that are 1 for the points of one kind (jets, muons) and 0 "
        "for others, as `EventSource` makes them of several collections: each kind has a first layer of its own. None "
        "takes those whose name ends in kind (Jet_kind), if there are several; () takes them for plain numbers.",
    )
    _attributes_doc = """
        kinds_ : tuple of str
            Features of the points that were taken for their kinds; not with ``kinds=()``.
    """


class TableOrSequenceChoices(SequenceChoices):
    """Hyperparameters of networks for tables, or points in their order."""

    _input: type[TableInput] = TableOrSequenceInput


class ImageOrSequenceChoices(ImageChoices, SequenceChoices):
    """Hyperparameters of networks for images, tables, or points in their order."""

    _input: type[TableInput] = ImageOrSequenceInput


class SetChoices(SequenceChoices):
    """Base of networks on points without an order, which standardise these points themselves.

    The module gets the points of all events of the batch one after the other ``(n_points, d)``, the number of points of
    each event ``(n,)``, and columns of the events ``(n, d_event)``, possibly none; ``shape_in`` is ``(d, d_event)``. A
    module that `to_onnx` shall export also takes a mask ``(n, p)`` of the points that are there in the place of their
    numbers, where all events have p rows; every shape must follow from those of its inputs.

    See Also
    --------
    NetworkEstimator : Base of all networks.
    """

    _input: type[TableInput] = SetInput

    angles: Any = hp(
        None,
        valid=(tuple, list, None),
        doc="Features of the points that are angles in rad, by name or position: the angle enters as its cosine and "
        "sine, one relative to something (delta_phi) as a number in [−π, π). None takes those whose name ends in phi "
        "or azimuth (Jet_phi, jet.phi).",
    )
    _attributes_doc = """
        angles_ : tuple of str
            Features of the points that were taken for angles.
    """


class GraphChoices(SetChoices):
    """Base of networks on points in a space, or along the edges of `Graphs`.

    The module gets what it gets with `SetChoices`; for graphs also edges as rows ``(n_edges, 2)`` of the points and
    their features ``(n_edges, d_edge)``; ``shape_in`` is ``(d, d_event, d_edge)``. Coordinates stand after the
    features of the points, and the argument ``periodic`` says which of them are angles.

    See Also
    --------
    NetworkEstimator : Base of all networks.
    """

    _input: type[TableInput] = GraphInput

    coordinates: Any = hp(
        None,
        valid=(tuple, list, None),
        doc="Features of the points, by name or position, in which the distance to neighbours is measured: d² = Δη² + "
        "Δφ² with the difference of angles in [−π, π]. None takes the first that are there of (delta_eta, delta_phi), "
        "(eta, phi), (rapidity, phi), (y, phi), (x, y, z) and (x, y), by the last word of their names (Jet_eta, "
        "jet.eta), or all features, with a warning, if there are none; () takes all features. Their units are not "
        "changed.",
    )
    output: str = hp(
        "event",
        valid=StrOptions(set(OUTPUTS)),
        doc="What the outputs belong to: events; or points, or the edges of `Graphs`, with a `RaggedArray` as y that "
        "has a value for every one of them, and as the prediction. Event ids and splits remain those of events; "
        "``sample_weight`` has a weight for every event, or is a `RaggedArray` with one for every value.",
    )
    _attributes_doc = """
        coordinates_ : tuple of str
            Features of the points in which distances were measured; empty for all features.
    """


def point_pooling(default: str) -> Any:
    """Declare ``pooling`` of a network that pools the points of an event."""
    return hp(
        default,
        choices=POINT_POOLINGS,
        doc="How the points of an event are pooled. The sum, in units of the mean number of points, also counts them.",
    )


class NeighbourChoices(GraphChoices):
    """Hyperparameters of networks that pass messages along edges, of `Graphs` or between the nearest points."""

    n_neighbors: int = hp(
        16,
        valid=AT_LEAST_ONE,
        search=(4, 24),
        doc="Number of nearest points from which a point gets messages; not used if edges are given.",
    )


class KinematicChoices(GraphChoices):
    """Hyperparameters of networks that read the kinematics of pairs of points."""

    _input: type[TableInput] = KinematicInput

    transverse_momentum: Any = hp(
        None,
        valid=(str, Interval(Integral, 0, None, closed="left"), None),
        doc="Feature of the points that is their transverse momentum, by name or position. The feature log_pt, or "
        "another name with log, holds a natural logarithm. None takes what is called pt, else log_pt (also Jet_pt, "
        "jet.pt), provided that it has not been standardised and has no negative value. Without a transverse momentum, "
        "ln Δ is the only feature of a pair.",
    )
    _attributes_doc = """
        transverse_momentum_ : str or None
            Feature of the points of which ln kT, ln z and ln m² were made.
    """
