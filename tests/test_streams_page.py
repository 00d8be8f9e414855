"""The snippets of docs/streams.rst run as written, one after the other, on files that are made here."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

PAGE = Path(__file__).parents[1] / "docs" / "streams.rst"
N = 3000


def test_the_snippets_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    label = np.arange(N) % 2
    columns = {"pt": rng.exponential(size=N), "eta": rng.normal(size=N), "mass": 120 + 10 * rng.normal(size=N) * label}
    frame = pd.DataFrame(columns).assign(label=label, weight=1.0, event=np.arange(N))
    Path("events").mkdir()
    for i in range(2):
        pq.write_table(pa.Table.from_pandas(frame[i::2]), f"events/{i}.parquet", row_group_size=200)
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert len(blocks) == text.count(".. code-block::")
    names: dict = {}
    for block in blocks:
        code = re.sub("^    ", "", block, flags=re.MULTILINE)
        exec(re.sub(r"memory=2\*\*20", "memory=2**14", code), names)
    assert names["scores"].shape == (N,)
    assert 0 < len(names["heavy"].read().data) < N
    assert names["momenta"].read().data.shape == (N, 1)
    assert 0 < len(names["mine"].read().data) <= N
