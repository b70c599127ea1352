"""Labelled galaxies of a source, measured in every way that the comparison asks for."""

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from galfeat import CutoutError, UsageError
from galfeat.data import Cutout, Failure, Reading, Shard, Source, align
from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.cross_validation import (
    families,
    image_twins,
    labels_twins,
    position_twins,
)
from galfeat.pipeline.comparison.morphology_statistics import SHAPE, shape_numbers
from galfeat.pipeline.extraction.feature_table import class_labels, column_text
from galfeat.pipeline.extraction.measure import Block, measure, take_rows
from galfeat.pipeline.extraction.recipe import Recipe

__all__ = ["ALIGNED", "NUISANCE", "Galaxies", "gather", "measured_blocks"]

ALIGNED = "aligned"  # the pixels after `galfeat.data.align`
# what should not tell the class: total flux, size, sky and noise of the cutout
NUISANCE = "nuisance"
_RAW_BYTES = 384 * 2**20  # of unprepared cutouts that are kept in memory, to be altered
_COORDINATES = (
    ("ra", "dec"),
    ("RA", "DEC"),
    ("RAJ2000", "DEJ2000"),
    ("ALPHA_J2000", "DELTA_J2000"),
    ("_RAJ2000", "_DEJ2000"),
)


@dataclass(frozen=True, eq=False)
class Galaxies:
    """Measured galaxies.

    Parameters
    ----------
    catalog : pyarrow.Table
        One row a galaxy.
    labels : array of str, shape (n,)
        ``""`` where there is none.
    blocks : dict of str to array or list
        One an extractor, `SHAPE`, `ALIGNED` and `NUISANCE`.
    failures : list of Failure
    raw : dict of str to Cutout
        Some of the galaxies before preparation, by id.
    """

    catalog: pa.Table
    labels: NDArray[np.str_]
    blocks: dict[str, Block]
    failures: list[Failure]
    raw: dict[str, Cutout] = field(default_factory=dict)

    @property
    def ids(self) -> NDArray[np.str_]:
        """Name of each galaxy."""
        return column_text(self.catalog, "id")

    def take(self, rows: NDArray[np.intp]) -> "Galaxies":
        """Return some of the galaxies."""
        blocks = {name: take_rows(block, rows) for name, block in self.blocks.items()}
        kept = self.catalog.take(pa.array(rows, type=pa.int64()))
        return Galaxies(kept, self.labels[rows], blocks, self.failures, self.raw)

    def family(self) -> tuple[NDArray[np.intp], list[str]]:
        """Return a number a galaxy, the same for those that must stay on one side of a split, and
        sentences that say why.
        """
        pixels = self.blocks[PIXELS.name]
        assert not isinstance(pixels, list)
        ties, notes = [image_twins(pixels)], []
        coordinates = self.coordinates()
        if coordinates is not None:
            ties.append(position_twins(*coordinates))
        twins = families(len(pixels), ties)
        repeated = len(twins) - len(np.unique(twins))
        if repeated:
            contradictions = len(set(zip(twins.tolist(), self.labels.tolist(), strict=True))) - len(
                np.unique(twins)
            )
            notes.append(
                (
                    f"{repeated} entries show a galaxy that stands in the catalogue already (the "
                    "same "
                    "position or image); always in one fold."
                )
                + (f" {contradictions} of them have another class there." if contradictions else "")
            )
        if "group" in self.catalog.column_names:
            ties.append(labels_twins(column_text(self.catalog, "group")))
            notes.append(
                "Galaxies with the same entry in the catalogue's column 'group' are always in one "
                "fold."
            )
        return families(len(pixels), ties), notes

    def coordinates(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return right ascension and declination in degrees, NaN where unknown.

        None where the catalogue has no such columns.
        """
        for names in _COORDINATES:
            if set(names) <= set(self.catalog.column_names):
                ra, dec = (_numbers(self.catalog, name) for name in names)
                return ra, dec
        return None


def _numbers(catalog: pa.Table, name: str) -> NDArray[np.float64]:
    found = []
    for text in column_text(catalog, name).tolist():
        try:
            found.append(float(text))
        except ValueError:
            found.append(np.nan)
    return np.array(found, dtype=np.float64)


def gather(
    source: Source,
    recipe: Recipe,
    label: str,
    *,
    keep_raw: Collection[int] = (),
    workers: int | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> Galaxies:
    """Read and measure all cutouts of a source.

    Parameters
    ----------
    source : Source
    recipe : Recipe
        Its extractors need to be those of the comparison.
    label : str
        Catalogue column with the classes.
    keep_raw : collection of int
        Rows of the catalogue whose galaxies are kept as they were before preparation, as far as
        memory allows.
    workers : int, optional
        Threads.
    progress : callable, optional
        Called with the entries done, the entries there are, and the failures so far.

    Raises
    ------
    UsageError
        If no cutout could be measured.
    """
    wanted = set(keep_raw)
    shards = source.shards(64)
    found: list[tuple[list[Cutout], dict[str, Block], list[Failure]]] = []
    raw: dict[str, Cutout] = {}
    room, failed = _RAW_BYTES, 0
    with threadpool_limits(1), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for shard, part in zip(
            shards, pool.map(lambda each: _measured(source, each, recipe), shards), strict=True
        ):
            for cutout in part[0]:
                if cutout.row in wanted and cutout.pixels.nbytes <= room:
                    room -= cutout.pixels.nbytes
                    raw[cutout.id] = cutout
            slim = [_without_pixels(cutout) for cutout in part[0]]
            found.append((slim, part[1], part[2]))
            failed += len(part[2])
            if progress:
                progress(shard.stop, len(source), failed)
    failures = [failure for part in found for failure in part[2]]
    good = [part for part in found if part[0]]
    if not good:
        why = f"; the first: {failures[0].file}: {failures[0].reason}" if failures else ""
        raise UsageError(f"none of the {len(failures)} cutouts could be measured{why}")
    catalog = _catalog(source, [cutout for part in good for cutout in part[0]])
    blocks = {name: _joined([part[1][name] for part in good]) for name in good[0][1]}
    return Galaxies(catalog, class_labels(catalog, label), blocks, failures, raw)


def measured_blocks(
    cutouts: Sequence[Cutout], recipe: Recipe
) -> tuple[list[Cutout], dict[str, Block], list[Failure]]:
    """Prepare and measure cutouts.

    As `measure`, and with the blocks `SHAPE`, `ALIGNED` and `NUISANCE`.
    """
    kept, blocks, failures = measure(cutouts, recipe)
    if kept:
        size = recipe.preparation.size
        images = np.asarray(blocks[PIXELS.name]).reshape(len(kept), len(recipe.bands), size, size)
        blocks[SHAPE] = shape_numbers(images)
        blocks[ALIGNED] = np.nan_to_num(align(images), nan=0.0).reshape(len(kept), -1)
        blocks[NUISANCE] = np.array(
            [_nuisance(cutout, recipe.bands) for cutout in kept], dtype=np.float32
        )
    return kept, blocks, failures


def _measured(
    source: Source, shard: Shard, recipe: Recipe
) -> tuple[list[Cutout], dict[str, Block], list[Failure]]:
    reading: Reading = source.read(shard)
    kept, blocks, failures = measured_blocks(reading.cutouts, recipe)
    return kept, blocks, [*reading.failures, *failures]


def _nuisance(cutout: Cutout, bands: tuple[str, ...]) -> list[float]:
    """Return sky and noise of each band.

    Of the bands together the total flux and the part of the image that is bright; the cutout's
    size.

    The total flux is in units of the noise, and goes through asinh since it may be negative. Not
    one flux a band: that would be colour.
    """
    with suppress(CutoutError):  # one band may have another name
        cutout = cutout.select(bands)
    numbers, fluxes, bright = [], [], []
    for band in cutout.pixels.astype(np.float64):
        good = band[np.isfinite(band)]
        width = max(1, min(band.shape) // 10)
        frame = np.concatenate(
            [
                band[:width].ravel(),
                band[-width:].ravel(),
                band[:, :width].ravel(),
                band[:, -width:].ravel(),
            ]
        )
        frame = frame[np.isfinite(frame)] if np.isfinite(frame).any() else good
        sky = float(np.median(frame))
        noise = 1.4826 * float(np.median(np.abs(frame - sky))) or float(good.std()) or 1.0
        numbers += [np.arcsinh(sky / noise), np.log(noise)]
        fluxes.append(float((good - sky).sum()) / noise)
        bright.append(float((good > sky + 3 * noise).mean()))
    return [
        *numbers,
        np.arcsinh(sum(fluxes)),
        float(np.mean(bright)),
        np.log(cutout.pixels.shape[1]),
        np.log(cutout.pixels.shape[2]),
    ]


def _without_pixels(cutout: Cutout) -> Cutout:
    return Cutout(
        cutout.id,
        np.empty((len(cutout.bands), 0, 0), dtype=np.float32),
        cutout.bands,
        cutout.file,
        row=cutout.row,
    )


def _catalog(source: Source, cutouts: Sequence[Cutout]) -> pa.Table:
    assert source.catalog is not None  # the comparison has looked for the labels in it
    ids = pa.array([cutout.id for cutout in cutouts], type=pa.string())
    rows = source.catalog.take(pa.array([cutout.row for cutout in cutouts], type=pa.int64()))
    others = [name for name in rows.column_names if name != "id"]
    return pa.table([ids, *(rows.column(name) for name in others)], names=["id", *others])


def _joined(parts: Sequence[Block]) -> Block:
    if isinstance(parts[0], list):
        return [each for part in parts for each in part]
    return np.concatenate([np.asarray(part) for part in parts])
