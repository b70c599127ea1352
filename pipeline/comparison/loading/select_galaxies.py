"""Select the galaxies of a source that take part in a comparison, and count the others."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import Source
from galfeat.features import EXTRACTORS
from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.loading.measured_galaxies import MeasuredGalaxies
from galfeat.pipeline.evaluation.cross_validation import (
    close_positions,
    connected_groups,
    identical_images,
)
from galfeat.pipeline.evaluation.groups import coordinates
from galfeat.pipeline.extraction.feature_table import class_labels
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.extraction.scalar_columns import measures_scalars
from galfeat.pipeline.models.train import labeled_rows

__all__ = ["catalog_labels", "select_external", "select_galaxies"]


def catalog_labels(source: Source, label: str, whose: str = "the catalog") -> NDArray[np.str_]:
    """Return the labels in the catalog of a source, "" where there is none.

    Parameters
    ----------
    source : Source
    label : str
        Catalog column with the classes.
    whose : str
        Subject of the error message.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    if source.catalog is None or label not in source.catalog.column_names:
        there = (
            ", ".join(source.catalog.column_names)
            if source.catalog is not None
            else "there is no catalog"
        )
        raise UsageError(f"{whose} needs a column '{label}' with the classes; it has: {there}")
    return class_labels(source.catalog, label)


def select_galaxies(
    galaxies: MeasuredGalaxies, label: str, n_folds: int
) -> tuple[MeasuredGalaxies, dict[str, int]]:
    """Return the galaxies that take part, and how many do not by reason.

    Left out are galaxies without a label, with features that are not finite, or of classes with
    fewer groups than folds. The reasons read as "3 without a label".

    Raises
    ------
    UsageError
        If fewer than two classes are left.
    """
    finite = _finite_rows(galaxies.blocks)
    labels = np.where(finite, galaxies.labels, "")
    rows, unlabeled = labeled_rows(labels, label, n_folds, galaxies.groups()[0])
    broken = int(np.count_nonzero(~finite & (galaxies.labels != "")))
    names = sorted(set(labels.tolist()) - set(labels[rows].tolist()) - {""})
    alone = all(np.count_nonzero(labels == name) < n_folds for name in names)
    rare = (
        f"of classes with fewer galaxies{'' if alone else ', or groups of them,'} than the "
        f"{n_folds} folds ({', '.join(names)})"
    )
    counts = {
        "without a label": unlabeled - broken,
        rare: len(labels) - unlabeled - len(rows),
        "with features that are not finite": broken,
        "that could not be measured (report.failures.csv says why)": len(galaxies.failures),
    }
    return galaxies.take(rows), {reason: count for reason, count in counts.items() if count}


def select_external(
    external: MeasuredGalaxies, galaxies: MeasuredGalaxies, classes: list[str], label: str
) -> tuple[MeasuredGalaxies, dict[str, int]]:
    """Return the galaxies of the test source that can be tested on, and how many cannot by reason.

    They have a class that is trained on, and are not among the training galaxies.

    Raises
    ------
    UsageError
        If none are left.
    """
    known = np.isin(external.labels, classes)
    finite = _finite_rows(external.blocks)
    duplicate = _duplicates(external, galaxies)
    rows = np.flatnonzero(known & finite & ~duplicate)
    if not len(rows):
        had = ", ".join(sorted(set(external.labels.tolist()) - {""})) or "none"
        same = int(np.count_nonzero(duplicate))
        why = (
            (
                f"; {same:,} of its {len(duplicate):,} galaxies are among those trained on (the "
                "same position or image)"
            )
            if same
            else ""
        )
        raise UsageError(
            f"the other source has no galaxy to test on; the classes in its column '{label}' are "
            f"{had}, here {', '.join(classes)}{why}"
        )
    others = Counter(external.labels[~known & (external.labels != "")].tolist())
    counts = {
        "of the other source without a label": int(np.count_nonzero(external.labels == "")),
        "of the other source of classes that are not trained on "
        f"({', '.join(sorted(others))})": sum(others.values()),
        "of the other source that are among the training galaxies "
        "(the same position or image)": int(np.count_nonzero(duplicate & known)),
        "of the other source with features that are not finite": int(
            np.count_nonzero(~finite & known & ~duplicate)
        ),
        "of the other source that could not be measured": len(external.failures),
    }
    return external.take(rows), {reason: count for reason, count in counts.items() if count}


def _finite_rows(blocks: dict[str, Block]) -> NDArray[np.bool_]:
    """Return which galaxies have finite features only, shape (n,).

    Named quantities may have gaps, which are filled in where a network is trained.
    """
    gappy = {name for name, kind in EXTRACTORS.items() if measures_scalars(kind)}
    good = np.ones(len(next(iter(blocks.values()))), dtype=bool)
    for name, block in blocks.items():
        if not isinstance(block, list) and name not in gappy:
            good &= np.isfinite(block).all(axis=1)
    return good


def _duplicates(external: MeasuredGalaxies, galaxies: MeasuredGalaxies) -> NDArray[np.bool_]:
    """Return which external galaxies have the position or image of a training galaxy."""
    pixels = [np.asarray(each.blocks[PIXELS.name]) for each in (galaxies, external)]
    n = len(pixels[0])
    same_shape = pixels[0].shape[1] == pixels[1].shape[1]
    pairs = [identical_images(np.concatenate(pixels))] if same_shape else []
    sky = [coordinates(each.catalog) for each in (galaxies, external)]
    if sky[0] is not None and sky[1] is not None:
        pairs.append(
            close_positions(
                np.concatenate([sky[0][0], sky[1][0]]), np.concatenate([sky[0][1], sky[1][1]])
            )
        )
    groups = connected_groups(n + len(pixels[1]), pairs)
    found: NDArray[np.bool_] = np.isin(groups[n:], groups[:n])
    return found
