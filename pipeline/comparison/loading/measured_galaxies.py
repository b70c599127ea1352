"""Measured galaxies of a source: catalog, labels and the feature blocks of the comparison."""

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from galfeat import CutoutError, UsageError
from galfeat.data import Cutout, Failure, Shard, Source, align
from galfeat.data.preparation.steps import working_bytes
from galfeat.features.registry import PIXELS
from galfeat.pipeline.batch.chunks import read_chunks
from galfeat.pipeline.batch.unforeseen import UnforeseenLimit, isolate
from galfeat.pipeline.comparison.loading.classic import with_classic
from galfeat.pipeline.evaluation.groups import galaxy_groups
from galfeat.pipeline.extraction.feature_table import class_labels, column_text
from galfeat.pipeline.extraction.measure import Block, measure, take_rows
from galfeat.pipeline.extraction.recipe import Recipe

__all__ = [
    "ALIGNED",
    "NUISANCE",
    "MeasuredGalaxies",
    "concatenate_blocks",
    "measure_cutouts",
    "measure_source",
]

ALIGNED = "aligned"
"""Block of the pixels after `galfeat.data.align`."""
NUISANCE = "nuisance"
"""Block of total flux, size, sky and noise of the cutout, which should not tell the class."""
_RAW_BYTES = 384 * 2**20  # of unprepared cutouts that are kept in memory, to be perturbed

_Measured = tuple[list[Cutout], dict[str, Block], list[Failure]]


@dataclass(frozen=True, eq=False)
class MeasuredGalaxies:
    """Labeled galaxies of a source with their feature blocks.

    Parameters
    ----------
    catalog : pyarrow.Table
        One row per galaxy.
    labels : array of str, shape (n,)
        ``""`` where there is none.
    blocks : dict of str to array or list
        One per extractor, and `ALIGNED` and `NUISANCE`.
    failures : list of Failure
    raw : dict of str to Cutout
        Unprepared cutouts of some of the galaxies, by id.
    """

    catalog: pa.Table
    labels: NDArray[np.str_]
    blocks: dict[str, Block]
    failures: list[Failure]
    raw: dict[str, Cutout] = field(default_factory=dict)

    @property
    def ids(self) -> NDArray[np.str_]:
        """Names of the galaxies."""
        return column_text(self.catalog, "id")

    def take(self, rows: NDArray[np.intp]) -> "MeasuredGalaxies":
        """Return the galaxies of the given rows."""
        blocks = {name: take_rows(block, rows) for name, block in self.blocks.items()}
        kept = self.catalog.take(pa.array(rows, type=pa.int64()))
        return MeasuredGalaxies(kept, self.labels[rows], blocks, self.failures, self.raw)

    def groups(self) -> tuple[NDArray[np.intp], list[str]]:
        """Group the galaxies that must stay on one side of every split.

        Returns
        -------
        groups : array of int, shape (n,)
            The same number for duplicates (by position or image) and for equal entries in the
            catalog column ``group``.
        notes : list of str
            Sentences for the report.
        """
        pixels = self.blocks[PIXELS.name]
        assert not isinstance(pixels, list)
        return galaxy_groups(self.catalog, self.labels, pixels)


def measure_source(
    source: Source,
    recipe: Recipe,
    label: str,
    *,
    keep_raw: Collection[int] = (),
    workers: int | None = None,
    progress: Callable[[int, int, int], None] | None = None,
) -> MeasuredGalaxies:
    """Read, prepare and measure all cutouts of a source.

    Parameters
    ----------
    source : Source
    recipe : Recipe
        Its extractors need to be those of the comparison.
    label : str
        Catalog column with the classes.
    keep_raw : collection of int
        Catalog rows whose unprepared cutouts are kept, as far as the memory limit allows.
    workers : int, optional
        Threads.
    progress : callable, optional
        Called with the number of finished entries, their total, and the failures so far.

    Raises
    ------
    UsageError
        If no cutout could be measured, or too many failed by one unforeseen exception.
    """
    wanted, free_bytes, failed = set(keep_raw), _RAW_BYTES, 0
    shards = source.shards(64)
    measured: list[_Measured] = []
    unforeseen = UnforeseenLimit()
    raw: dict[str, Cutout] = {}
    with threadpool_limits(1), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        results = pool.map(lambda shard: _measure_shard(source, shard, recipe, wanted), shards)
        for shard, (cutouts, blocks, failures) in zip(shards, results, strict=True):
            for cutout in cutouts:
                if cutout.row in wanted and cutout.pixels.nbytes <= free_bytes:
                    free_bytes -= cutout.pixels.nbytes
                    raw[cutout.id] = cutout
            measured.append(([_without_pixels(cutout) for cutout in cutouts], blocks, failures))
            failed += len(failures)
            unforeseen.add(failures)
            unforeseen.check(sum(map(len, shards[: len(measured)])))
            if progress:
                progress(shard.stop, len(source), failed)
    return _collect(source, measured, label, raw)


