"""Load or simulate the events, and set those of the search of hyperparameters apart."""

import numpy as np
from analysis import write
from snakemake.script import snakemake

from sklearn_ml4fp import EventKFold, LabBook, load_events, make_events

data, split = snakemake.params.data, snakemake.params.split
if data["source"] == "simulated":
    events = make_events(data["events"], luminosity=data["luminosity"], random_state=data["seed"], n_jobs=-1)
else:
    path = None if data["source"] == "shipped" else data["source"]
    events = load_events(path=path, luminosity=data["luminosity"])
yields = np.bincount(events.target, events.sample_weight)

n_events = min(data["events"], len(events.target))
rows = np.sort(np.random.default_rng(data["seed"]).permutation(len(events.target))[:n_events])
X, y, w, event = (values[rows] for values in (events.data, events.target, events.sample_weight, events.groups))
tuning = EventKFold(split["tuning"], salt=split["salt"]).assign(event) == 0
for of_part in (tuning, ~tuning):  # each part stands for all collisions
    for label in (0, 1):
        chosen = of_part & (y == label)
        w[chosen] *= yields[label] / w[chosen].sum()

np.savez(snakemake.output.events, X=X, names=events.feature_names, y=y, w=w, event=event, tuning=tuning)
scores = {"events": len(y), "events_tuning": int(tuning.sum()), "events_analysis": int((~tuning).sum())}
for name, label in (("signal", 1), ("background", 0)):
    weight = w[~tuning & (y == label)]
    scores |= {f"yield_{name}": weight.sum(), f"effective_{name}": weight.sum() ** 2 / (weight**2).sum()}
book = LabBook(snakemake.params.book, experiment="data")
write(snakemake.output.run, experiment="data", run=book.add("data", scores, params={**data, **split}))
