"""TabM against the package of its authors, with the same weights."""

import pytest
import rtdl_num_embeddings
import tabm
import torch

from sklearn_ml4fp.nn import TabM, initialise, number_embedding

K, D, WIDTH, D_OUT = 4, 3, 6, 2
X = torch.randn(20, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
EDGES = [[-1.0, -0.2, 0.5, 2.0]] * D


def drawn(embedding=None, **settings):
    return first_drawn(embedding, moved=0.3, **settings)


def first_drawn(embedding=None, moved=0.0, **settings):
    """Ours in double precision, with the first weights, and a random change of each."""
    choices = {"k": K, "n_layers": 2, "width": WIDTH, "activation": "relu", **settings}
    network = TabM(D, K * D_OUT, embedding=embedding, **choices).double().eval()
    generator = torch.Generator().manual_seed(0)
    initialise(network, init="auto", activation="relu", generator=generator)
    with torch.no_grad():
        for one in network.parameters():
            one.add_(torch.randn(one.shape, generator=generator, dtype=torch.float64) * moved)
    return network


def copied_to(reference, ours):
    """Give the weights of ours to a network of the authors."""
    with torch.no_grad():
        for block, layer in zip(reference.backbone.blocks, ours.hidden[::4], strict=True):
            block[0].weight.copy_(layer.linear.weight)
            for theirs, mine in ((block[0].r, layer.r), (block[0].s, layer.s), (block[0].bias, layer.b)):
                theirs.copy_(mine())
        reference.output.weight.copy_(ours.head.weight)
        reference.output.bias.copy_(ours.head.bias.view(K, D_OUT))
    return reference


@pytest.mark.parametrize("embedded", [False, True], ids=["columns", "embedded"])
def test_it_is_that_of_the_authors(embedded):
    settings = {"n_num_features": D, "d_out": D_OUT, "k": K, "n_blocks": 2, "d_block": WIDTH}
    if embedded:
        embedding = number_embedding("piecewise", D, 5, scale=1.0, edges=EDGES)
        theirs = rtdl_num_embeddings.PiecewiseLinearEmbeddings(
            [torch.tensor(one) for one in EDGES], 5, activation=False, version="B"
        )
        ours, settings["num_embeddings"] = drawn(embedding), theirs
    else:
        ours = drawn()
    reference = copied_to(tabm.TabM.make(**settings).double().eval(), ours)
    if embedded:
        with torch.no_grad():
            reference.num_module.linear0.weight.copy_(embedding.line.weight[:, 0])
            reference.num_module.linear0.bias.copy_(embedding.line.bias.view(D, 5))
            reference.num_module.linear.weight.copy_(embedding.pieces.weight)
    found = ours(X).view(len(X), K, D_OUT)
    torch.testing.assert_close(found, reference(X), rtol=1e-5, atol=1e-5)


def test_the_first_members_differ_in_the_signs_of_the_columns_alone():
    network = first_drawn()
    first, second = network.hidden[0], network.hidden[4]
    assert set(first.r().unique().tolist()) == {-1.0, 1.0}
    assert all((one() == 1).all() for one in (first.s, second.r, second.s))
    assert all((one() == 0).all() for one in (first.b, second.b))


def test_the_features_of_an_embedded_column_begin_with_one_value():
    network = first_drawn(number_embedding("periodic", D, 5, scale=1.0))
    first = network.hidden[0].r().view(K, D, 5)
    assert (first == first[..., :1]).all()
    assert len(first[..., 0].unique()) == K * D


@pytest.mark.parametrize("normalisation", ["batch", "layer"])
def test_members_do_not_mix(normalisation):
    """Also behind a normalisation: the outputs of a member depend on no vector of another."""
    network = drawn(normalisation=normalisation)
    before = network(X).view(len(X), K, D_OUT)
    with torch.no_grad():
        network.hidden[4].s().select(0, 1).add_(1.0)
    changed = (network(X).view(len(X), K, D_OUT) - before).abs().amax((0, 2)) > 1e-9
    assert changed.tolist() == [False, True, False, False]
