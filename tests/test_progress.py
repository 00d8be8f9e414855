"""The bar shows where it is asked for, and a log file stays clean."""

import pytest

from sklearn_ml4fp._progress import progress_bar, track


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


def test_a_bar_inside_of_a_bar_is_a_line_below_it_while_it_runs(capsys):
    """rich refuses a second live display in some versions: the inner bar joins the outer one, and leaves it."""
    with progress_bar("candidates", 2, disable=False) as outer:
        for _ in range(2):
            with progress_bar("folds", 3, disable=False) as inner:
                assert inner._progress is outer._progress
                assert [task.description for task in inner._progress.tasks] == ["candidates", "folds"]
                inner.advance()
            outer.advance()
        assert [task.description for task in outer._progress.tasks] == ["candidates"]
    shown = capsys.readouterr().err
    assert "2/2" in shown
    with progress_bar("next", 1, disable=False) as following:  # nothing of the first display stays behind
        assert following._progress is not outer._progress


def test_the_last_words_of_an_inner_bar_are_read(capsys, monkeypatch):
    """rich draws ten times a second by a timer: between two ticks this bar comes, speaks and goes."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes the output for a terminal
    with progress_bar("candidates", 2, disable=False):
        with progress_bar("folds", 3, disable=False) as inner:
            inner.advance("last words")
        assert "last words" in capsys.readouterr().err


def test_a_bar_inside_of_one_that_is_not_shown_shows_itself(capsys):
    with progress_bar("candidates", 2, disable=True) as outer:
        assert list(track([1], "epochs", disable=False)) == [1]
    assert not outer.shown
    assert "epochs" in capsys.readouterr().err
