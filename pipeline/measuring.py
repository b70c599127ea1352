"""Cutouts in, vectors and failures out: the one place where reading, preparation and extraction meet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import Cutout, Failure, band_names, prepare_one
from galfeat.pipeline.recipe import LOCAL, Recipe

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
        Whether a one-band image that nothing names fails where the recipe's one band has a name, and the other way round.
        A model must insist on this; a batch of single images need not.

    Returns
    -------
    cutouts : list of Cutout
        Those that were measured.
    blocks : dict of str to array or list
        One block an extractor, rows as in `cutouts`.
    failures : list of Failure
        The others.
    """
    prepared: list[tuple[Cutout, NDArray[np.float32]]] = []
    failures: list[Failure] = []
    for cutout in cutouts:
        try:
            prepared.append((cutout, prepare_one(_with_bands(cutout, recipe.bands, strict_bands), recipe.preparation)))
        except CutoutError as error:
            failures.append(Failure(cutout.id, cutout.file, "prepare", str(error), cutout.row))
    size = recipe.preparation.size
    pixels = np.empty((len(prepared), len(recipe.bands), size, size), dtype=np.float32)
    for row, (_, image) in enumerate(prepared):
        pixels[row] = image
    good, unmeasured = _measurable([cutout for cutout, _ in prepared], pixels, recipe)
    kept = [prepared[row][0] for row in good]
    if len(good) < len(pixels):
        pixels = np.ascontiguousarray(pixels[good])
    blocks = {name: _block(name, extractor, pixels) for name, extractor in recipe.extractors.items()} if kept else {}
    return kept, blocks, failures + unmeasured


def take_rows(block: Block, rows: NDArray[np.intp]) -> Block:
    """Return some rows of a block."""
    return [block[row] for row in rows] if isinstance(block, list) else block[rows]


def _with_bands(cutout: Cutout, bands: tuple[str, ...], strict: bool) -> Cutout:
    one_each = len(bands) == 1 and len(cutout.bands) == 1
    if one_each and not strict and (not cutout.named or bands == band_names(1)):
        return replace(cutout, bands=bands)  # where one side names nothing, nothing is contradicted
    return cutout.select(bands)


def _measurable(cutouts: list[Cutout], pixels: NDArray[np.float32], recipe: Recipe) -> tuple[NDArray[np.intp], list[Failure]]:
    reasons: dict[int, str] = {}
    if len(pixels):
        for name, extractor in recipe.extractors.items():
            for row, reason in extractor.reasons(pixels).items():
                reasons.setdefault(row, f"{name}: {reason}")
    failures = [Failure(cutouts[row].id, cutouts[row].file, "extract", reasons[row], cutouts[row].row) for row in sorted(reasons)]
    good = np.array([row for row in range(len(pixels)) if row not in reasons], dtype=np.intp)
    return good, failures


def _block(name: str, extractor: Any, pixels: NDArray[np.float32]) -> Block:
    block: Block = extractor.describe(pixels) if name == LOCAL else extractor.transform(pixels)
    return block


def catalog_rows(catalog: pa.Table | None, cutouts: Sequence[Cutout]) -> pa.Table:
    """Return ``id`` and the catalogue's columns of some cutouts; ``id`` and ``file`` where there is no catalogue."""
    ids = pa.array([cutout.id for cutout in cutouts], type=pa.string())
    if catalog is None:
        return pa.table({"id": ids, "file": pa.array([cutout.file for cutout in cutouts], type=pa.string())})
    rows = catalog.take(pa.array([cutout.row for cutout in cutouts], type=pa.int64()))
    others = [name for name in rows.column_names if name != "id"]
    return pa.table([ids, *(rows.column(name) for name in others)], names=["id", *others])
