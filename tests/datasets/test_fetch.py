"""Downloads from a server on loopback that serves, breaks off, refuses to resume, or is not there."""

import gzip
import hashlib
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest

from sklearn_ml4fp import PointClouds, _kinematics, fetch_higgs, fetch_quark_gluon_jets, fetch_top_tagging
from sklearn_ml4fp.datasets import _download, _fetch, _registry


class Server(ThreadingHTTPServer):
    """Serves ``files``; ``limit`` bytes at most before it breaks off; ``ranges`` says whether it resumes."""

    def __init__(self):
        self.files, self.limit, self.ranges, self.requests = {}, None, True, []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        content = self.server.files.get(self.path.rsplit("/", 1)[1])
        if content is None:
            return self.send_error(404)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : None if self.server.limit is None else start + self.server.limit])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(_registry, "FOLDERS", dict.fromkeys(_registry.FOLDERS, address))
        yield server
        server.shutdown()


def publish(server, monkeypatch, registry, name, content):
    """Put a file on the server, and its hash where the package looks for it."""
    server.files[name] = content
    known = getattr(_registry, registry)
    digest = hashlib.sha256(content).hexdigest()
    if registry == "QUARK_GLUON":
        monkeypatch.setattr(_registry, registry, {"pythia": {**known["pythia"], name: digest}})
    else:
        monkeypatch.setattr(_registry, registry, {**known, name: digest})


@pytest.fixture
def table(server, monkeypatch):
    """Forty events of HIGGS; the last ten are the test set."""
    rows = np.random.default_rng(0).normal(size=(40, 29)).astype(np.float32)
    rows[:, 0] = np.arange(40) % 2
    content = gzip.compress(pd.DataFrame(rows).to_csv(header=False, index=False).encode(), mtime=0)
    publish(server, monkeypatch, "HIGGS", "HIGGS.csv.gz", content)
    monkeypatch.setattr(_fetch, "HIGGS_TOTAL", 40)
    monkeypatch.setattr(_fetch, "HIGGS_TEST", 10)
    return rows


@pytest.mark.parametrize(
    ("subset", "n", "rows"),
    [
        ("train", None, slice(0, 30)),
        ("test", None, slice(30, 40)),
        ("all", None, slice(0, 40)),
        ("train", 5, slice(0, 5)),
        ("test", 50, slice(30, 40)),
    ],
)
def test_higgs(tmp_path, table, subset, n, rows):
    bunch = fetch_higgs(subset, n_events=n, data_home=tmp_path)
    np.testing.assert_array_equal(bunch.data, table[rows, 1:])
    np.testing.assert_array_equal(bunch.target, table[rows, 0])
    assert len(bunch.feature_names) == 28
    assert bunch.data.dtype == np.float32
    X, y = fetch_higgs(subset, n_events=n, data_home=tmp_path, return_X_y=True)
    np.testing.assert_array_equal(X, bunch.data)
    np.testing.assert_array_equal(y, bunch.target)


