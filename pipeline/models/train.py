"""Training: a feature table to a model file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.pipeline.extraction.feature_table import class_labels, load_features
from galfeat.pipeline.extraction.measure import take_rows
from galfeat.pipeline.models.inputs import named_input
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.outputs import check_target

__all__ = ["TrainingResult", "labeled_rows", "train"]

_MAX_LISTED = 12  # classes in a message


@dataclass(frozen=True)
class TrainingResult:
    """Result of `train`.

    Parameters
    ----------
    path : Path
        The model file.
    model : Model
    classes : dict of str to int
        Number of training galaxies of each class.
    unlabeled : int
        Number of galaxies without a label; they are left out.
    """

    path: Path
    model: Model
    classes: dict[str, int]
    unlabeled: int


def train(
    table: str | Path,
    out: str | Path,
    *,
    inputs: Sequence[str] = ("features",),
    label: str = "label",
    hidden: Sequence[int] = (64,),
    seed: int = 0,
) -> TrainingResult:
    """Train a shallow network on a feature table and write the model file.

    Parameters
    ----------
    table : path
        A file written by `extract`.
    out : path
        The model file to write.
    inputs : sequence of str
        One name of `galfeat.pipeline.INPUTS`, or several extractors.
    label : str
        Catalog column of the classes; galaxies without a label are left out.
    hidden : sequence of int
        Units of the hidden layers.
    seed : int

    Returns
    -------
    TrainingResult

    Raises
    ------
    UsageError
        If a column is missing or fewer than two classes are left.
    """
    check_target(Path(out), [table])
    chosen = named_input(inputs)
    features = load_features(table, chosen.columns)
    labels = class_labels(features.catalog, label)
    rows, unlabeled = labeled_rows(labels, label)
    blocks = {name: take_rows(block, rows) for name, block in features.blocks.items()}
    with threadpool_limits(1):  # the result must not depend on the number of threads
        model = Model(features.recipe, chosen, tuple(hidden), seed).fit(blocks, labels[rows])
    model.save(out)
    return TrainingResult(
        Path(out), model, dict(sorted(Counter(labels[rows].tolist()).items())), unlabeled
    )


def labeled_rows(
    labels: NDArray[np.str_], column: str, at_least: int = 1, family: NDArray[np.intp] | None = None
) -> tuple[NDArray[np.intp], int]:
    """Return the rows whose class has enough galaxies, and the number of unlabeled rows.

    Parameters
    ----------
    labels : array of str, shape (n,)
    column : str
        Name of the column, for the message.
    at_least : int
        Minimum number of galaxies per class.
    family : array of int, shape (n,), optional
        Groups of galaxies; a group counts as one galaxy.

    Returns
    -------
    rows : array of int
        Indices of the rows that are kept.
    unlabeled : int
        Number of rows without a label.

    Raises
    ------
    UsageError
        If fewer than two classes are left.
    """
    alone = range(len(labels)) if family is None else family.tolist()
    counts = Counter(name for name, _ in set(zip(labels.tolist(), alone, strict=True)) if name)
    unlabeled = int(np.count_nonzero(labels == ""))
    kept = [name for name, count in counts.items() if count >= at_least]
    if len(kept) < 2:
        few = f" with at least {at_least} galaxies" if at_least > 1 else ""
        whole = (
            f"{few}, those of one group, position or image counted once"
            if family is not None
            else few
        )
        sizes = ", ".join(
            f"{name} {count:,}" for name, count in sorted(counts.items())[:_MAX_LISTED]
        )
        more = f" and {len(counts) - _MAX_LISTED:,} more" if len(counts) > _MAX_LISTED else ""
        without = f"; {unlabeled:,} galaxies have none" if unlabeled else ""
        raise UsageError(
            f"column '{column}' has {len(kept)} class(es){whole}, and two are needed; it has "
            f"{sizes or 'no class at all'}{more}{without}"
        )
    return np.flatnonzero(np.isin(labels, kept)), unlabeled
