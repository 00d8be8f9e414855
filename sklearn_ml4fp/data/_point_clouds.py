"""Point clouds: events that are unordered sets of particles or hits, of any number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from .._errors import first_line
from .._optional import is_awkward, needs
from .._root import open_tree, read_branches
from ._conversions import InMemory


class PointClouds(InMemory):
    """Point clouds, each with any number of points, in one flat array that scikit-learn can slice.

    Row ``offsets[i]`` to row ``offsets[i + 1]`` of ``values`` are the points of cloud ``i``. Masks, integer arrays and
    slices select clouds as they select rows of an array (a slice without a step is a view); an integer gives the
    points of one cloud. Empty clouds are legal.

    Parameters
    ----------
    values : array-like of shape (n_points_total, n_features)
        All points. Floating-point arrays are not copied; other numbers become float64.
    offsets : array-like of shape (n_clouds + 1,)
        Position of the first point of each cloud, rising from 0 to ``n_points_total``.
    feature_names : sequence of str, optional
        Names of the columns of ``values``; ``x0, x1, ...`` by default.
    event_values : array-like of shape (n_clouds, n_event_features), optional
        Numbers that belong to a cloud as a whole (the transverse momentum of a jet, missing energy).
    event_names : sequence of str, optional
        Names of the columns of ``event_values``; ``event0, event1, ...`` by default. They differ from all feature
        names.

    Attributes
    ----------
    counts : ndarray of shape (n_clouds,)
        Number of points of each cloud.
    shape : tuple
        ``(n_clouds,)``.

    Raises
    ------
    ValueError
        Shapes, offsets or names do not fit together.
    TypeError
        The container is converted to one numpy array: it is padded only on request, by ``to_padded``.

    See Also
    --------
    as_point_clouds : Convert whatever holds points.
    Graphs : Point clouds with edges.
    ToList, ToSet, ToImage : Representations for other estimators.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import PointClouds
    >>> X = PointClouds(np.arange(8.0).reshape(4, 2), [0, 3, 3, 4], feature_names=["pt", "y"])
    >>> X
    PointClouds(3 clouds, 4 points, features=('pt', 'y'), float64)
    >>> X[[2, 0]].counts
    array([1, 3])
    >>> X[2]
    array([[6., 7.]])
    """

    @classmethod
    def from_root(
        cls,
        path: str | Path,
        tree: str,
        features: Sequence[str],
        event_features: Sequence[str] = (),
    ) -> Self:
        """Make point clouds from the branches of a ROOT tree.

        Parameters
        ----------
        path : str or path
            Path of the file.
        tree : str
            Name of the tree.
        features : sequence of str
            Branches with one list of numbers per entry, all of the same lengths. For a tree with one branch per point
            and feature, read a table with uproot and use ``from_wide``.
        event_features : sequence of str, default=()
            Branches with one number per entry.

        Raises
        ------
        ImportError
            uproot or awkward is not installed; both come with the extra ``hep``.
        FileNotFoundError
            The file does not exist.
        ValueError
            The file is not a ROOT file, lacks the tree or a branch, or the branches hold what `from_awkward` refuses,
            such as lists of different lengths.
        """
        array = read_branches(open_tree(path, tree), [*features, *event_features], "ak")
        return cls.from_awkward(array, features, event_features)

    def to_root(self, path: str | Path, tree: str = "events") -> None:
        """Write a ROOT file with one tree.

        Every feature is a branch of lists, every event column a plain one; ROOT adds a branch with the lengths of the
        lists.

        Parameters
        ----------
        path : str or path
            Path of the file, which is replaced.
        tree : str, default="events"
            Name of the tree.
        """
        array = self._without_half().to_awkward()
        with needs("uproot").recreate(path) as file:
            branches = {name: array[name] for name in array.fields}
            file.mktree(tree, {name: branch.type.content for name, branch in branches.items()})
            if len(self):  # uproot before 5.7 cannot extend a tree by no entries
                file[tree].extend(branches)

    def _without_half(self) -> Self:
        """Convert float16, which ROOT does not have, to float32."""
        values, events = (
            part.astype(np.promote_types(part.dtype, np.float32), copy=False)
            for part in (self.values, self.event_values)
        )
        return type(self)(values, self.offsets, self.feature_names, event_values=events, event_names=self.event_names)

    @classmethod
    def from_parquet(
        cls,
        path: str | Path,
        features: Sequence[str] | None = None,
        event_features: Sequence[str] | None = None,
    ) -> Self:
        """Make point clouds from a Parquet file with one row per event.

        Parameters
        ----------
        path : str or path
            Path of the file.
        features : sequence of str, optional
            Columns of lists of numbers, or fields of the only column of lists of structs; by default all of them.
        event_features : sequence of str, optional
            Columns of plain numbers; by default all of them.

        Warns
        -----
        UserWarning
            A column that was not chosen, but taken by default, is a label, a weight or an event id by its name.

        Raises
        ------
        ImportError
            awkward or pyarrow is not installed; both come with the extra ``hep``.
        FileNotFoundError
            The file does not exist.
        ValueError
            The file is not a Parquet file, lacks a column, or the columns hold what `from_awkward` refuses, such as
            lists of different lengths.
        """
        columns = None if features is None or event_features is None else [*features, *event_features]
        array = _read_parquet(path, columns)
        if columns is not None and not set(columns) <= set(array.fields):  # inside a column of structs, or absent
            array = _read_parquet(path, None)
        return cls.from_awkward(array, features, event_features)

    def to_parquet(self, path: str | Path) -> None:
        """Write a Parquet file with one row per event: a column of lists per feature, and plain event columns.

        Parameters
        ----------
        path : str or path
            Path of the file, which is replaced.
        """
        needs("pyarrow")
        needs("awkward").to_parquet(self.to_awkward(), path)


def _read_parquet(path: str | Path, columns: Sequence[str] | None) -> Any:
    if not (isinstance(path, str) or hasattr(path, "__fspath__")):
        raise TypeError(f"expected the path of a Parquet file, got {path!r}.")
    ak = needs("awkward")
    needs("pyarrow")
    try:
        return ak.from_parquet(path, columns=columns)
    except (ValueError, OSError, RuntimeError) as error:
        if "://" not in str(path) and not Path(path).exists():
            raise FileNotFoundError(f"there is no file {path}.") from error
        raise ValueError(f"{path} cannot be read as a Parquet file ({first_line(error)}).") from error


def as_point_clouds(X: Any, *, padding: float | None = None, feature_names: Sequence[str] | None = None) -> PointClouds:
    """Convert an awkward array, a list of arrays or a padded array to point clouds.

    Parameters
    ----------
    X : PointClouds, awkward.Array, list of (n_points, n_features) or ndarray (n_clouds, n_points_max, n_features)
        Events; in a padded array, rows that are NaN in all features are not points. A list, or an array of objects,
        may also hold the events of an awkward array.
    padding : float, optional
        Value of the padding of a padded array, as in :meth:`PointClouds.from_padded`.
    feature_names : sequence of str, optional
        Names of the features, used only if ``X`` holds no point and does not tell their number.

    Returns
    -------
    PointClouds
        ``X`` itself if it is one already.

    Raises
    ------
    TypeError
        ``X`` is none of these.
    ValueError
        The entries of a list do not fit together, or a converter of `PointClouds` refuses them.

    See Also
    --------
    PointClouds : The container.
    Graphs : Point clouds with edges.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ml4fp import as_point_clouds
    >>> as_point_clouds([np.ones((2, 3)), np.zeros((1, 3))])
    PointClouds(2 clouds, 3 points, features=('x0', 'x1', 'x2'), float64)
    """
    if isinstance(X, PointClouds):
        return X
    if getattr(getattr(X, "dtype", None), "kind", "") == "O" and X.ndim == 1:  # an array or a Series of arrays
        X = list(X)
    if is_awkward(X):
        array = _rejoined(X) if isinstance(X, list | tuple) else X
        unknown = not array.fields and needs("awkward").count(array) == 0
        return PointClouds.from_awkward(array, feature_names if unknown else None)
    if isinstance(X, list | tuple):
        unknown = all(np.shape(cloud) == (0,) for cloud in X)
        return PointClouds.from_lists(X, feature_names if unknown else None)
    if isinstance(X, np.ndarray) and X.ndim == 3:
        return PointClouds.from_padded(X, padding=padding)
    raise TypeError(
        "expected point clouds: PointClouds, an awkward array, a list of arrays (points x features) or an array "
        f"(n_clouds, n_points_max, n_features) with NaN rows as padding; got {type(X).__name__}"
        f"{f' of shape {X.shape}' if hasattr(X, 'shape') else ''}. A wide or long table becomes one by "
        "PointClouds.from_wide or PointClouds.from_long, one with lists in its cells by "
        "PointClouds.from_awkward(ak.from_arrow(pyarrow.Table.from_pandas(X))); the points of Graphs are X.nodes."
    )


def _rejoined(events: Sequence[Any]) -> Any:
    """Rebuild the awkward array from which the events were picked."""
    ak = needs("awkward")
    kind = type(events[0]), set(ak.fields(events[0]))
    for i, event in enumerate(events):
        if not isinstance(event, kind[0]) or set(ak.fields(event)) != kind[1]:
            raise ValueError(
                f"expected a list of awkward events of one kind: entry 0 is {_kind(events[0])}, entry {i} is "
                f"{_kind(event)}."
            )
    if kind[0] is ak.Array:
        return ak.unflatten(ak.concatenate(events), [len(event) for event in events])
    if all(event.layout.array is events[0].layout.array for event in events):
        return ak.Array(events[0].layout.array)[[event.layout.at for event in events]]
    singles = (ak.Array(event.layout.array)[event.layout.at : event.layout.at + 1] for event in events)
    return ak.concatenate([ak.to_packed(single) for single in singles])


def _kind(event: Any) -> str:
    fields = getattr(event, "fields", None)
    return f"{type(event).__name__}" + (f" with the fields {list(fields)}" if fields else "")
