"""Figures of learning curves, and of robustness against perturbed test galaxies."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from galfeat.pipeline.comparison.results import ComparisonResults, ScoreRow
from galfeat.pipeline.evaluation.significance import Interval
from galfeat.pipeline.reporting.drawing import LINES, ReportFigure, canvas, file_name, label
from galfeat.pipeline.reporting.summary import HEADLINE, interval_of, ratio_of

__all__ = [
    "PERTURBATIONS",
    "Curve",
    "learning_curves",
    "learning_figure",
    "robustness_curves",
    "robustness_figures",
    "strength",
]

PERTURBATIONS = {  # label of the axis, and strength that changes nothing
    "rotation": ("rotated (degrees)", 0.0),
    "shift": ("shifted (pixels)", 0.0),
    "noise": ("noise added (times the noise that is there)", 0.0),
    "correlated": ("correlated noise added (times the noise)", 0.0),
    "depth": ("less deep (magnitudes)", 0.0),
    "seeing": ("light blurred, noise kept (sigma in pixels)", 0.0),
    "smoothing": ("exposure smoothed (sigma in pixels)", 0.0),
    "scale": ("smaller as if farther (factor)", 1.0),
    "dimming": ("dimmed as if farther (factor of 1 + z)", 1.0),
    "color": ("first band fainter (magnitudes)", 0.0),
    "filters": ("light of each band from the next one (share)", 0.0),
    "jpeg": ("JPEG (quality)", 100.0),
    "gradient": ("gradient of the sky (times the noise)", 0.0),
    "neighbor": ("neighbor (times the galaxy's flux)", 0.0),
    "band": ("missing band", math.nan),
}


@dataclass(frozen=True)
class Curve:
    """Macro-F1 of an input as a function of some variable.

    Parameters
    ----------
    input : str
    x : tuple of float
    y : tuple of Interval
    """

    input: str
    x: tuple[float, ...]
    y: tuple[Interval, ...]


def learning_curves(results: ComparisonResults) -> list[Curve]:
    """Return the learning curve of each input: macro-F1 by number of training galaxies."""
    return [curve for name in results.inputs if (curve := _learning(results, name))]


def robustness_curves(results: ComparisonResults) -> dict[str, list[Curve]]:
    """Return the curves of each perturbation: macro-F1 by strength, a curve per input.

    Scores of unperturbed galaxies come from stage ``main`` if stage ``robustness`` has none.
    """
    kinds = dict.fromkeys(
        row.perturbation for row in results.rows if row.stage == "robustness" and row.perturbation
    )
    curves = {
        kind: [curve for name in results.inputs if (curve := _robust(results, kind, name))]
        for kind in kinds
    }
    return {kind: found for kind, found in curves.items() if found}


def learning_figure(results: ComparisonResults) -> ReportFigure | None:
    """Draw the learning curves; None if there are none."""
    curves = learning_curves(results)
    if not curves:
        return None
    figure, axes = canvas(3.4)
    _draw(axes, curves, _styles(results))
    counts = sorted({x for curve in curves for x in curve.x})
    axes.set_xscale("log")
    kept = [
        count
        for place, count in enumerate(counts)
        if place == 0 or count > 1.25 * counts[place - 1]
    ]
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(
        [f"{count:,.0f}" for count in kept], fontsize=8.5, rotation=35 if len(kept) > 5 else 0
    )
    axes.set_xlabel("training galaxies", fontsize=9)
    alt = "Macro-F1 against the number of training galaxies. " + _alt_text(curves, "with {:,.0f}")
    return ReportFigure("learning", alt, "", figure)


def robustness_figures(results: ComparisonResults) -> list[ReportFigure]:
    """Draw one figure per kind of perturbation."""
    return [
        _robustness_figure(results, kind, curves)
        for kind, curves in robustness_curves(results).items()
    ]


def _robustness_figure(
    results: ComparisonResults, kind: str, curves: Sequence[Curve]
) -> ReportFigure:
    words, _ = PERTURBATIONS.get(kind, (kind, 0.0))
    figure, axes = canvas(3.0)
    if kind == "band":
        _draw(axes, curves, _styles(results), lines=False)
        places = sorted({x for curve in curves for x in curve.x})
        names = [label(strength(results, kind, x), 9) for x in places]
        axes.set_xticks(places, names, fontsize=8.5)
        axes.set_xlim(places[0] - 0.5, places[-1] + 0.5)
    else:
        _draw(axes, curves, _styles(results))
    axes.set_xlabel(words, fontsize=9)
    alt = f"Macro-F1 on perturbed test galaxies: {words}. " + _alt_text(curves, "at {:g}")
    return ReportFigure(file_name("robustness", kind), alt, "", figure)


def strength(results: ComparisonResults, kind: str, x: float) -> str:
    """Return the strength of a perturbation as text: a number, or the missing band."""
    if kind != "band":
        return f"{x:g}"
    return "none" if x < 0 else results.bands[int(x)] if int(x) < len(results.bands) else f"{x:g}"


def _learning(results: ComparisonResults, name: str) -> Curve | None:
    ladders = [
        sorted(
            results.select("learning", input=name, head="network", repeat=repeat, fold=fold),
            key=lambda row: row.n_train,
        )
        for repeat in range(results.n_repeats)
        for fold in range(results.n_folds)
    ]
    # sizes differ between folds by a galaxy or two, so points are matched by their rank
    steps = max(map(len, ladders), default=0)
    return _curve(
        results,
        name,
        [
            (None, [ladder[step] for ladder in ladders if step < len(ladder)])
            for step in range(steps)
        ],
    )


def _robust(results: ComparisonResults, kind: str, name: str) -> Curve | None:
    rows = results.select("robustness", input=name, perturbation=kind)
    nothing = PERTURBATIONS.get(kind, (kind, 0.0))[1]
    if kind == "band":
        nothing = -1.0
    points: dict[float, list[ScoreRow]] = {}
    for row in rows:
        points.setdefault(row.strength, []).append(row)
    if rows and nothing not in points:
        splits = {(row.repeat, row.fold) for row in rows}
        points[nothing] = [
            row for row in results.select("main", input=name) if (row.repeat, row.fold) in splits
        ]
    return _curve(results, name, sorted(points.items()))


def _curve(
    results: ComparisonResults, name: str, points: Sequence[tuple[float | None, Sequence[ScoreRow]]]
) -> Curve | None:
    main = results.select("main", input=name)
    found = []
    for x, rows in points:
        # the folds overlap as with all training galaxies, hence the ratio of main
        each = (
            interval_of(results.values(rows, HEADLINE).tolist(), ratio_of(main or rows))
            if rows
            else None
        )
        if each:
            found.append((float(np.mean([row.n_train for row in rows])) if x is None else x, each))
    return Curve(name, tuple(x for x, _ in found), tuple(y for _, y in found)) if found else None


def _styles(results: ComparisonResults) -> dict[str, tuple[str, str, str]]:
    """Return color, marker and dashes of every input with a curve: the same in all figures."""
    names = [
        name
        for name in results.inputs
        if any(row.input == name for row in results.rows if row.stage in ("learning", "robustness"))
    ]
    return {name: LINES[place % len(LINES)] for place, name in enumerate(names)}


def _draw(
    axes: Axes,
    curves: Sequence[Curve],
    styles: Mapping[str, tuple[str, str, str]],
    lines: bool = True,
) -> None:
    for place, curve in enumerate(curves):
        color, mark, dashes = styles[curve.input]
        low, mean, high = ([getattr(y, name) for y in curve.y] for name in ("low", "mean", "high"))
        if lines:
            axes.fill_between(curve.x, low, high, color=color, alpha=0.13, lw=0)
            axes.plot(
                curve.x,
                mean,
                dashes,
                marker=mark,
                ms=5,
                lw=1.6,
                color=color,
                label=label(curve.input, 20),
            )
        else:
            aside = 0.12 * (place - (len(curves) - 1) / 2)
            error = [np.subtract(mean, low), np.subtract(high, mean)]
            axes.errorbar(
                np.add(curve.x, aside),
                mean,
                yerr=error,
                fmt=mark,
                ms=5,
                capsize=2,
                color=color,
                label=label(curve.input, 20),
            )
    axes.set_ylim(0.0, 1.0)
    axes.set_ylabel("macro-F1", fontsize=9)
    axes.grid(axis="y", color="#e6e9ee", lw=0.8)
    axes.figure.legend(loc="outside upper left", ncols=2, fontsize=8.5, frameon=False)


def _alt_text(curves: Sequence[Curve], form: str) -> str:
    ends = (
        (
            f"{curve.input}: {curve.y[0].mean:.3f} {form.format(curve.x[0])}, "
            f"{curve.y[-1].mean:.3f} "
            f"{form.format(curve.x[-1])}"
        )
        for curve in curves
    )
    return "; ".join(ends) + "."
