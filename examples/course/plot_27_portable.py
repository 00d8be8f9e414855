r"""
A graph that is portable: ONNX
==============================

A trained pipeline is a graph of a few operations, which any program can run without Python.

Every step of a pipeline is a function of arrays, so that the whole is one graph from raw columns to probabilities,

.. math:: p(x) = \operatorname{softmax}\big(W_3\,\sigma(W_2\,\sigma(W_1\,s(x) + b_1) + b_2) + b_3\big)

with the scaler :math:`s` inside (ONNX, *Open Neural Network Exchange*, 2017, https://onnx.ai). ``to_onnx`` writes it
and checks it against the model; onnxruntime fuses its operations and runs it in C++, as in the software of an
experiment. For a training, ``compile=True`` fuses them too (Ansel et al., *PyTorch 2*, ASPLOS 2024).
"""

import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
from sklearn.pipeline import make_pipeline

from sklearn_ml4fp import AutoScaler, FeedForwardClassifier, MissingValueImputer, load_events, to_onnx

events = load_events()
X = events.data.astype(np.float32)
network = FeedForwardClassifier(width=64, max_epochs=5, random_state=0)
model = make_pipeline(AutoScaler(), MissingValueImputer(strategy="constant"), network).fit(
    X[:4000], events.target[:4000]
)
path = Path(tempfile.mkdtemp()) / "model.onnx"
to_onnx(model, X[:1000], path)

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(path, options)


def by_onnx(X):
    """Compute the probabilities without Python's help."""
    return session.run(["probabilities"], {"X": X})[0]


def seconds(predict, X, repeats=5):
    """Measure the shortest of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(X)
        times.append(time.perf_counter() - start)
    return min(times)


figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
figure.suptitle("One pipeline, in Python and as an ONNX graph")
difference = by_onnx(X[:5000])[:, 1] - model.predict_proba(X[:5000])[:, 1]
axes[0].hist(difference, 60, histtype="step")
axes[0].set(xlabel="probability by ONNX − in Python", ylabel="events", title="the same answer")
sizes = (1, 10, 100, 1000, 10000)
for name, predict, style in (("pipeline in Python", model.predict_proba, "s--"), ("ONNX", by_onnx, "o-")):
    axes[1].loglog(sizes, [1e6 * seconds(predict, X[:n]) / n for n in sizes], style, label=name)
axes[1].set(xlabel="events in a call", ylabel="time per event (µs)", title="and what it costs")
axes[1].legend()
plt.show()

# %%
# **Try:** open the file at https://netron.app. Which of its operations are the scaler, which the network?
