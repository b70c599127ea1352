"""What a model is worth: its scores on galaxies that it was not trained on."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from galfeat.pipeline.evaluation.cross_validation import repeated_folds
from galfeat.pipeline.evaluation.metrics import (
    ClassScore,
    ReliabilityBin,
    class_scores,
    confusion,
    evaluate,
    expand_to_classes,
    reliability_bins,
)
from galfeat.pipeline.evaluation.significance import (
    Interval,
    corrected_interval,
    corrected_ttest,
)
from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.models.fitting import EnsembleTraining, fold_seed
from galfeat.pipeline.models.priors import Priors, class_priors, with_priors

__all__ = ["FEW", "ModelScores", "cross_validated_scores", "scores_text"]

FEW = 50
"""Galaxies of a class below which its scores are uncertain and a warning says so."""
_ALPHA = 0.025  # one-sided: the 95 % interval of balanced accuracy lies above a guess
_N_BINS = 10
_SHOWN = ("macro_f1", "balanced_accuracy", "accuracy", "auc", "log_loss", "brier", "ece")
_LIMITS = {"log_loss": np.inf, "brier": 2.0}  # 1 for all other scores


@dataclass(frozen=True)
class ModelScores:
    """Cross-validated scores of a model.

    Parameters
    ----------
    classes : tuple of str
    n_folds : int
    counts : mapping of str to int
        Training galaxies of each class; 1 is too few to be tested.
    intervals : mapping of str to Interval
        Mean over the folds and 95 % interval of each score, for galaxies of the same kind.
    folds : tuple of mapping
        The scores of each fold.
    per_class : tuple of ClassScore
        Over all tested galaxies.
    class_f1 : mapping of str to Interval
        F1 of each class over the folds.
    confusion : tuple of tuple of int
        Tested galaxies by true (row) and predicted class (column).
    reliability : tuple of ReliabilityBin
        How often the predicted class is right, by its probability.
    chance : float
        p-value of a balanced accuracy as high as this by guessing.
    """

    classes: tuple[str, ...]
    n_folds: int
    counts: Mapping[str, int]
    intervals: Mapping[str, Interval]
    folds: tuple[Mapping[str, float], ...]
    per_class: tuple[ClassScore, ...]
    class_f1: Mapping[str, Interval]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[ReliabilityBin, ...]
    chance: float

    def as_dict(self) -> dict[str, Any]:
        """Return the scores as JSON values; None where a score is not defined."""
        tree: dict[str, Any] = _plain(asdict(self))
        return tree

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> "ModelScores":
        """Return the scores that `as_dict` returned."""
        values = _numbers(tree)
        return cls(
            classes=tuple(values["classes"]),
            n_folds=int(values["n_folds"]),
            counts=dict(tree["counts"]),
            intervals={name: Interval(**each) for name, each in values["intervals"].items()},
            folds=tuple(values["folds"]),
            per_class=tuple(ClassScore(**each) for each in values["per_class"]),
            class_f1={name: Interval(**each) for name, each in values["class_f1"].items()},
            confusion=tuple(tuple(row) for row in tree["confusion"]),
            reliability=tuple(ReliabilityBin(**each) for each in values["reliability"]),
            chance=values["chance"],
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes the model or its scores doubtful."""
        few = [f"{name} ({count})" for name, count in self.counts.items() if count < FEW]
        found = []
        if few:
            found.append(
                f"classes with fewer than {FEW} galaxies: {', '.join(few)}; what the model learns "
                "of them, and their scores, are uncertain"
            )
        if not self.chance < _ALPHA:
            n = sum(map(sum, self.confusion))
            found.append(
                f"with {n:,} galaxies the model cannot be told from guessing: its balanced "
                f"accuracy is {_span(self.intervals['balanced_accuracy'])}, that of a guess "
                f"{1 / len(self.classes):.3f}; there may be too few galaxies, the labels may not "
                "belong to them, or the features may not show what they name"
            )
        return tuple(found)


