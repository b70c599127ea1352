"""Measurement of cutouts: prepare them, and compute the features of each extractor.

The one place where preparation and extraction meet; every command that measures calls it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat.data import Cutout, Failure, band_names, prepare_each
from galfeat.features.registry import LOCAL_DESCRIPTORS
from galfeat.pipeline.extraction.recipe import Recipe

__all__ = ["Block", "catalog_rows", "measure", "take_rows"]

Block = NDArray[Any] | list[NDArray[np.uint8]]
"""Features of one extractor: (n, k) float32, or n arrays (keypoints, 128) of local descriptors."""


def measure(
    cutouts: Sequence[Cutout], recipe: Recipe, *, strict_bands: bool = False
) -> tuple[list[Cutout], dict[str, Block], list[Failure]]:
    """Prepare and measure cutouts; a bad cutout becomes a failure and does not affect the others.

    Parameters
    ----------
    cutouts : sequence of Cutout
    recipe : Recipe
    strict_bands : bool
        Whether a one-band image without a band name fails if the recipe names its one band, and
        vice versa. Models require the name; plain single-band images need none.

    Returns
    -------
    cutouts : list of Cutout
        The cutouts that were measured.
    blocks : dict of str to array or list
        One block per extractor, rows as in `cutouts`.
    failures : list of Failure
        The others, with stage ``prepare`` or ``extract``; and notes on those that were measured,
        with stage ``note``.
    """
    named = [_match_bands(cutout, recipe.bands, strict_bands) for cutout in cutouts]
    notes: dict[int, str] = {}
    pixels, reasons = prepare_each(named, recipe.bands, recipe.preparation, notes)
    failures = [_failure(cutouts[row], "prepare", reasons[row]) for row in sorted(reasons)]
    prepared = [row for row in range(len(cutouts)) if row not in reasons]
    if reasons:
        pixels = pixels[prepared]
    good, unmeasured = _measurable([cutouts[row] for row in prepared], pixels, recipe)
    kept = [cutouts[prepared[row]] for row in good]
    if len(good) < len(pixels):
        pixels = np.ascontiguousarray(pixels[good])
    blocks = (
        {name: _block(name, extractor, pixels) for name, extractor in recipe.extractors.items()}
        if kept
        else {}
    )
    measured = {prepared[row] for row in good} if notes else set()
    noted = [_failure(cutouts[row], "note", notes[row]) for row in sorted(measured & set(notes))]
    return kept, blocks, failures + unmeasured + noted


def take_rows(block: Block, rows: NDArray[np.intp]) -> Block:
    """Return the rows of a block with these indices."""
    return [block[row] for row in rows] if isinstance(block, list) else block[rows]


def _match_bands(cutout: Cutout, bands: tuple[str, ...], strict: bool) -> Cutout:
    one_each = len(bands) == 1 and len(cutout.bands) == 1
    if one_each and not strict and (not cutout.named or bands == band_names(1)):
        return replace(cutout, bands=bands)  # one side has no name: no contradiction
    return cutout


def _measurable(
    cutouts: list[Cutout], pixels: NDArray[np.float32], recipe: Recipe
) -> tuple[NDArray[np.intp], list[Failure]]:
    reasons: dict[int, str] = {}
    if len(pixels):
        for name, extractor in recipe.extractors.items():
            for row, reason in extractor.reasons(pixels).items():
                reasons.setdefault(row, f"{name}: {reason}")
    failures = [_failure(cutouts[row], "extract", reasons[row]) for row in sorted(reasons)]
    good = np.array([row for row in range(len(pixels)) if row not in reasons], dtype=np.intp)
    return good, failures


def _failure(cutout: Cutout, stage: Literal["prepare", "extract", "note"], reason: str) -> Failure:
    return Failure(cutout.id, cutout.file, stage, reason, cutout.row)


def _block(name: str, extractor: Any, pixels: NDArray[np.float32]) -> Block:
    local = name in LOCAL_DESCRIPTORS
    block: Block = extractor.describe(pixels) if local else extractor.transform(pixels)
    return block


def catalog_rows(catalog: pa.Table | None, cutouts: Sequence[Cutout]) -> pa.Table:
    """Return the catalog rows of cutouts, ``id`` first; ``id`` and ``file`` without a catalog."""
    ids = pa.array([cutout.id for cutout in cutouts], type=pa.string())
    if catalog is None:
        return pa.table(
            {"id": ids, "file": pa.array([cutout.file for cutout in cutouts], type=pa.string())}
        )
    rows = catalog.take(pa.array([cutout.row for cutout in cutouts], type=pa.int64()))
    others = [name for name in rows.column_names if name != "id"]
    return pa.table([ids, *(rows.column(name) for name in others)], names=["id", *others])
