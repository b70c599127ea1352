"""Detection of bad pixels, and fractions of good ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel

__all__ = ["any_bad", "flawed_rows", "good_shares"]

_EXPONENT = 0x7F800000  # exponent bits of float32; all are set in infinities and NaN


def flawed_rows(images: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the rows that hold a pixel that is not finite.

    Parameters
    ----------
    images : array of float32, shape (n, ...), C-contiguous
    """
    flawed = np.empty(len(images), dtype=np.bool_)
    _mark(images.reshape(len(images), -1).view(np.int32), flawed)
    return np.flatnonzero(flawed)


def good_shares(images: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the fraction of each plane's pixels that are finite, shape (n, bands).

    Parameters
    ----------
    images : array of float32, shape (n, bands, ny, nx), C-contiguous
    """
    n, bands, ny, nx = images.shape
    good = np.empty(n * bands, dtype=np.int64)
    _count(images.reshape(n * bands, -1).view(np.int32), good)
    return np.asarray(good.reshape(n, bands) / (ny * nx))


@kernel()
def _mark(rows: Any, flawed: Any) -> None:
    for row in range(len(rows)):
        flawed[row] = any_bad(rows[row])


@kernel()
def any_bad(bits: Any) -> bool:
    """Return whether float32 pixels, viewed as int32, hold one that is not finite."""
    bad = np.int32(0)
    for i in range(len(bits)):
        bad |= np.int32((bits[i] & _EXPONENT) == _EXPONENT)
    return bad != 0


@kernel()
def _count(rows: Any, good: Any) -> None:
    for row in range(len(rows)):
        good[row] = _good(rows[row])


@kernel()
def _good(bits: Any) -> Any:
    number = np.int32(0)
    for i in range(len(bits)):
        number += np.int32((bits[i] & _EXPONENT) != _EXPONENT)
    return number
