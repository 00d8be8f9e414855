"""The course in examples/course: what each example owes its reader. The build of the documentation runs them."""

import re
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[1] / "examples" / "course"
EXAMPLES = sorted(COURSE.glob("*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_an_example_has_all_that_the_reader_needs(example):
    text = example.read_text()
    title, line, empty, first = text.split('"""')[1].strip().splitlines()[:4]
    assert re.fullmatch(r"plot_\d\d_\w+", example.stem), "the gallery runs and sorts by this name"
    assert line == "=" * len(title)
    assert empty == ""
    assert first
    assert ".. math::" in text, "the formula"
    assert re.search(r"arxiv\.org/abs/|\b(19|20)\d\d\b", text), "its source"
    assert "?" in text.split("# **Try:**")[1], "a question to try"
    assert "title" in text.split("import", 1)[1], "the figure's title is its alternative text"
    assert text.count("plt.show()") == 1, "one figure"
    assert len(text.split('"""', 2)[2].splitlines()) < 90, "short"


def test_the_page_of_the_course_lists_every_example_in_its_order():
    listed = re.findall(r"sphx_glr_auto_examples_course_(plot_\w+\.py)`", (COURSE / "README.txt").read_text())
    assert listed == [path.name for path in EXAMPLES]
