"""The main job: labelled cutouts to a report of hand-crafted features against raw pixels."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import Preparation, SimulatedSurvey, Source, open_source
from galfeat.pipeline.comparison import Comparison, cross_validate
from galfeat.pipeline.extraction import FEATURES, Progress, failures_path, measured_shards, write_failures
from galfeat.pipeline.inputs import COMPONENTS
from galfeat.pipeline.measuring import Block, Measured, take_rows
from galfeat.pipeline.model import make_network
from galfeat.pipeline.recipe import Recipe
from galfeat.pipeline.report import Context, write_report
from galfeat.pipeline.table import column_text
from galfeat.pipeline.training import labelled_rows

__all__ = ["SIMULATED", "Compared", "compare"]

SIMULATED = 1200  # galaxies of the embedded survey when there is no source
_EXAMPLES = 10


@dataclass(frozen=True)
class Compared:
    """What `compare` did.

    Parameters
    ----------
    report : Path
        The page to open.
    comparison : Comparison
    failed : int
        Cutouts that could not be measured.
    """

    report: Path
    comparison: Comparison
    failed: int


def compare(
    source: Source | str | Path | None = None,
    out: str | Path = "report",
    *,
    name: str | None = None,
    label: str = "label",
    preparation: Preparation | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    n_folds: int = 5,
    seed: int = 0,
    workers: int | None = None,
    measuring: Progress | None = None,
    training: Callable[[int, int, str], None] | None = None,
) -> Compared:
    """Compare hand-crafted features with raw pixels on labelled cutouts and write the report.

    Parameters
    ----------
    source : Source or path, optional
        By default the simulated survey.
    out : path
        The folder for ``report.html``, ``scores.csv``, ``summary.csv``, ``figures/`` and ``run.json``.
    name : str, optional
        What the report calls the source; by default the last part of its path.
    label : str
        The catalogue column with the classes. Galaxies without a label, and classes with fewer members than folds, are left out and
        counted in the report.
    preparation : Preparation, optional
    settings : mapping, optional
        Settings of extractors that differ from their defaults; see `extract`.
    n_folds : int
        At least 2.
    seed : int
        Seed of the simulated survey, the folds, the code words and the networks.
    workers : int, optional
        Threads; the scores do not depend on it.
    measuring, training : callable, optional
        Progress of the two stages; see `extract` and `cross_validate`.

    Returns
    -------
    Compared

    Raises
    ------
    UsageError
        If the source has no such column, fewer than two classes are left, or the folder cannot be written.
    """
    if n_folds < 2:
        raise UsageError(f"a comparison needs at least 2 folds; {n_folds} was asked for")
    name = name or ("simulated survey" if source is None else Path(source).name if isinstance(source, str | Path) else "cutouts")
    source = _opened(source, seed)
    if source.catalog is None or label not in source.catalog.column_names:
        there = ", ".join(source.catalog.column_names) if source.catalog is not None else "there is no catalogue"
        raise UsageError(f"the catalogue needs a column '{label}' with the classes; it has: {there}")
    recipe = Recipe.of(FEATURES, source.bands, preparation or Preparation(), settings)
    labels_all = column_text(source.catalog, label)
    labelled_rows(labels_all, label, n_folds)  # complain about the labels before the work, not after it
    measured = _measure(source, recipe, workers, measuring)
    out = Path(out)
    labels = column_text(measured.catalog, label)
    rows, unlabelled = labelled_rows(labels, label, n_folds)
    blocks = {each: take_rows(block, rows) for each, block in measured.blocks.items()}
    shape = (len(recipe.bands), recipe.preparation.size, recipe.preparation.size)
    comparison = cross_validate(blocks, labels[rows], shape, n_folds=n_folds, seed=seed, workers=workers, progress=training)
    left_out = _left_out(labels, rows, unlabelled, len(measured.failures), n_folds)
    pixels = blocks["pixels"]
    assert not isinstance(pixels, list)
    context = Context(
        name,
        label,
        recipe.bands,
        _examples(pixels, comparison, shape),
        left_out,
        _run(recipe, label, comparison.rows[0].n_train, n_folds, seed, name),
    )
    write_failures(failures_path(out / "report"), measured.failures)
    report = write_report(comparison, context, out)
    return Compared(report, comparison, len(measured.failures))


def _opened(source: Source | str | Path | None, seed: int) -> Source:
    if source is None:
        return SimulatedSurvey(SIMULATED, seed=seed)
    return open_source(source) if isinstance(source, str | Path) else source


def _measure(source: Source, recipe: Recipe, workers: int | None, progress: Progress | None) -> Measured:
    parts: list[Measured] = []
    failed = 0
    for shard, part in zip(source.shards(), measured_shards(source, recipe, workers), strict=True):
        parts.append(part)
        failed += len(part.failures)
        if progress:
            progress(shard.stop, len(source), failed)
    failures = [failure for part in parts for failure in part.failures]
    good = [part for part in parts if part.blocks]
    if not good:
        why = f"; the first: {failures[0].file}: {failures[0].reason}" if failures else ""
        raise UsageError(f"none of the {len(failures)} cutouts could be measured{why}")
    blocks = {name: _joined([part.blocks[name] for part in good]) for name in recipe.extractors}
    return Measured(pa.concat_tables([part.catalog for part in good]), blocks, failures)


def _joined(parts: list[Block]) -> Block:
    if isinstance(parts[0], list):
        return [each for part in parts for each in part]
    return np.concatenate([np.asarray(part) for part in parts])


def _left_out(labels: NDArray[np.str_], rows: NDArray[np.intp], unlabelled: int, failed: int, n_folds: int) -> dict[str, int]:
    rare = len(labels) - unlabelled - len(rows)
    names = sorted(set(labels.tolist()) - set(labels[rows].tolist()) - {""})
    counts = {
        "without a label": unlabelled,
        f"of classes with fewer galaxies than the {n_folds} folds ({', '.join(names)})": rare,
        "that could not be measured (report.failures.csv says why)": failed,
    }
    return {reason: count for reason, count in counts.items() if count}


def _examples(pixels: NDArray[np.float32], comparison: Comparison, shape: tuple[int, int, int]) -> dict[str, list[NDArray[np.float32]]]:
    rows = {name: np.flatnonzero(comparison.labels == name)[:_EXAMPLES] for name in comparison.classes}
    return {name: [pixels[row].reshape(shape) for row in chosen] for name, chosen in rows.items()}


def _run(recipe: Recipe, label: str, n: int, n_folds: int, seed: int, name: str) -> dict[str, Any]:
    network = {key: value for key, value in make_network(n, seed=seed).get_params().items() if key != "random_state"}
    return {
        "source": name,
        "label": label,
        "n_folds": n_folds,
        "seed": seed,
        "components": COMPONENTS,
        "recipe": recipe.settings(),
        "fingerprint": recipe.fingerprint,
        "network": {key: list(value) if isinstance(value, tuple) else value for key, value in network.items()},
    }
