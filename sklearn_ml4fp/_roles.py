"""Roles of columns, by their names: one rule for the whole package.

The role of a column is the last word of its name, in upper or lower case: ``pt``, ``PT``, ``Jet_pt``, ``Jet 1 pT``,
``jet.pt``, ``part_pt`` and ``pt_1`` all are transverse momenta. Words end at every sign that is neither a letter nor a
digit, and where a letter follows a digit (``j1pt``). A number at the end counts objects, and the prefix of
scikit-learn's ColumnTransformer (``scaled__``) is ignored. A word before that makes it another quantity (``log_pt``,
``delta_phi``, ``cos_phi``) makes it another role, or none.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any

# word -> role; units: momenta, energies and masses in GeV, angles in rad
_ROLE_OF_WORD = {
    "pt": "pt",
    **dict.fromkeys(("eta", "pseudorapidity", "η"), "eta"),
    **dict.fromkeys(("phi", "azimuth", "φ", "ϕ"), "phi"),
    **dict.fromkeys(("e", "energy"), "e"),
    **dict.fromkeys(("m", "mass"), "m"),
    **dict.fromkeys(("pdgid", "pdg", "pid"), "pdgid"),
    **{word: word for word in ("rapidity", "y", "px", "py", "pz", "x", "z")},
}
_LOGARITHMS = ("log", "ln")
_DIFFERENCES = ("delta", "d", "δ", "rel")
# words that change the role of the next one
_OTHER_QUANTITIES = {
    *("abs", "cos", "cosh", "exp", "inv", "inverse", "log10", "log1p", "sin", "sinh", "sqrt", "tan", "tanh"),
    *("err", "error", "sigma", "std", "unc", "uncertainty", "n", "num"),
}
_DIFFERENTIABLE = ("eta", "phi", "rapidity", "y")
# in one word: dphi, deltaeta, phirel, logpt
_ROLE_OF_WORD |= {
    joined: f"delta_{role}"
    for word, role in list(_ROLE_OF_WORD.items())
    if role in _DIFFERENTIABLE and word != "y"
    for joined in (f"d{word}", f"delta{word}", f"δ{word}", f"{word}rel")
}
_ROLE_OF_WORD |= {f"{logarithm}pt": "log_pt" for logarithm in _LOGARITHMS}

_WORD = re.compile(r"log1p|[^\W\d_]+\d*|\d+")
_COMPONENTS = ("t", "x", "y", "z")

# names of columns that are not inputs, their words joined in lower case
_LABELS = {"target", "targets", "class", "signal", "sig", "background", "bkg", "ytrue", "truth", "groundtruth"}
_LABEL_PARTS = ("issignal", "issig", "isbackground", "isbkg", "hadronflavour", "partonflavour", "hadronflavor")
_IDS = {"event", "events", "evt", "run", "lumi", "ls", "id", "index", "entry"}
_ID_ENDS = (
    *("eventnumber", "eventid", "eventno", "evtnumber", "evtnum", "evtid", "runnumber", "runid"),
    *("lumiblock", "lumisection", "luminosityblock"),
)


def words_of(name: str) -> tuple[str, ...]:
    """Split a name into words in lower case, ``p_T`` and ``pdg_id`` as one; numbers are words too."""
    found: list[str] = []
    for word in _WORD.findall(str(name).split("__")[-1].lower()):
        if found and ((found[-1] == "p" and word in _COMPONENTS) or (found[-1], word) == ("pdg", "id")):
            word = found.pop() + word
        found.append(word)
    return tuple(found)


def _role_and_rest(name: str) -> tuple[str | None, int]:
    """Return the role of a column, and the number of words of its name that do not belong to it."""
    words = words_of(name)
    n = len(words)
    while n and words[n - 1].isdigit():
        n -= 1
    last, before = words[n - 1] if n else "", words[n - 2] if n > 1 else ""
    role, used = _ROLE_OF_WORD.get(last), 1
    if last == "rel" and _ROLE_OF_WORD.get(before) in _DIFFERENTIABLE:
        role, used = f"delta_{_ROLE_OF_WORD[before]}", 2
    elif before in _LOGARITHMS:
        role, used = "log_pt" if role == "pt" else None, 2
    elif before in _DIFFERENCES:
        role, used = f"delta_{role}" if role in _DIFFERENTIABLE else None, 2
    elif before in _OTHER_QUANTITIES:
        role = None
    return role, len(words) - used


def meaning_of(name: str) -> str | None:
    """Return what a column seems to be by its name, if it is nothing to learn from: a label, weight or event id.

    >>> [meaning_of(name) for name in ("isSignal", "genWeight", "Event.Number", "jet_id", "pt")]
    ['label', 'weight', 'event id', None, None]
    """
    words = [word for word in words_of(name) if not word.isdigit()]
    whole = "".join(words)
    if whole in _LABELS or {"label", "labels"} & set(words) or any(part in whole for part in _LABEL_PARTS):
        return "label"
    if whole == "w" or any(word.endswith(("weight", "weights", "wgt")) for word in words):
        return "weight"
    if whole in _IDS or whole.endswith(_ID_ENDS):
        return "event id"
    return None


def warn_of_meanings(names: Sequence[str], cure: str, stacklevel: int) -> None:
    """Warn of columns that became inputs because none were chosen, and seem to be labels, weights or event ids."""
    if found := {name: meaning for name in names if (meaning := meaning_of(name))}:
        told = ", ".join(
            f"{name!r} looks like {'an' if meaning == 'event id' else 'a'} {meaning}" for name, meaning in found.items()
        )
        warnings.warn(
            f"{told} by its name; all columns are inputs, since none were chosen. {cure}", UserWarning, stacklevel + 1
        )


def role_of(name: str) -> str | None:
    """Role of a column: pt, log_pt, eta, phi, rapidity, y, delta_eta, delta_phi, e, m, px, py, pz, x, z or pdgid."""
    return _role_and_rest(name)[0]


def is_bare(name: str) -> bool:
    """Return whether a name is only the word of a role: ``pT``, and not ``Jet_pt`` or ``pt_1``."""
    role, rest = _role_and_rest(name)
    return role is not None and rest == 0


def with_role(names: Sequence[str], role: str) -> list[int]:
    """Find the positions of all columns of a role."""
    return [i for i, name in enumerate(names) if role_of(name) == role]


def is_position(one: Any, n: int) -> bool:
    """Return whether something is the number of one of ``n`` columns."""
    return isinstance(one, Integral) and not isinstance(one, bool) and 0 <= int(one) < n


def columns_for(names: Sequence[str], wanted: str) -> list[int]:
    """Find the positions of all columns that a name or a word stands for.

    The word of a role stands for all columns of that role; another one for the columns that are called so or end in it.
    """
    if is_bare(wanted):
        role = role_of(wanted)
        return [i for i, name in enumerate(names) if name == wanted or role_of(name) == role]
    end = words_of(wanted)
    return [i for i, name in enumerate(names) if name == wanted or (end and words_of(name)[-len(end) :] == end)]


def the_one(names: Sequence[str], found: Sequence[int], wanted: str, cure: str) -> int:
    """Choose one of several columns: the one with exactly this name, before those that end in it.

    Raises
    ------
    ValueError
        The choice is not unique.
    """
    for nearer in ([i for i in found if names[i] == wanted], [i for i in found if is_bare(names[i])], found):
        if len(nearer) == 1:
            return nearer[0]
    raise ValueError(
        f"{[names[i] for i in found]} may all be meant by {wanted!r}: expected one such column among {tuple(names)}. "
        f"{cure}"
    )


def find(names: Sequence[str], role: str, cure: str = "Rename the others, or leave them out.") -> int | None:
    """Find the position of the column of a role; None without one.

    Raises
    ------
    ValueError
        Several columns have the role, and none or several are called by its word alone.
    """
    found = with_role(names, role)
    return the_one(names, found, role, cure) if found else None


def column_for(names: Sequence[str], wanted: str, parameter: str) -> int:
    """Find the position of the one column that a parameter names, exactly or by its role or last word.

    Raises
    ------
    ValueError
        There is no such column, or there are several.
    """
    if not (found := columns_for(names, wanted)):
        raise ValueError(f"{parameter}: there is no {wanted!r} among the features {tuple(names)}.")
    return the_one(names, found, wanted, f"Give its full name in {parameter.split('=')[0]}.")


def is_natural_logarithm(name: str) -> bool:
    """Return whether a column holds a natural logarithm by its name: ``log_pt``, ``lnE``, ``part_log_e``.

    Raises
    ------
    ValueError
        The name tells another logarithm, whose meaning is not known.
    """
    for word in words_of(name):
        if word in ("log10", "log1p"):
            raise ValueError(f"{name!r} is log10 or log1p by its name: expected a quantity or its natural logarithm.")
        if word in _LOGARITHMS or any(
            word.startswith(one) and word[len(one) :] in _ROLE_OF_WORD for one in _LOGARITHMS
        ):
            return True
    return False
