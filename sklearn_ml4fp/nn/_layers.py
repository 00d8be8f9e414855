"""Building blocks that the architectures share: activations, dropout, and how weights are drawn."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
}

# Variance of a weight for (n_in, n_out) inputs and outputs of its layer.
_VARIANCES: dict[str, Callable[[int, int], float]] = {
    "glorot": lambda n_in, n_out: 2 / (n_in + n_out),
    "he": lambda n_in, n_out: 2 / n_in,
    "lecun": lambda n_in, n_out: 1 / n_in,
}
_AUTO = {"relu": "he", "sigmoid": "glorot", "tanh": "glorot"}
INITIALISATIONS = ("auto", *_VARIANCES)


class Dropout(nn.Module):
    """Dropout that draws from a generator of its own, so that a fit never touches torch's global random state.

    Parameters
    ----------
    p : float
        Probability with which a feature is set to zero during training; the others are scaled by 1/(1 − p).

    Attributes
    ----------
    generator : torch.Generator or None
        Set by whoever trains the module, for as long as it trains.

    References
    ----------
    Srivastava et al., J. Mach. Learn. Res. 15 (2014) 1929.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x`` of any shape to the same shape."""
        if not self.training:
            return x
        keep = torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)
        return x * keep.div_(1 - self.p)


def set_generator(module: nn.Module, generator: torch.Generator | None) -> None:
    """Give every `Dropout` inside ``module`` its generator, or take it away."""
    for child in module.modules():
        if isinstance(child, Dropout):
            child.generator = generator


def _draw(layer: nn.Linear, scheme: str, generator: torch.Generator) -> None:
    variance = _VARIANCES[scheme](layer.in_features, layer.out_features)
    with torch.no_grad():
        layer.weight.normal_(0.0, math.sqrt(variance), generator=generator)
        if layer.bias is not None:
            layer.bias.zero_()


def initialise(module: nn.Module, *, init: str, activation: str, generator: torch.Generator) -> nn.Module:
    """Draw every weight of ``module`` from the initialisation that suits its activation; biases start at zero.

    Parameters
    ----------
    module : nn.Module
        Its layer named ``head``, which feeds no activation, gets variance 1/n_in whatever ``init`` says.
    init : {"auto", "glorot", "he", "lecun"}
        Variance of a weight: 2/(n_in + n_out), 2/n_in or 1/n_in. "auto" is "he" for ReLU and "glorot" for sigmoid and
        tanh.
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
        A layer has parameters that no rule here covers.

    References
    ----------
    Glorot and Bengio, AISTATS 2010; He et al., arXiv:1502.01852; LeCun et al., "Efficient BackProp" (1998).
    """
    scheme = _AUTO[activation] if init == "auto" else init
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear):
            _draw(layer, "lecun" if name == "head" else scheme, generator)
        elif next(layer.parameters(recurse=False), None) is not None:
            raise TypeError(f"No initialisation is known for {name!r}, a {type(layer).__name__}: add its rule here.")
    return module
