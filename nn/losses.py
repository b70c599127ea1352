# ruff: noqa: ARG002 - all losses have the same signatures, whichever of output and target they need
"""Loss functions with their gradients and Hessian-vector products.

A loss compares the network's output, shape (n, k), with a target of the same shape and sums over
the samples with their weights: ``sum_i w_i l_i``; with ``w_i = 1/n``, that is the mean.

====================  ==========================================================  ==============================
name                  loss of one sample with output o and target t               gradient with respect to o
====================  ==========================================================  ==============================
mean_squared_error    1/k sum_j (o_j - t_j)^2                                     2/k (o - t)
half_squared_error    1/2 sum_j (o_j - t_j)^2                                     o - t
cross_entropy         -sum_j t_j log p_j with p = softmax(o)                      p - t
binary_cross_entropy  -sum_j (t_j log p_j + (1 - t_j) log(1 - p_j)), p = sigmoid  p - t
hinge                 sum_j max(0, 1 - t_j o_j) with t_j = 1 or -1                -t_j where t_j o_j < 1, else 0
====================  ==========================================================  ==============================

Both cross-entropies include the softmax or sigmoid ("with logits"): the network's last layer is
linear, and nothing can overflow.
"""  # noqa: E501 - a table

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from galfeat import UsageError
from galfeat.nn.activations import ACTIVATIONS, shifted_columns
from galfeat.nn.types import Floats, Weight

__all__ = [
    "LOSSES",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "HalfSquaredError",
    "Hinge",
    "Loss",
    "MeanSquaredError",
    "get_loss",
]


class Loss(ABC):
    """A loss function, summed over the samples with their weights."""

    def value(self, output: Floats, target: Floats, weight: Weight = 1.0) -> float:
        """Return the weighted sum of the samples' losses."""
        return float(np.sum(weight * self.each(output, target)))

    @abstractmethod
    def each(self, output: Floats, target: Floats) -> Floats:
        """Return the loss of each sample, shape (n, 1)."""

    @abstractmethod
    def gradient(
        self, output: Floats, target: Floats, weight: Weight = 1.0, out: Floats | None = None
    ) -> Floats:
        """Return the gradient of `value` with respect to `output`."""

    def value_and_gradient(
        self, output: Floats, target: Floats, weight: Weight = 1.0, out: Floats | None = None
    ) -> tuple[float, Floats]:
        """Return value and gradient; overridden where they share computations."""
        return self.value(output, target, weight), self.gradient(output, target, weight, out)

    @abstractmethod
    def gradient_along(
        self, output: Floats, target: Floats, weight: Weight, r_output: Floats
    ) -> Floats:
        """Return the derivative of `gradient` along `r_output` (Hessian-vector product)."""


@dataclass(frozen=True)
class HalfSquaredError(Loss):
    """Half the squared error, summed over the outputs."""

    factor: float = 0.5

    def each(self, output: Floats, target: Floats) -> Floats:
        """Return 1/2 sum_j (o_j - t_j)^2."""
        loss: Floats = self._factor(output) * np.square(output - target).sum(axis=1, keepdims=True)
        return loss

    def gradient(
        self, output: Floats, target: Floats, weight: Weight = 1.0, out: Floats | None = None
    ) -> Floats:
        """Return o - t."""
        difference = np.subtract(output, target, out=out)
        difference *= 2 * self._factor(output) * weight
        return difference

    def gradient_along(
        self, output: Floats, target: Floats, weight: Weight, r_output: Floats
    ) -> Floats:
        """Return r."""
        return 2 * self._factor(output) * weight * r_output

    def _factor(self, output: Floats) -> float:
        return self.factor


