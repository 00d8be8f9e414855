"""
One jet, drawn four ways
========================

The same gluon jet as a list of its leading particles, as an image, as a set of points and as a graph: four ways to hand
it to a learner.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_ml4fp import Graphs, JetConstituentFeatures, ToImage, ToList, ToSet, load_quark_gluon_jets

jets = load_quark_gluon_jets()
jet = jets.data[jets.target == 0][:1]
print(jet)

# %%
# **A list**: the hardest particles in named columns, for every learner of tables.

table = ToList(n_points=5, order_by="pt").set_output(transform="pandas").fit_transform(jet)
print(table.T.to_string(header=False))

# %%
# **An image**: sum of pT in pixels, with the axis of the jet in the middle and its principal axis turned upright. A
# single jet is sparse; the mean of many shows what gluons have more of.

image = ToImage(n_pixels=25, extent=0.4)
pixels = image.fit_transform(jet)[0]
mean_quark, mean_gluon = (image.transform(jets.data[jets.target == label][:4000]).mean(axis=0) for label in (1, 0))

# %%
# **A set**: all particles, in no order that matters, with features relative to the jet. ``ToSet`` pads sets to one
# length.

points = JetConstituentFeatures().fit_transform(jet)
print(ToSet(max_points=100).fit_transform(points).shape)

# %%
# **A graph**: every particle is linked to its three nearest neighbours.

position = np.stack([jet.column("y") - jet.column("jet_y"), jet.column("phi") - jet.column("jet_phi")], axis=1)
distance = np.linalg.norm(position[:, np.newaxis] - position, axis=2)
nearest = np.argsort(distance, axis=1)[:, 1:4]  # the first is the particle itself
edges = np.stack([np.repeat(np.arange(len(nearest)), 3), nearest.ravel()], axis=1)
graph = Graphs(points, edges, [0, len(edges)], distance[edges[:, 0], edges[:, 1]][:, np.newaxis], ["distance"])
print(graph)

# %%
# All of it on one page. The area of a point is the particle's pT.

figure, axes = plt.subplots(2, 3, figsize=(12, 7.5), layout="constrained")
figure.suptitle("One jet as a list, a set, a graph and an image, and the mean images of many")
size = 3 * jet.column("pt")
leading = table.filter(like="pt_").to_numpy().ravel()[:5]
axes[0, 0].bar(np.arange(1, 6), leading, color="#4477aa")
axes[0, 0].set(title="list", xlabel="particle", ylabel="pT (GeV)")
axes[0, 1].scatter(*position.T, s=size, alpha=0.6, color="#4477aa")
axes[0, 1].set(title="set", xlabel="y − y of the jet", ylabel="φ − φ of the jet (rad)")
for start, end in graph.edges:
    axes[0, 2].plot(*position[[start, end]].T, color="0.7", linewidth=0.8, zorder=0)
axes[0, 2].scatter(*position.T, s=size, alpha=0.6, color="#4477aa")
axes[0, 2].set(title="graph", xlabel="y − y of the jet", ylabel="φ − φ of the jet (rad)")
pictures = {"image": pixels, "mean image of quark jets": mean_quark, "mean image of gluon jets": mean_gluon}
for axis, (title, picture) in zip(axes[1], pictures.items(), strict=True):
    # Logarithmic colours: most of the momentum is in the middle.
    shown = axis.imshow(np.log10(picture.T + 1e-5), origin="lower", extent=(-0.4, 0.4, -0.4, 0.4), cmap="viridis")
    axis.set(title=title, xlabel="along the principal axis", ylabel="across it")
figure.colorbar(shown, ax=axes[1], label="log10 of the share of pT")
plt.show()
