"""The snippets of docs/lab_book.rst run as written, in order, on fewer events and epochs."""


def test_the_snippets_run(run_page, store):
    """``store`` is the file that they call runs.db."""
    faster = (r"FeedForwardClassifier\(metrics", "FeedForwardClassifier(max_epochs=2, width=8, metrics")
    names = run_page("docs/lab_book.rst", faster, n_events=400)
    assert list(names["runs"]["status"]) == ["FINISHED"] * 3
    assert len(names["candidates"]) == len(names["folds"]) == 2
    assert names["again"].agrees
