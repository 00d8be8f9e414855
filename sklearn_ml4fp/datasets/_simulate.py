"""Simulate top-quark pairs against W and Z bosons with jets."""

from __future__ import annotations

from importlib.metadata import version
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import check_random_state

from .._compat import Interval, validate_params
from .._progress import track
from ._bunch import TARGET_NAMES, Table, as_bunch
from ._detector import FEATURE_NAMES
from ._pythia import Chunk, import_pythia, simulate_chunk

CHUNK = (
    100  # selected events per run: about 10 s, long compared to the start of Pythia (0.4 s), short for a progress bar
)


def weigh(chunks: list[Chunk]) -> tuple[np.ndarray, dict[str, float]]:
    r"""Compute weights in fb, :math:`w = \sigma\,w_\text{Pythia} / \sum w_\text{Pythia}`, and the totals of one
    process.

    The sum runs over all generated events of all runs. The cross-section is the mean over the runs, each with its
    number of phase-space points.
    """
    tried = np.array([chunk.n_tried for chunk in chunks])
    sigma = float(np.average([chunk.sigma for chunk in chunks], weights=tried))
    weight_sum = sum(chunk.weight_sum for chunk in chunks)
    weight = np.concatenate([chunk.weight for chunk in chunks]) * sigma / weight_sum
    return weight, {"cross_section_fb": sigma, "n_generated": sum(chunk.n_generated for chunk in chunks)}


def tabulate(chunks: list[Chunk], labels: list[int], rng: np.random.Generator) -> tuple[Table, dict[str, Any]]:
    """Join all events in one table, in random order and numbered at random, so that neither tells the class."""
    parts: list[Table] = []
    simulation: dict[str, Any] = {}
    for label, name in enumerate(TARGET_NAMES):
        mine = [chunk for chunk, of in zip(chunks, labels, strict=True) if of == label]
        weight, totals = weigh(mine)
        rows, (px, py) = np.concatenate([chunk.rows for chunk in mine]), np.concatenate([c.true_met for c in mine]).T
        part = dict(zip(FEATURE_NAMES, rows.T, strict=True))
        part |= {"target": np.full(len(rows), label), "weight": weight}
        part |= {"true_met": np.hypot(px, py), "true_met_phi": np.arctan2(py, px)}
        parts.append(part)
        simulation |= {f"{key}_{name}": value for key, value in totals.items()}
    order = rng.permutation(sum(len(part["target"]) for part in parts))
    table = {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}
    table["event_number"] = rng.permutation(len(order))
    return table, simulation


@validate_params(
    {
        "n_events": [Interval(Integral, 2, None, closed="left")],
        "luminosity": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean", None],
        "as_frame": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def make_events(
    n_events: int = 1000,
    *,
    luminosity: float = 1.0,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: bool | None = None,
    as_frame: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Simulate proton collisions: top-quark pairs against W and Z bosons with jets.

    Pythia 8 [1]_ generates the collisions at 13.6 TeV and clusters the jets, which are smeared by a stated resolution.
    Events with at least one electron or muon and two jets are kept. The page "Data sets" of the documentation and
    `DESCR` describe columns, units, cuts and weights. One core gives about 10 selected events per second.

    Parameters
    ----------
    n_events : int, default=1000
        Number of selected events, at least 2; one half of them (rounded down) is signal.
    luminosity : float, default=1.0
        Integrated luminosity in inverse femtobarns: the weights of a class sum to its expected yield.
    random_state : int, RandomState instance or None, default=None
        Seed. The same seed and `n_events` give the same events, whatever `n_jobs` is.
    n_jobs : int, optional
        Number of processes, as joblib counts them: None is one, -1 is all cores.
    verbose : bool, optional
        Whether to show a progress bar. None shows it in a terminal or a notebook.
    as_frame : bool, default=False
        Whether `data` and `target` are a pandas DataFrame and Series.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        The same as from :func:`load_events`.

    Raises
    ------
    ImportError
        Pythia 8 is not installed; it comes with the extra ``simulate``.

    See Also
    --------
    load_events : A sample of these events that comes with the package.

    Notes
    -----
    The jet finder prints its request for citation on the standard output, once per process.

    References
    ----------
    .. [1] C. Bierlich et al., "A comprehensive guide to the physics and usage of PYTHIA 8.3",
       SciPost Phys. Codebases 8 (2022), arXiv:2203.11601.

    Examples
    --------
    >>> from sklearn_ml4fp import make_events
    >>> events = make_events(20, random_state=0)
    >>> events.data.shape
    (20, 32)
    """
    import_pythia()  # one error here instead of one in each process
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    n_signal = n_events // 2
    todo = [
        (label, min(CHUNK, n - start))
        for label, n in enumerate((n_events - n_signal, n_signal))
        for start in range(0, n, CHUNK)
    ]
    shuffle_seed, *seeds = np.random.SeedSequence(seed).spawn(1 + len(todo))
    runs = Parallel(n_jobs=n_jobs, return_as="generator")(
        delayed(simulate_chunk)(TARGET_NAMES[label], n, seed) for (label, n), seed in zip(todo, seeds, strict=True)
    )
    disable = None if verbose is None else not verbose
    chunks = list(track(runs, "Simulating collisions", total=len(todo), disable=disable))
    table, totals = tabulate(chunks, [label for label, _ in todo], np.random.default_rng(shuffle_seed))
    simulation = {
        "made_by": f"make_events({n_events}, random_state={random_state!r})",
        "generator": f"pythia8mc {version('pythia8mc')}",
    }
    return as_bunch(table, simulation | totals, luminosity=luminosity, as_frame=as_frame, return_X_y=return_X_y)
