"""Hyperparameters declared once."""

import inspect
from numbers import Real

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from sklearn_ml4fp._params import Declared, hp

POSITIVE = Interval(Real, 0, None, closed="neither")


class Common(Declared, BaseEstimator):
    rate: float = hp(0.1, valid=POSITIVE, search=(0.01, 1.0), scale="log", doc="A rate.")
    depth: int = hp(3, valid=POSITIVE, doc="A depth.")


class Architecture(Common):
    width: int = hp(8, valid=POSITIVE, search=(4, 16), doc="A width.")


class Kind(Common):
    rate: float = hp(0.5, valid=POSITIVE, doc="Another default.")


class Both(Architecture, Kind):
    """Something.

    Examples
    --------
    >>> Both().rate
    0.5
    """


def test_an_override_survives_the_diamond():
    """Architecture inherits the default 0.1 from Common; Kind's own 0.5 must win, as in Python's attribute look-up."""
    assert Both().rate == 0.5
    assert Architecture().rate == 0.1
    assert list(inspect.signature(Both).parameters) == ["width", "rate", "depth"]


def test_only_keywords_and_only_declared_ones():
    with pytest.raises(TypeError, match="positional"):
        Both(3)
    with pytest.raises(TypeError, match=r"Both has no hyperparameter \['widht'\]; it has \['depth', 'rate', 'width'\]"):
        Both(widht=3)


def test_clone_and_set_params_see_the_fields():
    one = Both(width=5).set_params(rate=0.2)
    assert one.get_params() == {"width": 5, "rate": 0.2, "depth": 3}


def test_the_parameters_section_stands_before_the_class_own_sections():
    text = Both.__doc__
    assert text.index("Something.") < text.index("Parameters\n----------") < text.index("Examples\n--------")
    assert "rate : a float in the range (0.0, inf), default=0.5\n    Another default." in text
    assert "A search looks from 4 to 16." in text
    assert "on a logarithmic scale" not in text  # the override declares no range


def test_options_are_listed_in_one_order():
    """A set of strings has another order in every process, and so would the documentation."""
    parameter = hp("c", choices=("c", "a", "d", "b"), doc="A letter.")
    assert parameter.describes_itself_as.startswith("a str among {'a', 'b', 'c', 'd'}, default='c'")
    assert parameter.describes_itself_as.endswith("A search tries 'c', 'a', 'd', 'b'.")


def test_a_declaration_is_not_left_on_the_class():
    assert not hasattr(Both, "width")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"doc": "x"}, "needs valid="), ({"doc": "x", "choices": (1, 2)}, "needs valid="),
     ({"doc": "x", "valid": POSITIVE, "choices": (1, 2), "search": (1, 2)}, "not both")],
)  # fmt: skip
def test_a_declaration_that_says_too_little_or_too_much(arguments, message):
    with pytest.raises(TypeError, match=message):
        hp(1, **arguments)


class Family(Common):
    _shared_doc = """
    What all of the family do.

    See Also
    --------
    Both : Something else.

    References
    ----------
    A paper.
    """


class Member(Family):
    """One of the family.

    Notes
    -----
    A note of its own.

    Examples
    --------
    >>> Member().rate
    0.1
    """


class Odd(Family):
    """Another one of the family.

    References
    ----------
    A paper of its own.
    """


def test_a_family_writes_what_its_classes_share_once():
    """Text follows text, and sections come in the order of numpydoc's guide."""
    text = Member.__doc__
    assert text.startswith("One of the family.\n\nWhat all of the family do.\n\nParameters\n----------\n")
    titles = ["Parameters", "See Also", "Notes", "References", "Examples"]
    places = [text.index(f"\n{title}\n{'-' * len(title)}\n") for title in titles]
    assert places == sorted(places)


def test_a_section_of_the_class_replaces_that_of_the_family():
    assert "A paper of its own." in Odd.__doc__
    assert "A paper.\n" not in Odd.__doc__
    assert "Both : Something else." in Odd.__doc__


def test_a_class_without_a_docstring_stays_without():
    assert Family.__doc__ is None or "Parameters" not in Family.__doc__
