"""Missing values in every form: the one place where their marks become NaN, or an error.

Marks are NaN, None, pandas' NA and NaT, polars' null, awkward's None and numpy's mask. The value under a mask is never
used. scikit-learn's checks silently drop numpy's masks, and let None pass among labels. The functions of the same names
here convert first, and are used in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import validation

from ._compat import Interval
from ._optional import comes_from, is_awkward, needs
from ._params import hp

_MARKS = {"NoneType", "NAType", "NaTType", "MaskedConstant"}  # by name: pandas need not be installed


def is_missing(column: np.ndarray) -> np.ndarray:
    """Make a mask of the missing entries of an array.

    >>> import numpy as np
    >>> is_missing(np.array([None, "a", np.nan], dtype=object))
    array([ True, False,  True])
    """
    if column.dtype.kind == "O":
        flat = [type(v).__name__ in _MARKS or (isinstance(v, float) and v != v) for v in column.ravel()]
        return np.array(flat, dtype=bool).reshape(column.shape)
    return np.isnan(column) if column.dtype.kind in "fc" else np.zeros(column.shape, dtype=bool)


def with_nan(values: Any) -> Any:
    """Replace every mark of a missing value by NaN; values without such a mark are returned unchanged.

    Parameters
    ----------
    values : array-like, table or None
        A masked array becomes a plain one: of the same type where nothing is masked; else floats keep their width,
        integers become float64 (objects, where float64 would round them), and others objects. A column of an
        awkward array becomes a NumPy one. Tables keep their names.

    Returns
    -------
    object
        ``values`` itself, or an array or table with NaN.

    Examples
    --------
    >>> import numpy as np
    >>> with_nan(np.ma.array([1, 2, 3], mask=[0, 1, 0]))
    array([ 1., nan,  3.])
    """
    if isinstance(values, np.ma.MaskedArray):
        values = _of_masked(values)
    if isinstance(values, np.ndarray):
        return _of_objects(values) if values.dtype.kind == "O" else values
    if isinstance(values, (list, tuple)):
        return _of_list(values)
    if comes_from(values, "awkward"):
        return _of_awkward(values)
    if hasattr(values, "iloc") and hasattr(values, "columns"):
        return _of_frame(values)
    if hasattr(values, "to_numpy") and not hasattr(values, "columns"):  # a Series of pandas or polars
        array = np.asarray(values)
        marked = _of_objects(array) if array.dtype.kind == "O" else array
        return values if marked is array else marked
    return values  # scikit-learn itself converts polars' nulls in tables to NaN


def _of_masked(values: np.ma.MaskedArray) -> np.ndarray:
    if values.dtype.names is not None:
        raise ValueError("expected plain columns, got a masked array of records; pass one column after the other.")
    mask, data = np.ma.getmaskarray(values), np.asarray(values.data)
    if not mask.any():
        return data
    if data.dtype.kind in "biu" and not beyond_float64(data[~mask]):
        data = data.astype(np.float64)
    elif data.dtype.kind not in "fc":
        data = data.astype(object)
    return np.where(mask, data.dtype.type(np.nan) if data.dtype.kind in "fc" else np.nan, data)


def _of_objects(values: np.ndarray) -> np.ndarray:
    missing = is_missing(values)
    return np.where(missing, np.nan, values) if missing.any() else values


def _of_list(values: Any) -> Any:
    if values and (comes_from(values[0], "awkward") or getattr(values[0], "ndim", 0) > 1):  # events, not rows
        return values
    if any(isinstance(value, np.ma.MaskedArray) for value in values):
        return with_nan(np.ma.array(values))
    try:
        array = np.asarray(values)
    except ValueError:  # of unequal lengths; the next check refuses them if it needs a rectangle
        return values
    marked = _of_objects(array) if array.dtype.kind == "O" else array
    return values if marked is array else marked


def _of_awkward(values: Any) -> Any:
    if getattr(values, "fields", None) or getattr(values, "ndim", 0) != 1:  # points, for PointClouds
        return values
    return with_nan(needs("awkward").to_numpy(values, allow_missing=True))


def _of_frame(table: Any) -> Any:
    objects = {i: table.iloc[:, i] for i, dtype in enumerate(table.dtypes) if dtype.kind == "O"}
    changed = {i: new for i, column in objects.items() if (new := with_nan(column)) is not column}
    if changed:
        table = table.copy(deep=False)
        for i, column in changed.items():
            table.isetitem(i, column)
    return table


def beyond_float64(values: np.ndarray) -> bool:
    """Return whether an array holds integers that float64 rounds: those beyond ±2**53."""
    if values.dtype.kind == "O":
        return any(isinstance(v, (int, np.integer)) and abs(int(v)) > 2**53 for v in values.ravel())
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or not values.size:
        return False
    return int(values.max()) > 2**53 or int(values.min()) < -(2**53)


def real_numbers(values: Any, dtype: Any = None, *, exact: str = "") -> np.ndarray | None:
    """Read real numbers as a dense array in native byte order, with NaN where one is missing.

    Parameters
    ----------
    values : array-like
        Values; text is not a number, even if it could be read as one.
    dtype : dtype, optional
        Type of the result. By default booleans, integers and floats keep theirs, and numbers among Python objects
        become float64.
    exact : str
        Name of the values, for the error; if it is given, integers that float64 rounds are refused.

    Returns
    -------
    ndarray or None
        Array of numbers; None if a value is not a number.

    Raises
    ------
    ValueError
        An integer is beyond ±2**53, and ``exact`` is given.
    """
    if type(values) is np.ndarray and values.dtype.kind == "f" and values.dtype.isnative and dtype is None:
        return values  # early: a list of events has many
    if issparse(values):
        return None
    values = with_nan(values)
    try:
        array = np.asarray(values)
    except ValueError:  # lists of unequal lengths
        return None
    if exact and beyond_float64(array):
        raise ValueError(
            f"{exact} holds integers beyond 2**53, which floats round: expected measured numbers. Event numbers are "
            "ids: leave them out of the features and event columns, and pass them as groups."
        )
    if array.dtype.kind == "O":
        array = _of_objects(array)
        if not all(isinstance(value, (Real, Decimal, np.bool_)) for value in array.ravel()):
            return None
        array = array.astype(np.float64)
    elif array.dtype.kind not in "biuf":
        return None
    return array.astype(array.dtype.newbyteorder("=") if dtype is None else dtype, copy=False)


MISSING_VALUES: Any = hp(
    (),
    valid=(Interval(Real, None, None, closed="neither"), tuple, list),
    doc="Number, or several, that mark a missing value in all columns, such as −999 or (−999, −1). NaN, None, NA, null "
    "and masked values always are missing.",
)


def marked(X: np.ndarray, missing_values: Any) -> np.ndarray:
    """Replace the numbers that mark a missing value, such as −999, by NaN; returns ``X`` itself without any.

    Parameters
    ----------
    X : ndarray of shape (n_events, n_features)
        Floating-point values.
    missing_values : number, or tuple or list of numbers
        Marks; NaN is always one.

    Raises
    ------
    ValueError
        A mark is not a number.
    """
    marks = missing_values if isinstance(missing_values, (tuple, list)) else (missing_values,)
    if not all(isinstance(mark, Real) and not isinstance(mark, (bool, np.bool_)) for mark in marks):
        raise ValueError(
            f"missing_values={missing_values!r}: expected a number or several, such as -999 or (-999, -1)."
        )
    found = np.isin(X, np.asarray(marks, dtype=X.dtype))
    return np.where(found, X.dtype.type(np.nan), X) if found.any() else X


# --- scikit-learn's checks and transformers, after the conversion ---


_DATES = ("datetime", "timedelta", "Date", "Duration", "Time")  # types of numpy, pandas and polars


def _refuse_dates(X: Any) -> None:
    """Refuse dates, which would silently become numbers: nanoseconds since 1970, or another unit."""
    frame = hasattr(X, "columns") and hasattr(X, "dtypes")
    kinds = zip(X.columns, X.dtypes, strict=True) if frame else [("X", getattr(X, "dtype", None))]
    if dates := [name for name, kind in kinds if str(kind).startswith(_DATES)]:
        raise ValueError(
            f"Input X has dates or times in {dates[:10]}: expected numbers. Say in which unit and since when they "
            "count, such as (X - start).dt.total_seconds(), or leave them out."
        )


@contextmanager
def naming_text(X: Any) -> Iterator[None]:
    """Name the columns of text in ``X`` where an error comes from them, and say what lists or dates in it are."""
    _refuse_dates(X)
    try:
        yield
    except (ValueError, TypeError) as error:
        points = is_awkward(X) and (isinstance(X, (list, tuple)) or X.ndim > 1 or X.fields)
        if points or "setting an array element with a sequence" in str(error):
            raise ValueError(
                "Input X has records, lists or arrays as its entries: expected a table of one number per event and "
                "column. Events of several points are for networks and transformers of PointClouds: "
                "PointClouds.from_awkward(array), where a table comes by ak.from_arrow(pyarrow.Table.from_pandas(X)); "
                "columns of an awkward array become a table by numpy.column_stack([array.pt, array.eta])."
            ) from error
        if not (texts := _texts(X)):
            raise
        shown = ", ".join(f"{name!r} ({value!r})" for name, value in list(texts.items())[:10])
        raise ValueError(
            f"Input X has text in the columns {shown}: expected numbers. Encode such columns (OneHotEncoder, "
            "OrdinalEncoder), or leave them out."
        ) from error


def _texts(X: Any) -> dict[Any, str]:
    """Find the first text of each column that is not a number, by the name or the number of the column."""
    columns: list[tuple[Any, np.ndarray]] = []
    if hasattr(X, "columns"):
        columns = [(name, np.asarray(X[name])) for name in X.columns if np.ndim(X[name]) == 1]
    elif isinstance(X, np.ndarray) and X.ndim == 2:
        columns = list(enumerate(X.T))
    elif isinstance(X, list) and all(isinstance(row, list) for row in X):
        columns = [(i, np.array(column, dtype=object)) for i, column in enumerate(zip(*X, strict=False))]
    firsts = {name: next(filter(_is_text, x.tolist()), None) for name, x in columns if x.dtype.kind in "OUST"}
    return {name: str(text) for name, text in firsts.items() if text is not None}


def _is_text(value: Any) -> bool:
    if not isinstance(value, (str, bytes)):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False


class ReadsMissing:
    """Goes before a transformer of scikit-learn among the bases: what is missing in ``X`` is NaN to it.

    It says which columns are text, and transforms a chunk of no event to one of none.
    """

    def transform(self, X: Any, *args: Any, **params: Any) -> Any:
        """Transform events ``X``, as scikit-learn's class of that name does."""
        return self._of_any(super().transform, X, *args, **params)  # type: ignore[misc]

    def inverse_transform(self, X: Any, *args: Any, **params: Any) -> Any:
        """Undo `transform`."""
        return self._of_any(super().inverse_transform, X, *args, **params)  # type: ignore[misc]

    @staticmethod
    def _of_any(method: Callable[..., Any], X: Any, *args: Any, **params: Any) -> Any:
        shape: tuple[int, ...] = getattr(X, "shape", ())
        nothing = len(shape) == 2 and shape[0] == 0 and shape[1] > 0
        with naming_text(X):
            out = method(_one_event(X) if nothing else with_nan(X), *args, **params)
        return out[:0] if nothing else out


