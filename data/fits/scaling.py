"""Stored pixel values of FITS images to physical ones: BSCALE, BZERO, BLANK, BSOFTEN, BOFFSET."""

from math import isfinite, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.headers import Hdu

__all__ = [
    "apply_scaling",
    "blank_of",
    "describe_overflow",
    "exact_values",
    "is_8_bit",
    "linear_flux",
    "may_overflow",
    "stored_dtype",
]

_ASINH_SCALE = 2.5 / log(10)  # of asinh magnitudes


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
    bitpix = hdu.bitpix
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
    blank = blank_of(hdu)
    if blank is not None:
        flux[stored == blank] = np.nan
    return flux


def blank_of(hdu: Hdu) -> int | None:
    """Return the stored number of pixels without a value; None if there is none.

    BLANK; or, in compressed images without it, ZBLANK, or the lowest integer if only a column
    ZBLANK is there, as in astropy.
    """
    header = hdu.header
    if hdu.bitpix < 0:
        return None
    if "BLANK" in header:
        return header.integer("BLANK")
    if hdu.kind != "tiles":
        return None
    if "ZBLANK" in header:
        return header.integer("ZBLANK")
    fields = range(1, header.integer("TFIELDS", 0) + 1)
    in_column = any(header.text(f"TTYPE{field}") == "ZBLANK" for field in fields)
    return -(1 << (hdu.bitpix - 1)) if in_column else None


def linear_flux(flux: NDArray[np.float32], hdu: Hdu) -> NDArray[np.float32]:
    """Return linear flux where BSOFTEN and BOFFSET say that asinh magnitudes are stored.

    Pan-STARRS stores stacked images so (not their variances, nor single exposures):
    flux = BOFFSET + 2 BSOFTEN sinh(x ln(10) / 2.5).

    Parameters
    ----------
    flux : array of float32
        As `apply_scaling` returns it.
    hdu : Hdu

    Raises
    ------
    CutoutError
        If one of the two is missing, or makes no sense.

    References
    ----------
    Waters et al. 2020, https://doi.org/10.3847/1538-4365/abb82b
    """
    header = hdu.header
    there = [name for name in ("BSOFTEN", "BOFFSET") if name in header]
    if not there:
        return flux
    if len(there) == 1:
        raise CutoutError(
            f"its header has {there[0]}, but of BSOFTEN and BOFFSET, which turn asinh magnitudes "
            "into flux, one alone says nothing: add the other, or delete it if the pixels are "
            "linear"
        )
    softening, offset = header.number("BSOFTEN", 0.0), header.number("BOFFSET", 0.0)
    if not (isfinite(softening) and softening > 0 and isfinite(offset)):
        raise CutoutError(
            f"its header is damaged: BSOFTEN is {softening:g} and BOFFSET {offset:g}, so that its "
            "asinh magnitudes have no flux: get the file again"
        )
    with np.errstate(over="ignore"):  # values beyond float32 become infinite: bad pixels
        linear = offset + 2 * softening * np.sinh(flux.astype(np.float64) / _ASINH_SCALE)
        return linear.astype(np.float32)


def _scale_and_zero(hdu: Hdu) -> tuple[float, float]:
    """Return BSCALE and BZERO; refuse those that would make a constant of all pixels."""
    if "BSCALE" not in hdu.header and "BZERO" not in hdu.header:
        return 1.0, 0.0
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
    header = hdu.header
    return hdu.bitpix == -64 or "BSCALE" in header or "BZERO" in header or "BSOFTEN" in header


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