def _collect(
    source: Source, measured: Sequence[_Measured], label: str, raw: dict[str, Cutout]
) -> MeasuredGalaxies:
    """Concatenate the measured shards of a source."""
    failures = [failure for *_, of_shard in measured for failure in of_shard]
    nonempty = [shard for shard in measured if shard[0]]
    if not nonempty:
        why = f"; the first: {failures[0].file}: {failures[0].reason}" if failures else ""
        raise UsageError(f"none of the {len(failures)} cutouts could be measured{why}")
    catalog = _catalog(source, [cutout for cutouts, *_ in nonempty for cutout in cutouts])
    blocks = concatenate_blocks([of_shard for _, of_shard, _ in nonempty])
    return MeasuredGalaxies(catalog, class_labels(catalog, label), blocks, failures, raw)


def measure_cutouts(cutouts: Sequence[Cutout], recipe: Recipe) -> _Measured:
    """Prepare and measure cutouts, with the additional blocks of the comparison.

    These are `ALIGNED`, `NUISANCE` and those of the lecture's extractors. Parameters and
    result are those of `measure`.
    """
    kept, blocks, found = measure(cutouts, with_classic(recipe))
    failures = [failure for failure in found if not failure.is_note]
    if kept:
        size = recipe.preparation.size
        images = np.asarray(blocks[PIXELS.name]).reshape(len(kept), len(recipe.bands), size, size)
        blocks[ALIGNED] = np.nan_to_num(align(images), nan=0.0).reshape(len(kept), -1)
        blocks[NUISANCE] = np.array(
            [_nuisance_numbers(cutout, recipe.bands) for cutout in kept], dtype=np.float32
        )
    return kept, blocks, failures


def _measure_shard(
    source: Source, shard: Shard, recipe: Recipe, keep_raw: Collection[int]
) -> _Measured:
    """Measure a shard; cutouts whose pixels are not to be kept are returned without."""
    kept: list[Cutout] = []
    parts: list[dict[str, Block]] = []
    failures: list[Failure] = []
    shape = len(recipe.bands), recipe.preparation.size
    working = partial(working_bytes, preparation=recipe.preparation)
    with closing(read_chunks(source, shard, shape, working)) as chunks:
        for cutouts, unread in chunks:
            results, failed = isolate(partial(measure_cutouts, recipe=recipe), cutouts)
            failures += unread + failed
            for measured, blocks, unmeasured in results:
                kept += [
                    each if each.row in keep_raw else _without_pixels(each) for each in measured
                ]
                parts += [blocks] if measured else []
                failures += unmeasured
    return kept, concatenate_blocks(parts), failures


def _nuisance_numbers(cutout: Cutout, bands: tuple[str, ...]) -> list[float]:
    """Return sky and noise of each band, then total flux, bright fraction and size of the cutout.

    The total flux is in units of the noise, and as an asinh since it may be negative. It is summed
    over the bands: one flux per band would be color information.
    """
    with suppress(CutoutError):  # a single band may have another name
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
    assert source.catalog is not None  # `catalog_labels` has checked it
    ids = pa.array([cutout.id for cutout in cutouts], type=pa.string())
    rows = source.catalog.take(pa.array([cutout.row for cutout in cutouts], type=pa.int64()))
    others = [name for name in rows.column_names if name != "id"]
    return pa.table([ids, *(rows.column(name) for name in others)], names=["id", *others])


def concatenate_blocks(parts: Sequence[dict[str, Block]]) -> dict[str, Block]:
    """Return the blocks of several sets of galaxies as those of one; none of none."""
    names = parts[0] if parts else ()
    return {name: _concatenate([part[name] for part in parts]) for name in names}


def _concatenate(parts: Sequence[Block]) -> Block:
    if isinstance(parts[0], list):
        return [each for part in parts for each in part]
    return np.concatenate([np.asarray(part) for part in parts])
