"""Training: a feature table to a model file."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.features import Extractor
from galfeat.pipeline.evaluation.groups import galaxy_groups
from galfeat.pipeline.extraction.feature_table import (
    FeatureTable,
    class_labels,
    load_features,
    read_metadata,
)
from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.extraction.sky_columns import SKY, sky_numbers
from galfeat.pipeline.models.from_report import ReportSettings, read_report_settings
from galfeat.pipeline.models.inputs import Input, named_input
from galfeat.pipeline.models.model import Model
from galfeat.pipeline.models.priors import Priors, class_priors
from galfeat.pipeline.models.scores import ModelScores, cross_validated_scores
from galfeat.pipeline.outputs import check_target
from galfeat.pipeline.recipes import DEFAULT, TRAINING, TrainingSettings, named_recipe

__all__ = ["N_FOLDS", "TrainingResult", "labeled_rows", "report_path", "train"]

N_FOLDS = 5
"""Folds of the cross-validation that says what a model is worth."""
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
    scores : ModelScores or None
        What the model is worth, by cross-validation; None if it was not asked for or there are too
        few galaxies.
    report : Path or None
        The page with these scores.
    notes : tuple of str
        Sentences on duplicates and groups.
    """

    path: Path
    model: Model
    classes: dict[str, int]
    unlabeled: int
    scores: ModelScores | None = None
    report: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes the model doubtful."""
        return () if self.scores is None else self.scores.warnings


def report_path(out: str | Path) -> Path:
    """Return the path of the page with a model's scores: ``M.report.html`` for ``M.galfeat``."""
    return Path(out).with_suffix(".report.html")


def train(
    table: str | Path,
    out: str | Path,
    *,
    inputs: Sequence[str] | None = None,
    label: str | None = None,
    hidden: Sequence[int] | None = None,
    networks: int | None = None,
    priors: Priors = "equal",
    folds: int = N_FOLDS,
    from_report: str | Path | None = None,
    extractors: Sequence[Extractor] = (),
    seed: int | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingResult:
    """Train an ensemble of shallow networks on a feature table and write the model file.

    The input is encoded, hyperparameters are searched, and the ensemble is trained and calibrated
    as `compare` does it. What the model is worth is found by cross-validation, stored in it, and
    written as a page beside it.

    Parameters
    ----------
    table : path
        A file written by `extract`.
    out : path
        The model file to write; the scores go beside it, into ``M.report.html`` for ``M.galfeat``.
    inputs : sequence of str, optional
        One name of `galfeat.pipeline.INPUTS`, or several extractors; by default all hand-crafted
        features of the table's recipe: "features", or "classic".
    label : str, optional
        Catalog column of the classes, "label" unless given; galaxies without a label are left out.
    hidden : sequence of int, optional
        Units of the hidden layers; by default the search chooses 32, 64 or 128.
    networks : int, optional
        Size of the ensemble; by default that of the recipe, five.
    priors : {"equal", "training"} or mapping of str to float
        How common the classes are where the model is used: all alike, as among the training
        galaxies, or these numbers. The probabilities are for them.
    folds : int
        Of the cross-validation; 0 for none.
    from_report : path, optional
        Folder of a comparison's report: its label and seed, unless given, and the hyperparameters
        that its searches chose. The table must have been measured with its settings.
    extractors : sequence of Extractor
        Those of other packages in the table that are not installed.
    seed : int, optional
        0 unless given.
    workers : int, optional
        Threads; no number depends on it.
    progress : callable, optional
        Called with the number of finished folds and their total.

    Returns
    -------
    TrainingResult

    Raises
    ------
    UsageError
        If a column is missing, fewer than two classes are left, or a setting makes no sense.
    """
    page = report_path(out)
    check_target(Path(out), [table])
    check_target(page, [table])
    _check_counts(folds, networks)
    report = None if from_report is None else read_report_settings(from_report)
    label = label or (report.label if report else "label")
    seed = seed if seed is not None else report.seed if report else 0
    features, chosen = _read(table, inputs, report, extractors)
    labels = class_labels(features.catalog, label)
    rows, unlabeled = labeled_rows(labels, label)
    blocks = {name: take_rows(block, rows) for name, block in features.blocks.items()}
    sky = {SKY: sky_numbers(features.scalars[SKY])[rows]} if SKY in features.scalars else {}
    known = labels[rows]
    class_priors(priors, sorted(set(known.tolist())), known)  # refuses wrong ones at once
    groups, notes = galaxy_groups(features.catalog.take(rows), known, _widest(blocks))
    model = Model(
        features.recipe,
        chosen,
        _training(networks),
        hidden=None if hidden is None else tuple(hidden),
        seed=seed,
        chosen=report.ensemble(chosen.name) if report else (),
        priors=priors,
    )
    with threadpool_limits(1):  # the result must not depend on the number of threads
        if folds:
            model.scores = cross_validated_scores(
                model.ensemble_training,
                blocks,
                known,
                groups,
                priors=priors,
                n_folds=folds,
                workers=workers or os.cpu_count() or 1,
                progress=progress,
            )
        model.fit({**blocks, **sky}, known, groups)
    model.save(out)
    if model.scores is not None:
        _write_page(model, page, tuple(notes))
    counts = dict(sorted(Counter(known.tolist()).items()))
    return TrainingResult(
        Path(out),
        model,
        counts,
        unlabeled,
        model.scores,
        page if model.scores is not None else None,
        tuple(notes),
    )


def _read(
    table: str | Path,
    inputs: Sequence[str] | None,
    report: ReportSettings | None,
    extractors: Sequence[Extractor],
) -> tuple[FeatureTable, Input]:
    """Return the features of the chosen input, after checking how they were measured."""
    recipe = named_recipe(read_metadata(table).get("recipe", DEFAULT.name))
    outside = [each.key for each in extractors]
    chosen = named_input((recipe.input,) if inputs is None else inputs, outside)
    features = load_features(table, chosen.columns, extractors=extractors)
    chosen.check(features.recipe, table)
    if report:
        report.check(features.recipe, chosen, table)
    return features, chosen


def _training(networks: int | None) -> TrainingSettings:
    return TRAINING if networks is None else replace(TRAINING, n_networks=networks)


def _check_counts(folds: int, networks: int | None) -> None:
    if folds < 0 or folds == 1:
        raise UsageError(f"a cross-validation has at least 2 folds, or 0 for none; not {folds}")
    if networks is not None and not 1 <= networks <= TRAINING.draws:
        raise UsageError(
            f"an ensemble has 1 to {TRAINING.draws} networks, as many as the search tries "
            f"settings; not {networks}"
        )


def _widest(blocks: Mapping[str, Block]) -> NDArray[np.float32] | None:
    """Return the widest block of vectors, by which identical images are found."""
    vectors = [block for block in blocks.values() if isinstance(block, np.ndarray)]
    return max(vectors, key=lambda block: block.shape[1], default=None)


def _write_page(model: Model, path: Path, notes: tuple[str, ...]) -> None:
    # matplotlib is slow to import
    from galfeat.pipeline.reporting.model_page import write_model_page

    write_model_page(model, path, notes)


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
