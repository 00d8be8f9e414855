"""Point clouds as lists, sets and images: against plain loops, and the symmetries that images remove."""

from itertools import pairwise

import numpy as np
import pytest

from sklearn_ml4fp import PointClouds, ToImage, ToList, ToSet, _kinematics
from sklearn_ml4fp.preprocessing._to_image import center, flip, rotate


def make_jets(counts, seed=0, events=0):
    """Sprays of particles of float64, with a spread of 0.1 around axes anywhere in azimuth."""
    rng = np.random.default_rng(seed)
    counts = np.asarray(counts)
    n = counts.sum()
    axis = np.repeat(rng.uniform([-1, -np.pi], [1, np.pi], (len(counts), 2)), counts, axis=0)
    spread = rng.normal(0, [0.12, 0.06], (n, 2))
    y, phi = (axis + spread).T
    values = np.stack([rng.exponential(10, n) + 0.1, y, _kinematics.wrap_phi(phi)], axis=1)
    return PointClouds(
        values,
        np.concatenate([[0], np.cumsum(counts)]),
        ["pt", "y", "phi"],
        event_values=rng.normal(size=(len(counts), events)),
        event_names=["met", "ht"][:events],
    )


COUNTS = np.random.default_rng(3).integers(3, 40, 200)


@pytest.mark.parametrize("order_by", [None, "pt", "phi"])
def test_list_against_a_loop(order_by):
    X = make_jets([0, 1, 2, 3, 7], events=2)
    table = ToList(n_points=3, order_by=order_by).fit_transform(X)
    assert table.shape == (5, 11)
    for cloud, event, row in zip(X, X.event_values, table, strict=True):
        if order_by:
            column = X.feature_names.index(order_by)
            cloud = cloud[np.argsort(-cloud[:, column])]
        expected = np.full((3, 3), np.nan)
        expected[: len(cloud)] = cloud[:3]
        np.testing.assert_array_equal(row, [*expected.ravel(), *event])


def test_list_as_a_named_table():
    X = make_jets([1, 2], events=1)
    table = ToList(n_points=2).set_output(transform="pandas").fit_transform(X)
    assert list(table.columns) == ["pt_1", "y_1", "phi_1", "pt_2", "y_2", "phi_2", "met"]
    np.testing.assert_array_equal(table["y_1"], X.values[[0, 1], 1])
    back = PointClouds.from_wide(table, X.feature_names, template="{feature}_{point}")
    assert back == PointClouds(X.values, X.offsets, X.feature_names)


def test_set_there_and_back():
    X = make_jets([0, 1, 5, 2])
    padded = ToSet().fit_transform(X)
    assert padded.shape == (4, 5, 3)
    assert PointClouds.from_padded(padded, None, X.feature_names) == PointClouds(X.values, X.offsets, X.feature_names)
    with_mask = ToSet(fill=0.0, add_mask=True).fit_transform(X)
    assert ToSet(add_mask=True).fit(X).get_feature_names_out().tolist() == ["pt", "y", "phi", "mask"]
    assert PointClouds.from_padded(with_mask[..., :3], with_mask[..., 3], X.feature_names) == X


def test_set_keeps_the_size_of_fit():
    X = make_jets([2, 6])
    to_set = ToSet(order_by="pt").fit(X[:1])
    assert to_set.max_points_ == 2
    expected = -np.sort(-X[1][:, 0])[:2]
    np.testing.assert_array_equal(to_set.transform(X)[1, :, 0], expected)


def test_empty_clouds_are_legal_everywhere():
    X = make_jets([0, 0])
    assert np.isnan(ToList(2).fit_transform(X)).all()
    assert ToSet().fit_transform(X).shape == (2, 0, 3)
    np.testing.assert_array_equal(ToImage(3).fit_transform(X), 0)
    assert ToImage(3).fit(X).transform(X[:0]).shape == (0, 3, 3)


@pytest.mark.parametrize("normalize", [True, False])
def test_image_against_numpy(normalize):
    """The pixels alone: coordinates relative to the jet, some of them outside; numpy's histogram, jet by jet."""
    X = make_jets(COUNTS)
    values = X.values.copy()
    points = np.random.default_rng(1).normal(0, 0.25, (len(values), 2))
    values[:, 1:] = points
    to_image = ToImage(11, extent=0.4, center=False, rotate=False, flip=False, normalize=normalize)
    X = X.with_values(values, X.feature_names)
    for cloud, image in zip(X, to_image.fit_transform(X), strict=True):
        expected, _, _ = np.histogram2d(cloud[:, 1], cloud[:, 2], 11, [[-0.4, 0.4]] * 2, weights=cloud[:, 0])
        expected = expected / cloud[:, 0].sum() if normalize else expected
        np.testing.assert_allclose(image, expected, rtol=1e-6, atol=1e-9)  # float32


def test_image_does_not_depend_on_the_other_rows():
    X = make_jets(np.full(5000, 3))  # more than one block
    images = ToImage(5).fit_transform(X)
    for i in (0, 4095, 4096, 4999):
        np.testing.assert_array_equal(ToImage(5).fit_transform(X[i : i + 1])[0], images[i])


