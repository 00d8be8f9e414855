"""Efficiency and purity of edges; efficiency, fakes and duplicates of tracks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._binary import weights_or_ones
from .._segments import segment_ids
from .._validation import check_amount, check_integer, entry_weights, finite_numbers, is_ragged


def _flat_weights(y: Any, sample_weight: Any) -> np.ndarray:
    """Weights of all entries of a ragged or flat target: given by event, or by entry."""
    if not is_ragged(y):
        return weights_or_ones(sample_weight, len(y))
    weight = entry_weights(sample_weight, y)
    return np.ones(len(y.values)) if weight is None else weight


def _labels_and_scores(y_true: Any, y_score: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flat labels as booleans, scores and weights of all edges."""
    if is_ragged(y_true) != is_ragged(y_score) or (
        is_ragged(y_true) and not np.array_equal(y_true.offsets, y_score.offsets)
    ):
        raise ValueError("y_true and y_score must have the same edges: two RaggedArrays of one shape, or two arrays.")
    weight = _flat_weights(y_true, sample_weight)
    label, score = (
        finite_numbers(y.values if is_ragged(y) else y, name) for y, name in ((y_true, "y_true"), (y_score, "y_score"))
    )
    if score.ndim == 2 and score.shape[1] == 2:  # probabilities of both classes
        score = score[:, 1]
    if label.ndim != 1 or label.shape != score.shape:
        raise ValueError(f"y_true and y_score must have one number per edge; got {label.shape} and {score.shape}.")
    if not np.isin(label, (0, 1)).all():
        raise ValueError(f"y_true must be 0 or 1, as edge_labels makes it; got {np.unique(label)[:5].tolist()}.")
    return label == 1, score, weight


def _ratio(part: float, whole: float) -> float:
    """Ratio of two sums of weights; NaN where there is nothing."""
    return float(part / whole) if whole > 0 else np.nan


def edge_efficiency(y_true: Any, y_score: Any, *, threshold: float = 0.5, sample_weight: Any = None) -> float:
    """Fraction of the true edges whose score is above the threshold.

    Parameters
    ----------
    y_true : RaggedArray or array-like of shape (n_edges,)
        1 for a true edge, else 0.
    y_score : RaggedArray or array-like of shape (n_edges,) or (n_edges, 2)
        Score of each edge, or the probabilities of both classes.
    threshold : float, default=0.5
        Cut on the score.
    sample_weight : array-like or RaggedArray, optional
        Weight of each event, or of each edge.

    Returns
    -------
    float
        Between 0 and 1 (for positive weights); NaN without a true edge.

    Raises
    ------
    ValueError
        If the edges of the two differ, or labels are others than 0 and 1.

    See Also
    --------
    edge_purity : Fraction of the accepted edges that are true.
    efficiency_at_purity : Efficiency at the cut that reaches a purity.

    Examples
    --------
    >>> from sklearn_ml4fp import edge_efficiency
    >>> edge_efficiency([1, 1, 0, 0], [0.9, 0.4, 0.8, 0.1])
    0.5
    """
    label, score, weight = _labels_and_scores(y_true, y_score, sample_weight)
    return _ratio(weight[label & (score > threshold)].sum(), weight[label].sum())


def edge_purity(y_true: Any, y_score: Any, *, threshold: float = 0.5, sample_weight: Any = None) -> float:
    """Fraction of the edges above the threshold that are true.

    Parameters
    ----------
    y_true : RaggedArray or array-like of shape (n_edges,)
        1 for a true edge, else 0.
    y_score : RaggedArray or array-like of shape (n_edges,) or (n_edges, 2)
        Score of each edge, or the probabilities of both classes.
    threshold : float, default=0.5
        Cut on the score.
    sample_weight : array-like or RaggedArray, optional
        Weight of each event, or of each edge.

    Returns
    -------
    float
        Between 0 and 1 (for positive weights); NaN if no edge is above the threshold.

    Raises
    ------
    ValueError
        If the edges of the two differ, or labels are others than 0 and 1.

    See Also
    --------
    edge_efficiency : Fraction of the true edges that are accepted.

    Examples
    --------
    >>> from sklearn_ml4fp import edge_purity
    >>> edge_purity([1, 1, 0, 0], [0.9, 0.6, 0.8, 0.1], threshold=0.7)
    0.5
    """
    label, score, weight = _labels_and_scores(y_true, y_score, sample_weight)
    accepted = score > threshold
    return _ratio(weight[label & accepted].sum(), weight[accepted].sum())


