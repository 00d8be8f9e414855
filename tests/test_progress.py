"""The bar shows where it is asked for, and a log file stays clean."""

import pytest

from sklearn_ml4fp._progress import track


def test_items_pass_through():
    assert list(track(iter("abc"), "letters", total=3)) == ["a", "b", "c"]


@pytest.mark.parametrize(("disable", "shown"), [(False, True), (True, False), (None, False)])
def test_the_bar_is_on_the_standard_error(capsys, disable, shown):
    assert list(track([1, 2], "Counting to two", disable=disable)) == [1, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert ("Counting to two" in err) == shown
    assert ("2/2" in err) == shown


def test_a_terminal_gets_the_bar_unasked(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the output for a terminal
    list(track([1], "Counting to one"))
    assert "Counting to one" in capsys.readouterr().err
