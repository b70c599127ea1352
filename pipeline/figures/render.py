"""Render cutouts as images and figures as files, without global state of matplotlib."""

import io
import warnings
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ["picture", "render"]

_WHITE_AT = 6.0  # asinh of about 200 noise sigmas, which is drawn white


def picture(pixels: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.float32]:
    """Return a prepared cutout as an image with values in [0, 1].

    Parameters
    ----------
    pixels : array, shape (bands, ny, nx)
    bands : sequence of str
        From blue to red, unless the first three are called red, green, blue.

    Returns
    -------
    array, shape (ny, nx) or (ny, nx, 3)
        Gray for one or two bands, otherwise RGB.
    """
    values = np.clip(np.nan_to_num(pixels, nan=0.0) / _WHITE_AT, 0.0, 1.0)
    if len(values) < 3:
        gray: NDArray[np.float32] = values.mean(axis=0)
        return gray
    by_name = tuple(bands[:3]) == ("red", "green", "blue")
    chosen = [0, 1, 2] if by_name else [len(values) - 1, len(values) // 2, 0]
    return np.moveaxis(values[chosen], 0, -1)


def render(figure: Figure, kind: str) -> bytes:
    """Return a figure as ``png`` or ``svg``, byte for byte reproducible."""
    buffer = io.BytesIO()
    with (
        warnings.catch_warnings(),
        mpl.rc_context({"svg.hashsalt": "galfeat", "svg.fonttype": "path"}),
    ):
        # names with glyphs that the font lacks are legible in the tables
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    return buffer.getvalue()
