from pathlib import Path

import yaml

from sklearn_ml4fp import CrossFitClassifier, EventSource, ParticleTransformerClassifier, roc_auc_score

config = yaml.safe_load(Path("jets.yaml").read_text())
names = [one if isinstance(one, str) else one[0] for one in config["inputs"]["pf_features"]["vars"]]
points = {"part": [name.removeprefix("part_") for name in names]}
roles = {"target": config["labels"]["value"][1], "event_id": config["observers"], "cut": config["selection"]}
jets = EventSource("jets.root", tree=config["treename"], collections=points, **roles).read()
network = ParticleTransformerClassifier(n_blocks=2, max_epochs=5, random_state=0)
model = CrossFitClassifier(network, cv=2).fit(jets.data, jets.target, groups=jets.groups)
score = model.predict_proba(jets.data, groups=jets.groups)[:, 1]
print(f"AUC {roc_auc_score(jets.target, score):.3f}")
