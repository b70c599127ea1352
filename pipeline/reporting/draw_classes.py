"""Figures of the classes: confusion matrices and reliability diagrams."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galfeat.pipeline.comparison.results import ComparisonResults
from galfeat.pipeline.evaluation.metrics import ReliabilityBin, confusion, reliability_bins
from galfeat.pipeline.reporting.drawing import ReportFigure, canvas, distinct, file_name, label

__all__ = [
    "confusion_figure",
    "confusion_figures",
    "first_repeat",
    "reliability_figure",
    "reliability_figures",
]


def first_repeat(
    results: ComparisonResults, name: str
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Return true classes and probabilities of the tested galaxies of the first repeat."""
    table = results.predictions[name].probabilities[0]
    tested = np.isfinite(table).all(axis=1)
    return results.labels[tested], table[tested]


def confusion_figures(results: ComparisonResults, names: Sequence[str]) -> list[ReportFigure]:
    """Draw the confusion matrix of each input, shaded by the fraction of the true class."""
    return [_confusion(results, name) for name in names if name in results.predictions]


def reliability_figures(results: ComparisonResults, names: Sequence[str]) -> list[ReportFigure]:
    """Draw the reliability diagram of each input."""
    return [_reliability(results, name) for name in names if name in results.predictions]


def _confusion(results: ComparisonResults, name: str) -> ReportFigure:
    truth, table = first_repeat(results, name)
    return confusion_figure(confusion(truth, table, results.classes), results.classes, name)


def confusion_figure(counts: NDArray[np.int_], classes: Sequence[str], name: str) -> ReportFigure:
    """Draw a confusion matrix, shaded by the fraction of the true class.

    Parameters
    ----------
    counts : array of int, shape (k, k)
        Galaxies by true (row) and predicted class (column).
    classes : sequence of str, length k
    name : str
        What was tested; the title.
    """
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    k = len(classes)
    figure, axes = canvas(4.4 if k > 3 else 3.4)
    axes.imshow(share, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    size = 9.5 if k <= 6 else 8 if k <= 10 else 5.5
    for i in range(k):
        for j in range(k):
            if k <= 20:
                axes.text(
                    j,
                    i,
                    str(counts[i, j]),
                    ha="center",
                    va="center",
                    fontsize=size,
                    color="white" if share[i, j] > 0.55 else "#222",
                )
    upright = k <= 3 and max(map(len, classes)) <= 9
    axes.set_xticks(
        range(k),
        distinct(classes),
        rotation=0 if upright else 90,
        fontsize=max(size - 1, 5.5),
    )
    axes.set_yticks(range(k), distinct(classes), fontsize=max(size - 1, 5.5))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(label(name, 40), fontsize=10)
    axes.set_xlabel("predicted class", fontsize=9)
    axes.set_ylabel("true class", fontsize=9)
    return ReportFigure(
        file_name("confusion", name), _confusion_alt_text(classes, name, counts), "", figure
    )


def _confusion_alt_text(classes: Sequence[str], name: str, counts: NDArray[np.int_]) -> str:
    right = "; ".join(
        f"{each} {counts[i, i]} of {counts[i].sum()}" for i, each in enumerate(classes)
    )
    wrong = counts - np.diag(np.diag(counts))
    i, j = (int(place) for place in np.unravel_index(int(wrong.argmax()), wrong.shape))
    one, other = classes[i], classes[j]
    most = (
        f" Most often confused: {one} taken for {other}, {wrong[i, j]} times."
        if wrong.any()
        else ""
    )
    return f"Confusion matrix of {name}. Right: {right}.{most}"


def _reliability(results: ComparisonResults, name: str) -> ReportFigure:
    truth, table = first_repeat(results, name)
    return reliability_figure(reliability_bins(truth, table, results.classes, n_bins=10), name)


def reliability_figure(bins: Sequence[ReliabilityBin], name: str) -> ReportFigure:
    """Draw a reliability diagram.

    Parameters
    ----------
    bins : sequence of ReliabilityBin
    name : str
        What was tested; the title.
    """
    total = sum(each.n for each in bins)
    figure, axes = canvas(3.6)
    axes.plot([0, 1], [0, 1], color="#555", lw=1, ls="--")
    axes.bar(
        [each.confidence for each in bins],
        [each.n / total for each in bins],
        width=0.06,
        color="#d8dee7",
        zorder=0,
    )
    spread = [
        [each.accuracy - each.low for each in bins],
        [each.high - each.accuracy for each in bins],
    ]
    x, y = [each.confidence for each in bins], [each.accuracy for each in bins]
    axes.errorbar(x, y, yerr=spread, fmt="o", ms=5, capsize=2.5, color="#d55e00", clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_title(label(name, 40), fontsize=10)
    axes.set_xlabel("predicted probability", fontsize=9)
    axes.set_ylabel("fraction that is right", fontsize=9)
    alt = f"Reliability of {name}: " + "; ".join(
        f"at probability {each.confidence:.2f} right in {each.accuracy:.2f} of {each.n}"
        for each in bins
    )
    return ReportFigure(file_name("reliability", name), f"{alt}.", "", figure)