def move(X, points):
    """The same jets with their particles at other places of the (y, phi) plane."""
    values = X.values.copy()
    values[:, 1], values[:, 2] = points[:, 0], _kinematics.wrap_phi(points[:, 1])
    return X.with_values(values, X.feature_names)


def aligned(X, angle=0.0, mirror=1.0, shift=(0.0, 0.0)):
    """Jets turned about their own axis, mirrored, then moved: all of it unseen by the image."""
    pt, y, phi = X.values.T
    points = center(pt, y, phi, X.offsets)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = points @ np.array([[cos, sin], [-sin, cos]]) * [1.0, mirror]
    return move(X, turned + shift)


ALL = ToImage(15, extent=0.5)


@pytest.mark.parametrize("angle", [0.3, np.pi / 2, 2.0, np.pi, 4.5])
def test_image_is_invariant_under_the_rotations_it_removes(angle):
    X = make_jets(COUNTS)
    np.testing.assert_allclose(ALL.fit_transform(aligned(X, angle)), ALL.fit_transform(X), atol=1e-6)
    upright = ToImage(15, extent=0.5, rotate=False)
    difference = np.abs(upright.fit_transform(aligned(X, angle)) - upright.fit_transform(X)).sum(axis=(1, 2))
    if angle != np.pi:  # the flip alone undoes half a turn
        assert np.median(difference) > 0.5


def test_image_is_invariant_under_mirrors():
    X = make_jets(COUNTS)
    np.testing.assert_allclose(ALL.fit_transform(aligned(X, mirror=-1.0)), ALL.fit_transform(X), atol=1e-6)
    unflipped = ToImage(15, extent=0.5, flip=False)
    assert np.abs(unflipped.fit_transform(aligned(X, mirror=-1.0)) - unflipped.fit_transform(X)).sum() > 100


@pytest.mark.parametrize("shift", [(0.7, 0.0), (0.0, np.pi), (-2.0, 3.0)])
def test_image_is_invariant_under_boosts_along_the_beam_and_turns_about_it(shift):
    X = make_jets(COUNTS)
    np.testing.assert_allclose(ALL.fit_transform(aligned(X, shift=shift)), ALL.fit_transform(X), atol=1e-6)


def test_what_the_steps_do():
    X = make_jets(COUNTS)
    pt, y, phi = X.values.T
    points = center(pt, y, phi, X.offsets)
    turned = rotate(pt, points, X.offsets)
    mirrored = flip(pt, turned, X.offsets)
    for first, last in pairwise(X.offsets):
        jet = slice(first, last)
        np.testing.assert_allclose(pt[jet] @ points[jet], 0, atol=1e-10)
        moments = np.einsum("p,pi,pj->ij", pt[jet], turned[jet], turned[jet])
        assert abs(moments[0, 1]) < 1e-10
        assert moments[0, 0] >= moments[1, 1]
        np.testing.assert_allclose(np.hypot(*points[jet].T), np.hypot(*turned[jet].T), atol=1e-12)
        assert np.all(pt[jet] @ np.sign(mirrored[jet]) >= 0)
        np.testing.assert_allclose(np.abs(mirrored[jet]), np.abs(turned[jet]))


def jet_masses(X):
    momenta = _kinematics.from_rapidity(*X.values.T)
    return np.array([_kinematics.invariant_mass(momenta[a:b].sum(axis=0)) for a, b in pairwise(X.offsets)])


def test_rotation_changes_the_mass_and_boosts_do_not():
    X = make_jets(COUNTS)
    mass = jet_masses(X)
    np.testing.assert_allclose(jet_masses(aligned(X, shift=(0.7, 2.0))), mass, rtol=1e-9)
    change = np.abs(jet_masses(aligned(X, angle=np.pi / 2)) / mass - 1)
    # relative corrections are of the order of the squared distances, here 0.2^2
    assert 1e-4 < np.median(change) < 0.02


@pytest.mark.parametrize("transformer", [ToList(2), ToSet(), ToImage(3)])
def test_columns_must_be_those_of_fit(transformer):
    X = make_jets([2, 1])
    transformer.fit(X)
    with pytest.raises(ValueError, match=r"was fitted with features \('pt', 'y', 'phi'\)"):
        transformer.transform(X.with_values(X.values, ["pt", "eta", "phi"]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X: ToList(order_by="mass").fit(X), "order_by='mass': there is no 'mass'"),
        (lambda X: ToSet(order_by="mass").fit(X), "order_by='mass': there is no 'mass'"),
        (lambda X: ToList(n_points=0).fit(X), "'n_points' parameter of ToList"),
        (lambda X: ToSet(max_points=0).fit(X), "'max_points' parameter of ToSet"),
        (lambda X: ToImage(extent=0).fit(X), "'extent' parameter of ToImage"),
        (
            lambda X: ToImage().fit(X.with_values(X.values, ["a", "y", "phi"])),
            r"expected features pt .* got \('a', 'y', 'phi'\)",
        ),
        (lambda X: ToImage().fit_transform(X.with_values(X.values * np.nan, X.feature_names)), "'pt' contains NaN"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(make_jets([2, 1]))
