"""Sphinx configuration: pages by hand, API pages from the public list, examples run by sphinx-gallery."""

import os
import re
import sys
import warnings
from importlib import import_module
from pathlib import Path

import matplotlib as mpl

import sklearn_ml4fp

sys.path.insert(0, str(Path(__file__).parent))  # where between_examples.py is

project = "sklearn_ml4fp"
copyright = "2026, the sklearn_ml4fp developers"
release = sklearn_ml4fp.__version__
extensions = [
    "sphinx.ext.autosummary",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # no page asks for anything from elsewhere
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb"]
html_theme = "pydata_sphinx_theme"
html_title = project  # a longer one covers the menu
html_static_path = ["_static"]
html_sidebars = {"install": [], "start": [], "contributing": []}  # which have no pages below them
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_context = {"default_mode": "auto"}  # of light and dark: the theme reports an error where it is not said
templates_path = ["_templates"]
toc_object_entries_show_parents = "hide"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}

autosummary_generate = True
# Hyperparameters stand in the description of their class, methods that request metadata are scikit-learn's, and those
# of a backend are for joblib.
_PUBLIC = [getattr(sklearn_ml4fp, name) for name in sklearn_ml4fp.__all__]
_NAMES = {name for one in _PUBLIC if isinstance(one, type) for name in dir(one)}
autosummary_context = {
    "not_shown": {
        "__init__",
        "get_metadata_routing",
        *(name for name in _NAMES if re.fullmatch("set_.*_request", name)),
    }
    | {name for name in dir(sklearn_ml4fp.DaskBackend) if not name.startswith("_")}
    | {name for one in _PUBLIC for name in getattr(one, "_hyperparameters", ())}
}
autodoc_typehints = "none"  # the numpydoc sections say more
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# Two torch threads would fight with the examples' own workers.
os.environ.setdefault("OMP_NUM_THREADS", "2")
warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")

# Colours of Okabe and Ito, which colour-blind readers can distinguish, in all examples.
mpl.use("agg")
mpl.rcParams["axes.prop_cycle"] = mpl.cycler(
    color=["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
)

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/(plot_|quickstart)",
    "subsection_order": ["../examples/course", "*"],
    "within_subsection_order": "FileNameSortKey",  # the course has numbers, in the order of teaching
    "reset_modules": ("between_examples.reset",),  # and not matplotlib, which would lose the colours
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,  # their pages load scripts from elsewhere
    "remove_config_comments": True,
}


def _write_api_pages() -> None:
    """Write one page with every public name, by subpackage: a new name needs no new page."""
    subpackages = dict.fromkeys(module.split(".")[0] for module in sklearn_ml4fp._MODULE_OF.values() if "." in module)
    lines = ["API", "===", "", "Every name can be imported from ``sklearn_ml4fp``.", ""]
    for subpackage in subpackages:
        module = import_module(f"sklearn_ml4fp.{subpackage}")
        names, summary = module.__all__, (module.__doc__ or "").splitlines()[0]
        lines += [subpackage, "-" * len(subpackage), "", summary, "", ".. currentmodule:: sklearn_ml4fp", ""]
        lines += [".. autosummary::", "   :toctree: generated", ""]
        lines += [f"   {name}" for name in sorted(names)] + [""]
    folder = Path(__file__).parent / "api"
    folder.mkdir(exist_ok=True)
    (folder / "index.rst").write_text("\n".join(lines))


def _domain(parameter) -> str:
    """Describe the domain of one hyperparameter."""
    if parameter.choices is not None:
        return ", ".join(f"``{choice!r}``" for choice in parameter.choices)
    low, high = parameter.search
    return f"{low:g} to {high:g}" + (", logarithmic" if parameter.scale == "log" else "")


def _families(names: list[str]) -> str:
    """Abbreviate a list of classes."""
    networks = [name for name in sklearn_ml4fp.__all__ if hasattr(getattr(sklearn_ml4fp, name), "_build")]
    for kind, what in (("", "network"), ("Classifier", "classifier"), ("Regressor", "regressor")):
        if {name for name in networks if name.endswith(kind)} <= set(names):
            return f"every {what}"
    return ", ".join(dict.fromkeys(name.replace("Classifier", "*").replace("Regressor", "*") for name in names))


def _write_search_domains() -> None:
    """Write a table of every searchable hyperparameter, in which equal declarations of several classes are joined."""
    owners: dict[tuple[str, str, str], list[str]] = {}
    for owner in sorted(sklearn_ml4fp.__all__):
        declared = getattr(getattr(sklearn_ml4fp, owner), "_hyperparameters", {})
        for name, parameter in declared.items():
            if parameter.search is not None or parameter.choices is not None:
                parent, values = parameter.only_with or ("", ())
                condition = f"``{parent}`` {', '.join(map(str, values))}" if parent else ""
                owners.setdefault((name, _domain(parameter), condition), []).append(owner)
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 18 36 18 28", ""]
    rows = [(f"``{name}``", *domain, _families(names)) for (name, *domain), names in sorted(owners.items())]
    for first, *others in [("Hyperparameter", "Search", "Only with", "Of"), *rows]:
        lines += [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    (Path(__file__).parent / "api" / "search_domains.inc").write_text("\n".join(lines) + "\n")


def _word(reference: re.Match[str]) -> str:
    """Return the words of a reference; with an underscore at their end they would be a reference again."""
    words = reference[1]
    return f"``{words}``" if words.endswith("_") else words


def _plain_words(app, what, name, obj, options, lines) -> None:
    """Turn cross-references of scikit-learn in inherited docstrings into words, since their targets are not here."""
    owner = obj.fget if isinstance(obj, property) else obj
    if (getattr(owner, "__module__", None) or "").startswith(("sklearn.", "skopt.")):
        lines[:] = [re.sub(r":\w+:`([^`<]+?)\s*(<[^`]+>)?`", _word, line) for line in lines]


def _words_for_thumbnails(app, docname, source) -> None:
    """Give thumbnails, which sphinx-gallery leaves without alternative text, the title of their example."""
    source[0] = re.sub(
        r"(_thumb\.png\n +:alt:)(\n(?:(?!_thumb\.png).)*?<div class=\"sphx-glr-thumbnail-title\">(.*?)</div>)",
        r"\1 Figure of the example: \3\2",
        source[0],
        flags=re.DOTALL,
    )


def setup(app) -> None:
    """Register the functions above, and choose MathJax's drawings: fonts are not loaded from files by every browser."""
    app.config.mathjax_path = "mathjax/tex-svg.js"
    app.connect("autodoc-process-docstring", _plain_words)
    app.connect("source-read", _words_for_thumbnails)


_write_api_pages()
_write_search_domains()
