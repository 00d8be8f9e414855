"""Search spaces that follow from the declarations of the hyperparameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._params import Hyperparameter


def _declared(estimator: Any) -> Iterator[tuple[str, Hyperparameter]]:
    """Names, as ``set_params`` takes them, and declarations of everything searchable in an estimator and its parts."""
    parts = {"": estimator, **{f"{name}__": part for name, part in estimator.get_params(deep=True).items()}}
    for prefix, part in parts.items():
        if isinstance(part, type):
            continue
        for name, parameter in getattr(part, "_hyperparameters", {}).items():
            if parameter.search is not None or parameter.choices is not None:
                yield prefix + name, parameter


def _dimension(parameter: Hyperparameter) -> Any:
    from skopt.space import Categorical, Integer, Real

    if parameter.search is None:
        return Categorical(list(parameter.choices or ()))
    whole = all(isinstance(bound, int) for bound in parameter.search)
    prior = "log-uniform" if parameter.scale == "log" else "uniform"
    return (Integer if whole else Real)(*parameter.search, prior=prior)


def _matches(name: str, wanted: Iterable[str]) -> bool:
    return any(name == one or name.endswith(f"__{one}") for one in wanted)


def search_space(
    estimator: Any,
    *,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    override: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Search space of an estimator, or of a Pipeline of them, from its declared hyperparameters.

    Parameters
    ----------
    estimator : estimator
        An estimator of this package, or a scikit-learn composition that holds some.
    include : iterable of str, default=None
        Hyperparameters to search, by their short name (``"lr"``, wherever it stands) or in full (``"network__lr"``).
        None takes every one that declares a range or choices.
    exclude : iterable of str, default=()
        Hyperparameters to leave out, named likewise.
    override : dict, default=None
        Dimensions of scikit-optimize, in full or by short name, in the place of the declared ones.

    Returns
    -------
    dict
        Names as ``set_params`` takes them, to dimensions of scikit-optimize, for `BayesSearchCV`.

    Raises
    ------
    ValueError
        A name matches nothing, or nothing is left to search.

    Examples
    --------
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_ml4fp import FeedForwardClassifier, search_space
    >>> pipeline = Pipeline([("scale", StandardScaler()), ("network", FeedForwardClassifier())])
    >>> search_space(pipeline, include=["lr"])
    {'network__lr': Real(low=0.0001, high=0.01, prior='log-uniform', transform='identity')}
    """
    declared = dict(_declared(estimator))
    override = dict(override or {})
    wanted = None if include is None else [include] if isinstance(include, str) else list(include)
    unwanted = [exclude] if isinstance(exclude, str) else list(exclude)
    for one in [*(wanted or []), *unwanted, *override]:
        if not any(_matches(name, [one]) for name in declared):
            raise ValueError(f"{one!r} is no declared hyperparameter here; there are {sorted(declared)}.")
    space = {}
    for name, parameter in declared.items():
        if (wanted is not None and not _matches(name, wanted)) or _matches(name, unwanted):
            continue
        replaced = [dimension for one, dimension in override.items() if _matches(name, [one])]
        space[name] = replaced[0] if replaced else _dimension(parameter)
    if not space:
        raise ValueError(
            f"Nothing to search in {type(estimator).__name__}: expected an estimator of this package in it, with a "
            "hyperparameter that is not excluded."
        )
    return space
