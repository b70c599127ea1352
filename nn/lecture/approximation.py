"""Universal approximation: a ReLU network that interpolates a function piecewise linearly.

References
----------
de Boor, C. 1978, A Practical Guide to Splines, chapter III (error of linear interpolation)
Cybenko, G. 1989, Mathematics of Control, Signals and Systems 2, 303, doi:10.1007/BF02551274
    (universal approximation)
"""

from collections.abc import Callable
from math import isfinite
from numbers import Integral

import numpy as np

from galfeat import UsageError
from galfeat.nn.network import Network
from galfeat.nn.types import Floats

__all__ = ["relu_approximation"]


def relu_approximation(f: Callable[[Floats], Floats], a: float, b: float, n: int) -> Network:
    """Construct, without training, a ReLU network that interpolates a function.

    The network is the piecewise linear interpolant of f at n + 1 equally spaced knots from a to b:
    hidden unit k is ``relu(x - x_k)``, and its output weight is the change of slope at knot k. For
    f with a continuous second derivative, the error is at most ``max|f''| (b - a)^2 / (8 n^2)``:
    twice the units, a quarter of the error. Below a the network is constant, above b it is linear.

    Parameters
    ----------
    f : callable
        Takes an array of shape (n + 1,) and returns one of that shape.
    a, b : float
        Ends of the interval, with a < b.
    n : int
        Number of hidden units, and of linear pieces.

    Returns
    -------
    Network
        Of layers (1, n, 1), float64; its values are ``network.forward(x[:, None])[:, 0]``.

    Raises
    ------
    UsageError
        If a, b or n is invalid, or f is not finite at a knot.

    Examples
    --------
    >>> network = relu_approximation(np.square, -1, 1, 4)
    >>> network.forward(np.array([[-1.0], [0.5], [0.75]]))[:, 0].tolist()
    [1.0, 0.25, 0.625]
    """
    if isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
        raise UsageError(f"n must be a whole number of at least 1; got {n!r}")
    if not (isfinite(a) and isfinite(b) and a < b):
        raise UsageError(
            f"a and b must be two finite numbers, the smaller first; got {a!r} and {b!r}"
        )
    knots = np.linspace(a, b, int(n) + 1)
    values = np.asarray(f(knots), dtype=np.float64)
    if values.shape != knots.shape:
        raise UsageError(
            f"f must return one value a knot, shape {knots.shape}; it returned shape {values.shape}"
        )
    if not np.isfinite(values).all():
        at = knots[~np.isfinite(values)][0]
        raise UsageError(f"f must be finite from a to b; at {at:g} it is {values[knots == at][0]}")
    network = Network((1, int(n), 1), hidden="relu", output="identity")
    slopes = np.diff(values) / np.diff(knots)
    network.weights[0][:] = 1.0
    network.biases[0][:] = -knots[:-1]
    network.weights[1][:, 0] = np.diff(slopes, prepend=0.0)
    network.biases[1][:] = values[0]
    return network
