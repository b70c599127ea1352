"""Haralick's thirteen statistics of co-occurrence matrices; the reference of the kernels.

References
----------
Haralick, Shanmugam and Dinstein 1973, IEEE Trans. SMC 3, 610, doi:10.1109/TSMC.1973.4309314,
    appendix I; f14 is left out.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.levels_reference import levels
from galfeat.features.texture.glcm_reference import ANGLES, cooccurrence

__all__ = ["STATISTICS", "glcm_features", "haralick"]

STATISTICS = (
    "energy",
    "contrast",
    "correlation",
    "variance",
    "homogeneity",
    "sum_average",
    "sum_variance",
    "sum_entropy",
    "entropy",
    "difference_variance",
    "difference_entropy",
    "information1",
    "information2",
)
"""f1 to f13 of the paper."""

_ROUNDING = 1e-13  # bits; mutual information below it is the rounding of entropies


def haralick(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return f1 to f13 of symmetric, normalized matrices (..., levels, levels): shape (..., 13).

    Notes
    -----
    Levels count from 0 (the paper's from 1), entropies are in bits, f7 is the variance about f6
    (the paper prints f8, a slip), and f10 is the variance of the difference |i - j|, as in mahotas
    with ``use_x_minus_y_variance=True``. A matrix with a single level, from a constant image, has
    correlation 1, energy 1, homogeneity 1, and every variance, entropy and measure of information
    0.
    """
    count = matrices.shape[-1]
    p = matrices.reshape(-1, count * count)
    i, j = np.indices((count, count)).reshape(2, -1).astype(np.intp)
    px = p.reshape(-1, count, count).sum(axis=-1)
    total = _gather(p, i + j, 2 * count - 1)
    difference = _gather(p, abs(i - j), count)
    mean, variance = _moments(px)
    sum_average, sum_variance = _moments(total)
    entropy, entropy_x = _entropy(p), _entropy(px)
    spread = np.where(variance == 0, 1.0, variance)
    deviation = (i - mean[:, None]) * (j - mean[:, None])
    statistics = [
        _expect(p, p),
        _expect(p, np.square(i - j, dtype=np.float64)),
        np.where(variance == 0, 1.0, _expect(p, deviation) / spread),
        variance,
        _expect(p, 1.0 / (1 + (i - j) ** 2)),
        sum_average,
        sum_variance,
        _entropy(total),
        entropy,
        _moments(difference)[1],
        _entropy(difference),
        *_information(entropy, entropy_x),
    ]
    return np.stack(statistics, axis=-1).reshape(*matrices.shape[:-2], len(STATISTICS))


def glcm_features(
    planes: NDArray[np.float32], count: int, limits: tuple[float, float], distances: Sequence[int]
) -> NDArray[np.float64]:
    """Return Haralick's statistics of planes, averaged over angles: (m, distances, 13)."""
    statistics = haralick(cooccurrence(levels(planes, count, limits), count, distances))
    return np.asarray(
        np.add.reduce([statistics[:, :, angle] for angle in range(len(ANGLES))]) / len(ANGLES)
    )


def _information(
    entropy: NDArray[np.float64], entropy_x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return f12 and f13, Haralick's measures of information.

    With p(i) = p(j) both of the paper's HXY1 and HXY2 are twice the entropy of p(i).
    """
    # the mutual information, 0 or more but for rounding
    shared = np.maximum(2 * entropy_x - entropy, 0.0)
    shared = np.where(shared < _ROUNDING, 0.0, shared)
    first = 0.0 - shared / np.where(entropy_x > 0, entropy_x, 1.0)
    return first, np.sqrt(-np.expm1(-2.0 * shared))


def _expect(p: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((p * values).sum(axis=-1))


def _moments(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of 0, 1, 2, … with the probabilities p, shape (m, count)."""
    k = np.arange(p.shape[-1], dtype=np.float64)
    mean = _expect(p, k)
    return mean, _expect(p, (k - mean[:, None]) ** 2)


def _entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    # + 0.0: a zero has no sign
    return np.asarray(-(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=-1)) + 0.0


def _gather(p: NDArray[np.float64], key: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """Sum each row of p over the entries with the same key, 0 to count - 1."""
    index = count * np.arange(len(p))[:, None] + key
    return np.asarray(
        np.bincount(index.ravel(), weights=p.ravel(), minlength=len(p) * count).reshape(
            len(p), count
        ),
        dtype=np.float64,
    )
