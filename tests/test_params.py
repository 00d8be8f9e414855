"""Hyperparameters declared once."""

import inspect
import pickle
from numbers import Real

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import HasMethods, Interval, InvalidParameterError

import sklearn_ml4fp
from sklearn_ml4fp import (
    BayesSearchCV,
    FeedForwardClassifier,
    MinMaxScaler,
    NetworkClassifier,
    NetworkEstimator,
    search_space,
)
from sklearn_ml4fp._params import REQUIRED, Declared, hp

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


# --- a subclass with an __init__ of its own -------------------------------------------------------------------------

DECLARED = [
    one
    for one in (getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__)
    if inspect.isclass(one) and issubclass(one, Declared) and issubclass(one, BaseEstimator) and one._hyperparameters
    and all(parameter.default is not REQUIRED for parameter in one._hyperparameters.values())
]  # fmt: skip
# What a physicist writes to have another default: all parameters named, or one named and the others handed on.
NAMED = """
class Mine(Parent):
    'Something with another default.'
    def __init__(self, {name}="another"):
        super().__init__({name}={name})
"""
HANDED_ON = """
class Mine(Parent):
    'Something with another default.'
    def __init__(self, {name}="another", **params):
        super().__init__({name}={name}, **params)
"""


def subclass(text, parent, name):
    scope = {"Parent": parent}
    exec(text.format(name=name), scope)
    return scope["Mine"]


@pytest.mark.parametrize("parent", DECLARED, ids=lambda one: one.__name__)
@pytest.mark.parametrize("text", [NAMED, HANDED_ON], ids=["named", "handed on"])
def test_an_own_init_is_respected(parent, text):
    """Over all public classes: the first hyperparameter gets another default, and what another one has stays."""
    declared = parent._hyperparameters
    name, *others = declared
    mine = subclass(text, parent, name)
    expected = {other: declared[other].default for other in others if text == HANDED_ON} | {name: "another"}
    assert mine().get_params(deep=False) == expected
    assert mine("by position").get_params(deep=False)[name] == "by position"
    assert set(inspect.signature(mine).parameters) == set(mine._hyperparameters) == set(expected)
    assert inspect.signature(mine).parameters[name].default == mine._hyperparameters[name].default == "another"
    assert all(getattr(mine(), other) == declared[other].default for other in others)
    assert parent().get_params(deep=False) == {name: one.default for name, one in declared.items()}  # as before
    for given in ({name: "given"}, dict.fromkeys(expected, "given")):
        copy = clone(mine(**given), safe=False)
        assert copy.get_params(deep=False) == expected | given
        assert clone(mine().set_params(**given), safe=False).get_params(deep=False) == expected | given
    assert "default='another'" in mine.__doc__
    with pytest.raises(TypeError, match=r"Mine has no hyperparameter \['no_such'\]; it has"):
        mine(no_such=1)

    class Deeper(mine):
        """Something with one hyperparameter more."""

        extra: float = hp(3.0, valid=POSITIVE, doc="An extra.")

    assert Deeper().get_params(deep=False) == expected | {"extra": 3.0}
    one = clone(Deeper(extra=5.0, **{name: "given"}), safe=False)
    assert one.get_params(deep=False) == expected | {"extra": 5.0, name: "given"}
    assert Deeper("by position").get_params(deep=False)[name] == "by position"
    assert "An extra." in Deeper.__doc__
    with pytest.raises(InvalidParameterError, match="'extra' parameter of Deeper"):
        Deeper(**{name: declared[name].default}, extra=-1.0)._validate_params()


class Around(Common):
    """Something around an estimator."""

    inner: object = hp(REQUIRED, valid=HasMethods(["fit"]), kind="estimator", doc="What is inside.")


class AroundByPosition(Around):
    """The same."""

    def __init__(self, inner, rate=0.3, **params):
        super().__init__(inner=inner, rate=rate, **params)


@pytest.mark.parametrize("kind", [Around, AroundByPosition])
def test_a_hyperparameter_without_a_default(kind):
    inner = MinMaxScaler()
    with pytest.raises(TypeError, match="inner"):
        kind()
    assert clone(kind(inner=inner, depth=4)).get_params(deep=False)["depth"] == 4
    assert inspect.signature(kind).parameters["inner"].default is inspect.Parameter.empty
    assert "inner : estimator\n    What is inside." in kind.__doc__
    kind(inner=inner)._validate_params()
    with pytest.raises(InvalidParameterError, match="'inner' parameter"):
        kind(inner=3)._validate_params()


def test_values_are_described_in_the_words_of_numpydoc():
    for line in ("compile : bool, default=False", "metrics : str or list or tuple or dict or a callable or None, "):
        assert f"\n{line}" in FeedForwardClassifier.__doc__
    assert "\nrandom_state : int, RandomState or None, default=None\n" in FeedForwardClassifier.__doc__
    assert "\npre_dispatch : int or str, default='2*n_jobs'\n" in BayesSearchCV.__doc__


def test_a_search_with_another_default():
    """As of every declared class: one parameter is named, and the others are handed on."""

    class ShortSearch(BayesSearchCV):
        """A search with another default."""

        def __init__(self, estimator, n_iter=5, **params):
            super().__init__(estimator, n_iter=n_iter, **params)

    search = clone(ShortSearch(MinMaxScaler(), patience=2))
    assert (search.n_iter, search.patience, search.n_points) == (5, 2, 1)
    assert "n_iter : an int in the range [1, inf), default=5\n" in ShortSearch.__doc__


class UnitScaler(MinMaxScaler):
    def __init__(self, feature_range=(0, 1)):
        super().__init__(feature_range=feature_range, clip=True)


