"""Brightness levels by fixed edges and their histograms; the reference of the kernels."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["band_fractions", "edges", "fractions", "joint_fractions", "levels"]


def edges(count: int, limits: tuple[float, float]) -> NDArray[np.float64]:
    """Return the count + 1 edges of equal bins between the limits."""
    return np.linspace(*limits, count + 1)


def levels(
    planes: NDArray[np.float32], count: int, limits: tuple[float, float]
) -> NDArray[np.intp]:
    """Return each pixel's bin, 0 to count - 1.

    Values beyond the limits go to the end bins, bad pixels get the bin `count`.

    A value on an edge belongs to the bin above it.
    """
    bins = np.searchsorted(edges(count, limits)[1:-1], planes, side="right")
    return np.where(np.isfinite(planes), bins, count)


def fractions(codes: NDArray[np.intp], count: int) -> NDArray[np.float64]:
    """Return the fraction of each plane's good pixels in each bin, shape (m, count)."""
    flat = codes.reshape(len(codes), -1) + (count + 1) * np.arange(len(codes))[:, None]
    counts = np.bincount(flat.ravel(), minlength=len(codes) * (count + 1)).reshape(len(codes), -1)[
        :, :count
    ]
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def band_fractions(
    planes: NDArray[np.float32], count: int, limits: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the histograms of planes, (m, count), and their fractions of good pixels, (m,)."""
    return fractions(levels(planes, count, limits), count), np.isfinite(planes).mean(axis=(1, 2))


def joint_fractions(
    first: NDArray[np.intp], second: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """Return the joint histograms of two bands, shape (m, count * count), `first` slowest.

    Fractions of the pixels that are good in both.
    """
    both = np.where((first < count) & (second < count), first * count + second, count * count)
    return fractions(both, count * count)