def cross_validated_scores(
    training: EnsembleTraining,
    blocks: Mapping[str, Block],
    labels: NDArray[np.str_],
    groups: NDArray[np.intp],
    *,
    priors: Priors = "equal",
    n_folds: int = 5,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> ModelScores | None:
    """Train and test an ensemble in each fold, with everything learned on its training side.

    Folds, inner splits, search and training are those of the comparison's first repeat: with the
    same galaxies and seed the scores are the same.

    Parameters
    ----------
    training : EnsembleTraining
    blocks : mapping of str to array or list
    labels : array of str, shape (n,)
    groups : array of int, shape (n,)
    priors : {"equal", "training"} or mapping
    n_folds : int
        At most; fewer if a class has fewer galaxies.
    workers : int
        Threads; no number depends on it.
    progress : callable, optional
        Called with the number of finished folds and their total.

    Returns
    -------
    ModelScores or None
        None if fewer than two classes have two galaxies or more.
    """
    counts = Counter(labels.tolist())
    rows = np.flatnonzero(np.isin(labels, [name for name, count in counts.items() if count > 1]))
    tested = sorted(set(labels[rows].tolist()))
    if len(tested) < 2 or len(np.unique(groups[rows])) < 2:
        return None
    rarest = min(counts[name] for name in tested)
    count = max(2, min(n_folds, rarest, len(np.unique(groups[rows]))))
    taken = {name: take_rows(block, rows) for name, block in blocks.items()}
    truth, families = labels[rows], groups[rows]
    folds = repeated_folds(truth, families, count, 1, training.seed)[0]

    def run(fold: int) -> NDArray[np.float64]:
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        seed = fold_seed(training.seed, 0, fold)
        fitted = training.fit(taken, truth, families, train, split_seed=seed)
        found = fitted.probabilities(
            fitted.features({name: take_rows(block, test) for name, block in taken.items()})
        )
        known = class_priors(_of_classes(priors, fitted.classes), fitted.classes, truth[train])
        return expand_to_classes(with_priors(found, known, fitted.classes), fitted.classes, tested)

    table = np.zeros((len(rows), len(tested)))
    # one BLAS thread: sums over several threads round differently
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        for fold, found in enumerate(pool.map(run, range(count))):
            table[folds == fold] = found
            if progress:
                progress(fold + 1, count)
    return _summary(truth, table, folds, tested, dict(sorted(counts.items())))


def scores_text(scores: ModelScores) -> list[str]:
    """Return the scores as lines for the terminal."""
    n = sum(sum(row) for row in scores.confusion)
    lines = [
        f"cross-validated on {n:,} galaxies, {scores.n_folds} folds (95 % intervals):",
        *(f"  {name:<18} {_span(scores.intervals[name])}" for name in _SHOWN),
    ]
    width = max(len("class"), *(len(name) for name in scores.classes))
    lines.append(f"  {'class':<{width}}  galaxies  precision  recall  F1")
    for each in scores.per_class:
        lines.append(
            f"  {each.name:<{width}}  {each.n:>8,}  {each.precision:>9.3f}  {each.recall:>6.3f}  "
            f"{_span(scores.class_f1[each.name])}"
        )
    lines.append(f"  {'true, predicted:':<{max(width, 16)}}  {'  '.join(scores.classes)}")
    for name, row in zip(scores.classes, scores.confusion, strict=True):
        cells = [
            f"{count:>{len(column)}}" for column, count in zip(scores.classes, row, strict=True)
        ]
        lines.append(f"  {name:<{max(width, 16)}}  {'  '.join(cells)}")
    lines.append("  probability of the predicted class, and how often it is right:")
    lines += [
        f"    {each.confidence:.2f}  {each.accuracy:.2f} ({each.low:.2f} to {each.high:.2f}) of "
        f"{each.n:,}"
        for each in scores.reliability
    ]
    return lines


def _span(each: Interval) -> str:
    return f"{each.mean:.3f} ({each.low:.3f} to {each.high:.3f})"


def _of_classes(priors: Priors, classes: Sequence[str]) -> Priors:
    """Return the priors of the classes that a fold knows."""
    return priors if isinstance(priors, str) else {name: priors[name] for name in classes}


def _summary(
    truth: NDArray[np.str_],
    table: NDArray[np.float64],
    folds: NDArray[np.intp],
    classes: Sequence[str],
    counts: Mapping[str, int],
) -> ModelScores:
    n_folds = int(folds.max()) + 1
    found = [evaluate(truth[folds == k], table[folds == k], classes) for k in range(n_folds)]
    sizes = (len(truth) * (n_folds - 1) / n_folds, len(truth) / n_folds)
    excess = [each["balanced_accuracy"] - 1 / len(classes) for each, _ in found]
    return ModelScores(
        classes=tuple(classes),
        n_folds=n_folds,
        counts=dict(counts),
        intervals={
            name: _interval([each[name] for each, _ in found], name, sizes) for name in _SHOWN
        },
        folds=tuple(each for each, _ in found),
        per_class=tuple(class_scores(truth, table, classes)),
        class_f1={
            name: _interval([each[name]["f1"] for _, each in found], "f1", sizes)
            for name in classes
        },
        confusion=tuple(tuple(row) for row in confusion(truth, table, classes).tolist()),
        reliability=tuple(reliability_bins(truth, table, classes, _N_BINS)),
        chance=corrected_ttest(excess, *sizes, "greater").p,
    )


def _interval(values: Sequence[float], name: str, sizes: tuple[float, float]) -> Interval:
    good = [value for value in values if np.isfinite(value)]
    if len(good) < 2:
        nan = float("nan")
        return Interval(good[0] if good else nan, nan, nan, nan)
    each = corrected_interval(good, *sizes)
    return Interval(each.mean, each.se, max(each.low, 0.0), min(each.high, _LIMITS.get(name, 1.0)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(each) for each in value]
    return float("nan") if value is None else value