@dataclass(frozen=True)
class MeanSquaredError(HalfSquaredError):
    """The squared error, averaged over the outputs: ``1/k sum_j (o_j - t_j)^2``."""

    factor: float = 1.0

    def _factor(self, output: Floats) -> float:
        return self.factor / float(output.shape[1])


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Cross-entropy of softmax probabilities, computed from the logits.

    Targets are probabilities, or one-hot.
    """

    def each(self, output: Floats, target: Floats) -> Floats:
        """Return sum_j t_j (log sum_k exp o_k - o_j)."""
        shifted = shifted_columns(output)
        return self._each(shifted, np.exp(shifted).sum(axis=0), target)

    def gradient(
        self, output: Floats, target: Floats, weight: Weight = 1.0, out: Floats | None = None
    ) -> Floats:
        """Return p - t; the targets of a sample must sum to 1."""
        result = ACTIVATIONS["softmax"].value(output, out=out)
        result -= target
        result *= weight
        return result

    def value_and_gradient(
        self, output: Floats, target: Floats, weight: Weight = 1.0, out: Floats | None = None
    ) -> tuple[float, Floats]:
        """Return value and gradient, with the exponentials computed once."""
        shifted = shifted_columns(output)
        powers = np.exp(shifted)
        total = powers.sum(axis=0)
        value = float(np.sum(weight * self._each(shifted, total, target)))
        powers /= total
        gradient = np.subtract(powers.T, target, out=out)
        gradient *= weight
        return value, gradient

    @staticmethod
    def _each(shifted: Floats, total: Floats, target: Floats) -> Floats:
        """Return the loss of each sample from shifted scores, one sample per column."""
        losses: Floats = (target.T * (np.log(total) - shifted)).sum(axis=0)
        return losses[:, np.newaxis]

    def gradient_along(
        self, output: Floats, target: Floats, weight: Weight, r_output: Floats
    ) -> Floats:
        """Return p (r - <p, r>)."""
        softmax = ACTIVATIONS["softmax"]
        return weight * softmax.push(r_output, output, softmax.value(output))


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Binary cross-entropy of independent sigmoid outputs, computed from the logits."""

    def each(self, output: Floats, target: Floats) -> Floats:
        """Return sum_j log(1 + exp o_j) - t_j o_j, without overflow."""
        losses: Floats = np.maximum(output, 0) - output * target + np.log1p(np.exp(-np.abs(output)))
        loss: Floats = losses.sum(axis=1, keepdims=True)
        return loss

    def gradient(
        self, output: Floats, target: Floats, weight: Weight = 1.0, out: Floats | None = None
    ) -> Floats:
        """Return p - t."""
        result: Floats = expit(output, out=out)
        result -= target
        result *= weight
        return result

    def gradient_along(
        self, output: Floats, target: Floats, weight: Weight, r_output: Floats
    ) -> Floats:
        """Return p (1 - p) r."""
        return weight * expit(output) * expit(-output) * r_output


@dataclass(frozen=True)
class Hinge(Loss):
    """The margin loss of support vector machines; targets are 1 and -1."""

    def each(self, output: Floats, target: Floats) -> Floats:
        """Return sum_j max(0, 1 - t_j o_j)."""
        loss: Floats = np.maximum(1 - target * output, 0).sum(axis=1, keepdims=True)
        return loss

    def gradient(
        self, output: Floats, target: Floats, weight: Weight = 1.0, out: Floats | None = None
    ) -> Floats:
        """Return -t_j where t_j o_j < 1, else 0."""
        inside = target * output < 1
        return np.multiply(np.where(inside, -target, target.dtype.type(0)), weight, out=out)

    def gradient_along(
        self, output: Floats, target: Floats, weight: Weight, r_output: Floats
    ) -> Floats:
        """Return 0: the loss is piecewise linear."""
        return np.zeros_like(r_output)


LOSSES: dict[str, Loss] = {
    "mean_squared_error": MeanSquaredError(),
    "half_squared_error": HalfSquaredError(),
    "cross_entropy": CrossEntropy(),
    "binary_cross_entropy": BinaryCrossEntropy(),
    "hinge": Hinge(),
}


def get_loss(name: "str | Loss") -> Loss:
    """Return a loss by its name; a `Loss` is returned unchanged.

    Raises
    ------
    UsageError
        If the name is unknown; the message lists the known names.
    """
    if isinstance(name, Loss):
        return name
    if name not in LOSSES:
        raise UsageError(f"there is no loss '{name}'; choose one of {', '.join(LOSSES)}")
    return LOSSES[name]
