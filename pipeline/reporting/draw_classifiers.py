"""Figure of the classifiers: macro-F1 of the network and the baselines on the same inputs."""

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from galfeat.pipeline.reporting.classifiers import CLASSIFIERS, ClassifierScore, classifier_scores
from galfeat.pipeline.reporting.drawing import LINES, ReportFigure, canvas, label
from galfeat.pipeline.reporting.summary import Summary

__all__ = ["classifier_figure"]

_STYLES = {
    name: LINES[place][:2] for place, name in enumerate(("logistic", "network", "forest", "cnn"))
}


def classifier_figure(summary: Summary) -> ReportFigure | None:
    """Draw macro-F1 of every classifier with its 95 % interval, a line per input.

    None if there is only one classifier.
    """
    found = [each for each in classifier_scores(summary) if each.interval]
    inputs, heads = (
        list(dict.fromkeys(getattr(each, name) for each in found)) for name in ("input", "head")
    )
    if len(heads) < 2:
        return None
    heads.sort(key=list(CLASSIFIERS).index)
    figure, axes = canvas(0.55 * len(inputs) + 1.1)
    for each in found:
        _draw(
            axes,
            each,
            inputs.index(each.input),
            0.6 * (heads.index(each.head) - (len(heads) - 1) / 2) / len(heads),
        )
    axes.set_yticks(range(len(inputs)), [label(name, 20, 2) for name in inputs])
    axes.set_ylim(len(inputs) - 0.5, -0.5)
    axes.set_xlim(0.0, 1.0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e9ee", lw=0.8, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("macro-F1", fontsize=9)
    signs = [
        Line2D(
            [],
            [],
            color=_STYLES[head][0],
            marker=_STYLES[head][1],
            ls="",
            ms=5.5,
            label=CLASSIFIERS[head],
        )
        for head in heads
    ]
    figure.legend(handles=signs, loc="outside upper left", ncols=2, fontsize=8.5, frameon=False)
    values = (
        f"{CLASSIFIERS[each.head]} on {each.input} {each.interval.mean:.3f}"
        for each in found
        if each.interval
    )
    alt = (
        "Macro-F1 of every classifier on the inputs that several were tried on: "
        f"{'; '.join(values)}."
    )
    return ReportFigure(
        "heads",
        alt,
        "Macro-F1 with 95 % intervals, on the folds that all classifiers were tried on.",
        figure,
    )


def _draw(axes: Axes, each: ClassifierScore, place: int, aside: float) -> None:
    color, mark = _STYLES[each.head]
    assert each.interval is not None
    mean, low, high = each.interval.mean, each.interval.low, each.interval.high
    axes.errorbar(
        mean,
        place + aside,
        xerr=[[mean - low], [high - mean]],
        fmt=mark,
        color=color,
        ms=5.5,
        capsize=2,
        lw=1.4,
        zorder=3,
    )
