"""The snippets of docs/optuna.rst and docs/cluster.rst run as written, but for epochs and events."""


def test_the_page_on_pruning(run_page, tmp_path):
    faster = (r"Classifier\(random", "Classifier(max_epochs=5, width=8, random")
    names = run_page("docs/optuna.rst", faster, n_events=400)
    assert names["halving"].n_resources_ == [3, 9, 27]
    assert (tmp_path / "search.db").exists()
    assert len(names["search"].cv_results_["pruned"]) == 12


def test_the_page_on_clusters(run_page):
    names = run_page("docs/cluster.rst", ("n_samples=2000", "n_samples=200"))
    assert len(names["grid"].cv_results_["params"]) == 2
    assert len(names["search"].cv_results_["params"]) == 4
