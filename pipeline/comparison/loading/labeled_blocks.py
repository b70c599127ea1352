"""Feature blocks of labeled galaxies: the sample of a comparison and its two kinds of test set."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.extraction.measure import Block

__all__ = ["ExternalTestSet", "LabeledBlocks", "PerturbedGalaxies"]


@dataclass(frozen=True, eq=False)
class LabeledBlocks:
    """Feature blocks, labels and groups of the galaxies that are cross-validated.

    Parameters
    ----------
    blocks : mapping of str to array or list
        One per extractor; a row, or an array of local descriptors, per galaxy.
    labels : array of str, shape (n,)
        True classes.
    groups : array of int, shape (n,)
        Galaxies with the same number stay on one side of every split.
    shape : tuple of int
        Bands, rows and columns of the prepared cutouts.
    seed : int
    """

    blocks: Mapping[str, Block]
    labels: NDArray[np.str_]
    groups: NDArray[np.intp]
    shape: tuple[int, int, int]
    seed: int

    @property
    def classes(self) -> list[str]:
        """Names of the classes, sorted."""
        return sorted(set(self.labels.tolist()))


@dataclass(frozen=True, eq=False)
class PerturbedGalaxies:
    """Feature blocks of test galaxies under one perturbation.

    Parameters
    ----------
    kind : str
        A key of `galfeat.pipeline.comparison.loading.perturbations.UNPERTURBED`.
    strength : float
    rows : array of int
        Rows of the sample that could be measured under this perturbation.
    blocks : mapping of str to array or list
        One row per entry of `rows`.
    """

    kind: str
    strength: float
    rows: NDArray[np.intp]
    blocks: Mapping[str, Block]


@dataclass(frozen=True, eq=False)
class ExternalTestSet:
    """Feature blocks and labels of another survey, for tests only.

    Parameters
    ----------
    blocks : mapping of str to array or list
    labels : array of str, shape (n,)
    """

    blocks: Mapping[str, Block]
    labels: NDArray[np.str_]
