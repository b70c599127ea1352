"""Upper bounds of the memory that reading images takes, from their headers."""

from collections.abc import Iterable, Sequence
from math import prod

from galfeat.data.fits.headers import Hdu
from galfeat.data.fits.transcode import TRANSCODED_CODECS

__all__ = ["FEW_PIXELS", "ancillary_bytes", "galaxy_bytes"]

# Bytes a pixel of what reading takes: float32; an ancillary image; one that is scaled; a tile to be
# decompressed.
_PIXEL_BYTES, _ANCILLARY_BYTES, _SCALED_BYTES, _TILE_BYTES = 4, 16, 10, 16
FEW_PIXELS = 1 << 16
"""Pixels whose memory is not worth counting."""
# copies of a table of tiles; those of PLIO become lists of numbers
_TABLE_COPIES, _LINE_COPIES = 3, 24


def galaxy_bytes(hdus: Sequence[Hdu], ancillary: Sequence[Hdu] = ()) -> int:
    """Return an upper bound of the memory that reading a galaxy takes.

    Parameters
    ----------
    hdus : sequence of Hdu
        Its bands; several are stacked, which takes a copy.
    ancillary : sequence of Hdu
        Ancillary images that are read with it.
    """
    total = sum(_PIXEL_BYTES * prod(hdu.shape) for hdu in hdus) * (1 + (len(hdus) > 1))
    total += sum(_ANCILLARY_BYTES * prod(hdu.shape) for hdu in ancillary)
    return total + max(_passing_bytes(hdu) for hdu in (*hdus, *ancillary))


def ancillary_bytes(hdus: Iterable[Hdu]) -> int:
    """Return an upper bound of the memory that reading some ancillary images takes."""
    return sum(_ANCILLARY_BYTES * prod(hdu.shape) + _passing_bytes(hdu) for hdu in hdus)


def _passing_bytes(hdu: Hdu) -> int:
    """Return an upper bound of the memory that is free again once an image has been read."""
    pixels = prod(hdu.shape)
    stored = pixels * abs(hdu.bitpix) // 8
    if hdu.kind == "tiles":
        method, axes = hdu.header.text("ZCMPTYPE"), hdu.shape[::-1]
        copies = _LINE_COPIES if method == "PLIO_1" else _TABLE_COPIES
        tile = (
            pixels
            if method in TRANSCODED_CODECS
            else prod(
                min(length, max(1, hdu.header.integer(f"ZTILE{axis}", 1 if axis > 1 else length)))
                for axis, length in enumerate(axes, start=1)
            )
        )
        return copies * hdu.size + stored + 2 * pixels + _TILE_BYTES * tile
    scaled = any(keyword in hdu.header for keyword in ("BSCALE", "BZERO", "BLANK"))
    return stored + scaled * _SCALED_BYTES * pixels
