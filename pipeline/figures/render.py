"""Prepared cutouts as pictures, and figures as files, without any global state of matplotlib."""

import io
import warnings
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

__all__ = ["picture", "render"]

_WHITE_AT = 6.0  # asinh of about 200 noise sigmas is drawn white


def picture(pixels: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.float32]:
    """Return a prepared cutout as a picture with values in [0, 1].

    Grey for one or two bands, otherwise red, green, blue.

    Bands are taken to run from blue to red; those called red, green, blue are taken by name.
    """
    values = np.clip(np.nan_to_num(pixels, nan=0.0) / _WHITE_AT, 0.0, 1.0)
    if len(values) < 3:
        grey: NDArray[np.float32] = values.mean(axis=0)
        return grey
    by_name = tuple(bands[:3]) == ("red", "green", "blue")
    chosen = [0, 1, 2] if by_name else [len(values) - 1, len(values) // 2, 0]
    return np.moveaxis(values[chosen], 0, -1)


def render(figure: Figure, kind: str) -> bytes:
    """Return a figure as ``png`` or ``svg``; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with (
        warnings.catch_warnings(),
        mpl.rc_context({"svg.hashsalt": "galfeat", "svg.fonttype": "path"}),
    ):
        # names in letters that the font lacks stand in the tables
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    return buffer.getvalue()
