"""The snippets of docs/tracking.rst run as written, one after the other, and give the numbers that stand there."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "tracking.rst"


def test_the_snippets_run():
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:    .*\n|\n)+)", text)
    assert len(blocks) == text.count(".. code-block::")
    names: dict = {}
    for block in blocks:
        code = re.sub("^    ", "", block, flags=re.MULTILINE)
        for network in ("InteractionNetworkClassifier(", "EdgeConvClassifier("):
            code = code.replace(network, f"{network}max_epochs=1, width=4, ")
        exec(code, names)
    y, selected, particle, tracks = (names[name] for name in ("y", "selected", "events", "tracks"))
    particle = particle.particle
    assert y.values.mean() == pytest.approx(0.45, abs=0.005)
    assert names["edge_efficiency"](y, selected) == pytest.approx(0.999, abs=5e-4)
    assert names["edge_purity"](y, selected) == pytest.approx(0.83, abs=0.005)
    assert names["p"].offsets.tolist() == names["y_test"].offsets.tolist()
    for metric, said in (("tracking_efficiency", 0.51), ("fake_rate", 0.24), ("duplicate_rate", 0.03)):
        assert names[metric](particle, tracks) == pytest.approx(said, abs=0.005)