def efficiency_at_purity(y_true: Any, y_score: Any, *, purity: float = 0.99, sample_weight: Any = None) -> float:
    """Largest efficiency of a cut on the score whose accepted edges have a purity of at least ``purity``.

    Parameters
    ----------
    y_true : RaggedArray or array-like of shape (n_edges,)
        1 for a true edge, else 0.
    y_score : RaggedArray or array-like of shape (n_edges,) or (n_edges, 2)
        Score of each edge, or the probabilities of both classes.
    purity : float, default=0.99
        Purity to reach, in (0, 1].
    sample_weight : array-like or RaggedArray, optional
        Weight of each event, or of each edge.

    Returns
    -------
    float
        Efficiency; 0 if no cut is pure enough, NaN without a true edge.

    Raises
    ------
    ValueError
        If the edges of the two differ, labels are others than 0 and 1, or ``purity`` is outside (0, 1].

    See Also
    --------
    edge_efficiency, edge_purity : At one cut.

    Examples
    --------
    >>> from sklearn_ml4fp import efficiency_at_purity
    >>> efficiency_at_purity([1, 1, 0, 1], [0.9, 0.8, 0.7, 0.6], purity=0.75)
    1.0
    """
    if not 0 < check_amount(purity, "purity") <= 1:
        raise ValueError(f"purity must be above 0 and at most 1; got {purity!r}.")
    label, score, weight = _labels_and_scores(y_true, y_score, sample_weight)
    total = weight[label].sum()
    if not total > 0:
        return np.nan
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.diff(score[order], append=-np.inf))  # a cut lies between different scores
    accepted = np.cumsum(weight[order])[ends]
    true = np.cumsum((weight * label)[order])[ends]
    # products and not ratios: sums of signed weights may vanish; the last bits of sums must not fail a purity of 1
    pure = (true >= purity * accepted * (1 - 1e-12)) & (accepted > 0)
    return float(max(true[pure].max(initial=0.0) / total, 0.0))


class _Matches(NamedTuple):
    """Reconstructable particles and candidates of all events, with the weights of their events, and what matches."""

    particle_weight: np.ndarray
    n_matches: np.ndarray  # of each particle: candidates that match it
    candidate_weight: np.ndarray
    matched: np.ndarray  # of each candidate: whether a particle matches


def _match(particle: Any, track: Any, min_hits: int, shared: float, sample_weight: Any) -> _Matches:
    """Match candidates with the particles that made more than the fraction ``shared`` of their hits."""
    for one, name in ((particle, "particle"), (track, "track")):
        if not is_ragged(one) or one.values.ndim != 1 or one.values.dtype.kind not in "iu":
            raise ValueError(f"{name} must be a RaggedArray with one integer per hit; got {one!r}.")
    if not np.array_equal(particle.offsets, track.offsets):
        raise ValueError("particle and track must have one number per hit of the same events.")
    check_integer(min_hits, "min_hits", 1)
    if not 0.5 <= check_amount(shared, "shared") < 1:
        raise ValueError(f"shared must be at least 0.5 and below 1, so that one particle matches; got {shared!r}.")
    weight = weights_or_ones(sample_weight, len(particle.offsets) - 1)
    event = segment_ids(particle.offsets)
    particle_event, of_particle, n_particle = _number(event, particle.values)
    track_event, of_track, n_track = _number(event, track.values)
    there, is_candidate = n_particle >= min_hits, n_track >= min_hits
    # a match needs the majority of a candidate's hits: no more than one particle has it
    both = (of_track >= 0) & (of_particle >= 0)
    pairs, n_common = np.unique(of_track[both] * len(n_particle) + of_particle[both], return_counts=True)
    candidate, made_by = np.divmod(pairs, max(len(n_particle), 1))
    match = is_candidate[candidate] & (n_common > shared * n_track[candidate])
    matched = np.zeros(len(n_track), dtype=bool)
    matched[candidate[match]] = True
    n_matches = np.bincount(made_by[match], minlength=len(n_particle))
    return _Matches(
        weight[particle_event[there]], n_matches[there], weight[track_event[is_candidate]], matched[is_candidate]
    )


