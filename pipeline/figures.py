"""The report's figures, drawn without any global state of matplotlib."""

import io
import warnings
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from galfeat.pipeline.comparison import Comparison
from galfeat.pipeline.scores import METRICS

__all__ = ["METRIC_TITLES", "bar_chart", "confusion_matrices", "example_sheet", "picture", "render"]

METRIC_TITLES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro-F1"}
_PIXELS, _HAND, _BOTH = "#0072b2", "#d55e00", "#009e73"  # Okabe and Ito: told apart by colour-blind readers
_WHITE_AT = 6.0  # asinh of about 200 noise sigmas is drawn white


def _color(name: str) -> str:
    return _PIXELS if name.startswith("pixels") else _BOTH if name.endswith("+pixels") else _HAND


def bar_chart(comparison: Comparison) -> Figure:
    """Draw each input's scores with their 95 % intervals, and the score of a guess."""
    names = comparison.inputs
    figure = Figure(figsize=(9.5, 0.36 * len(names) + 1.3), layout="constrained")
    chance = 1.0 / len(comparison.classes)
    for axes, metric in zip(np.atleast_1d(figure.subplots(1, len(METRICS), sharey=True)), METRICS, strict=True):
        for place, name in enumerate(names):
            interval = comparison.interval(name, metric)
            error = [[interval.mean - interval.low], [interval.high - interval.mean]]
            axes.barh(
                place, interval.mean, xerr=error, color=_color(name), height=0.72, error_kw={"lw": 1.2, "capsize": 3, "ecolor": "#222"}
            )
            axes.text(0.012, place, f"{interval.mean:.3f}", va="center", ha="left", color="white", fontsize=8.5, fontweight="bold")
        if metric == "balanced_accuracy":
            axes.axvline(chance, color="#555", lw=1, ls=":")
            axes.text(chance, -0.75, "guess", fontsize=7.5, ha="center", va="center", color="#555")
        axes.set(xlim=(0, 1), title=METRIC_TITLES[metric], yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.4, -1.1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    return figure


def confusion_matrices(comparison: Comparison, names: Sequence[str]) -> Figure:
    """Draw the confusion matrix of each input, rows normalised to the true class."""
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    k = len(comparison.classes)
    side = max(2.6, 0.42 * k + 1.3)
    figure = Figure(figsize=(columns * side + 0.6, rows * (side + 0.25)), layout="constrained")
    for place, axes in enumerate(np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).flat):
        if place >= len(names):
            axes.set_axis_off()
            continue
        counts = comparison.confusion(names[place])
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(share, vmin=0, vmax=1, cmap="Blues")
        for i in range(k):
            for j in range(k):
                axes.text(j, i, str(counts[i, j]), ha="center", va="center", fontsize=8, color="white" if share[i, j] > 0.5 else "#222")
        axes.set_title(names[place], fontsize=10)
        axes.set_xticks(range(k), comparison.classes, rotation=40, ha="right", fontsize=8)
        axes.set_yticks(range(k), comparison.classes if place % columns == 0 else [""] * k, fontsize=8)
        axes.tick_params(length=0)
    figure.supxlabel("predicted class", fontsize=9)
    figure.supylabel("true class", fontsize=9)
    return figure


def example_sheet(images: Mapping[str, Sequence[NDArray[np.float32]]], bands: Sequence[str]) -> Figure:
    """Draw a row of example galaxies a class, as they were prepared.

    Parameters
    ----------
    images : mapping of str to sequence of array (bands, ny, nx)
        Prepared cutouts of each class.
    bands : sequence of str
    """
    columns = max(len(each) for each in images.values())
    figure = Figure(figsize=(1.12 * columns + 1.2, 1.12 * len(images)), layout="constrained")
    grid = figure.subplots(len(images), columns, squeeze=False)
    for axes_row, (name, cutouts) in zip(grid, images.items(), strict=True):
        for place, axes in enumerate(axes_row):
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            if place < len(cutouts):
                axes.imshow(picture(cutouts[place], bands), origin="lower", interpolation="nearest", cmap="gray", vmin=0, vmax=1)
        axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=10)
    return figure


def picture(pixels: NDArray[np.float32], bands: Sequence[str]) -> NDArray[np.float32]:
    """Return a prepared cutout as a picture with values in [0, 1]: grey for one or two bands, otherwise red, green, blue.

    Bands are taken to run from blue to red; those called red, green, blue are taken by name.
    """
    values = np.clip(np.nan_to_num(pixels, nan=0.0) / _WHITE_AT, 0.0, 1.0)
    if len(values) < 3:
        grey: NDArray[np.float32] = values.mean(axis=0)
        return grey
    by_name = tuple(bands[:3]) == ("red", "green", "blue")
    chosen = [0, 1, 2] if by_name else [len(values) - 1, len(values) // 2, 0]
    return np.moveaxis(values[chosen], 0, -1)


def render(figure: Figure, kind: str) -> bytes:
    """Return a figure as ``png`` or ``svg``; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": "galfeat", "svg.fonttype": "path"}):
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")  # names in letters that the font lacks stand in the tables
        metadata = {"Date": None} if kind == "svg" else {"Software": None}
        figure.savefig(buffer, format=kind, dpi=130, metadata=metadata)
    return buffer.getvalue()
