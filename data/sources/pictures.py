"""JPEG and PNG pictures as galaxies: the bands red, green and blue, or one band of a gray one."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from galfeat import CutoutError
from galfeat.data.cutouts import band_names
from galfeat.data.fits.file import PixelPlanes
from galfeat.data.fits.streams import open_bytes
from galfeat.data.memory import BUDGET

__all__ = ["decode_picture", "read_picture"]

_COLORS = ("red", "green", "blue")
_GRAY = ("1", "L", "I", "I;16", "I;16B", "F")
# upper bounds of the memory that decoding takes for each pixel, and for each of its bands
_PIXEL_BYTES, _BAND_BYTES = 16, 10
_MOST_COMPRESSION = 1100  # PNG compresses by at most 1032, JPEG by less

# Exceptions of Pillow on damaged pictures, found by damaging some thousands.
_DAMAGED = (OSError, SyntaxError, ValueError)


def read_picture(path: Path) -> PixelPlanes:
    """Read a picture.

    Rows have the order of the file: the first one is at the top (in FITS it is at the bottom).
    Values are those of the file, 0 to 255 or, in 16-bit PNG, 0 to 65535. Fully transparent pixels
    are masked (NaN).

    Raises
    ------
    CutoutError
        If there is no such file, it is no JPEG or PNG picture, or it is damaged.
    """
    with open_bytes(path) as source, BUDGET.reserve(2 * source.size):
        return decode_picture(bytes(source.read(0, source.size)))


def decode_picture(data: bytes) -> PixelPlanes:
    """Decode the bytes of a JPEG or PNG file; see `read_picture`.

    Raises
    ------
    CutoutError
        If it is no JPEG or PNG picture, or it is damaged.
    """
    try:
        pixels = _decode(data)
    except _DAMAGED as error:
        if isinstance(error, CutoutError):
            raise
        raise CutoutError(f"is a damaged picture: {error}") from error
    if pixels.shape[0] == 1:
        return PixelPlanes(pixels, band_names(1), False, picture=True)
    return PixelPlanes(pixels, _COLORS, True, picture=True)


def _decode(data: bytes) -> NDArray[np.float32]:
    with _open(data) as picture:
        width, height = picture.size
        if width * height * len(picture.getbands()) > _MOST_COMPRESSION * len(data):
            raise CutoutError(
                f"is a damaged picture: it claims {width} x {height} pixels in {len(data):,} bytes"
            )
        needed = len(data) + width * height * (_PIXEL_BYTES + _BAND_BYTES * len(picture.getbands()))
        with BUDGET.reserve(needed):
            return _pixels_of(picture, data)


def _pixels_of(picture: ImageFile, data: bytes) -> NDArray[np.float32]:
    sixteen_bits = picture.format == "PNG" and any(
        str(tile[3]).endswith(";16B") for tile in picture.tile
    )
    picture.load()
    if picture.mode in _GRAY:
        return np.asarray(picture, dtype=np.float32)[np.newaxis]
    transparent = "transparency" in picture.info or picture.mode in (
        "LA",
        "PA",
        "RGBA",
        "RGBa",
        "La",
    )
    is_gray = picture.mode in ("LA", "La")
    colors = (
        _decode_sixteen_bits(data)
        if sixteen_bits
        else np.asarray(picture.convert("RGBA" if transparent else "RGB"))
    )
    bands = np.moveaxis(colors[..., :1] if is_gray else colors[..., :3], -1, 0).astype(np.float32)
    if transparent and colors.shape[-1] == 4:
        bands[:, colors[..., 3] == 0] = np.nan
    return bands


def _open(data: bytes) -> ImageFile:
    """Open a picture by its format: `PIL.Image.open` would warn about large pictures."""
    if data.startswith(b"\xff\xd8"):
        return JpegImageFile(io.BytesIO(data))
    if data.startswith(b"\x89PNG"):
        return PngImageFile(io.BytesIO(data))
    raise CutoutError(
        "is neither a JPEG nor a PNG picture"
        + (": it is a FITS file" if data.startswith(b"SIMPLE") else "")
    )


def _decode_sixteen_bits(data: bytes) -> NDArray[np.uint16]:
    """Decode 16-bit colors, of which Pillow would keep the upper 8 bits only."""
    import cv2  # imported late: it takes a quarter of a second, for a rare format

    decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 3:
        raise CutoutError("is a damaged picture: its 16-bit colors cannot be decoded")
    return np.asarray(decoded[..., [2, 1, 0, *range(3, decoded.shape[-1])]])
