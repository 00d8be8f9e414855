"""The snippets of docs/streams.rst run as written, one after the other, on files that are made here."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sklearn_ml4fp import make_tracker_hits

N = 3000


def write_hits(folder):
    folder.mkdir()
    events = make_tracker_hits(300, n_tracks=1, n_noise=1, random_state=0)
    of_hit = {name: events.data.column(name) for name in events.data.feature_names}
    of_hit |= {"is_track": events.target.values, "particle": events.particle.values}
    table = {f"hit_{name}": pa.LargeListArray.from_arrays(events.data.offsets, one) for name, one in of_hit.items()}
    pq.write_table(pa.table(table | {"event": np.arange(300)}), folder / "0.parquet")


def test_the_snippets_run(run_page, tmp_path):
    rng = np.random.default_rng(0)
    label = np.arange(N) % 2
    columns = {"pt": rng.exponential(size=N), "eta": rng.normal(size=N), "mass": 120 + 10 * rng.normal(size=N) * label}
    frame = pd.DataFrame(columns).assign(label=label, weight=1.0, event=np.arange(N))
    (tmp_path / "events").mkdir()
    for i in range(2):
        pq.write_table(pa.Table.from_pandas(frame[i::2]), tmp_path / "events" / f"{i}.parquet", row_group_size=200)
    write_hits(tmp_path / "hits")
    names = run_page("docs/streams.rst", (r"memory=2\*\*20", "memory=2**14"))
    assert names["scores"].shape == (N,)
    assert 0 < len(names["heavy"].read().data) < N
    assert names["momenta"].read().data.shape == (N, 1)
    assert 0 < len(names["mine"].read().data) < N
    assert names["report"].n_sampled
    assert len(names["some"].data) == 1000
    assert set(np.unique(names["finder"].predict(names["hits"]).values)) <= {0, 1}
    assert 0 <= names["edges"].score(names["graphs"]) <= 1
    assert len(names["whole"].predict_proba(names["particles"])) == 300
