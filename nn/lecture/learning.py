"""Figures of training: learning curves and decision boundaries."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from galfeat import UsageError
from galfeat.nn.lecture.style import CLASSES, HUES, plain_axes
from galfeat.nn.network import Network
from galfeat.nn.training.trace import Trace
from galfeat.nn.types import Floats

__all__ = ["decision_field", "draw_boundary", "draw_losses", "plot_extent"]


def draw_losses(
    curves: Mapping[str, ArrayLike],
    *,
    xlabel: str = "epoch",
    ylabel: str = "loss",
    log: bool = True,
) -> Figure:
    """Plot learning curves with a legend.

    Parameters
    ----------
    curves : mapping of str to array, shape (steps,)
        Losses by label, such as ``{"adam": model.loss_curve_}``; at most eight.
    xlabel, ylabel : str
    log : bool
        Logarithmic loss axis.
    """
    if not curves or len(curves) > len(HUES):
        raise UsageError(
            f"between 1 and {len(HUES)} curves can be distinguished; {len(curves)} were given"
        )
    figure = Figure(figsize=(6.2, 3.8), layout="constrained")
    axes = figure.subplots()
    for (name, losses), hue in zip(curves.items(), HUES, strict=False):
        values = np.asarray(losses, dtype=np.float64)
        axes.plot(np.arange(len(values)), values, color=hue, lw=1.6, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    axes.legend(frameon=False, fontsize=9)
    plain_axes(axes)
    return figure


def draw_boundary(
    trace: Trace, X: Floats, classes: ArrayLike, steps: Sequence[int] | None = None
) -> Figure:
    """Plot the decision boundary of a classifier in the plane at several steps of its training.

    Parameters
    ----------
    trace : Trace
        Of a network with two inputs, and one output (positive for the second class) or one output
        per class.
    X : array, shape (n, 2)
    classes : array of int, shape (n,)
        Index of each point's class, from 0.
    steps : sequence of int, optional
        Recorded steps to plot; default: eight, logarithmically spaced.
    """
    steps = _log_spaced(len(trace)) if steps is None else list(steps)
    classes = np.asarray(classes)
    columns = min(4, len(steps))
    rows = -(-len(steps) // columns)
    figure = Figure(figsize=(2.5 * columns, 2.7 * rows), layout="constrained")
    extent = plot_extent(X)
    hues = ListedColormap(CLASSES[: int(classes.max()) + 1])
    for place, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        axes.set_axis_off()
        if place >= len(steps):
            continue
        step = steps[place]
        _draw_regions(axes, trace.at(step), extent, hues)
        axes.scatter(
            *X.T,
            c=classes,
            cmap=hues,
            s=9,
            edgecolors="white",
            linewidths=0.4,
            vmin=0,
            vmax=hues.N - 1,
        )
        axes.set_title(
            f"after {trace.updates[step]:,} updates\nloss {trace.losses[step]:.3g}", fontsize=9
        )
    return figure


def _draw_regions(
    axes: Any, network: Network, extent: tuple[float, float, float, float], hues: ListedColormap
) -> None:
    """Plot the decision regions, more opaque where the network is confident, and their borders."""
    class_index, confidence = decision_field(network, extent, 120)
    axes.imshow(
        hues(class_index / max(hues.N - 1, 1)),
        alpha=0.08 + 0.47 * confidence,
        origin="lower",
        extent=extent,
        interpolation="bilinear",
        aspect="auto",
    )
    axes.contour(
        class_index,
        levels=np.arange(hues.N - 1) + 0.5,
        colors="black",
        linewidths=0.9,
        extent=extent,
        origin="lower",
    )


def plot_extent(X: Floats) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of the plot of points in the plane, with a margin."""
    if X.ndim != 2 or X.shape[1] != 2:
        raise UsageError(
            f"only points in the plane can be drawn: X must have shape (n, 2); it has {X.shape}"
        )
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.12 * np.where(high > low, high - low, 1.0)
    return (
        float(low[0] - margin[0]),
        float(high[0] + margin[0]),
        float(low[1] - margin[1]),
        float(high[1] + margin[1]),
    )


def decision_field(
    network: Network, extent: tuple[float, float, float, float], pixels: int
) -> tuple[NDArray[np.intp], Floats]:
    """Evaluate a classifier on a grid of points in the plane.

    A single output is taken as the log odds of the second class, several as logits.

    Parameters
    ----------
    network : Network
        With two inputs.
    extent : tuple of float
        Left, right, bottom, top.
    pixels : int
        Grid points per side.

    Returns
    -------
    class_index : array of int, shape (pixels, pixels)
    confidence : array, shape (pixels, pixels)
        Largest probability, scaled so that 0 is a uniform distribution and 1 is certainty.
    """
    left, right, bottom, top = extent
    x, y = np.meshgrid(np.linspace(left, right, pixels), np.linspace(bottom, top, pixels))
    out = network.forward(np.stack([x.ravel(), y.ravel()], axis=1))
    logits = np.hstack([np.zeros_like(out), out]) if out.shape[1] == 1 else out
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    best = odds.max(axis=1) / odds.sum(axis=1)
    k = logits.shape[1]
    confidence = (best - 1 / k) / (1 - 1 / k)
    return logits.argmax(axis=1).reshape(x.shape), confidence.reshape(x.shape)


def _log_spaced(steps: int) -> list[int]:
    """Return up to eight logarithmically spaced steps: most changes happen at the beginning."""
    return sorted({0, *np.geomspace(1, steps, 8).round().astype(int) - 1})
