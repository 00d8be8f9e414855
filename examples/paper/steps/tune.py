"""Search the hyperparameters, on events that the analysis does not use again."""

from analysis import network, part, read, select, write
from skopt.space import Integer
from snakemake.script import snakemake

from sklearn_ml4fp import BayesSearchCV, EventKFold, LabBook, roc_auc_scorer, search_space

settings = snakemake.params.tune
events = select(part(read(snakemake.input.events), tuning=True))
model = network(random_state=settings["seed"], **snakemake.params.network)
space = search_space(
    model,
    include=["width", "dropout", "lr", "weight_decay"],
    override={"width": Integer(16, settings["widest"], "log-uniform")},
)
search = BayesSearchCV(
    model,
    space,
    n_iter=settings["candidates"],
    cv=EventKFold(settings["folds"]),
    scoring=roc_auc_scorer,
    n_jobs=snakemake.threads,
    random_state=settings["seed"],
)
with LabBook(snakemake.params.book, experiment="tuned") as book:
    search.fit(events["X"], events["y"], sample_weight=events["w"], groups=events["event"])
write(
    snakemake.output.run,
    experiment="tuned",
    run=book.runs().index[0],
    hyperparameters={name.removeprefix("network__"): value for name, value in search.best_params_.items()},
)
