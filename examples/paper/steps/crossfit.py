"""Train each classifier once per fold, so that each event is scored by a model that has not seen it."""

import json
from pathlib import Path

import numpy as np
from analysis import network, part, read, select, write
from sklearn.ensemble import HistGradientBoostingClassifier
from snakemake.script import snakemake

from sklearn_ml4fp import CrossFitClassifier, LabBook, roc_auc_scorer, save_model

settings = snakemake.params.crossfit
found = json.loads(Path(snakemake.input.tuned).read_text())["hyperparameters"]
classifiers = {
    "tuned": network(random_state=settings["seed"], **snakemake.params.network, **found),
    "trees": HistGradientBoostingClassifier(random_state=settings["seed"]),
}
events = select(part(read(snakemake.input.events), tuning=False))
for (name, classifier), scores, run in zip(
    classifiers.items(), snakemake.output.scores, snakemake.output.run, strict=True
):
    model = CrossFitClassifier(classifier, cv=settings["folds"], scoring=roc_auc_scorer)
    with LabBook(snakemake.params.book, experiment=f"crossfit_{name}") as book:
        model.fit(events["X"], events["y"], sample_weight=events["w"], groups=events["event"])
    np.savez(
        scores,
        score=model.predict_proba(events["X"], groups=events["event"])[:, 1],
        fold=model.cv_.assign(events["event"]),
        ht=events["X"]["ht"],
        **{column: events[column] for column in ("y", "w", "event")},
    )
    histories = [
        {loss: np.asarray(one[loss]).tolist() for loss in ("train_loss", "valid_loss")}
        for one in getattr(model, "history_", [])
    ]
    write(run, experiment=f"crossfit_{name}", run=book.runs().index[0], history=histories)
    if name == "tuned":
        save_model(model, snakemake.output.model)
