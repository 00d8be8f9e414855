"""The snippets of docs/keep_a_model.rst run as written, in order, on fewer events and epochs."""


def test_the_snippets_run(run_page, tmp_path):
    faster = (r"FeedForwardClassifier\(random", "FeedForwardClassifier(max_epochs=2, random")
    names = run_page("docs/keep_a_model.rst", faster, n_events=400)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{one}.skops" for one in ("top", "forest", "network", "final", "every")
    }
    assert names["final"].n_iter_ == names["n_epochs"] <= 2
    assert names["about"]["classes"] == [0, 1]
    assert names["about"]["columns"] == list(names["events"].data.columns)
