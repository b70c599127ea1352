"""Interfaces of activation functions: value, slope, curvature and Jacobian products."""

from abc import ABC, abstractmethod

import numpy as np

from galfeat.nn.types import Floats

__all__ = ["Activation", "Elementwise"]


class Activation(ABC):
    """Maps the pre-activations ``z`` of a layer, shape (n, units), to its activations ``a``.

    `pull` and `push` are the products with the Jacobian J of this map that reverse-mode and
    forward-mode differentiation need.
    """

    @abstractmethod
    def value(self, z: Floats, out: Floats | None = None) -> Floats:
        """Return the activations."""

    @abstractmethod
    def pull(self, delta: Floats, z: Floats, a: Floats) -> None:
        """Compute the vector-Jacobian product ``delta <- J^T delta`` in place.

        `delta` is the gradient with respect to `a` before and with respect to `z` after.
        """

    @abstractmethod
    def push(self, r_z: Floats, z: Floats, a: Floats) -> Floats:
        """Return the Jacobian-vector product ``J r_z``: the derivative of `a` along `r_z`."""

    @abstractmethod
    def pull_along(
        self, delta: Floats, r_delta: Floats, z: Floats, a: Floats, r_z: Floats
    ) -> Floats:
        """Return the derivative of the result of `pull` along `r_delta` and `r_z`.

        `delta` is the gradient with respect to `a`, before `pull` has changed it.
        """


class Elementwise(Activation):
    """An activation that acts on each unit separately, defined by value, slope and curvature."""

    @abstractmethod
    def slope(self, z: Floats, a: Floats) -> Floats:
        """Return the first derivative; `a` is the value, from which it is often cheaper."""

    @abstractmethod
    def curvature(self, z: Floats, a: Floats) -> Floats:
        """Return the second derivative."""

    def pull(self, delta: Floats, z: Floats, a: Floats) -> None:
        """Multiply by the slope, in place."""
        np.multiply(delta, self.slope(z, a), out=delta)

    def push(self, r_z: Floats, z: Floats, a: Floats) -> Floats:
        """Multiply by the slope."""
        return self.slope(z, a) * r_z

    def pull_along(
        self, delta: Floats, r_delta: Floats, z: Floats, a: Floats, r_z: Floats
    ) -> Floats:
        """Apply the product rule to slope times delta."""
        return self.slope(z, a) * r_delta + self.curvature(z, a) * r_z * delta
