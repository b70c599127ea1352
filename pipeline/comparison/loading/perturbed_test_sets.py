"""Perturbed test sets: the test galaxies of a fold, measured again under each perturbation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.batch.unforeseen import isolate
from galfeat.pipeline.comparison.loading.labeled_blocks import PerturbedGalaxies
from galfeat.pipeline.comparison.loading.measured_galaxies import (
    MeasuredGalaxies,
    concatenate_blocks,
    measure_cutouts,
)
from galfeat.pipeline.comparison.loading.perturbations import UNPERTURBED, perturb
from galfeat.pipeline.extraction.recipe import Recipe

__all__ = ["PerturbedTestSets", "perturbed_test_sets"]


@dataclass(frozen=True, eq=False)
class PerturbedTestSets:
    """Perturbations of a sample, measured fold by fold when they are needed.

    Parameters
    ----------
    rows : array of int
        Galaxies of the sample whose unprepared cutouts are at hand.
    conditions : sequence of (str, float)
        Kind and strength of each perturbation.
    measure : callable
        Called with rows, kind and strength; returns `PerturbedGalaxies`.
    """

    rows: NDArray[np.intp]
    conditions: Sequence[tuple[str, float]]
    measure: Callable[[NDArray[np.intp], str, float], PerturbedGalaxies]

    def of_fold(
        self, test: NDArray[np.bool_], apply: Callable[..., Iterable[PerturbedGalaxies]] = map
    ) -> list[PerturbedGalaxies]:
        """Return the perturbed test galaxies: unperturbed ones of every kind first.

        Parameters
        ----------
        test : array of bool, shape (n,)
            Which galaxies of the sample are tested.
        apply : callable
            ``map``, or that of a thread pool.
        """
        rows = self.rows[test[self.rows]]
        if not len(rows):
            return []
        unperturbed = self.measure(rows, "shift", UNPERTURBED["shift"])
        starts = [
            replace(unperturbed, kind=kind, strength=UNPERTURBED[kind])
            for kind in dict.fromkeys(kind for kind, _ in self.conditions)
        ]
        found = apply(lambda condition: self.measure(rows, *condition), self.conditions)
        return [each for each in (*starts, *found) if len(each.rows)]


def perturbed_test_sets(
    galaxies: MeasuredGalaxies, recipe: Recipe, conditions: Sequence[tuple[str, float]]
) -> PerturbedTestSets:
    """Return the perturbations of those galaxies whose unprepared cutouts were kept.

    Parameters
    ----------
    galaxies : MeasuredGalaxies
    recipe : Recipe
        How the galaxies were measured.
    conditions : sequence of (str, float)
        Kind and strength of each perturbation.
    """
    ids = galaxies.ids.tolist()

    def measure(rows: NDArray[np.intp], kind: str, strength: float) -> PerturbedGalaxies:
        size = recipe.preparation.size
        cutouts = [perturb(galaxies.raw[ids[row]], kind, strength, size) for row in rows]
        # one that cannot be measured any more is left out, for whatever reason
        measured, _ = isolate(lambda some: measure_cutouts(some, recipe), cutouts)
        kept = [cutout for found, _, _ in measured for cutout in found]
        blocks = concatenate_blocks([found for _, found, _ in measured if found])
        row_of = {cutout.id: row for cutout, row in zip(cutouts, rows.tolist(), strict=True)}
        kept_rows = np.array([row_of[cutout.id] for cutout in kept], dtype=np.intp)
        return PerturbedGalaxies(kind, strength, kept_rows, blocks)

    rows = [row for row, name in enumerate(ids) if name in galaxies.raw]
    return PerturbedTestSets(np.array(rows, dtype=np.intp), conditions, measure)
