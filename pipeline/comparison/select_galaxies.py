"""Which galaxies of a source take part in a comparison, and why the others do not."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import Source
from galfeat.features.registry import PIXELS
from galfeat.pipeline.comparison.cross_validation import families, image_twins, position_twins
from galfeat.pipeline.comparison.dataset import Galaxies
from galfeat.pipeline.extraction.feature_table import class_labels
from galfeat.pipeline.extraction.measure import Block
from galfeat.pipeline.models.train import labeled_rows

__all__ = ["chosen", "chosen_elsewhere", "labels_of"]


def labels_of(source: Source, label: str, whose: str = "the catalogue") -> NDArray[np.str_]:
    """Return the classes in the catalogue; "" where there is none.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    if source.catalog is None or label not in source.catalog.column_names:
        there = (
            ", ".join(source.catalog.column_names)
            if source.catalog is not None
            else "there is no catalogue"
        )
        raise UsageError(f"{whose} needs a column '{label}' with the classes; it has: {there}")
    return class_labels(source.catalog, label)


def chosen(galaxies: Galaxies, label: str, n_folds: int) -> tuple[Galaxies, dict[str, int]]:
    """Return the galaxies that take part, and how many do not and why.

    The reasons read as "3 without a label".

    Raises
    ------
    UsageError
        If fewer than two classes are left.
    """
    finite = finite_rows(galaxies.blocks)
    labels = np.where(finite, galaxies.labels, "")
    rows, unlabelled = labeled_rows(labels, label, n_folds, galaxies.family()[0])
    broken = int(np.count_nonzero(~finite & (galaxies.labels != "")))
    names = sorted(set(labels.tolist()) - set(labels[rows].tolist()) - {""})
    alone = all(np.count_nonzero(labels == name) < n_folds for name in names)
    rare = (
        f"of classes with fewer galaxies{'' if alone else ', or groups of them,'} than the "
        f"{n_folds} folds ({', '.join(names)})"
    )
    counts = {
        "without a label": unlabelled - broken,
        rare: len(labels) - unlabelled - len(rows),
        "with features that are no finite numbers": broken,
        "that could not be measured (report.failures.csv says why)": len(galaxies.failures),
    }
    return galaxies.take(rows), {reason: count for reason, count in counts.items() if count}


def chosen_elsewhere(
    other: Galaxies, here: Galaxies, classes: list[str], label: str
) -> tuple[Galaxies, dict[str, int]]:
    """Return the galaxies of the other source that can be tested on.

    Of known classes, and not among those here.

    Raises
    ------
    UsageError
        If none are left.
    """
    known = np.isin(other.labels, classes)
    finite = finite_rows(other.blocks)
    twin = _twins(other, here)
    rows = np.flatnonzero(known & finite & ~twin)
    if not len(rows):
        had = ", ".join(sorted(set(other.labels.tolist()) - {""})) or "none"
        same = int(np.count_nonzero(twin))
        why = (
            (
                f"; {same:,} of its {len(twin):,} galaxies are among those trained on (the same "
                "position or image)"
            )
            if same
            else ""
        )
        raise UsageError(
            f"the other source has no galaxy to test on; the classes in its column '{label}' are "
            f"{had}, here {', '.join(classes)}{why}"
        )
    others = Counter(other.labels[~known & (other.labels != "")].tolist())
    counts = {
        "of the other source without a label": int(np.count_nonzero(other.labels == "")),
        "of the other source of classes that are not trained on "
        f"({', '.join(sorted(others))})": sum(others.values()),
        "of the other source that are among the training galaxies "
        "(the same position or image)": int(np.count_nonzero(twin & known)),
        "of the other source with features that are no finite numbers": int(
            np.count_nonzero(~finite & known & ~twin)
        ),
        "of the other source that could not be measured": len(other.failures),
    }
    return other.take(rows), {reason: count for reason, count in counts.items() if count}


def finite_rows(blocks: dict[str, Block]) -> NDArray[np.bool_]:
    """Return which galaxies have finite numbers everywhere."""
    good = np.ones(len(next(iter(blocks.values()))), dtype=bool)
    for block in blocks.values():
        if not isinstance(block, list):
            good &= np.isfinite(block).all(axis=1)
    return good


def _twins(other: Galaxies, here: Galaxies) -> NDArray[np.bool_]:
    pixels = [np.asarray(each.blocks[PIXELS.name]) for each in (here, other)]
    n = len(pixels[0])
    ties = [image_twins(np.concatenate(pixels))] if pixels[0].shape[1] == pixels[1].shape[1] else []
    sky = [each.coordinates() for each in (here, other)]
    if sky[0] is not None and sky[1] is not None:
        ties.append(
            position_twins(
                np.concatenate([sky[0][0], sky[1][0]]), np.concatenate([sky[0][1], sky[1][1]])
            )
        )
    family = families(n + len(pixels[1]), ties)
    found: NDArray[np.bool_] = np.isin(family[n:], family[:n])
    return found
