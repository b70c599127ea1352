# ruff: noqa: ARG001 - all initializers have the same signature, whether or not they need all of it
"""Weight initializers.

Each takes a random generator and the shape (inputs, outputs) of a layer. Too small a variance lets
the signal vanish from layer to layer, too large a one lets it explode. With n_in inputs and n_out
outputs the weights have the variance

==============  ======================  ====================================================
zeros           0                       all units stay equal: shows why weights are randomized
normal          0.01^2                  as in early papers
glorot_uniform  2 / (n_in + n_out)      Glorot and Bengio 2010, for tanh and sigmoid
glorot_normal   2 / (n_in + n_out)      the same, normal
he_uniform      2 / n_in                He et al. 2015, arXiv:1502.01852, for the ReLU family
he_normal       2 / n_in                the same, normal
lecun_uniform   1 / n_in                LeCun et al. 1998
lecun_normal    1 / n_in                the same, normal; required by SELU
orthogonal      1 / max(n_in, n_out)    Saxe et al. 2014, arXiv:1312.6120: orthonormal rows
                                        or columns
==============  ======================  ====================================================
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.nn.activations import ACTIVATIONS, Activation

__all__ = ["INITIALIZERS", "Initializer", "get_initializer", "initializer_for"]

Initializer: TypeAlias = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]


def zeros(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return zeros."""
    return np.zeros(shape)


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return normally distributed weights of standard deviation 0.01."""
    return 0.01 * rng.standard_normal(shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return a uniformly distributed matrix with orthonormal rows or columns (the fewer)."""
    tall = rng.standard_normal((max(shape), min(shape)))
    q, r = np.linalg.qr(tall)
    # the signs make the distribution uniform (Haar measure)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return q if shape[0] >= shape[1] else q.T


def _scaled(variance: Callable[[int, int], float], uniform: bool) -> Initializer:
    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
        deviation = np.sqrt(variance(*shape))
        if uniform:
            bound = np.sqrt(3.0) * deviation
            return rng.uniform(-bound, bound, shape)
        weights: NDArray[np.float64] = deviation * rng.standard_normal(shape)
        return weights

    return draw


def _glorot(n_in: int, n_out: int) -> float:
    return 2.0 / (n_in + n_out)


def _he(n_in: int, n_out: int) -> float:
    return 2.0 / n_in


def _lecun(n_in: int, n_out: int) -> float:
    return 1.0 / n_in


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "normal": normal,
    "glorot_uniform": _scaled(_glorot, uniform=True),
    "glorot_normal": _scaled(_glorot, uniform=False),
    "he_uniform": _scaled(_he, uniform=True),
    "he_normal": _scaled(_he, uniform=False),
    "lecun_uniform": _scaled(_lecun, uniform=True),
    "lecun_normal": _scaled(_lecun, uniform=False),
    "orthogonal": orthogonal,
}


def initializer_for(activation: Activation) -> str:
    """Return the name of the default initializer: LeCun for SELU, Glorot for all others.

    Notes
    -----
    He's larger variance preserves the signal through many ReLU layers. With one or two layers it
    only makes the initial scores large: on scikit-learn's wine data, 60 epochs, it reached an
    accuracy of .82, Glorot's .89.
    """
    return "lecun_normal" if activation == ACTIVATIONS["selu"] else "glorot_uniform"


def get_initializer(name: str) -> Initializer:
    """Return an initializer by its name.

    Raises
    ------
    UsageError
        If the name is unknown; the message lists the known names.
    """
    if name not in INITIALIZERS:
        raise UsageError(
            f"there is no initializer '{name}'; choose one of {', '.join(INITIALIZERS)}"
        )
    return INITIALIZERS[name]
