"""Measurement of cutouts: prepare them, and compute the features of each extractor.

The one place where preparation and extraction meet; every command that measures calls it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import Cutout, Failure, band_names, prepare_each
from galfeat.data.preparation.sky_noise import NUMBERS
from galfeat.data.preparation.steps import prepared_noise
from galfeat.features.registry import LOCAL_DESCRIPTORS, PHOTOMETRY
from galfeat.features.scalars import MaskedColumn, ScalarTable
from galfeat.pipeline.extraction.photometry import measure_photometry
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.extraction.scalar_columns import measures_scalars, scalar_vectors
from galfeat.pipeline.extraction.sky_columns import SKY, sky_numbers, sky_table

__all__ = ["Block", "as_block", "catalog_rows", "measure", "measure_columns", "take_rows"]

Block = NDArray[Any] | list[NDArray[np.uint8]]
"""Features of one extractor: (n, k) float32, or n arrays (keypoints, 128) of local descriptors.

NaN is a quantity that could not be measured; it is imputed where a classifier is trained."""


def measure(
    cutouts: Sequence[Cutout], recipe: Recipe, *, strict_bands: bool = False, sky: bool = False
) -> tuple[list[Cutout], dict[str, Block], list[Failure]]:
    """Prepare and measure cutouts; a bad cutout becomes a failure and does not affect the others.

    Parameters
    ----------
    cutouts, recipe, strict_bands
        As for `measure_columns`.
    sky : bool
        Whether there is also a block "sky", of `sky_numbers`.

    Returns
    -------
    cutouts : list of Cutout
        The cutouts that were measured.
    blocks : dict of str to array or list
        What a classifier takes: one block per extractor, rows as in `cutouts`. NaN in a block is a
        quantity that could not be measured.
    failures : list of Failure
        The others, with stage ``prepare`` or ``extract``.
    """
    only_blocks = replace(recipe, photometry=None, errors=False)
    kept, columns, failures = measure_columns(cutouts, only_blocks, strict_bands=strict_bands)
    blocks = {name: as_block(found) for name, found in columns.items() if name != SKY}
    noise = columns.get(SKY)
    if sky and isinstance(noise, ScalarTable):
        blocks[SKY] = sky_numbers(noise)
    return kept, blocks, failures


def measure_columns(
    cutouts: Sequence[Cutout], recipe: Recipe, *, strict_bands: bool = False
) -> tuple[list[Cutout], dict[str, Block | ScalarTable], list[Failure]]:
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
    columns : dict of str to array, list or ScalarTable
        What a feature table takes: one block per extractor, or its table of named quantities, and
        those of the sky and of photometry; rows as in `cutouts`.
    failures : list of Failure
        The others, with stage ``prepare`` or ``extract``; and notes on those that were measured,
        with stage ``note``.
    """
    named = [_match_bands(cutout, recipe.bands, strict_bands) for cutout in cutouts]
    if not recipe.extractors:
        return _only_photometry(cutouts, named, recipe)
    notes: dict[int, str] = {}
    skies = np.full((len(named), len(recipe.bands), NUMBERS), np.nan)
    pixels, reasons = prepare_each(named, recipe.bands, recipe.preparation, notes, skies)
    failures = [_failure(cutouts[row], "prepare", reasons[row]) for row in sorted(reasons)]
    prepared = [row for row in range(len(cutouts)) if row not in reasons]
    if reasons:
        pixels = pixels[prepared]
    reasons = _obstacles(pixels, recipe)
    ready = [named[row] for row in prepared]
    columns, reasons = _measured(pixels, ready, recipe, reasons)
    failures += [
        _failure(cutouts[prepared[row]], "extract", reasons[row]) for row in sorted(reasons)
    ]
    good = [row for place, row in enumerate(prepared) if place not in reasons]
    _note_empty(columns, good, notes)
    if good:
        columns[SKY] = sky_table(skies[good], recipe.bands, recipe.units)
    if recipe.photometry is not None and good:
        columns[PHOTOMETRY] = _photometry([named[row].select(recipe.bands) for row in good], recipe)
    noted = [_failure(cutouts[row], "note", notes[row]) for row in good if row in notes]
    return [cutouts[row] for row in good], columns, failures + noted


def _only_photometry(
    cutouts: Sequence[Cutout], named: Sequence[Cutout], recipe: Recipe
) -> tuple[list[Cutout], dict[str, Block | ScalarTable], list[Failure]]:
    """Measure cutouts by photometry alone, which needs no preparation."""
    kept: list[Cutout] = []
    linear: list[Cutout] = []
    failures: list[Failure] = []
    for cutout, each in zip(cutouts, named, strict=True):
        try:
            linear.append(each.select(recipe.bands))
            kept.append(cutout)
        except CutoutError as error:
            failures.append(_failure(cutout, "extract", f"{PHOTOMETRY}: {error}"))
    return kept, {PHOTOMETRY: _photometry(linear, recipe)} if linear else {}, failures


