# ruff: noqa: ARG002 - all activations have the same signatures, whichever of z and a they need
"""Activation functions with their first and second derivatives.

==========  ========================================  ===========================================
name        value at z                                reference
==========  ========================================  ===========================================
identity    z
step        1 where z >= 0, else 0                    McCulloch and Pitts 1943
sigmoid     1 / (1 + exp(-z))                         called ``logistic`` in scikit-learn
tanh        tanh z
relu        max(0, z)                                 Nair and Hinton 2010
softplus    log(1 + exp z), the soft ReLU             Dugas et al. 2001
leaky_relu  z where z > 0, else 0.01 z                Maas et al. 2013
elu         z where z > 0, else exp z - 1             Clevert et al. 2016, arXiv:1511.07289
selu        scaled ELU that keeps mean 0, variance 1  Klambauer et al. 2017, arXiv:1706.02515
gelu        z Phi(z), Phi the normal distribution     Hendrycks and Gimpel 2016, arXiv:1606.08415
silu        z sigmoid(z), also called swish           Elfwing et al. 2018, arXiv:1702.03118
mish        z tanh(softplus z)                        Misra 2020, arXiv:1908.08681
softmax     exp z_k / sum_j exp z_j along the row     Bridle 1990
==========  ========================================  ===========================================

All preserve the dtype and are finite and accurate for z from -1e4 to 1e4 in float32. At a kink (the
ReLU family at 0) the slope is the left-hand derivative, as in PyTorch.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from galfeat import UsageError
from galfeat.nn.activation_base import Activation, Elementwise
from galfeat.nn.types import Floats

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Elementwise",
    "Elu",
    "Gelu",
    "Identity",
    "LeakyRelu",
    "Mish",
    "Relu",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softplus",
    "Step",
    "Tanh",
    "get_activation",
]

_SQRT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True)
class Identity(Elementwise):
    """The identity, for linear layers."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return z."""
        return np.positive(z, out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return 1."""
        return np.ones_like(z)

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return 0."""
        return np.zeros_like(z)

    def pull(self, delta: Floats, z: Floats, a: Floats) -> None:
        """Leave `delta` unchanged."""


@dataclass(frozen=True)
class Step(Elementwise):
    """The Heaviside step, the threshold neuron of McCulloch and Pitts.

    Its slope is zero, so it cannot be trained by gradients; see `galfeat.nn.Perceptron`.
    """

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return 1 where z >= 0, else 0."""
        return np.heaviside(z, 1, out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return 0."""
        return np.zeros_like(z)

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return 0."""
        return np.zeros_like(z)


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    """The logistic sigmoid."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return 1 / (1 + exp(-z))."""
        return expit(z, out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return a (1 - a)."""
        return a * (1 - a)

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return a (1 - a) (1 - 2 a)."""
        return a * (1 - a) * (1 - 2 * a)


@dataclass(frozen=True)
class Tanh(Elementwise):
    """The hyperbolic tangent."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return tanh z."""
        return np.tanh(z, out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return 1 - a^2."""
        return 1 - a * a

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return -2 a (1 - a^2)."""
        return -2 * a * (1 - a * a)


@dataclass(frozen=True)
class Relu(Elementwise):
    """The rectified linear unit."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return max(0, z)."""
        # with a scalar 0 instead of a row of zeros, NumPy takes twice as long
        return np.maximum(z, np.zeros(z.shape[-1:], z.dtype), out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return 1 where z > 0, else 0."""
        return (a > 0).astype(z.dtype)

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return 0."""
        return np.zeros_like(z)


@dataclass(frozen=True)
class Softplus(Elementwise):
    """The softplus, a smooth approximation of the ReLU."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return log(1 + exp z)."""
        return np.logaddexp(z, z.dtype.type(0), out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return sigmoid(z)."""
        return expit(z)

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return sigmoid(z) sigmoid(-z)."""
        return expit(z) * expit(-z)


@dataclass(frozen=True)
class LeakyRelu(Elementwise):
    """The leaky rectified linear unit.

    Parameters
    ----------
    negative_slope : float
        Slope for z < 0: 0.01 as in the paper and in PyTorch; Keras uses 0.3.
    """

    negative_slope: float = 0.01

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return z where z > 0, else z times the negative slope."""
        return np.multiply(z, self.slope(z, z), out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return 1 where z > 0, else the negative slope."""
        return np.where(z > 0, z.dtype.type(1), z.dtype.type(self.negative_slope))

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return 0."""
        return np.zeros_like(z)


@dataclass(frozen=True)
class Elu(Elementwise):
    """The exponential linear unit.

    Parameters
    ----------
    alpha : float
        Negative of the limit for z to minus infinity, at scale 1.
    scale : float
        Overall factor; with the two constants of Klambauer et al., `Elu` is the SELU.
    """

    alpha: float = 1.0
    scale: float = 1.0

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return scale z where z > 0, else scale alpha (exp z - 1)."""
        return np.multiply(
            np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0))), self.scale, out=out
        )

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return scale where z > 0, else scale alpha exp z."""
        return self.scale * np.where(z > 0, z.dtype.type(1), self.alpha * np.exp(np.minimum(z, 0)))

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return 0 where z > 0, else scale alpha exp z."""
        return self.scale * np.where(z > 0, z.dtype.type(0), self.alpha * np.exp(np.minimum(z, 0)))


@dataclass(frozen=True)
class Gelu(Elementwise):
    """The Gaussian error linear unit, exact (not the tanh approximation)."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return z Phi(z)."""
        return np.multiply(z, ndtr(z), out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return Phi(z) + z phi(z)."""
        return ndtr(z) + z * self._density(z)

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return (2 - z^2) phi(z)."""
        return (2 - z * z) * self._density(z)

    @staticmethod
    def _density(z: Floats) -> Floats:
        return np.exp(-z * z / 2) / _SQRT_2PI


@dataclass(frozen=True)
class Silu(Elementwise):
    """The sigmoid linear unit (SiLU), also called swish."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return z sigmoid(z)."""
        return np.multiply(z, expit(z), out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return sigmoid(z) (1 + z sigmoid(-z))."""
        return expit(z) * (1 + z * expit(-z))

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return sigmoid(z) sigmoid(-z) (2 + z (sigmoid(-z) - sigmoid(z)))."""
        on, off = expit(z), expit(-z)
        return on * off * (2 + z * (off - on))


@dataclass(frozen=True)
class Mish(Elementwise):
    """The Mish activation: z times w = tanh(softplus z)."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return z w."""
        return np.multiply(z, self._gate(z)[0], out=out)

    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return w + z w', where w' = (1 - w^2) sigmoid(z)."""
        gate, gate_slope = self._gate(z)
        return gate + z * gate_slope

    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return 2 w' + z w'', where w'' = w' (sigmoid(-z) - 2 w sigmoid(z))."""
        gate, gate_slope = self._gate(z)
        return gate_slope * (2 + z * (expit(-z) - 2 * gate * expit(z)))

    @staticmethod
    def _gate(z: Floats) -> tuple[Floats, Floats]:
        """Return w and w', computed from u = exp(-|z|), which cannot overflow.

        With e = exp z: ``w = (e^2 + 2 e) / (e^2 + 2 e + 2)`` and ``1 - w^2 = 4 (e + 1)^2 / (e^2 +
        2 e + 2)^2``.
        """
        u = np.exp(-np.abs(z))
        right = z > 0
        bottom = np.where(right, 1 + 2 * u + 2 * u * u, u * u + 2 * u + 2)
        gate = np.where(right, 1 + 2 * u, u * u + 2 * u) / bottom
        root = np.where(right, u * (1 + u), 1 + u) / bottom
        return gate, 4 * root * root * expit(z)


@dataclass(frozen=True)
class Softmax(Activation):
    """The softmax along each row, from scores to probabilities, without overflow."""

    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return exp z_k / sum_j exp z_j."""
        shifted = shifted_columns(z)
        np.exp(shifted, out=shifted)
        shifted /= shifted.sum(axis=0)
        return np.positive(shifted.T, out=np.empty_like(z) if out is None else out)

    def pull(self, delta: Floats, z: Floats, a: Floats) -> None:
        """Multiply by the Jacobian ``diag(a) - a a^T``, which is symmetric, in place."""
        delta -= (a * delta).sum(axis=1, keepdims=True)
        delta *= a

    def push(self, r_z: Floats, z: Floats, a: Floats) -> Floats:
        """Multiply by the Jacobian ``diag(a) - a a^T``."""
        r_a = r_z.copy()
        self.pull(r_a, z, a)
        return r_a

    def pull_along(
        self, delta: Floats, r_delta: Floats, z: Floats, a: Floats, r_z: Floats
    ) -> Floats:
        """Apply the product rule to ``a (delta - <a, delta>)``."""
        r_a = self.push(r_z, z, a)
        mean = (a * delta).sum(axis=1, keepdims=True)
        r_mean = (r_a * delta + a * r_delta).sum(axis=1, keepdims=True)
        derivative: Floats = r_a * (delta - mean) + a * (r_delta - r_mean)
        return derivative


ACTIVATIONS: dict[str, Activation] = {
    "identity": Identity(),
    "step": Step(),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "relu": Relu(),
    "softplus": Softplus(),
    "leaky_relu": LeakyRelu(),
    "elu": Elu(),
    "selu": Elu(alpha=1.6732632423543772, scale=1.0507009873554805),
    "gelu": Gelu(),
    "silu": Silu(),
    "mish": Mish(),
    "softmax": Softmax(),
}

_MAX_TRANSPOSED = 64  # scores per sample up to which a transposed copy is faster
_ALIASES = {"logistic": "sigmoid", "soft_relu": "softplus", "swish": "silu"}


def get_activation(name: "str | Activation") -> Activation:
    """Return an activation by its name; an `Activation` is returned unchanged.

    Raises
    ------
    UsageError
        If the name is unknown; the message lists the known names.
    """
    if isinstance(name, Activation):
        return name
    known = _ALIASES.get(name, name)
    if known not in ACTIVATIONS:
        raise UsageError(f"there is no activation '{name}'; choose one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[known]


def shifted_columns(scores: Floats) -> Floats:
    """Return the scores minus the maximum of their row, transposed.

    For few classes, sums and maxima down the columns of the transposed matrix are several times
    faster than along the rows of a tall one. The result does not depend on the other samples.

    Parameters
    ----------
    scores : array, shape (n, k)

    Returns
    -------
    array, shape (k, n)
        A new array, at most 0.
    """
    columns = np.array(scores.T, order="C" if scores.shape[1] <= _MAX_TRANSPOSED else "K")
    columns -= columns.max(axis=0)
    return columns
