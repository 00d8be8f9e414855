"""The check of the built documentation finds what it should; `make docs` runs it on the real pages."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "check_site.py"
GOOD = """<html><head><link rel="stylesheet" href="_static/a.css"><link rel="next" href="other.html"></head>
<body id="top">
<a href="#top">up</a> <a href="other.html#part">other</a> <a href="https://example.org">elsewhere</a>
<img src="_static/a.png" alt="A curve that falls"><script src="_static/a.js?v=1"></script></body></html>"""


def check(tmp_path, page, css=""):
    (tmp_path / "_static").mkdir()
    for name, text in (("a.css", css), ("a.js", ""), ("a.png", ""), ("template.html", "<a href='{{ no }}'>")):
        (tmp_path / "_static" / name).write_text(text)
    (tmp_path / "index.html").write_text(page)
    (tmp_path / "other.html").write_text('<h1 id="part">Other</h1>')
    return subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True)


def test_a_good_site(tmp_path):
    done = check(tmp_path, GOOD)
    assert done.returncode == 0, done.stdout
    assert "no link is dead" in done.stdout


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("_static/a.js?v=1", "https://cdn.example.org/a.js", "index.html: loads https://cdn.example.org/a.js"),
        ("_static/a.js?v=1", "_static/b.js", "index.html: no file _static/b.js"),
        ("_static/a.css", "//example.org/a.css", "index.html: loads //example.org/a.css"),
        (
            "<body",
            '<style>p {background: url("http://example.org/b.png")}</style><body',
            "loads http://example.org/b.png",
        ),
        ("other.html#part", "gone.html", "index.html: dead link gone.html"),
        ("other.html#part", "other.html#gone", "index.html: dead link other.html#gone"),
        ("#top", "#bottom", "index.html: dead link #bottom"),
        (' alt="A curve that falls"', "", "index.html: no words for _static/a.png"),
        ("A curve that falls", "plot learning_rates", "index.html: no words for _static/a.png"),
    ],
    ids=["script", "missing", "style", "url", "page", "anchor", "own anchor", "no alt", "empty alt"],
)
def test_what_is_wrong_is_said(before, after, said, tmp_path):
    done = check(tmp_path, GOOD.replace(before, after))
    assert done.returncode == 1
    assert said in done.stdout


def test_a_style_sheet_loads_nothing_from_elsewhere(tmp_path):
    done = check(tmp_path, GOOD, css="@font-face {src: url(https://fonts.example.org/a.woff2)}")
    assert "_static/a.css: loads https://fonts.example.org/a.woff2" in done.stdout
