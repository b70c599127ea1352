"""Which images are free of bad pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat.features.kernels.compiling import kernel

__all__ = ["flawed_rows"]

_EXPONENT = 0x7F800000  # all ones in float32 that are infinite or no number


def flawed_rows(images: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the rows that hold a pixel that is not finite.

    Parameters
    ----------
    images : array of float32, shape (n, ...), C-contiguous
    """
    flawed = np.empty(len(images), dtype=np.bool_)
    _mark(images.reshape(len(images), -1).view(np.int32), flawed)
    return np.flatnonzero(flawed)


@kernel()
def _mark(rows: Any, flawed: Any) -> None:
    for row in range(len(rows)):
        flawed[row] = _any_bad(rows[row])


@kernel()
def _any_bad(bits: Any) -> bool:
    bad = np.int32(0)
    for i in range(len(bits)):
        bad |= np.int32((bits[i] & _EXPONENT) == _EXPONENT)
    return bad != 0
