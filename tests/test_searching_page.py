"""The snippets of docs/searching.rst run as written, one after the other, but for the number of epochs and events."""

from sklearn_ml4fp import FeedForwardClassifier


def test_the_snippets_run(run_page, tmp_path):
    faster = (r"Classifier\(random", "Classifier(max_epochs=1, width=8, random")
    names = run_page("docs/searching.rst", faster, n_events=400)
    assert len((tmp_path / "search.jsonl").read_text().splitlines()) == 1 + 12
    assert type(names["feedforward"]["network"].categories[0]) is FeedForwardClassifier
    assert set(names["space"]) == {"network__lr", "network__dropout", "fill__strategy"}
