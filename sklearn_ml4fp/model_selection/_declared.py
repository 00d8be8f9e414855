"""Walk over the hyperparameters that an estimator and its parts declare: the source of every search space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sklearn.base import clone

from .._params import Hyperparameter
from .._validation import check_model


class Condition(NamedTuple):
    """Condition on another hyperparameter, without which this one has no effect."""

    parent: str
    values: tuple[Any, ...]
    choices: tuple[Any, ...]  # all choices that the parent declares

    def holds(self, value: Any) -> bool:
        """Return whether the condition may hold; an undeclared value, such as an optimiser class, may satisfy it."""
        return value in self.values or value not in self.choices


@dataclass(frozen=True)
class Place:
    """Hyperparameter to search: its name as ``set_params`` takes it, and its domain."""

    name: str
    parameter: Hyperparameter | None  # None: not declared, only ``given``
    given: Any = None  # domain from the user, in the place of the declared one
    condition: Condition | None = None

    @property
    def values(self) -> tuple[Any, ...]:
        """Choices of a categorical hyperparameter."""
        if self.given is None:
            return (self.parameter.choices or ()) if self.parameter else ()
        choices = getattr(self.given, "categories", getattr(self.given, "choices", self.given))
        return tuple(choices) if isinstance(choices, (list, tuple)) else ()


def _declared(estimator: Any) -> Iterator[Place]:
    """Find all searchable hyperparameters that an estimator and its named parts declare."""
    parts = {"": estimator, **{f"{name}__": part for name, part in estimator.get_params(deep=True).items()}}
    for prefix, part in parts.items():
        if isinstance(part, type):
            continue
        declared = getattr(part, "_hyperparameters", {})
        for name, parameter in declared.items():
            if parameter.search is None and parameter.choices is None:
                continue
            if name == "n_copies" and prefix.endswith(("augment__", "augmenter__")):
                continue  # copies are for samplers: on the fly, and in prediction, an augmenter makes none
            condition = None
            if parameter.only_with is not None:
                parent, values = parameter.only_with
                condition = Condition(prefix + parent, values, declared[parent].choices)
            yield Place(prefix + name, parameter, condition=condition)


def _matching(names: Iterable[str], wanted: Iterable[str]) -> set[str]:
    """Select the names that are wanted, in full or by their last part."""
    wanted = list(wanted)
    return {name for name in names if any(name == one or name.endswith(f"__{one}") for one in wanted)}


def _is_choice_of_parts(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and any(hasattr(one, "get_params") for one in given)


def _variants(estimator: Any, override: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """Make every combination of the parts to choose from: the estimator with them, and the parts by name."""
    for key, given in override.items():
        names = _matching(estimator.get_params(deep=True), [key])
        if not _is_choice_of_parts(given) or not names:
            continue
        rest = {name: value for name, value in override.items() if name != key}
        return [
            (variant, {**dict.fromkeys(names, part), **chosen})
            for part in given
            for variant, chosen in _variants(clone(estimator).set_params(**dict.fromkeys(names, part)), rest)
        ]
    return [(estimator, {})]


def _replaced(estimator: Any, places: dict[str, Place], override: dict[str, Any]) -> dict[str, Place]:
    """Return the places that the user overrides; a short name stands for the declared ones, if there are any."""
    names = list(estimator.get_params(deep=True))
    replaced = {}
    for key, given in override.items():
        if not _is_choice_of_parts(given):
            for name in _matching(places, [key]) or _matching(names, [key]):
                known = places.get(name, Place(name, None))
                replaced[name] = Place(name, known.parameter, given, known.condition)
    return replaced


def _acts(place: Place, places: dict[str, Place], estimator: Any) -> bool:
    """Return whether a hyperparameter has an effect for some candidate."""
    if place.condition is None:
        return True
    parent = places.get(place.condition.parent)
    known = parent.values if parent is not None else (estimator.get_params(deep=True)[place.condition.parent],)
    return not known or any(place.condition.holds(value) for value in known)


def _places(
    estimator: Any, include: list[str] | None, exclude: list[str], override: dict[str, Any], parts: dict[str, Any]
) -> list[Place]:
    """Find the hyperparameters to search in one variant of an estimator."""
    declared = {place.name: place for place in _declared(estimator)}
    replaced = _replaced(estimator, declared, override)
    wanted = set(declared) if include is None else _matching(declared, include)
    unwanted = _matching({**declared, **replaced}, exclude)
    all_places = {**declared, **replaced}
    chosen = {name: p for name, p in all_places.items() if name in wanted | set(replaced) and name not in unwanted}
    active = {name: place for name, place in chosen.items() if _acts(place, chosen, estimator)}
    for name in chosen.keys() - active.keys():
        if include is not None or name in replaced:  # asked for by name
            parent, values, _ = chosen[name].condition  # type: ignore[misc]
            raise ValueError(
                f"{name} has an effect only with {parent} one of {values}; got {estimator.get_params()[parent]!r}. "
                f"Search {parent} too, set it, or leave {name} out."
            )
    return [*(Place(name, None, [part]) for name, part in parts.items()), *active.values()]


def walk(
    estimator: Any,
    include: Iterable[str] | None = None,
    exclude: Iterable[str] = (),
    override: Mapping[str, Any] | None = None,
) -> list[list[Place]]:
    """Find the hyperparameters to search, for every combination of the parts in ``override``.

    Raises
    ------
    ValueError
        A name matches nothing, nothing is left to search, or a hyperparameter asked for has no effect.
    """
    check_model(estimator, "A search space", "fit", "get_params")
    for what, names in (("include", include), ("exclude", exclude)):
        if names is not None and not isinstance(names, Iterable):
            raise TypeError(f"{what}={names!r}: expected the names of hyperparameters.")
    if override is not None and not isinstance(override, Mapping):
        raise TypeError(f"override={override!r}: expected a dict, from names of hyperparameters to domains.")
    override = dict(override or {})
    wanted = None if include is None else [include] if isinstance(include, str) else list(include)
    unwanted = [exclude] if isinstance(exclude, str) else list(exclude)
    variants = _variants(estimator, override)
    declared = sorted({place.name for variant, _ in variants for place in _declared(variant)})
    names = {name for variant, _ in variants for name in variant.get_params(deep=True)}
    for one in [*(wanted or []), *unwanted, *override]:
        if not _matching(names if one in override else declared, [one]):
            raise ValueError(f"{one!r} is no declared hyperparameter here; there are {declared}.")
    spaces = [_places(variant, wanted, unwanted, override, parts) for variant, parts in variants]
    if not all(spaces):
        raise ValueError(
            f"Nothing to search in {type(estimator).__name__}: expected an estimator of this package in it, with a "
            "hyperparameter that is not excluded."
        )
    return spaces
