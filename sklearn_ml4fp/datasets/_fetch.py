"""Published data sets, downloaded on first use."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._compat import Interval, StrOptions, validate_params
from .._kinematics import azimuth, from_rapidity, pseudorapidity, transverse_momentum
from .._optional import needs
from .._particles import look_up
from .._segments import offsets_from_counts
from ..data import PointClouds
from . import _registry
from ._download import download
from ._jet_columns import with_jets

COMMON = {
    "data_home": [str, PathLike, None],
    "verbose": ["boolean", None],
    "return_X_y": ["boolean"],
}
N_ROWS = [Interval(Integral, 1, None, closed="left"), None]
JETS_PER_FILE = 100_000
HIGGS_TOTAL, HIGGS_TEST = 11_000_000, 500_000  # events; the last ones are the test set of the publication
HIGGS_FEATURES = (
    "lepton_pt", "lepton_eta", "lepton_phi", "met", "met_phi",
    *(f"jet{i}_{name}" for i in range(1, 5) for name in ("pt", "eta", "phi", "btag")),
    "m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb",
)  # fmt: skip


def _files(folder: str, hashes: Mapping[str, str], data_home: Any, verbose: bool | None) -> list[Path]:
    base = _registry.FOLDERS[folder]
    return [download(f"{base}/{name}", known, folder, data_home, verbose) for name, known in hashes.items()]


def _bunch(data: Any, target: np.ndarray, target_names: list[str], text: str, return_X_y: bool) -> Any:
    if return_X_y:
        return data, target
    names = data.feature_names if isinstance(data, PointClouds) else HIGGS_FEATURES
    return Bunch(
        data=data,
        target=target,
        feature_names=list(names),
        target_names=np.array(target_names),
        groups=np.arange(len(target)),
        DESCR=text,
    )


@validate_params(
    {"n_jets": N_ROWS, "generator": [StrOptions({"pythia", "herwig"})], **COMMON}, prefer_skip_nested_validation=True
)
def fetch_quark_gluon_jets(
    n_jets: int | None = 100_000,
    *,
    generator: str = "pythia",
    data_home: Any = None,
    verbose: bool | None = None,
    return_X_y: bool = False,
) -> Any:
    """Fetch the two million quark and gluon jets of Komiske, Metodiev and Thaler (100 MB per 100 000 jets).

    These are the published sets [1]_ [2]_, from Pythia 8.226 or Herwig 7.1.4, of the recipe [3]_ that
    :func:`make_quark_gluon_jets` follows.

    Parameters
    ----------
    n_jets : int or None, default=100000
        Number of jets, beginning with the first; only the files that hold them are downloaded. None means all.
    generator : {"pythia", "herwig"}, default="pythia"
        Program that simulated the jets.
    data_home : str or path, optional
        Folder of the cache; scikit-learn's by default (``~/scikit_learn_data``).
    verbose : bool, optional
        Whether to show a progress bar. None shows it in a terminal or a notebook.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        The same as from :func:`load_quark_gluon_jets`.

    Raises
    ------
    ImportError
        pooch is not installed; it comes with the extra ``download``.
    ConnectionError
        A file is not available. A download that was interrupted continues where it stopped.
    ValueError
        A file is not the published one, or holds fewer jets.

    See Also
    --------
    load_quark_gluon_jets : A sample of 16 000 jets that comes with the package.
    fetch_top_tagging : Jets of top quarks.

    References
    ----------
    .. [1] P. Komiske, E. Metodiev, J. Thaler, "Pythia8 quark and gluon jets for energy flow",
       https://doi.org/10.5281/zenodo.3164691.
    .. [2] A. Pathak, P. Komiske, E. Metodiev, M. Schwartz, "Herwig7.1 quark and gluon jets",
       https://doi.org/10.5281/zenodo.3066475.
    .. [3] JHEP 01 (2019) 121, arXiv:1810.05165.

    Examples
    --------
    >>> from sklearn_ml4fp import fetch_quark_gluon_jets
    >>> jets = fetch_quark_gluon_jets(1000)  # doctest: +SKIP
    """
    hashes = _registry.QUARK_GLUON[generator]
    n_files = len(hashes) if n_jets is None else -(-n_jets // JETS_PER_FILE)
    if n_files > len(hashes):
        raise ValueError(f"there are {len(hashes) * JETS_PER_FILE} jets, got n_jets={n_jets}.")
    parts, labels = [], []
    for path in _files(generator, dict(list(hashes.items())[:n_files]), data_home, verbose):
        with np.load(path, allow_pickle=False) as arrays:
            names = ("pt", "y", "phi", "pdgid")
            clouds = PointClouds.from_padded(arrays["X"].astype(np.float32), None, names, padding=0.0)
            labels.append(arrays["y"].astype(np.int64))
        pt, y, phi, pdgid = clouds.values.T
        parts.append(with_jets(clouds, from_rapidity(pt, y, phi, look_up(pdgid)[0])))
    jets, target = PointClouds.concatenate(parts)[:n_jets], np.concatenate(labels)[:n_jets]
    text = f"Quark and gluon jets, arXiv:1810.05165, from {_registry.FOLDERS[generator]}; simulated with {generator}.\n"
    return _bunch(jets, target, ["gluon", "quark"], text, return_X_y)


def _top_jets(block: np.ndarray) -> PointClouds:
    """Convert rows of 200 times E, px, py, pz to jets; zeros mark absent particles, and the top quark comes last."""
    padded = block[:, :800].reshape(-1, 200, 4)
    present = padded[:, :, 0] > 0
    p = padded[present].astype(np.float64)
    values = np.stack([transverse_momentum(p), pseudorapidity(p), azimuth(p), p[:, 0]], axis=1).astype(np.float32)
    return with_jets(PointClouds(values, offsets_from_counts(present.sum(axis=1)), ("pt", "eta", "phi", "e")), p)


@validate_params(
    {"subset": [StrOptions({"train", "val", "test"})], "n_jets": N_ROWS, **COMMON}, prefer_skip_nested_validation=True
)
def fetch_top_tagging(
    subset: str = "train",
    *,
    n_jets: int | None = None,
    data_home: Any = None,
    verbose: bool | None = None,
    return_X_y: bool = False,
) -> Any:
    """Fetch the reference data set of top tagging: top-quark jets against light ones (1 GB, 350 MB, 350 MB).

    Jets of hadronically decaying top quarks and of light quarks and gluons, 14 TeV, Pythia 8 and Delphes's fast
    simulation of ATLAS, anti-kT with R = 0.8, 550 GeV <= pT <= 650 GeV, abs(eta) < 2 [1]_ [2]_: 1.2 million for
    training, 400 000 each for validation and test, with up to 200 particles.

    Parameters
    ----------
    subset : {"train", "val", "test"}, default="train"
        Published part.
    n_jets : int or None, default=None
        Number of jets, beginning with the first. None means all: 1.2 million training jets take about 1 GB of memory,
        and twice as much while they are read.
    data_home : str or path, optional
        Folder of the cache; scikit-learn's by default (``~/scikit_learn_data``).
    verbose : bool, optional
        Whether to show a progress bar. None shows it in a terminal or a notebook.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        ``data``: PointClouds of the particles: ``pt`` (GeV), ``eta``, ``phi`` (rad), ``e`` (GeV); event columns
        ``jet_pt`` (GeV), ``jet_y``, ``jet_phi`` (rad), ``jet_m`` (GeV). ``target``: 1 for top, 0 for light.
        ``groups``, ``feature_names``, ``target_names`` and ``DESCR``.

    Raises
    ------
    ImportError
        pooch or PyTables is not installed; both come with the extra ``download``.
    ConnectionError
        The file is not available. A download that was interrupted continues where it stopped.
    ValueError
        The file is not the published one.

    See Also
    --------
    fetch_quark_gluon_jets : Jets of quarks and gluons.

    References
    ----------
    .. [1] G. Kasieczka, T. Plehn, J. Thompson, M. Russell, "Top quark tagging reference dataset",
       https://doi.org/10.5281/zenodo.2603256.
    .. [2] A. Butter et al., "The machine learning landscape of top taggers", SciPost Phys. 7 (2019) 014,
       arXiv:1902.09914.

    Examples
    --------
    >>> from sklearn_ml4fp import fetch_top_tagging
    >>> tops = fetch_top_tagging("test", n_jets=1000)  # doctest: +SKIP
    """
    name = f"{subset}.h5"
    tables = needs("tables")
    (path,) = _files("top_tagging", {name: _registry.TOP_TAGGING[name]}, data_home, verbose)
    parts, labels = [], []
    with tables.open_file(path) as file:
        table = file.root.table.table
        total = len(table) if n_jets is None else min(n_jets, len(table))
        for start in range(0, total, JETS_PER_FILE):
            rows = table.read(start, min(start + JETS_PER_FILE, total))
            parts.append(_top_jets(rows["values_block_0"]))
            labels.append(rows["values_block_1"][:, 1])  # the second column; the first is the number of the subset
    text = f"Top tagging reference data set, arXiv:1902.09914, from {_registry.FOLDERS['top_tagging']}, {name}.\n"
    target = np.concatenate(labels).astype(np.int64)
    return _bunch(PointClouds.concatenate(parts), target, ["light", "top"], text, return_X_y)


@validate_params(
    {"subset": [StrOptions({"train", "test", "all"})], "n_events": N_ROWS, **COMMON},
    prefer_skip_nested_validation=True,
)
def fetch_higgs(
    subset: str = "train",
    *,
    n_events: int | None = None,
    data_home: Any = None,
    verbose: bool | None = None,
    return_X_y: bool = False,
) -> Any:
    """Fetch the HIGGS table: a heavy Higgs boson against top-quark pairs, 11 million events (2.8 GB).

    The simulated collisions have 21 measured columns, and 7 masses calculated from them [1]_ [2]_.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The last 500 000 events are the publication's test set, the rest its training set.
    n_events : int or None, default=None
        Number of events, beginning with the first of the subset. None means all.
    data_home : str or path, optional
        Folder of the cache; scikit-learn's by default (``~/scikit_learn_data``).
    verbose : bool, optional
        Whether to show a progress bar. None shows it in a terminal or a notebook.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of the Bunch.

    Returns
    -------
    sklearn.utils.Bunch or tuple
        ``data``: ndarray ``(n_events, 28)``, float32, in units of the publication (scaled, without dimension).
        ``target``: 1 for signal, 0 for background. ``groups``, ``feature_names``, ``target_names`` and ``DESCR``.

    Raises
    ------
    ImportError
        pooch or pandas is not installed; both come with the extra ``download``.
    ConnectionError
        The file is not available. A download that was interrupted continues where it stopped, if the server allows.
    ValueError
        The file is not the published one.

    See Also
    --------
    load_events : A table with event weights that comes with the package.

    References
    ----------
    .. [1] P. Baldi, P. Sadowski, D. Whiteson, "Searching for exotic particles in high-energy physics with deep
       learning", Nature Commun. 5 (2014) 4308, arXiv:1402.4735.
    .. [2] D. Whiteson, "HIGGS", UCI Machine Learning Repository, https://doi.org/10.24432/C5V312.

    Examples
    --------
    >>> from sklearn_ml4fp import fetch_higgs
    >>> higgs = fetch_higgs("test")  # doctest: +SKIP
    """
    pandas = needs("pandas")
    (path,) = _files("higgs", _registry.HIGGS, data_home, verbose)
    first = HIGGS_TOTAL - HIGGS_TEST if subset == "test" else 0
    last = HIGGS_TOTAL - HIGGS_TEST if subset == "train" else HIGGS_TOTAL
    n = last - first if n_events is None else min(n_events, last - first)
    table = pandas.read_csv(path, header=None, skiprows=first, nrows=n, dtype=np.float32).to_numpy()
    text = f"HIGGS, arXiv:1402.4735, from {_registry.FOLDERS['higgs']}, subset {subset!r}.\n"
    target = table[:, 0].astype(np.int64)
    return _bunch(np.ascontiguousarray(table[:, 1:]), target, ["background", "signal"], text, return_X_y)
