"""Figures of the scores: every input with its interval, and its difference to raw pixels."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from galfeat.pipeline.evaluation.significance import Interval
from galfeat.pipeline.reporting.drawing import COLORS, MARKS, ReportFigure, canvas, label
from galfeat.pipeline.reporting.summary import REGION, Summary

__all__ = ["forest", "score_plot"]

_LEGEND = (
    "Blue squares: pixels; orange circles: hand-crafted features; green diamonds: both; gray "
    "crosses: controls."
)


def score_plot(summary: Summary) -> ReportFigure | None:
    """Draw macro-F1 of every input with its 95 % interval; None if no input has one."""
    found = {name: each for name in summary.rows if (each := summary.interval(name))}
    if not found:
        return None
    figure, axes = canvas(0.3 * len(found) + 0.75)
    _rows(axes, list(found.items()), summary, "{:.3f}")
    axes.set_xlim(0.0, 1.0)
    axes.set_xlabel("macro-F1", fontsize=9)
    alt = "Macro-F1 of every input with 95 % intervals: " + _alt_text(found, "{:.3f}")
    return ReportFigure(
        "scores", alt, f"Macro-F1 with 95 % intervals, mean over all folds. {_LEGEND}", figure
    )


def forest(summary: Summary) -> ReportFigure | None:
    """Draw the forest plot of differences of macro-F1 to raw pixels; None if there are none."""
    found = {name: each.interval for name in summary.rows if (each := summary.to_pixels.get(name))}
    if not found:
        return None
    figure, axes = canvas(0.3 * len(found) + 0.75)
    axes.axvspan(-REGION, REGION, color="#dde3ea", lw=0, zorder=0)
    axes.axvline(0.0, color="#333", lw=1, zorder=1)
    _rows(axes, list(found.items()), summary, "{:+.3f}")
    axes.set_xlabel("difference of macro-F1 to raw pixels", fontsize=9)
    axes.margins(x=0.08)
    alt = "Differences of macro-F1 to raw pixels with 95 % intervals: " + _alt_text(
        found, "{:+.3f}"
    )
    caption = (
        "Macro-F1 less that of raw pixels on the same folds, with 95 % intervals. The gray band "
        f"is the region of ±{REGION} of practical equivalence. {_LEGEND}"
    )
    return ReportFigure("differences", alt, caption, figure)


def _rows(axes: Axes, found: Sequence[tuple[str, Interval]], summary: Summary, form: str) -> None:
    for place, (name, each) in enumerate(found):
        group = summary.group[name]
        error = [[each.mean - each.low], [each.high - each.mean]]
        axes.errorbar(
            each.mean,
            place,
            xerr=error,
            fmt=MARKS[group],
            color=COLORS[group],
            ms=5.5,
            capsize=2.5,
            lw=1.5,
            zorder=3,
        )
        axes.annotate(
            form.format(each.mean),
            (1.02, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8.5,
        )
    axes.set_yticks(range(len(found)), [label(name, 20, 2) for name, _ in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e9ee", lw=0.8, zorder=0)
    axes.set_axisbelow(True)


def _alt_text(found: dict[str, Interval], form: str) -> str:
    each = (
        f"{name} {form.format(i.mean)} ({form.format(i.low)} to {form.format(i.high)})"
        for name, i in found.items()
    )
    return "; ".join(each) + "."
