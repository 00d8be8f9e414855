"""Errors of other libraries, in the words of one line."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """Return the kind of an error and the first line of its text; some have no text.

    >>> first_line(ValueError("no such thing\\nas this")), first_line(EOFError())
    ('ValueError: no such thing', 'EOFError')
    """
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:1000]}" if lines else type(error).__name__
