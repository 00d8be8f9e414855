"""No file runs code, takes much memory, or fails in any other way than by one clear error."""

import argparse
import io
import json
import os
import pickle
import re
import resource
import sys
import warnings
import zipfile
from functools import cache, partial

import numpy as np
import pytest
import sklearn
import skops.io
from scipy import stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from test_common import small

from sklearn_ml4fp import FeedForwardClassifier, MissingValueImputer, describe_model, load_model, save_model
from sklearn_ml4fp.export._archive import complete
from sklearn_ml4fp.export._description import describe

N_MUTANTS = int(os.environ.get("SKLEARN_ML4FP_MUTANTS", "100"))  # of each of four kinds; 2500 before a release
FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pickle.find_class", "os.remove", "shutil")
seen, watching = [], [False]


@cache
def watch():
    """The canary: Python tells what a program does; this cannot be switched off, only ignored."""

    def hook(event, arguments):
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        if watching[0] and (
            event.startswith(FORBIDDEN) or (event == "exec" and arguments[0].co_filename == "<string>") or writes
        ):
            seen.append((event, arguments))

    sys.addaudithook(hook)


def load(path, **options):
    """Load a model under the eyes of the canary."""
    watch()
    watching[0] = True
    try:
        return load_model(path, **options)
    finally:
        watching[0] = False
        assert not seen


@pytest.fixture(scope="module")
def content(two_blobs, tmp_path_factory):
    """A model file, as bytes."""
    X, y, _ = two_blobs
    path = tmp_path_factory.mktemp("content") / "model.skops"
    model = make_pipeline(MissingValueImputer(), StandardScaler(), small(FeedForwardClassifier, max_epochs=1))
    save_model(model.fit(X, y), path, optimizer=True)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skops"


def members_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name not in ("sha256", "description.json")}


