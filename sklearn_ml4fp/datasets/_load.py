"""Read collisions: the shipped sample, or a ROOT file of the same columns."""

from __future__ import annotations

from numbers import Real
from os import PathLike, fspath
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._compat import Interval, validate_params
from .._events import uniform
from .._root import open_tree, read_branches
from ._bunch import OTHER_COLUMNS, Table, as_bunch
from ._detector import FEATURE_NAMES
from ._shipped import read_shipped

COLUMNS = FEATURE_NAMES + OTHER_COLUMNS


def unpack(arrays: Any) -> Table:
    """Read the table from the arrays of the shipped file."""
    table = {name: arrays[name] for name in OTHER_COLUMNS}
    return table | dict(zip(FEATURE_NAMES, arrays["features"], strict=True))


def read_root(path: str) -> Table:
    """Read the columns of a flat TTree or RNTuple."""
    opened = open_tree(path)
    missing = sorted(set(COLUMNS) - set(opened.keys()))
    if missing:
        raise ValueError(
            f"{path} lacks the columns {missing}. A table of events has the columns of load_events().feature_names "
            f"and {', '.join(OTHER_COLUMNS)}."
        )
    return check_table(read_branches(opened, COLUMNS, "np"), path)


def check_table(table: Table, path: str) -> Table:
    """Check for flat numeric columns, integer event numbers, and targets 0 and 1."""
    ragged = [name for name in COLUMNS if table[name].dtype.kind not in "fiub" or table[name].ndim != 1]
    if ragged:
        raise ValueError(f"{path}: one number per event is expected in each column; {ragged} hold something else")
    if table["event_number"].dtype.kind not in "iu":
        raise ValueError(f"{path}: event_number must hold integers, got {table['event_number'].dtype}")
    strange = sorted(set(np.unique(table["target"]).tolist()) - {0, 1})
    if strange:
        raise ValueError(f"{path}: target must be 0 (background) or 1 (signal), got {strange[:5]}")
    if not np.isfinite(table["weight"]).all():
        raise ValueError(f"{path}: weight holds NaN or infinity")
    return table


def emulate_negative_weights(weight: np.ndarray, event_number: np.ndarray, fraction: float) -> Any:
    r"""Give a fraction f of the events :math:`-w/(1-2f)` and the rest :math:`+w/(1-2f)`, by event number alone.

    The expectation of every sum stays, since :math:`(1 - f) - f = 1 - 2f`; N_eff falls by :math:`(1-2f)^2`.
    """
    sign = np.where(uniform(event_number, salt="negative weights") < fraction, -1.0, 1.0)
    return sign * weight / (1.0 - 2.0 * fraction)


@validate_params(
    {
        "path": [str, PathLike, None],
        "luminosity": [Interval(Real, 0, None, closed="neither")],
        "negative_fraction": [Interval(Real, 0, 0.5, closed="left")],
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_events(
    *,
    path: str | PathLike[str] | None = None,
    luminosity: float = 1.0,
    negative_fraction: float = 0.0,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Bunch | tuple[Any, Any]:
    """Load simulated proton collisions: top-quark pairs against W and Z bosons with jets.

    The sample comes with the package and is always the same: 20 000 events at 13.6 TeV, one half of them signal, with
    weights that vary. The page "Data sets" of the documentation and `DESCR` tell columns, units, cuts and weights.

    Parameters
    ----------
    path : str or path-like, optional
        A ROOT file to read in place of the shipped sample: one flat TTree or RNTuple with the columns of
        `feature_names` and ``target``, ``weight`` (fb), ``event_number``, ``true_met`` and ``true_met_phi``.
        ``"file.root:tree"`` names one of several trees.
    luminosity : float, default=1.0
        Integrated luminosity in inverse femtobarns: the weights of a class sum to its expected yield.
    negative_fraction : float, default=0.0
        Fraction f of events, in [0, 0.5), that get a negative weight, as generators beyond leading order give:
        -w / (1 - 2f), and the other events +w / (1 - 2f). A hash of the event number chooses them, independently of
        class and features. Expectations stay; N_eff falls by (1 - 2f)^2.
    as_frame : bool, default=False
        Whether `data` and `target` are a pandas DataFrame and Series.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    events : sklearn.utils.Bunch
        data : array or DataFrame of shape (n_events, 32), float32
            Measured values (GeV, rad); NaN where a jet is absent.
        target : array or Series of shape (n_events,)
            1 for signal, 0 for background.
        feature_names, target_names
            Names of the columns and of the classes.
        frame : DataFrame or None
            `data` and `target` together, with ``as_frame=True``.
        sample_weight : array of shape (n_events,), float64
            Expected number of collisions per event at `luminosity`.
        groups : array of shape (n_events,), int64
            Event number, unique.
        true_met, true_met_phi : arrays of shape (n_events,), float32
            True missing transverse momentum (GeV) and its azimuth (rad): regression targets.
        luminosity : float
            Value of the parameter.
        simulation : dict
            Call, version of the generator, cross-sections in fb; empty for a file of your own.
        DESCR : str
            Full description.
    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    ImportError
        If `path` is given without uproot (extra ``hep``), or ``as_frame=True`` without pandas.
    ValueError
        If the file lacks columns, or a column holds something other than described.

    See Also
    --------
    make_events : Simulate more of these events.
    fetch_higgs : A larger, published table.

    References
    ----------
    .. [1] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
       SciPost Phys. Codebases 8 (2022), arXiv:2203.11601.

    Examples
    --------
    >>> from sklearn_ml4fp import load_events
    >>> events = load_events()
    >>> events.data.shape, events.target_names.tolist()
    ((20000, 32), ['w_z_jets', 'ttbar'])
    >>> events.feature_names[:4]
    ['jet1_pt', 'jet1_eta', 'jet1_phi', 'jet1_m']
    """
    table, simulation = read_shipped("events", unpack) if path is None else (read_root(fspath(path)), {})
    if negative_fraction > 0:
        weight = table["weight"].astype(np.float64)
        table["weight"] = emulate_negative_weights(weight, table["event_number"], negative_fraction)
    return as_bunch(table, simulation, luminosity=luminosity, as_frame=as_frame, return_X_y=return_X_y)
