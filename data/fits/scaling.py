"""Stored pixel values of FITS images to physical ones: BSCALE, BZERO, BLANK."""

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.headers import Hdu

__all__ = [
    "apply_scaling",
    "describe_overflow",
    "exact_values",
    "is_8_bit",
    "may_overflow",
    "stored_dtype",
]


def stored_dtype(bitpix: int) -> str:
    """Return the NumPy dtype of the stored numbers for a BITPIX."""
    return f">{'f' if bitpix < 0 else 'i' if bitpix > 8 else 'u'}{abs(bitpix) // 8}"


def apply_scaling(stored: NDArray[np.generic], hdu: Hdu) -> NDArray[np.float32]:
    """Apply BLANK, BSCALE and BZERO in astropy's precision and cast to float32.

    Raises
    ------
    CutoutError
        If BSCALE is 0, or BSCALE or BZERO is not finite.
    """
    header, bitpix = hdu.header, hdu.bitpix
    scale, zero = _scale_and_zero(hdu)
    with np.errstate(all="ignore"):  # values beyond float32 become infinite: bad pixels
        if (scale, zero) == (1.0, 0.0):
            flux = stored.astype(np.float32)
        # the FITS convention for unsigned integers
        elif bitpix > 8 and (scale, zero) == (1.0, 2.0 ** (bitpix - 1)):
            unsigned = stored.astype(f"i{bitpix // 8}").view(f"u{bitpix // 8}")
            flux = (unsigned ^ unsigned.dtype.type(1 << (bitpix - 1))).astype(np.float32)
        else:
            work: Any = stored.astype(
                np.float64 if abs(bitpix) > 16 and bitpix != -32 else np.float32
            )
            work *= scale
            work += zero
            flux = work.astype(np.float32)
    if bitpix > 0 and "BLANK" in header:
        flux[stored == header.integer("BLANK")] = np.nan
    return flux


def _scale_and_zero(hdu: Hdu) -> tuple[float, float]:
    """Return BSCALE and BZERO; refuse those that would make a constant of all pixels."""
    scale, zero = hdu.header.number("BSCALE", 1.0), hdu.header.number("BZERO", 0.0)
    for name, value in {"BSCALE": scale, "BZERO": zero}.items():
        if not isfinite(value) or (name == "BSCALE" and not value):
            raise CutoutError(
                f"its header is damaged: {name} is {value:g}, so that all pixels would have one "
                f"value: correct {name}, or get the file again"
            )
    return scale, zero


def is_8_bit(hdu: Hdu) -> bool:
    """Return whether an image is a picture of 8 bits, in which black sky is no missing data."""
    return hdu.bitpix == 8 and not ("BSCALE" in hdu.header or "BZERO" in hdu.header)


def may_overflow(hdu: Hdu) -> bool:
    """Return whether pixel values of an image can exceed float32."""
    return hdu.bitpix == -64 or "BSCALE" in hdu.header or "BZERO" in hdu.header


def describe_overflow(
    flux: NDArray[np.float32], stored: NDArray[np.generic], hdu: Hdu
) -> dict[str, str]:
    """Return a description of pixels beyond float32, by kind of oddity; empty if there are none.

    Such pixels are infinite as float32 while the stored numbers are finite.
    """
    lost = np.isinf(flux)
    if not lost.any():
        return {}
    count = np.count_nonzero(np.isfinite(stored[lost]))
    return (
        {
            "overflow": (
                f"{count:,} pixels of extension {hdu.number} are beyond float32: they are bad "
                "pixels"
            )
        }
        if count
        else {}
    )


def exact_values(stored: NDArray[np.generic], hdu: Hdu) -> NDArray[np.generic]:
    """Return scaled integers exactly, as int64, and other values as float64.

    Unsigned 64-bit integers are returned by their bits.

    Raises
    ------
    CutoutError
        As `apply_scaling`.
    """
    scale, zero = _scale_and_zero(hdu)
    if hdu.bitpix > 0 and scale == 1.0 and zero == 2.0**63:
        return stored.astype(np.int64) ^ np.iinfo(np.int64).min
    if hdu.bitpix > 0 and scale == 1.0 and zero == int(zero) and abs(zero) < 2.0**53:
        return stored.astype(np.int64) + np.int64(zero)
    with np.errstate(all="ignore"):
        wide: NDArray[np.float64] = stored.astype(np.float64) * scale + zero
    return wide