def _one_event(X: Any) -> Any:
    """Make an event without any value, in the container of the table ``X`` without events."""
    if hasattr(X, "iloc"):
        return X.reindex(range(1))
    if hasattr(X, "clear"):  # polars
        return X.clear(1)
    dtype = np.asarray(X).dtype
    return np.full((1, np.shape(X)[1]), np.nan, dtype=dtype if dtype.kind == "f" else np.float64)


def validate_data(estimator: Any, X: Any, **params: Any) -> Any:
    """Call scikit-learn's ``validate_data`` for events ``X`` alone; columns of text are named, and dates refused."""
    with naming_text(X):
        return validation.validate_data(estimator, with_nan(X), **params)


def check_array(values: Any, **params: Any) -> Any:
    """Call scikit-learn's ``check_array``; columns of text are named, and dates refused."""
    with naming_text(values):
        return validation.check_array(with_nan(values), **params)


def column_or_1d(values: Any, *, warn: bool = False, name: str = "y") -> np.ndarray:
    """Check labels as scikit-learn's function does; none of them may be missing.

    Raises
    ------
    ValueError
        More than one column, or a missing label.
    """
    column = validation.column_or_1d(with_nan(values), warn=warn)
    if n := int(is_missing(column).sum()):
        raise ValueError(
            f"Input {name} lacks the label of {n} events (NaN, None, NA, null, masked): expected one label per event. "
            "Leave those events out."
        )
    return column
