"""Initialisation: every parameter and buffer of a module is drawn from an explicit generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

# Variance of a weight for (n_in, n_out) inputs and outputs of its layer.
_VARIANCES: dict[str, Callable[[int, int], float]] = {
    "glorot": lambda n_in, n_out: 2 / (n_in + n_out),
    "he": lambda n_in, n_out: 2 / n_in,
    "lecun": lambda n_in, n_out: 1 / n_in,
}
# GELU, SiLU and Mish let about half of a centred signal pass, as ReLU does.
_AUTO = {"relu": "he", "gelu": "he", "silu": "he", "mish": "he", "sigmoid": "glorot", "tanh": "glorot", "selu": "lecun"}
INITIALISATIONS = ("auto", *_VARIANCES)

Layer = TypeVar("Layer", bound=nn.Module)


def linear_output(layer: Layer, gain: float = 1.0) -> Layer:
    """Mark a layer that feeds no activation: its weights have variance ``gain``²/n_in whatever ``init`` says.

    The last layer of a residual branch takes the gain 1/√(number of branches). So the branches together add at most a
    variance of one, however deep the network is.
    """
    layer.linear_gain = gain  # type: ignore[assignment]
    return layer


def _draw_recurrent(layer: nn.RNNBase, generator: torch.Generator) -> None:
    """Draw each gate: Glorot for the inputs, orthogonal for the recurrence; the forget gate of an LSTM starts open."""
    hidden = layer.hidden_size
    for name, parameter in layer.named_parameters():
        if "bias" in name:
            parameter.zero_()
            if isinstance(layer, nn.LSTM) and "bias_ih" in name:
                parameter[hidden : 2 * hidden].fill_(1.0)
            continue
        for gate in parameter.split(hidden):
            if "weight_hh" in name:
                nn.init.orthogonal_(gate, generator=generator)
            else:
                gate.normal_(0.0, math.sqrt(_VARIANCES["glorot"](gate.shape[1], hidden)), generator=generator)


@torch.no_grad()
def initialise(module: nn.Module, *, init: str, activation: str, generator: torch.Generator) -> nn.Module:
    """Draw every weight of ``module`` from the initialisation that suits its activation; biases start at zero.

    Parameters
    ----------
    module : nn.Module
        Its layer named ``head``, which feeds no activation, and those marked by `linear_output` get variance 1/n_in
        whatever ``init`` says. A layer with a method ``draw(generator)`` draws its own weights, one with
        ``reset_parameters`` outside torch.nn sets its constants.
    init : {"auto", "glorot", "he", "lecun"}
        Variance of a weight: 2/(n_in + n_out), 2/n_in or 1/n_in. "auto" is "he" for ReLU, GELU, SiLU and Mish, "glorot"
        for sigmoid and tanh, and "lecun" for SELU. n_in and n_out of a convolution count the positions of its kernel.
    activation : str
        A name in ``ACTIVATIONS``.
    generator : torch.Generator
        A generator on the module's device.

    Returns
    -------
    nn.Module
        The same module.

    Raises
    ------
    TypeError
        A layer has parameters or buffers for which there is no rule.

    References
    ----------
    Glorot and Bengio, AISTATS 2010; He et al., arXiv:1502.01852; LeCun et al., "Efficient BackProp" (1998); Klambauer
    et al., arXiv:1706.02515; Saxe et al., arXiv:1312.6120 (orthogonal); Jozefowicz et al., ICML 2015 (forget gate).
    """
    scheme = _AUTO[activation] if init == "auto" else init
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
            positions = layer.weight[0, 0].numel()
            gain = getattr(layer, "linear_gain", 1.0 if name == "head" else None)
            n_in, n_out = layer.weight.shape[1] * positions, layer.weight.shape[0] * positions
            variance = _VARIANCES[scheme](n_in, n_out) if gain is None else gain**2 / n_in
            layer.weight.normal_(0.0, math.sqrt(variance), generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()
        elif isinstance(layer, nn.RNNBase):
            _draw_recurrent(layer, generator)
        elif callable(draw := getattr(layer, "draw", None)):
            draw(generator)
        elif type(layer).__module__.startswith("torch.") or not hasattr(layer, "reset_parameters"):
            own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
            if own:
                raise TypeError(
                    f"No initialisation is known for {name!r}, a {type(layer).__name__}: add its rule here."
                )
        else:
            layer.reset_parameters()
    return module
