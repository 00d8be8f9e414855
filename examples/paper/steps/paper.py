"""Take every number from the lab book, and typeset the paper as PDF and HTML, and the numbers for LaTeX."""

import json
import math
import re
from pathlib import Path

import typst
from snakemake.script import snakemake

from sklearn_ml4fp import LabBook

FORMATS = [  # of the first pattern that the name of a number contains
    ("gain", ".4f"),
    ("auc|cut|best_score", ".3f"),
    ("shift_", "+.2f"),
    ("error_.*percent", ".2f"),
    ("percent", ".1f"),
    ("yield_|effective_|selected_|events", ",.0f"),
    ("rejection", ".1f"),
    ("", ",.4g"),
]
STYLE = """<style>
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.55 Georgia, serif; color: #1a1a1a; }
table { border-collapse: collapse; margin: auto; display: block; width: max-content; max-width: 100%; }
table { overflow-x: auto; }
th, td { padding: .15rem .7rem; border-bottom: 1px solid #bbb; text-align: left; }
figure { margin: 1.5rem 0; text-align: center; } figcaption { margin-top: .5rem; text-align: left; font-size: .95rem; }
img { max-width: 100%; height: auto; } .number { border-bottom: 1px dotted #777; }
</style>"""


def as_number(value):
    """The number that a parameter is; a word stays a word."""
    try:
        return float(value) if math.isfinite(float(value)) else value
    except ValueError:
        return value


def text_of(name, value):
    """The number as the paper gives it: a minus is a minus, and thousands stand apart."""
    if isinstance(value, str):
        return value
    form = next(form for pattern, form in FORMATS if re.search(pattern, name))
    return f"{value:{form}}".replace(",", "\u202f").replace("-", "\u2212")


def macro_of(key):
    """Name of a LaTeX macro, which has letters only."""
    letters = re.sub(r"\d", lambda digit: "ABCDEFGHIJ"[int(digit[0])], key)
    return "\\" + "".join(word.capitalize() for word in re.split("[^A-Za-z]+", letters))


def collect():
    """The runs of the steps, and all their numbers and settings."""
    runs, numbers = [], {}
    for path in snakemake.input.steps:
        step = json.loads(Path(path).read_text())
        row = LabBook(snakemake.params.book, experiment=step["experiment"]).runs().loc[step["run"]].dropna()
        of_run = {"step": step["experiment"], "run": step["run"]}
        runs.append({**of_run, "start": f"{row['start']:%F %R}", "commit": row.get("git_commit", "none")[:8]})
        for column, value in row.items():
            kind, _, name = column.partition(".")
            if kind in ("score", "params"):
                value = as_number(value)
                one = {**of_run, "name": column, "text": text_of(name, value)}
                one["value"] = value if isinstance(value, str) else f"{value:.8g}"
                # a score and a setting of one name: the score, which comes first
                numbers.setdefault(f"{step['experiment']}.{name}", one)
    return {"runs": runs, "numbers": numbers}


def latex(numbers):
    """Macros of all numbers, each with the run that it is from."""
    lines = ["% Written by the last step: a macro for each number, with its run in the lab book."]
    for key, one in numbers.items():
        if isinstance(as_number(one["value"]), str):
            continue
        text = one["text"].replace("\u202f", r"\,").replace("\u2212", "$-$")
        lines.append(f"\\newcommand{{{macro_of(key)}}}{{{text}}} % {one['name']} of {one['run']}")
    return "\n".join(lines) + "\n"


found = collect()
Path(snakemake.output.numbers).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
Path(snakemake.output.latex).write_text(latex(found["numbers"]), encoding="utf-8")
inputs = {"numbers": snakemake.output.numbers, "figures": str(Path(snakemake.input[2]).parent)}
typst.compile("paper.typ", root=".", output=snakemake.output.pdf, sys_inputs=inputs)
page = typst.compile("paper.typ", root=".", format="html", sys_inputs={**inputs, "web": "yes"}).decode()
page = page.replace("</head>", STYLE + "</head>", 1).replace("<table", '<table tabindex="0"')  # scrolled by keys too
Path(snakemake.output.html).write_text(page, encoding="utf-8")
