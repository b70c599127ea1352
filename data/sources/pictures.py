"""One JPEG or PNG picture to a galaxy with the bands red, green and blue, or one band if it is
grey.
"""

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

__all__ = ["decode_picture", "read_picture"]

_COLOURS = ("red", "green", "blue")
_GREY = ("1", "L", "I", "I;16", "I;16B", "F")
_BEST_RATIO = 1100  # PNG packs at most 1032 to 1, JPEG less

# What Pillow raises on damaged pictures, found by damaging some thousands.
_DAMAGED = (OSError, SyntaxError, ValueError)


def read_picture(path: Path) -> PixelPlanes:
    """Read a picture.

    Rows are kept as the file has them, so the first is the top one (in FITS it is the bottom one).
    Values are those of the file, 0 to 255 or, in 16-bit PNG, 0 to 65535. Pixels that are wholly
    transparent are NaN: nothing is to be seen there.

    Raises
    ------
    CutoutError
        If there is no such file, it is no such picture, or it is damaged.
    """
    with open_bytes(path) as source:
        return decode_picture(bytes(source.read(0, source.size)))


def decode_picture(data: bytes) -> PixelPlanes:
    """Return the pixels of a picture as it lies in a file; see `read_picture`.

    Raises
    ------
    CutoutError
        If it is no such picture, or it is damaged.
    """
    try:
        pixels = _decode(data)
    except _DAMAGED as error:
        if isinstance(error, CutoutError):
            raise
        raise CutoutError(f"is a damaged picture: {error}") from error
    if pixels.shape[0] == 1:
        return PixelPlanes(pixels, band_names(1), False)
    return PixelPlanes(pixels, _COLOURS, True)


def _decode(data: bytes) -> NDArray[np.float32]:
    with _open(data) as picture:
        width, height = picture.size
        if width * height * len(picture.getbands()) > _BEST_RATIO * len(data):
            raise CutoutError(
                f"is a damaged picture: it claims {width} x {height} pixels in {len(data):,} bytes"
            )
        deep = picture.format == "PNG" and any(
            str(tile[3]).endswith(";16B") for tile in picture.tile
        )
        picture.load()
        if picture.mode in _GREY:
            return np.asarray(picture, dtype=np.float32)[np.newaxis]
        see_through = "transparency" in picture.info or picture.mode in (
            "LA",
            "PA",
            "RGBA",
            "RGBa",
            "La",
        )
        grey = picture.mode in ("LA", "La")
        colours = (
            _sixteen_bits(data)
            if deep
            else np.asarray(picture.convert("RGBA" if see_through else "RGB"))
        )
    bands = np.moveaxis(colours[..., :1] if grey else colours[..., :3], -1, 0).astype(np.float32)
    if see_through and colours.shape[-1] == 4:
        bands[:, colours[..., 3] == 0] = np.nan
    return bands


def _open(data: bytes) -> ImageFile:
    """Open by format, since Pillow's general door warns about pictures that it finds large."""
    if data.startswith(b"\xff\xd8"):
        return JpegImageFile(io.BytesIO(data))
    if data.startswith(b"\x89PNG"):
        return PngImageFile(io.BytesIO(data))
    raise CutoutError(
        "is neither a JPEG nor a PNG picture"
        + (": it is a FITS file" if data.startswith(b"SIMPLE") else "")
    )


def _sixteen_bits(data: bytes) -> NDArray[np.uint16]:
    """Pillow would keep the upper 8 bits of each colour only."""
    import cv2  # imported late: a quarter of a second, for a rare kind of file

    decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.ndim != 3:
        raise CutoutError("is a damaged picture: its 16-bit colours cannot be decoded")
    return np.asarray(decoded[..., [2, 1, 0, *range(3, decoded.shape[-1])]])