class TwiceUnitScaler(UnitScaler):
    feature_range: tuple = hp((0, 2), valid=tuple, doc="Range.")


class SmallNetwork(FeedForwardClassifier):
    """A small network.

    Parameters
    ----------
    width : int
        What its author wrote.
    """

    def __init__(self, width=8, tag="small", **params):
        super().__init__(width=width, **params)
        self.tag = tag


class FastNetwork(SmallNetwork):
    def __init__(self, lr=0.1, **params):
        params.setdefault("max_epochs", 2)
        super().__init__(lr=lr, **params)


def test_the_ordinary_idiom_of_a_scaler():
    X = np.array([[0.0], [10.0]])
    assert UnitScaler().fit_transform(X).ravel().tolist() == [0, 1]
    assert UnitScaler((0, 5)).fit(X).transform([[20.0]]).ravel().tolist() == [5]  # fixed: clip
    assert UnitScaler().get_params() == {"feature_range": (0, 1)}
    assert TwiceUnitScaler().get_params() == {"feature_range": (0, 2)}
    assert TwiceUnitScaler().fit(X).transform([[20.0]]).ravel().tolist() == [2]
    assert TwiceUnitScaler((0, 3)).feature_range == (0, 3)
    with pytest.raises(TypeError, match="clip"):
        UnitScaler(clip=False)
    with pytest.raises(ValueError, match="Invalid parameter 'clip'"):
        UnitScaler().set_params(clip=False)


def test_the_ordinary_idiom_of_a_network():
    """Two levels, a parameter that is no hyperparameter, and one that is set on the way."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), np.arange(40) % 2
    fast = FastNetwork(dropout=0.1, random_state=0)
    assert (fast.width, fast.tag, fast.lr, fast.dropout, fast.max_epochs) == (8, "small", 0.1, 0.1, 2)
    assert clone(fast.set_params(tag="other")).get_params() == fast.get_params()
    assert {"width", "tag", "lr", "max_epochs", "loss"} <= set(fast.get_params())
    assert fast.fit(X, y).net_.module_.head.in_features == 8
    assert pickle.loads(pickle.dumps(fast)).get_params() == fast.get_params()
    assert "tag" not in search_space(fast)
    assert set(search_space(fast)) == set(search_space(FeedForwardClassifier()))
    assert SmallNetwork.__doc__.count("Parameters\n") == 1
    with pytest.raises(ValueError, match="'width' parameter of FastNetwork must be"):
        FastNetwork(width=0).fit(X, y)


class _Widened(NetworkEstimator):
    width: int = hp(64, valid=POSITIVE, doc="Nodes.")

    def __init__(self, *, width=16, **params):
        super().__init__(width=width, **params)


class _Logs:
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.logged = True


class WidenedClassifier(_Widened, NetworkClassifier):
    pass


class LoggedScaler(_Logs, UnitScaler):
    pass


def test_an_own_init_in_a_diamond_and_in_a_mixin():
    """`super` of an architecture's __init__ leads to that of the kind, whose hyperparameters it has never heard of."""
    one = WidenedClassifier(loss="focal", focal_gamma=1.0)
    assert (one.width, one.loss, one.focal_gamma, one.class_weight) == (16, "focal", 1.0, None)
    assert {"width", "lr", "loss", "class_weight"} <= set(one.get_params())
    assert clone(one).get_params() == one.get_params()
    scaler = LoggedScaler((0, 4))
    assert scaler.logged
    assert scaler.get_params() == {"feature_range": (0, 4)}
    assert clone(scaler).feature_range == (0, 4)


# --- hyperparameters of the wrong kind ------------------------------------------------------------------------------

X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 4)), columns=["jet1_pt", "jet1_eta", "jet1_phi", "jet1_m"])
Y = np.arange(20) % 2


def refused(kind, name, value):
    """By whatever a user would call, as far as it is there."""
    one = kind(**{name: value})
    for method in ("augment", "fit_resample", "fit", "_validate_params"):
        if callable(getattr(kind, method, None)):
            data = (X, Y) if "fit" in method else (X,) if method == "augment" else ()
            with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of {kind.__name__} must be"):
                getattr(one, method)(*data)


@pytest.mark.parametrize("one", DECLARED, ids=lambda case: case.__name__)
def test_values_of_the_wrong_kind(one):
    """Over every hyperparameter: True is no number, NaN is none that can be used, and text and lists are none."""
    for name, parameter in one._hyperparameters.items():
        kinds = parameter.valid
        if any(isinstance(kind, Interval) for kind in kinds):
            refused(one, name, True)
        for value in (1j, np.array([1.0, 2.0]), *([] if Real in kinds else [float("nan")])):  # NaN pads points
            refused(one, name, value)
        if str not in kinds:
            refused(one, name, "no such thing")
        if "boolean" in kinds:
            for value in (0, 1, 0.0, "yes", None):
                refused(one, name, value)


@pytest.mark.parametrize("one", DECLARED, ids=lambda case: case.__name__)
def test_values_of_numpys_kinds(one):
    """Over every hyperparameter: what a search hands over in numpy's own types is accepted."""
    for name, parameter in one._hyperparameters.items():
        kinds = [kind for kind in parameter.valid if isinstance(kind, Interval)]
        default = parameter.default if isinstance(parameter.default, Real) else 1
        types = [np.int64, np.int32] + [np.float32, np.float64] * any(kind.type is Real for kind in kinds)
        for number in types if kinds else ():
            if number(default) == default:
                one(**{name: number(default)})._validate_params()
        if "boolean" in parameter.valid:
            one(**{name: np.True_})._validate_params()
