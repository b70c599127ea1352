"""Cutouts in, vectors and failures out.

The one place where reading, preparation and extraction meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat.data import Cutout, Failure, band_names, prepare_each
from galfeat.features.registry import LOCAL_DESCRIPTORS
from galfeat.pipeline.extraction.recipe import Recipe

__all__ = ["Block", "Measured", "catalog_rows", "measure", "take_rows"]

Block = NDArray[Any] | list[NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Measured:
    """The vectors of some galaxies, and what could not be measured.

    Parameters
    ----------
    catalog : pyarrow.Table
        One row a galaxy: ``id``, then the columns of the source's catalogue.
    blocks : dict of str to array (n, k) or list of n arrays (keypoints, 128)
        One block an extractor.
    failures : list of Failure
    """

    catalog: pa.Table
    blocks: dict[str, Block]
    failures: list[Failure]


def measure(
    cutouts: Sequence[Cutout], recipe: Recipe, *, strict_bands: bool = False
) -> tuple[list[Cutout], dict[str, Block], list[Failure]]:
    """Prepare and measure cutouts; one bad cutout never costs the others.

    Parameters
    ----------
    cutouts : sequence of Cutout
    recipe : Recipe
    strict_bands : bool
        Whether a one-band image that nothing names fails where the recipe's one band has a name,
        and the other way round. A model must insist on this; a batch of single images need not.

    Returns
    -------
    cutouts : list of Cutout
        Those that were measured.
    blocks : dict of str to array or list
        One block an extractor, rows as in `cutouts`.
    failures : list of Failure
        The others.
    """
    named = [_with_bands(cutout, recipe.bands, strict_bands) for cutout in cutouts]
    pixels, reasons = prepare_each(named, recipe.bands, recipe.preparation)
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
    return kept, blocks, failures + unmeasured


def take_rows(block: Block, rows: NDArray[np.intp]) -> Block:
    """Return some rows of a block."""
    return [block[row] for row in rows] if isinstance(block, list) else block[rows]


def _with_bands(cutout: Cutout, bands: tuple[str, ...], strict: bool) -> Cutout:
    one_each = len(bands) == 1 and len(cutout.bands) == 1
    if one_each and not strict and (not cutout.named or bands == band_names(1)):
        return replace(cutout, bands=bands)  # where one side names nothing, nothing is contradicted
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


def _failure(cutout: Cutout, stage: Literal["prepare", "extract"], reason: str) -> Failure:
    return Failure(cutout.id, cutout.file, stage, reason, cutout.row)


def _block(name: str, extractor: Any, pixels: NDArray[np.float32]) -> Block:
    local = name in LOCAL_DESCRIPTORS
    block: Block = extractor.describe(pixels) if local else extractor.transform(pixels)
    return block


def catalog_rows(catalog: pa.Table | None, cutouts: Sequence[Cutout]) -> pa.Table:
    """Return ``id`` and the catalogue's columns of some cutouts.

    ``id`` and ``file`` where there is no catalogue.
    """
    ids = pa.array([cutout.id for cutout in cutouts], type=pa.string())
    if catalog is None:
        return pa.table(
            {"id": ids, "file": pa.array([cutout.file for cutout in cutouts], type=pa.string())}
        )
    rows = catalog.take(pa.array([cutout.row for cutout in cutouts], type=pa.int64()))
    others = [name for name in rows.column_names if name != "id"]
    return pa.table([ids, *(rows.column(name) for name in others)], names=["id", *others])
