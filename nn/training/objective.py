"""Training objective: mean loss of the samples plus L1 and L2 penalties on the weights."""

from dataclasses import dataclass, replace

import numpy as np

from galfeat.nn.losses import Loss
from galfeat.nn.network import LayerBuffers, Network
from galfeat.nn.training.batches import Samples
from galfeat.nn.training.hessian import NetworkHessian
from galfeat.nn.types import Floats, Weight

__all__ = ["Objective", "as_float64"]


@dataclass(frozen=True)
class Objective:
    """Mean loss of a network on samples, plus ``(l2/2 |W|^2 + l1 |W|_1) / n``.

    Biases are not penalized.

    Parameters
    ----------
    network : Network
    loss : Loss
    l2, l1 : float
        Strength of the penalties. They are divided by the number of samples, as in scikit-learn.
    """

    network: Network
    loss: Loss
    l2: float = 0.0
    l1: float = 0.0

    def at(self, params: Floats) -> "Objective":
        """Return the objective at other parameters; the array itself is used, not a copy."""
        return replace(self, network=self.network.with_params(params))

    def value(self, samples: Samples) -> float:
        """Return the objective without its gradient."""
        share, weight = _mean_weights(samples)
        return (
            self.loss.value(self.network.forward(samples.X), samples.target, weight)
            + share * self._penalty()
        )

    def value_and_gradient(
        self, samples: Samples, *, out: Floats | None = None, buffers: LayerBuffers | None = None
    ) -> tuple[float, Floats]:
        """Return the objective and its gradient with respect to the flat parameters.

        Parameters
        ----------
        samples : Samples
        out : array, shape (size,), optional
            Array to store the gradient in.
        buffers : LayerBuffers, optional
            Work arrays of an earlier pass of as many samples.
        """
        share, weight = _mean_weights(samples)
        value, gradient = self.network.loss_and_gradient(
            samples.X, samples.target, self.loss, weight, out=out, buffers=buffers
        )
        weights, slope = self._weights(), gradient[: self.network.layout.n_weights]
        if self.l2:
            slope += (self.l2 * share) * weights
        if self.l1:
            slope += (self.l1 * share) * np.sign(weights)
        return value + share * self._penalty(), gradient

    def curvature(self, samples: Samples) -> NetworkHessian:
        """Return the Hessian of the objective; the L1 penalty contributes nothing."""
        share, weight = _mean_weights(samples)
        return NetworkHessian(
            self.network, samples.X, samples.target, self.loss, weight, l2=self.l2 * share
        )

    def _penalty(self) -> float:
        weights = self._weights()
        l2 = 0.5 * self.l2 * float(weights @ weights) if self.l2 else 0.0
        return l2 + (self.l1 * float(np.abs(weights).sum()) if self.l1 else 0.0)

    def _weights(self) -> Floats:
        return self.network.params[: self.network.layout.n_weights]


def _mean_weights(samples: Samples) -> tuple[float, Weight]:
    """Return 1/n, and the factors of the samples' losses in the weighted mean."""
    share = 1 / len(samples)
    return share, share if samples.weight is None else samples.weight * share


def as_float64(samples: Samples) -> Samples:
    """Return the samples in float64, without a copy if they already are."""
    weight = None if samples.weight is None else np.asarray(samples.weight, dtype=np.float64)
    return Samples(
        np.asarray(samples.X, dtype=np.float64),
        np.asarray(samples.target, dtype=np.float64),
        weight,
    )
