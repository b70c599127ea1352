"""Run the comparison protocol: all tasks of all folds, resumable and independent of threads."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from galfeat.pipeline.comparison.checkpoints import Checkpoint, CheckpointFolder
from galfeat.pipeline.comparison.classifiers.cnn import torch_version
from galfeat.pipeline.comparison.folds import stages
from galfeat.pipeline.comparison.folds.fold import Fold
from galfeat.pipeline.comparison.folds.tasks import ALL_FEATURES, FoldTask, fold_tasks
from galfeat.pipeline.comparison.inputs import ComparisonInput
from galfeat.pipeline.comparison.loading.labeled_blocks import (
    ExternalTestSet,
    LabeledBlocks,
    PerturbedGalaxies,
)
from galfeat.pipeline.comparison.loading.perturbed_test_sets import PerturbedTestSets
from galfeat.pipeline.comparison.planning.plan import ComparisonPlan
from galfeat.pipeline.comparison.results import Importance, Prediction, ScoreRow
from galfeat.pipeline.evaluation.cross_validation import repeated_folds
from galfeat.pipeline.models.hyperparameters import Settings, draw_settings

__all__ = ["ProtocolResult", "run_protocol"]

_ORDER = ("main", "matched", "head", "learning", "robustness", "drop", "only", "cross")

Progress = Callable[[int, int, str], None]
_FoldResults = Mapping[tuple[int, int], Mapping[str, Checkpoint]]


@dataclass(frozen=True, eq=False)
class ProtocolResult:
    """Scores, predictions and importances of all folds.

    Parameters
    ----------
    folds : array of int, shape (repeats, n)
        The fold in which each galaxy was tested.
    rows : list of ScoreRow
    predictions : dict of str to Prediction
        By the name of the input.
    importances : list of Importance
    seconds : dict of str to dict of str to float
        Mean times of each input for ``search``, ``fit`` and ``predict``.
    ensembles : dict of str to list of Settings
        Of each input, the hyperparameters that the searches of all folds chose most often.
    """

    folds: NDArray[np.intp]
    rows: list[ScoreRow]
    predictions: dict[str, Prediction]
    importances: list[Importance]
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    ensembles: dict[str, list[Settings]] = field(default_factory=dict)


def run_protocol(
    sample: LabeledBlocks,
    inputs: Sequence[ComparisonInput],
    plan: ComparisonPlan,
    *,
    checkpoints: CheckpointFolder | None = None,
    perturbed: PerturbedTestSets | None = None,
    external: ExternalTestSet | None = None,
    cnn: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ProtocolResult:
    """Train and test every input in every fold.

    The numbers depend neither on the number of threads nor on interruptions.

    Parameters
    ----------
    sample : LabeledBlocks
    inputs : sequence of ComparisonInput
        Those that take part.
    plan : ComparisonPlan
    checkpoints : CheckpointFolder, optional
        Where the results of finished tasks are kept.
    perturbed : PerturbedTestSets, optional
        For the stage ``robustness``.
    external : ExternalTestSet, optional
        Another survey to test on, for the stage ``cross``.
    cnn : bool
        Whether the convolutional network takes part, which needs PyTorch.
    workers : int, optional
        Threads; by default one per processor.
    progress : callable, optional
        Called with the number of finished tasks, their total, and the name of the last.
    """
    run = _ProtocolRun(sample, inputs, plan, checkpoints, perturbed, external, cnn)
    results: dict[tuple[int, int], dict[str, Checkpoint]] = {}
    total = sum(len(run.tasks(repeat)) for repeat, _ in run.all_folds())
    # one BLAS thread: sums over several threads round differently, and splitting small products
    # is slower
    with threadpool_limits(1), ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        for place in run.all_folds():
            results[place] = {}
            for name, checkpoint in run.run_fold(place, pool):
                results[place][name] = checkpoint
                if progress:
                    progress(sum(map(len, results.values())), total, name)
    return _collect(run, results)


class _ProtocolRun:
    """State of one call of `run_protocol` that all folds share."""

    def __init__(
        self,
        sample: LabeledBlocks,
        inputs: Sequence[ComparisonInput],
        plan: ComparisonPlan,
        checkpoints: CheckpointFolder | None,
        perturbed: PerturbedTestSets | None,
        external: ExternalTestSet | None,
        cnn: bool,
    ) -> None:
        self.sample, self.inputs, self.plan, self.cnn = sample, tuple(inputs), plan, cnn
        self.checkpoints, self.perturbed, self.external = checkpoints, perturbed, external
        self.draws = draw_settings(plan.draws, sample.seed)
        self.folds = repeated_folds(
            sample.labels, sample.groups, plan.n_folds, plan.n_repeats, sample.seed
        )

    def all_folds(self) -> list[tuple[int, int]]:
        """Return all pairs of repeat and fold."""
        repeats, folds = range(self.plan.n_repeats), range(self.plan.n_folds)
        return [(repeat, fold) for repeat in repeats for fold in folds]

    def tasks(self, repeat: int) -> list[FoldTask]:
        """Return the tasks of each fold of a repeat."""
        n = len(self.sample.labels)
        return fold_tasks(self.inputs, self.plan, n, repeat, cnn=self.cnn)

    def run_fold(
        self, place: tuple[int, int], pool: ThreadPoolExecutor
    ) -> Iterator[tuple[str, Checkpoint]]:
        """Yield the result of every task of a fold: those of the checkpoints, then the others."""
        repeat, number = place
        tasks = self.tasks(repeat)
        done = {
            task.name: checkpoint
            for task in tasks
            if self.checkpoints and (checkpoint := self.checkpoints.find(_file_name(task, place)))
        }
        yield from done.items()
        missing = [task for task in tasks if task.name not in done]
        if not missing:
            return
        test = self.folds[repeat] == number
        fold = Fold(
            self.sample,
            np.flatnonzero(~test),
            np.flatnonzero(test),
            repeat=repeat,
            fold=number,
            draws=self.draws,
            networks=self.plan.networks,
            effort=self.plan.effort,
        )
        settings = {name: checkpoint.ensemble for name, checkpoint in done.items()}
        main = [task for task in missing if task.kind == "main"]
        for task, checkpoint in self._run_main(fold, main, test, pool):
            settings[task.name] = checkpoint.ensemble
            yield self._saved(task, place, checkpoint)
        others = [task for task in missing if task.kind != "main"]
        for task, checkpoint in self._run_others(fold, others, settings, pool):
            yield self._saved(task, place, checkpoint)

    def _run_main(
        self,
        fold: Fold,
        tasks: Sequence[FoldTask],
        test: NDArray[np.bool_],
        pool: ThreadPoolExecutor,
    ) -> Iterator[tuple[FoldTask, Checkpoint]]:
        fold.learn([task.input for task in tasks], pool.map)
        names = {task.input.name for task in tasks} & set(self.plan.altered_inputs)
        perturbed: Sequence[PerturbedGalaxies] = ()
        if self.perturbed and fold.repeat == 0 and names:
            perturbed = self.perturbed.of_fold(test, pool.map)

        def run(task: FoldTask) -> Checkpoint:
            name = task.input.name
            return stages.run_main(
                fold,
                task.input,
                matched=self.plan.matched,
                importance=self.plan.importance and name == ALL_FEATURES,
                perturbed=perturbed if name in self.plan.altered_inputs else (),
                external=self.external if task.input.group != "control" else None,
            )

        yield from zip(tasks, pool.map(run, tasks), strict=True)

    def _run_others(
        self,
        fold: Fold,
        tasks: Sequence[FoldTask],
        settings: Mapping[str, Sequence[Settings]],
        pool: ThreadPoolExecutor,
    ) -> Iterator[tuple[FoldTask, Checkpoint]]:
        searched = [task for task in tasks if task.kind == "baseline"]
        fold.inner.learn([part for task in searched for part in task.input.parts], pool.map)
        encoded = [task for task in tasks if task.kind != "cnn"]
        fold.outer.learn([part for task in encoded for part in task.input.parts], pool.map)

        def run(task: FoldTask) -> Checkpoint:
            chosen = settings[task.input.name]
            if task.kind == "ablation":
                return stages.run_ablation(fold, task.input, task.place, chosen)
            if task.kind == "learning":
                return stages.run_learning_curve(fold, task.input, task.n_train, chosen)
            if task.kind == "cnn":
                return stages.run_cnn(fold, task.input, chosen)
            return stages.run_baseline(fold, task.input, task.classifier, chosen)

        yield from zip(tasks, pool.map(run, tasks), strict=True)

    def _saved(
        self, task: FoldTask, place: tuple[int, int], checkpoint: Checkpoint
    ) -> tuple[str, Checkpoint]:
        if self.checkpoints:
            self.checkpoints.save(_file_name(task, place), checkpoint)
        return task.name, checkpoint


def _file_name(task: FoldTask, place: tuple[int, int]) -> str:
    # another version of PyTorch gives other numbers
    made_by = f"-{torch_version()}" if task.kind == "cnn" else ""
    return f"{place[0]}-{place[1]}-{task.name}{made_by}"


def _collect(run: _ProtocolRun, results: _FoldResults) -> ProtocolResult:
    names = [each.name for each in run.inputs]
    predictions = {name: Prediction(_probabilities(run, results, name)) for name in names}
    seconds = {name: _mean_seconds(results, name) for name in names}
    rows = [
        row
        for checkpoints in results.values()
        for task in run.tasks(0)
        if task.name in checkpoints
        for row in checkpoints[task.name].rows
    ]
    rows += _single_extractor_rows(run, rows) + _learning_curve_ends(rows)
    rows.sort(
        key=lambda row: (
            _ORDER.index(row.stage),
            names.index(row.input),
            row.part,
            row.head,
            row.repeat,
            row.fold,
        )
    )
    importances = [
        importance
        for checkpoints in results.values()
        for name in names
        for importance in checkpoints[name].importances
    ]
    ensembles = {name: _ensemble(run, results, name) for name in names}
    return ProtocolResult(run.folds, rows, predictions, importances, seconds, ensembles)


def _ensemble(run: _ProtocolRun, results: _FoldResults, name: str) -> list[Settings]:
    """Return the settings with the best places in the searches of all folds (Borda count)."""
    found = [checkpoints[name].ensemble for checkpoints in results.values()]
    count = max(map(len, found))
    points = dict.fromkeys(run.draws, 0)
    for ensemble in found:
        for place, settings in enumerate(ensemble):
            points[settings] += count - place
    return sorted(points, key=lambda each: -points[each])[:count]


def _probabilities(run: _ProtocolRun, results: _FoldResults, name: str) -> NDArray[np.float64]:
    n, n_classes = len(run.sample.labels), len(run.sample.classes)
    table = np.zeros((run.plan.n_repeats, n, n_classes))
    for (repeat, fold), checkpoints in results.items():
        table[repeat, run.folds[repeat] == fold] = checkpoints[name].probabilities
    return table


def _mean_seconds(results: _FoldResults, name: str) -> dict[str, float]:
    times = [checkpoints[name].seconds for checkpoints in results.values()]
    return {what: float(np.mean([time[what] for time in times])) for what in times[0]}


def _single_extractor_rows(run: _ProtocolRun, rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """Return the rows of single extractors again as stage ``only``: the others left out."""
    features = next((each for each in run.inputs if each.name == ALL_FEATURES), None)
    if features is None or not run.plan.dropping:
        return []
    single = {each.parts[0]: each.name for each in run.inputs if len(each.parts) == 1}
    columns = {single[part]: part.column for part in features.parts if part in single}
    return [
        _copy(row, stage="only", input=ALL_FEATURES, part=columns[row.input])
        for row in rows
        if row.stage == "main" and row.input in columns
    ]


def _learning_curve_ends(rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """Return the last points of the learning curves: all training galaxies, as in ``main``."""
    names = {row.input for row in rows if row.stage == "learning"}
    return [
        _copy(row, stage="learning")
        for row in rows
        if row.stage == "main" and row.repeat == 0 and row.input in names
    ]


def _copy(row: ScoreRow, **changes: str) -> ScoreRow:
    return ScoreRow(**(vars(row) | changes))