def test_the_cache_asks_once(tmp_path, server, table):
    for _ in range(2):
        fetch_higgs(data_home=tmp_path)
    assert len(server.requests) == 1
    assert [path.name for path in (tmp_path / "sklearn_ml4fp" / "higgs").iterdir()] == ["HIGGS.csv.gz"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on(tmp_path, server, table, ranges, monkeypatch):
    monkeypatch.setattr(_download, "CHUNK", 250)  # the last, incomplete chunk is lost
    server.limit = 1000
    with pytest.raises(ConnectionError, match=r"HIGGS\.csv\.gz could not be downloaded.*goes on where it stopped"):
        fetch_higgs(data_home=tmp_path)
    part = tmp_path / "sklearn_ml4fp" / "higgs" / "HIGGS.csv.gz.part"
    assert part.read_bytes() == server.files["HIGGS.csv.gz"][:1000]
    server.limit, server.ranges = None, ranges
    np.testing.assert_array_equal(fetch_higgs(data_home=tmp_path).data, table[:30, 1:])
    assert server.requests[-1][1] == "bytes=1000-"
    assert not part.exists()


def test_a_part_that_is_too_long_starts_anew(tmp_path, server, table):
    folder = tmp_path / "sklearn_ml4fp" / "higgs"
    folder.mkdir(parents=True)
    (folder / "HIGGS.csv.gz.part").write_bytes(b"x" * 100_000)
    np.testing.assert_array_equal(fetch_higgs(data_home=tmp_path).data, table[:30, 1:])


def test_a_file_that_is_not_the_published_one(tmp_path, server, table):
    server.files["HIGGS.csv.gz"] += b" "
    with pytest.raises(ValueError, match="does not match the known hash"):
        fetch_higgs(data_home=tmp_path)
    assert list((tmp_path / "sklearn_ml4fp" / "higgs").iterdir()) == []


def test_a_file_that_is_not_there(tmp_path, server, table):
    del server.files["HIGGS.csv.gz"]
    with pytest.raises(ConnectionError, match="404"):
        fetch_higgs(data_home=tmp_path)


def test_offline(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    monkeypatch.setattr(_registry, "FOLDERS", {"higgs": f"http://127.0.0.1:{port}"})
    with pytest.raises(
        ConnectionError, match=r"Check the connection and call again.*put the file into .*higgs by hand"
    ):
        fetch_higgs(data_home=tmp_path)


def test_the_progress_bar_can_be_asked_for(tmp_path, server, table, capfd):
    fetch_higgs(data_home=tmp_path, verbose=True)
    assert "HIGGS.csv.gz" in capfd.readouterr().err


def test_without_pooch(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r"pooch is missing.*sklearn-ml4fp\[download\]"):
        fetch_higgs(data_home=tmp_path)


def test_quark_gluon_jets(tmp_path, server, monkeypatch):
    """Files as published: padded with zeros, PDG ids as numbers; two of them, to be joined."""
    monkeypatch.setattr(_fetch, "JETS_PER_FILE", 5)
    rng = np.random.default_rng(0)
    jets, names = [], list(_registry.QUARK_GLUON["pythia"])[:2]
    for name, length in zip(names, (4, 6), strict=True):
        X = np.zeros((5, length, 4))
        for row in X:
            n = rng.integers(1, length + 1)
            row[:n] = np.stack(
                [rng.uniform(1, 100, n), rng.normal(size=n), rng.uniform(0, 6, n), rng.choice([22, 211, -2212], n)], 1
            )
            jets.append(row[:n].astype(np.float32))
        path = tmp_path / "file.npz"
        np.savez_compressed(path, X=X, y=np.arange(5.0) % 2)
        publish(server, monkeypatch, "QUARK_GLUON", name, path.read_bytes())
    bunch = fetch_quark_gluon_jets(7, data_home=tmp_path)
    assert bunch.data.feature_names == ("pt", "y", "phi", "pdgid")
    assert len(bunch.data) == 7
    for cloud, expected in zip(bunch.data, jets, strict=False):
        np.testing.assert_array_equal(cloud, expected)
    np.testing.assert_array_equal(bunch.target, [0, 1, 0, 1, 0, 0, 1])
    mass = {22: 0.0, 211: 0.13957039, -2212: 0.9382720894}
    momenta = [_kinematics.from_rapidity(*jet.T[:3], [mass[int(i)] for i in jet[:, 3]]).sum(axis=0) for jet in jets[:7]]
    np.testing.assert_allclose(bunch.data.column("jet_m"), [_kinematics.invariant_mass(p) for p in momenta], rtol=1e-5)
    np.testing.assert_allclose(bunch.data.column("jet_pt"), [np.hypot(p[1], p[2]) for p in momenta], rtol=1e-6)
    with pytest.raises(ValueError, match="there are 100 jets, got n_jets=101"):
        fetch_quark_gluon_jets(101, data_home=tmp_path)


def test_top_tagging(tmp_path, server, monkeypatch):
    """A file as pandas wrote the published one: 804 columns of numbers, two of labels, in one compressed table."""
    rng = np.random.default_rng(0)
    columns = [f"{name}_{i}" for i in range(200) for name in ("E", "PX", "PY", "PZ")]
    columns += ["truthE", "truthPX", "truthPY", "truthPZ"]
    numbers = np.zeros((6, 804), dtype=np.float32)
    counts = np.array([3, 200, 1, 40, 5, 7])
    for row, n in zip(numbers, counts, strict=True):
        p = rng.normal(0, 30, (n, 3))
        row[: 4 * n] = np.column_stack([np.linalg.norm(p, axis=1), p]).ravel()
    numbers[:, 800:] = 1e3  # the top quark is no particle of the jet
    frame = pd.DataFrame(numbers, columns=columns)
    frame["ttv"], frame["is_signal_new"] = 2, np.array([0, 1, 1, 0, 1, 0])
    frame.to_hdf(tmp_path / "test.h5", key="table", format="table", complib="blosc", complevel=5)
    publish(server, monkeypatch, "TOP_TAGGING", "test.h5", (tmp_path / "test.h5").read_bytes())
    monkeypatch.setattr(_fetch, "JETS_PER_FILE", 4)  # rows read at a time
    bunch = fetch_top_tagging("test", data_home=tmp_path)
    assert isinstance(bunch.data, PointClouds)
    np.testing.assert_array_equal(bunch.data.counts, counts)
    np.testing.assert_array_equal(bunch.target, frame["is_signal_new"])
    pt, eta, phi, energy = bunch.data.values.astype(np.float64).T
    back = np.column_stack([energy, pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)])
    expected = np.concatenate([row[: 4 * n].reshape(n, 4) for row, n in zip(numbers, counts, strict=True)])
    np.testing.assert_allclose(back, expected, rtol=1e-5, atol=1e-4)  # float32 of momenta up to 100 GeV
    total = [numbers[i, : 4 * n].reshape(n, 4).sum(axis=0, dtype=np.float64) for i, n in enumerate(counts)]
    np.testing.assert_allclose(bunch.data.column("jet_pt"), [np.hypot(p[1], p[2]) for p in total], rtol=1e-5)
    assert len(fetch_top_tagging("test", n_jets=5, data_home=tmp_path).data) == 5


def test_the_registry_is_whole():
    assert [len(_registry.QUARK_GLUON[name]) for name in ("pythia", "herwig")] == [20, 20]
    hashes = [h for table in _registry.QUARK_GLUON.values() for h in table.values()] + list(_registry.HIGGS.values())
    assert len(set(hashes)) == 41
    assert all(len(h) == 64 for h in hashes)
    assert all(h.startswith("md5:") and len(h) == 36 for h in _registry.TOP_TAGGING.values())
