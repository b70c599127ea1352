"""Load the data of a comparison: labeled galaxies, measured, with groups and external test set."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from galfeat import UsageError
from galfeat.data import Failure, Source
from galfeat.pipeline.comparison.inputs import RANDOM, feature_parts, random_block
from galfeat.pipeline.comparison.loading.labeled_blocks import ExternalTestSet, LabeledBlocks
from galfeat.pipeline.comparison.loading.measured_galaxies import MeasuredGalaxies, measure_source
from galfeat.pipeline.comparison.loading.select_galaxies import (
    catalog_labels,
    select_external,
    select_galaxies,
)
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.extraction.recipe import Recipe
from galfeat.pipeline.models.train import labeled_rows

__all__ = ["Dataset", "load_dataset"]

_MIN_PER_FOLD = 3  # galaxies: with fewer, the training part cannot be split for the search

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Data of a comparison: galaxies, external test set, and what was left out.

    Parameters
    ----------
    recipe : Recipe
        How the cutouts were prepared and measured.
    galaxies : MeasuredGalaxies
        Those that take part.
    sample : LabeledBlocks
        Their feature blocks, with blocks of random numbers for the controls.
    external_galaxies : MeasuredGalaxies or None
        Those of the test source that can be tested on.
    left_out : mapping of str to int
        Why galaxies take no part, and how many; reads as "3 without a label".
    notes : tuple of str
        Sentences for the report on duplicates, groups and missing classes.
    """

    recipe: Recipe
    galaxies: MeasuredGalaxies
    sample: LabeledBlocks
    external_galaxies: MeasuredGalaxies | None
    left_out: Mapping[str, int]
    notes: tuple[str, ...]

    @cached_property
    def external(self) -> ExternalTestSet | None:
        """External test set, if there is a test source."""
        galaxies = self.external_galaxies
        return None if galaxies is None else ExternalTestSet(galaxies.blocks, galaxies.labels)

    @property
    def failures(self) -> list[Failure]:
        """Cutouts of both sources that could not be measured."""
        galaxies = self.external_galaxies
        return [*self.galaxies.failures, *(galaxies.failures if galaxies else ())]


def load_dataset(
    source: Source,
    recipe: Recipe,
    label: str,
    *,
    n_folds: int,
    n_perturbed: int,
    seed: int,
    test_source: Source | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Read, measure and select the galaxies of a comparison.

    Parameters
    ----------
    source : Source
    recipe : Recipe
        Its extractors need to be those of the comparison.
    label : str
        Catalog column with the classes.
    n_folds : int
        Classes with fewer galaxies are left out.
    n_perturbed : int
        Number of galaxies whose unprepared cutouts are kept, to be perturbed.
    seed : int
        Of the choice of these galaxies and of the random blocks.
    test_source : Source, optional
        Another survey with the same bands and classes.
    workers : int, optional
        Threads.
    progress : callable, optional
        See `measure_source`; called for both sources.

    Raises
    ------
    UsageError
        If a source has no such column, no cutout can be measured, fewer than two classes are left,
        or there are too few galaxies for the folds.
    """
    # labels are checked before the cutouts are measured, which takes much longer
    if test_source is not None:
        catalog_labels(test_source, label, "the catalog of the other source")
    rows, _ = labeled_rows(catalog_labels(source, label), label, n_folds)
    kept = np.random.default_rng(seed).permutation(rows)[:n_perturbed].tolist()
    measured = measure_source(
        source, recipe, label, keep_raw=set(kept), workers=workers, progress=progress
    )
    galaxies, left_out = select_galaxies(measured, label, n_folds)
    if len(galaxies.labels) < _MIN_PER_FOLD * n_folds:
        raise UsageError(
            f"{n_folds} folds need at least {_MIN_PER_FOLD * n_folds} galaxies to learn from; "
            f"{len(galaxies.labels)} can take part"
        )
    external: MeasuredGalaxies | None = None
    missing: tuple[str, ...] = ()
    if test_source is not None:
        external, more, missing = _load_external(
            test_source, recipe, label, galaxies, workers=workers, progress=progress
        )
        left_out |= more
    groups, notes = galaxies.groups()
    size = recipe.preparation.size
    sample = LabeledBlocks(
        _with_random_blocks(galaxies.blocks, recipe.extractors, seed),
        galaxies.labels,
        groups,
        (len(recipe.bands), size, size),
        seed,
    )
    return Dataset(recipe, galaxies, sample, external, left_out, (*notes, *missing))


def _load_external(
    source: Source,
    recipe: Recipe,
    label: str,
    galaxies: MeasuredGalaxies,
    *,
    workers: int | None,
    progress: Progress | None,
) -> tuple[MeasuredGalaxies, dict[str, int], tuple[str, ...]]:
    """Return external test galaxies, counts of those left out, and notes on missing classes."""
    try:
        measured = measure_source(source, recipe, label, workers=workers, progress=progress)
    except UsageError as error:
        raise UsageError(f"the other source: {error}") from error
    classes = sorted(set(galaxies.labels.tolist()))
    external, left_out = select_external(measured, galaxies, classes, label)
    missing = sorted(set(classes) - set(external.labels.tolist()))
    if not missing:
        return external, left_out, ()
    note = (
        f"The other source has no galaxy of {', '.join(missing)}: if a galaxy is "
        "predicted as one of these, macro-F1 there includes an F1 of 0, and is lower than here for "
        "that reason alone."
    )
    return external, left_out, (note,)


def _with_random_blocks(
    blocks: Mapping[str, Block], extractors: Collection[str], seed: int
) -> dict[str, Block]:
    parts = feature_parts(tuple(extractors))
    random = {
        f"{RANDOM} {part.column}": random_block(blocks[part.column], seed + place)
        for place, part in enumerate(parts)
    }
    return {**blocks, **random}