def _photometry(cutouts: Sequence[Cutout], recipe: Recipe) -> ScalarTable:
    photometry = recipe.measured_photometry
    assert photometry is not None
    return measure_photometry(cutouts, photometry, recipe.bands, recipe.units)


def take_rows(block: Block, rows: NDArray[np.intp]) -> Block:
    """Return the rows of a block with these indices."""
    return [block[row] for row in rows] if isinstance(block, list) else block[rows]


def _match_bands(cutout: Cutout, bands: tuple[str, ...], strict: bool) -> Cutout:
    one_each = len(bands) == 1 and len(cutout.bands) == 1
    if one_each and not strict and (not cutout.named or bands == band_names(1)):
        return replace(cutout, bands=bands)  # one side has no name: no contradiction
    return cutout


def _obstacles(pixels: NDArray[np.float32], recipe: Recipe) -> dict[int, str]:
    """Return why some rows cannot be measured, as the extractors foresee it."""
    reasons: dict[int, str] = {}
    if len(pixels):
        for name, extractor in recipe.extractors.items():
            for row, reason in extractor.reasons(pixels).items():
                reasons.setdefault(row, f"{name}: {reason}")
    return reasons


def _measured(
    pixels: NDArray[np.float32],
    cutouts: Sequence[Cutout],
    recipe: Recipe,
    reasons: Mapping[int, str],
) -> tuple[dict[str, Block | ScalarTable], dict[int, str]]:
    """Measure the rows without a reason; return their columns, and the reasons of all others.

    An extractor may find only while it measures that a vector is undefined.
    """
    reasons = dict(reasons)
    while len(reasons) < len(pixels):
        rows = [row for row in range(len(pixels)) if row not in reasons]
        good = np.ascontiguousarray(pixels[rows]) if reasons else pixels
        columns: dict[str, Block | ScalarTable] = {}
        for name, extractor in recipe.extractors.items():
            try:
                if recipe.has_errors(name):
                    chosen = [cutouts[row] for row in rows]
                    columns[name] = _with_errors(extractor, good, chosen, recipe)
                else:
                    columns[name] = _columns(extractor, good, recipe.bands)
            except CutoutError as error:
                found = {rows[place]: f"{name}: {why}" for place, why in error.reasons.items()}
                if not found:
                    raise
                reasons |= found
                break
        else:
            return columns, reasons
    return {}, reasons


def _note_empty(
    columns: Mapping[str, Block | ScalarTable], rows: Sequence[int], notes: dict[int, str]
) -> None:
    """Add notes on galaxies without local descriptors, whose vector is zero."""
    for name, column in columns.items():
        if name not in LOCAL_DESCRIPTORS or not isinstance(column, list):
            continue
        for row, descriptors in zip(rows, column, strict=True):
            if not len(descriptors):
                said = f"{name}: no keypoint was found, and its vector is zero"
                notes[row] = f"{notes[row]}; {said}" if row in notes else said


def _failure(cutout: Cutout, stage: Literal["prepare", "extract", "note"], reason: str) -> Failure:
    return Failure(cutout.id, cutout.file, stage, reason, cutout.row)


def as_block(found: Block | ScalarTable) -> Block:
    """Return what a classifier takes of an extractor's columns."""
    return scalar_vectors(found) if isinstance(found, ScalarTable) else found


def _columns(
    extractor: Any, pixels: NDArray[np.float32], bands: Sequence[str]
) -> Block | ScalarTable:
    found: Block | ScalarTable
    if measures_scalars(extractor):
        found = extractor.measure_scalars(pixels, bands=bands)
    elif extractor.key in LOCAL_DESCRIPTORS:
        found = extractor.describe(pixels)
    else:
        found = extractor.transform(pixels)
    return found


def _with_errors(
    extractor: Any, pixels: NDArray[np.float32], cutouts: Sequence[Cutout], recipe: Recipe
) -> ScalarTable:
    """Measure named quantities with their errors, from each cutout's noise map if it has one."""
    bands = recipe.bands
    tables: list[ScalarTable] = []
    for row, cutout in enumerate(cutouts):
        noise = prepared_noise(cutout.select(bands), recipe.preparation)
        tables.append(
            extractor.measure_scalars(
                pixels[row : row + 1],
                bands=bands,
                errors=True,
                noise=None if noise is None else noise[None],
            )
        )
    return ScalarTable(
        tables[0].scalars,
        _stacked([table.values for table in tables]),
        _stacked([table.errors for table in tables if table.errors is not None]),
        tuple(reasons for table in tables for reasons in table.reasons),
    )


def _stacked(parts: Sequence[MaskedColumn]) -> MaskedColumn:
    """Return the rows of masked arrays, one below the other."""
    stacked: MaskedColumn = np.ma.MaskedArray(
        np.concatenate([part.data for part in parts]),
        mask=np.concatenate([np.ma.getmaskarray(part) for part in parts]),
    )
    return stacked


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
