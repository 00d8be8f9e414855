"""
One data set, four kinds of network
===================================

Jets of quarks and gluons as a list of numbers, as an image, as a sequence and as a set: each representation has its
network, and each network is an ordinary scikit-learn pipeline.
"""

# %%
# Jets as point clouds; two thirds to train on. The sample is small, so that this page builds in seconds.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_ml4fp import (
    CNNClassifier,
    JetConstituentFeatures,
    ParticleWise,
    RecurrentClassifier,
    ResNetClassifier,
    ToImage,
    ToList,
    TransformerClassifier,
    load_quark_gluon_jets,
    roc_auc_score,
    roc_curve,
)

jets = load_quark_gluon_jets()
X_train, X_test, y_train, y_test = jets.data[:2000], jets.data[2000:3000], jets.target[:2000], jets.target[2000:3000]
common = {"max_epochs": 10, "lr": 3e-3, "random_state": 0}

# %%
# Features of the points: rapidity and azimuth relative to the jet, logarithms of momentum and energy, and the kind of
# particle. A list and a sequence are ordered by momentum, an image and a set have no order.
# Columns of the jet as a whole, such as its mass, follow the points.
points = [JetConstituentFeatures(), ParticleWise(StandardScaler())]
networks = {
    "list: ResNet": make_pipeline(
        JetConstituentFeatures(), ToList(20), SimpleImputer(), StandardScaler(), ResNetClassifier(width=32, **common)
    ),
    "image: CNN": make_pipeline(ToImage(n_pixels=17), FunctionTransformer(np.sqrt), CNNClassifier(width=8, **common)),
    "sequence: LSTM": make_pipeline(*points, RecurrentClassifier(width=32, **common)),
    "set: Transformer": make_pipeline(
        *points, TransformerClassifier(n_blocks=1, width=16, n_heads=2, pooling="mean", **common)
    ),
}

# %%
# The same two lines for each network. 2000 jets do not tell which is best; ``benchmarks/bench_architectures.py`` takes
# more.
for (name, network), style in zip(networks.items(), ("-", "--", "-.", ":"), strict=True):
    score = network.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    background, signal, _ = roc_curve(y_test, score)
    plt.plot(signal, background, style, label=f"{name}, AUC {roc_auc_score(y_test, score):.3f}")
plt.title("Networks on lists, images, sequences and sets of jets")
plt.xlabel("signal efficiency")
plt.ylabel("background efficiency")
plt.yscale("log")
plt.ylim(1e-3, 1)
plt.legend()
plt.show()
