"""A name loads what it needs and no more: hidden or broken packages break those names alone that need them."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_ml4fp

PACKAGE = Path(sklearn_ml4fp.__file__).parent
NETWORKS = {
    name for name, module in sklearn_ml4fp._MODULE_OF.items() if module.startswith("estimators.") and name != "hp"
} | {"LiveLossDisplay"}  # a callback of skorch
SAMPLERS = {
    name for name, module in sklearn_ml4fp._MODULE_OF.items() if module.split(".")[0] in ("augmentation", "resampling")
} | {"Sampler"}
# The names that cannot be imported where packages are absent; every other one is needed in calls alone.
NEEDS = {
    "torch skorch": NETWORKS,
    "imblearn": SAMPLERS,
    "skopt": set(),
    "optuna": set(),
    "dask distributed": set(),
    "matplotlib pandas awkward": set(),
}

SCRIPT = '''
import json, os, sys
import sklearn.model_selection, sklearn.linear_model, scipy.stats, scipy.ndimage
before = set(sys.modules)
import sklearn_ml4fp
sklearn_ml4fp.EventKFold
loaded = sorted({name.split(".")[0] for name in set(sys.modules) - before})
import imblearn.over_sampling, imblearn.under_sampling, optuna, skopt  # once: they take seconds

class Hide:
    def __init__(self, names):
        self.names = names

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ImportError(f"{name} is hidden")

def broken(hidden):
    sys.meta_path.insert(0, Hide(hidden))
    for name in [name for name in sys.modules if name.split(".")[0] in hidden]:
        del sys.modules[name]
    found = []
    for name in sklearn_ml4fp.__all__:
        try:
            getattr(sklearn_ml4fp, name)
        except ImportError:
            found.append(name)
    return found, {name: what_becomes_of(name) for name in ("BayesSearchCV", "OptunaSearchCV")}

def what_becomes_of(name):
    """Of a small search: what cannot be imported is said when it is needed."""
    from sklearn.linear_model import LogisticRegression

    search = getattr(sklearn_ml4fp, name)(LogisticRegression(), {"C": (0.1, 1.0)}, n_iter=2, cv=2, random_state=0)
    try:
        return len(search.fit([[0.0], [1.0]] * 4, [0, 1] * 4).cv_results_["params"])
    except ImportError as error:
        return str(error)

answers = {}
for packages in sys.argv[1:]:
    receive, send = os.pipe()
    if os.fork() == 0:
        found = broken(["torch", *packages.split()])  # without torch, which takes seconds to load
        os.write(send, json.dumps(found).encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as file:
        answers[packages] = json.loads(file.read())
    os.wait()
print(json.dumps({"loaded": loaded, "broken": answers}))
'''


@pytest.fixture(scope="module")
def answers():
    if not hasattr(os, "fork"):
        pytest.skip("the platform has no fork")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), *sys.path])}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *NEEDS], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_splitter_loads_nothing_that_is_heavy(answers):
    assert not set(answers["loaded"]) & {
        "torch",
        "skorch",
        "skopt",
        "optuna",
        "dask",
        "distributed",
        "imblearn",
        "rich",
    }


@pytest.mark.parametrize("packages", NEEDS)
def test_packages_that_are_absent_break_only_the_names_that_need_them(answers, packages):
    assert set(answers["broken"][packages][0]) == NEEDS[packages] | NETWORKS


@pytest.mark.parametrize("packages", NEEDS)
def test_each_search_needs_its_own_library_alone(answers, packages):
    bayes, optuna = answers["broken"][packages][1].values()
    assert "pip install scikit-optimize" in bayes if packages == "skopt" else bayes == 2
    assert 'pip install "sklearn-ml4fp[optuna]"' in optuna if packages == "optuna" else optuna == 2


@pytest.mark.parametrize("name", sklearn_ml4fp.__all__)
def test_the_list_says_which_module_defines_a_name(name):
    """So that neither list goes stale: what an editor sees in the subpackage is what the flat list loads."""
    value, module = getattr(sklearn_ml4fp, name), sklearn_ml4fp._MODULE_OF[name]
    assert getattr(value, "__module__", f"sklearn_ml4fp.{module}") == f"sklearn_ml4fp.{module}"


@pytest.mark.parametrize("init", sorted(PACKAGE.glob("*/__init__.py")), ids=lambda path: path.parent.name)
def test_what_a_type_checker_sees_is_what_there_is(init):
    tree = ast.parse(init.read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module != "typing"]
    seen = {alias.name: node.module for node in imports for alias in node.names} if imports else {}
    seen.pop("lazily", None)
    public = {name: sklearn_ml4fp._MODULE_OF[name].split(".")[-1] for name in seen if name in sklearn_ml4fp._MODULE_OF}
    if public:  # the modules of the networks and the engine are not public
        assert {name: module for name, module in seen.items() if name in public} == public