def archive_of(members, compression=zipfile.ZIP_STORED):
    """An archive of members, (name, bytes), which may have a name twice."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as archive:
        warnings.simplefilter("ignore")
        for name, value in members:
            archive.writestr(name, value)
    return buffer.getvalue()


def sealed(members, **described):
    """A file with these members and the digest that belongs to them, as an attacker would write it."""
    return complete(archive_of(members.items()), {**describe(StandardScaler(), []), **described})


def planted(value):
    """A file of a scaler that has something else for its mean."""
    scaler = StandardScaler().fit([[0.0], [1.0]])
    scaler.mean_ = value
    return sealed(members_of(skops.io.dumps(scaler)))


def refused(path, content, match, error=ValueError, **options):
    path.write_bytes(content)
    with pytest.raises(error, match=match):
        load(path, **options)


# --- code ---


class Reducing:
    def __reduce__(self):
        return os.system, ("touch canary",)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (os.system, r"posix\.system"),
        (partial(os.system, "touch canary"), r"functools\.partial, posix\.system"),
        (FunctionTransformer(os.system), r"posix\.system"),
        (stats.norm(), r"scipy\.stats\..*rv_continuous_frozen"),
        (Reducing(), r"Reducing"),
        (argparse.Namespace(), r"argparse\.Namespace"),
        (sklearn.datasets.fetch_openml, r"sklearn\.datasets\._openml\.fetch_openml"),
        ({"f": os.remove}, r"posix\.remove"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_by_name(value, name, path):
    refused(path, planted(value), f"not trusted: .*{name}")


def test_the_pickle_in_a_skorch_net_is_refused(two_blobs, path):
    X, y, _ = two_blobs
    net = small(FeedForwardClassifier, max_epochs=1).fit(X, y).net_
    bare = type("Bare", (), {"__module__": type(net).__module__})()
    bare.__dict__ = {"device": "cpu", "__cuda_dependent_attributes__": b"cos\nsystem\n(S'touch canary'\ntR."}
    members = members_of(skops.io.dumps(bare))
    members["schema.json"] = members["schema.json"].replace(b'"Bare"', b'"Net"')
    refused(path, sealed(members), r"not trusted: sklearn_ml4fp\.engine\._classifier_net\.Net")


def test_functions_of_this_package_that_do_something_are_refused(path):
    from sklearn_ml4fp import DaskBackend, fetch_higgs, train_val_test_split

    for value in (fetch_higgs, train_val_test_split, DaskBackend, save_model, load_model):
        refused(path, planted(value), rf"not trusted: sklearn_ml4fp\..*{value.__name__}")


def test_a_pickle_under_the_name_of_an_array_is_none(content, path):
    members = members_of(content)
    array = next(name for name in members if name.endswith(".npy"))
    members[array] = b"cos\nsystem\n(S'touch canary'\ntR."
    refused(path, sealed(members), "cannot be loaded: expected a complete file that save_model has written, but")


# --- memory ---


def test_what_is_compressed_is_refused(content, path):
    bomb = {**members_of(content), "1.npy": b"\0" * 10**8}
    packed = archive_of([*bomb.items(), ("description.json", b'{"format": 1}')], zipfile.ZIP_DEFLATED)
    assert len(packed) < 10**6
    refused(path, packed, "is compressed")
    with pytest.raises(ValueError, match="is compressed"):
        describe_model(path)


def test_an_array_that_promises_more_than_it_has(path):
    members = members_of(skops.io.dumps(StandardScaler().fit(np.zeros((2, 9)))))
    array = max((name for name in members if name.endswith(".npy")), key=lambda name: len(members[name]))
    members[array] = members[array].replace(b"'shape': (9,), }           ", b"'shape': (99999999999,), } ")
    refused(path, sealed(members), r"an array of shape \(99999999999,\)")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"content": "16"', b'"content": "160000000"'),  # the width
        (b'"content": "2"', b'"content": "200000000"'),  # the number of layers
    ],
)
def test_hyperparameters_that_ask_for_more_weights_than_there_are(old, new, content, path):
    members = members_of(content)
    assert old in members["schema.json"]
    members["schema.json"] = members["schema.json"].replace(old, new)
    refused(path, sealed(members), "weights|fewer|GiB|expected")


def test_one_object_under_a_hundred_names_is_no_large_one(path):
    """A list of ten times a list of ten times ...: few lines, and 10⁹ objects."""
    value = [0]
    for _ in range(3):
        value = [value] * 2
    scaler = StandardScaler()
    scaler.mean_ = value
    members = members_of(skops.io.dumps(scaler))
    path.write_bytes(sealed(members))
    assert load_model(path).mean_ == value
    schema = json.loads(members["schema.json"])
    outer = schema["content"]["content"]["mean_"]
    outer["content"] = [
        {key: one[key] for key in ("__id__", "__loader__", "__class__", "__module__")} | {"content": []} if i else one
        for i, one in enumerate(outer["content"])
    ]
    refused(path, sealed({**members, "schema.json": json.dumps(schema).encode()}), "several objects of one number")
    outer["content"][1] = {
        "__loader__": "CachedNode",
        "__class__": "list",
        "__module__": "builtins",
        "__id__": outer["content"][0]["__id__"],
    }
    refused(path, sealed({**members, "schema.json": json.dumps(schema).encode()}), "by their numbers alone")


# --- files that are not ours ---


def test_another_file_is_no_model_file(path, content):
    refused(path, b"", "expected a complete file that save_model has written")
    refused(path, b"not a zip file" * 100, "expected a complete file")
    refused(path, content[:-100], "expected a complete file")
    refused(path, skops.io.dumps(StandardScaler()), "it has no description.json")
    with pytest.raises(FileNotFoundError):
        load_model(path.parent / "none")


@pytest.mark.parametrize("name", ["../evil.npy", "/etc/passwd", "a/b.npy", "evil.py", "schema.json", "x" * 300])
def test_names_that_are_not_ours_or_there_twice(name, content, path):
    members = [*members_of(content).items(), (name, b""), ("description.json", b'{"format": 1}')]
    refused(path, archive_of(members), "it has (a member|2 members)")


def test_a_newer_format_says_so(content, path):
    for read in (load_model, describe_model):
        path.write_bytes(sealed(members_of(content), format=2))
        with pytest.raises(
            ValueError, match=r"has format 2, and this version of sklearn_ml4fp, .* reads formats up to 1"
        ):
            read(path)


def test_another_version_of_scikit_learn_is_warned_of_once(content, path):
    path.write_bytes(sealed(members_of(content), versions={"scikit-learn": "1.2.3"}))
    with pytest.warns(UserWarning, match=r"was written with scikit-learn 1\.2\.3, and this is") as caught:
        load_model(path)
    assert len(caught) == 1


def test_a_device_that_this_machine_does_not_have(content, path, two_blobs):
    X, _, _ = two_blobs
    members = members_of(content)
    start = members["schema.json"].index(b'"device": {', members["schema.json"].index(b'"settings"'))
    changed = members["schema.json"][start:].replace(b'\\"cpu\\"', b'\\"cuda:99\\"', 1)
    members["schema.json"] = members["schema.json"][:start] + changed
    path.write_bytes(content)
    expected = load_model(path).predict_proba(X)
    path.write_bytes(sealed(members))
    with pytest.warns(UserWarning, match="'cuda:99', which this machine does not have: it is now on the processor"):
        np.testing.assert_array_equal(load_model(path).predict_proba(X), expected)


# --- anything else ---


def bytes_changed(rng, content):
    """A few bytes changed, cut out or doubled, anywhere."""
    mutant = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        if not mutant:
            break
        at, kind = rng.integers(len(mutant)), rng.integers(3)
        length = int(rng.integers(1, 2000))
        mutant[at : at + (length if kind else 1)] = [rng.bytes(1), b"", mutant[at : at + length] * 2][kind]
    return bytes(mutant)


def members_changed(rng, content):
    """Members swapped, dropped, changed or with another's content, and the digest that belongs to it."""
    members = members_of(content)
    first, second = rng.choice(list(members), 2)
    kind = rng.integers(4)
    if kind == 0:
        members[first], members[second] = members[second], members[first]
    elif kind == 1:
        del members[first]
    else:
        name = "schema.json" if kind == 2 else first
        members[name] = bytes_changed(rng, members[name])
    return sealed(members)


