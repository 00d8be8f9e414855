"""The snippets of docs/ship_a_model.rst run as written, in order, on fewer events and epochs."""

import numpy as np
import pyarrow.parquet
import uproot


def test_the_snippets_run(run_page, tmp_path):
    faster = (r"FeedForwardClassifier\(random", "FeedForwardClassifier(max_epochs=2, random")
    names = run_page("docs/ship_a_model.rst", faster, n_events=400)
    assert {path.name for path in tmp_path.iterdir()} == {
        "top.onnx",
        "top_reference.txt",
        "scores.root",
        "scores.parquet",
    }
    expected = names["model"].predict_proba(names["events"].data, groups=names["events"].groups)
    np.testing.assert_allclose(names["probabilities"], expected, atol=1e-5)
    with uproot.open("scores.root") as file:
        np.testing.assert_allclose(file["scores"]["score"].array(library="np"), expected[:, 1], atol=1e-5)
    np.testing.assert_allclose(pyarrow.parquet.read_table("scores.parquet")["score"], expected[:, 1], atol=1e-5)