def _number(event: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number what made the hits: the event of each, its number at each hit (-1 for none), and its number of hits."""
    of_hit, there = np.full(len(label), -1, dtype=np.int64), label >= 0
    found, code = np.unique(label[there], return_inverse=True)  # labels may be too large to be multiplied
    key = event[there] * len(found) + code
    _, first, of_hit[there], counts = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
    return event[there][first], of_hit, counts


def tracking_efficiency(
    particle: Any, track: Any, *, min_hits: int = 3, shared: float = 0.5, sample_weight: Any = None
) -> float:
    """Fraction of the reconstructable particles that a track candidate matches.

    A candidate matches a particle that made more than the fraction ``shared`` of its hits. Particles with ``min_hits``
    hits are reconstructable; candidates with fewer are none.

    Parameters
    ----------
    particle : RaggedArray
        Number of the particle that made each hit; negative for noise.
    track : RaggedArray
        Number of the candidate of each hit; negative for none. :func:`build_tracks` makes them of edges.
    min_hits : int, default=3
        Hits that a particle, and a candidate, must have.
    shared : float, default=0.5
        Fraction of a candidate's hits that the particle's must exceed, at least one half.
    sample_weight : array-like of shape (n_events,), optional
        Weight of each event.

    Returns
    -------
    float
        NaN without a reconstructable particle.

    Raises
    ------
    ValueError
        If the hits of the two differ, or a parameter is out of range.

    See Also
    --------
    fake_rate, duplicate_rate : What is wrong among the candidates.

    Examples
    --------
    >>> from sklearn_ml4fp import RaggedArray, tracking_efficiency
    >>> particle = RaggedArray([0, 0, 0, 1, 1, 1, -1], [0, 7])
    >>> track = RaggedArray([0, 0, 0, 0, 1, -1, -1], [0, 7])
    >>> tracking_efficiency(particle, track)
    0.5
    """
    match = _match(particle, track, min_hits, shared, sample_weight)
    return _ratio(match.particle_weight[match.n_matches > 0].sum(), match.particle_weight.sum())


def fake_rate(particle: Any, track: Any, *, min_hits: int = 3, shared: float = 0.5, sample_weight: Any = None) -> float:
    """Fraction of the track candidates that match no particle.

    Parameters
    ----------
    particle : RaggedArray
        Number of the particle that made each hit; negative for noise.
    track : RaggedArray
        Number of the candidate of each hit; negative for none.
    min_hits : int, default=3
        Hits that a candidate must have.
    shared : float, default=0.5
        Fraction of a candidate's hits that one particle's must exceed, at least one half.
    sample_weight : array-like of shape (n_events,), optional
        Weight of each event.

    Returns
    -------
    float
        NaN without a candidate.

    Raises
    ------
    ValueError
        If the hits of the two differ, or a parameter is out of range.

    See Also
    --------
    tracking_efficiency : Definition of a match.

    Examples
    --------
    >>> from sklearn_ml4fp import RaggedArray, fake_rate
    >>> particle = RaggedArray([0, 0, 0, 1, -1, -1], [0, 6])
    >>> fake_rate(particle, RaggedArray([0, 0, 0, 1, 1, 1], [0, 6]))
    0.5
    """
    match = _match(particle, track, min_hits, shared, sample_weight)
    return _ratio(match.candidate_weight[~match.matched].sum(), match.candidate_weight.sum())


def duplicate_rate(
    particle: Any, track: Any, *, min_hits: int = 3, shared: float = 0.5, sample_weight: Any = None
) -> float:
    """Fraction of the track candidates that match a particle which another candidate matches already.

    Parameters
    ----------
    particle : RaggedArray
        Number of the particle that made each hit; negative for noise.
    track : RaggedArray
        Number of the candidate of each hit; negative for none.
    min_hits : int, default=3
        Hits that a particle, and a candidate, must have.
    shared : float, default=0.5
        Fraction of a candidate's hits that one particle's must exceed, at least one half.
    sample_weight : array-like of shape (n_events,), optional
        Weight of each event.

    Returns
    -------
    float
        NaN without a candidate.

    Raises
    ------
    ValueError
        If the hits of the two differ, or a parameter is out of range.

    See Also
    --------
    tracking_efficiency : Definition of a match.

    Examples
    --------
    >>> from sklearn_ml4fp import RaggedArray, duplicate_rate
    >>> particle = RaggedArray([0, 0, 0, 0, 0, 0], [0, 6])
    >>> duplicate_rate(particle, RaggedArray([0, 0, 0, 1, 1, 1], [0, 6]))
    0.5
    """
    match = _match(particle, track, min_hits, shared, sample_weight)
    surplus = np.maximum(match.n_matches - 1, 0)
    return _ratio((match.particle_weight * surplus).sum(), match.candidate_weight.sum())
