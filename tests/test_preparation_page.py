"""The snippets of docs/preparation.rst run as written, one after the other, with fewer epochs and nodes."""


def test_the_snippets_run(run_page, tmp_path):
    names = run_page(
        "docs/preparation.rst",
        (r"FeedForwardClassifier\(", "FeedForwardClassifier(max_epochs=1, "),
        (r"DeepSetsRegressor\(", "DeepSetsRegressor(max_epochs=1, width=8, "),
    )
    assert (tmp_path / "report.html").exists()
    assert names["average"].predict_proba(names["X"][:5]).shape == (5, 2)