def words_changed(rng, content):
    """Words of the tree exchanged: types, classes, numbers of objects and files."""
    members = members_of(content)
    lines = members["schema.json"].split(b"\n")
    pairs = [(i, line.split(b": ", 1)) for i, line in enumerate(lines) if b": " in line]
    for _ in range(rng.integers(1, 4)):
        (i, (name, _)), (_, (_, value)) = (pairs[rng.integers(len(pairs))] for _ in range(2))
        lines[i] = name + b": " + value
    return sealed({**members, "schema.json": b"\n".join(lines)})


def planted_somewhere(rng, content):
    """A name that leads elsewhere or is there twice, a pickle for an array, a type that runs code, a bomb."""
    members = members_of(content)
    array = rng.choice([name for name in members if name.endswith(".npy")])
    kind = rng.integers(5)
    if kind == 0:
        names = "../evil.npy", "/etc/passwd", "..\\evil.npy", "a/../../evil.npy", "schema.json", array
        name = names[rng.integers(len(names))]
        return archive_of([*members.items(), (name, rng.bytes(9)), ("description.json", b'{"format": 1}')])
    if kind == 1:
        members[array] = pickle.dumps(Reducing(), protocol=int(rng.integers(6)))
    elif kind == 2:  # a type in the place of any other, with the loader that is there or one that calls it
        lines = members["schema.json"].split(b"\n")
        at = rng.choice([i for i, line in enumerate(lines) if b'"__class__"' in line])
        name, module = [("system", "os"), ("system", "posix"), ("Popen", "subprocess"), ("eval", "builtins")][
            rng.integers(4)
        ]
        loaders = "FunctionNode", "TypeNode", "ObjectNode", "PartialNode", "ReduceNode", "MethodNode"
        for i in range(at, min(at + 3, len(lines))):
            for key, value in (("__class__", name), ("__module__", module), ("__loader__", loaders[rng.integers(6)])):
                if lines[i].lstrip().startswith(f'"{key}"'.encode()) and (key != "__loader__" or rng.integers(2)):
                    lines[i] = f'"{key}": "{value}",'.encode()
        members["schema.json"] = b"\n".join(lines)
    elif kind == 3:
        bomb = *members.items(), ("1.npy", bytes(10**7)), ("description.json", b'{"format": 1}')
        return archive_of(bomb, zipfile.ZIP_DEFLATED)
    else:  # an array that promises more than there is
        before = re.search(rb"'shape': \((.*?)\)", members[array])
        promise = f"'shape': ({int(rng.integers(10**6, 10**12))},)".encode()
        members[array] = members[array].replace(before.group(), promise.ljust(len(before.group())), 1)
    return sealed(members)


@pytest.mark.parametrize("mutate", [bytes_changed, members_changed, words_changed, planted_somewhere])
@pytest.mark.filterwarnings("ignore")
def test_a_mutant_loads_right_or_is_one_clear_error(mutate, content, path, two_blobs):
    """Nothing but a ValueError that names the file, no code, and no more than 1 GB of memory."""
    path.write_bytes(content)
    X, expected = two_blobs[0], load_model(path).predict_proba(two_blobs[0])
    rng, before = np.random.default_rng(0), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    n_loaded, errors = 0, []
    for _ in range(N_MUTANTS):
        path.write_bytes(mutate(rng, content))
        try:
            model = load(path)
        except ValueError as error:
            errors.append(str(error))
            continue
        n_loaded += 1
        if mutate in (bytes_changed, planted_somewhere):  # where nobody reads it
            np.testing.assert_array_equal(model.predict_proba(X), expected)
    assert n_loaded < N_MUTANTS
    assert all(str(path) in error and len(error.splitlines()) == 1 for error in errors)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert memory < 10**9
    sys.stdout.write(f"{mutate.__name__}: {n_loaded} of {N_MUTANTS} loaded, {memory / 1e6:.0f} MB more than before\n")
