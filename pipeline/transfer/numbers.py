"""Numbers by which the domain of a model is described: noise, size, brightness, features."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.extraction.sky_columns import SKY_NUMBERS
from galfeat.pipeline.models.inputs import InputBlock

__all__ = ["NOISE", "SIZE", "domain_numbers", "domain_widths"]

NOISE = "noise correlation"
"""The quantity that tells how images were resampled, stacked and compressed."""
_LEADING = 8  # principal components of a block that are looked at
# quantities that are looked at for themselves, by the name of the shape's column
SIZE = "log size"
"""The quantity that tells how large galaxies are: log10 of their size in prepared pixels."""
_SHAPES = {SIZE: "r50", "brightness": "brightness"}

Floats = NDArray[np.float64]


def domain_widths(
    parts: Sequence[InputBlock], widths: Sequence[int], columns: Sequence[str]
) -> dict[str, int]:
    """Return how many numbers each quantity has.

    Parameters
    ----------
    parts : sequence of InputBlock
    widths : sequence of int
        Columns of each encoded part.
    columns : sequence of str
        Names of the shape's features; empty where it is no part of the input.
    """
    found = dict.fromkeys([NOISE, *_shape_places(columns)], 1)
    for part, width in zip(parts, widths, strict=True):
        found[part.column] = 2 if part.components is None else min(_LEADING, width)
    return found


def domain_numbers(
    parts: Sequence[InputBlock],
    encoded: Sequence[NDArray[np.float32]],
    columns: Sequence[str],
    shape: NDArray[np.float32] | None,
    sky: Floats | None,
) -> dict[str, Floats]:
    """Return the numbers of galaxies by quantity.

    Parameters
    ----------
    parts : sequence of InputBlock
    encoded : sequence of array
        The parts as the networks take them: standardized, reduced to principal components.
    columns : sequence of str
        Names of the shape's features; empty where it is no part of the input.
    shape : array of float32, optional
        Its block.
    sky : array of float64, shape (n, 3 * bands), optional
        See `galfeat.pipeline.extraction.sky_columns.sky_numbers`; without it noise is left out.

    Returns
    -------
    dict of str to array of float64, shape (n, k)
        NaN where a number could not be measured.
    """
    n = len(encoded[0])
    found: dict[str, Floats] = {}
    if sky is not None and sky.shape[1]:
        # one number a galaxy: instruments change all bands alike, and each alone is uncertain
        found[NOISE] = _mean(np.delete(sky, np.s_[::SKY_NUMBERS], axis=1))
    for name, places in _shape_places(columns).items():
        values = np.asarray(shape, dtype=np.float64)[:, places]
        # sizes are compared by their ratios; brightness is a logarithm, nearly, as it is
        found[name] = _mean(
            np.log10(np.where(values > 0, values, np.nan)) if name == SIZE else values
        )
    for part, rows in zip(parts, encoded, strict=True):
        found[part.column] = (
            _summary(rows.astype(np.float64))
            if part.components is None
            else rows[:, :_LEADING].astype(np.float64)
        )
    return {name: rows.reshape(n, -1) for name, rows in found.items()}


def _shape_places(columns: Sequence[str]) -> dict[str, list[int]]:
    places = {
        name: [at for at, column in enumerate(columns) if column.endswith(f"_{quantity}")]
        for name, quantity in _SHAPES.items()
    }
    ring = [at for at, column in enumerate(columns) if "_ring" in column]
    found = {name: [at for at in some if at not in ring] for name, some in places.items()}
    return {name: some for name, some in found.items() if some}


def _mean(values: Floats) -> Floats:
    """Return the mean of the numbers of a row that are there, shape (n, 1)."""
    there = np.isfinite(values)
    total = np.where(there, values, 0.0).sum(axis=1, keepdims=True)
    return np.where(
        there.any(axis=1, keepdims=True),
        total / np.maximum(there.sum(axis=1, keepdims=True), 1),
        np.nan,
    )


def _summary(rows: Floats) -> Floats:
    """Return mean and root mean square of a block that is not reduced to components."""
    return np.stack([rows.mean(axis=1), np.sqrt((rows**2).mean(axis=1))], axis=1)
