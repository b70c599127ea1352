"""Figures of activation functions and of universal approximation."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from galfeat import UsageError
from galfeat.nn.activations import ACTIVATIONS, Elementwise, get_activation
from galfeat.nn.lecture.approximation import relu_approximation
from galfeat.nn.lecture.style import GRAY, HUES, plain_axes
from galfeat.nn.types import Floats

__all__ = ["draw_activations", "draw_approximation"]


def draw_activations(names: Sequence[str] | None = None, reach: float = 4.0) -> Figure:
    """Plot activation functions and their slopes.

    Parameters
    ----------
    names : sequence of str, optional
        Names in `galfeat.nn.activations.ACTIVATIONS`; default: all elementwise ones.
    reach : float
        The plots extend from ``-reach`` to ``reach``.
    """
    names = (
        [name for name, each in ACTIVATIONS.items() if isinstance(each, Elementwise)]
        if names is None
        else list(names)
    )
    if not names:
        raise UsageError("there is no activation to draw: give at least one name")
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.4 * columns, 1.9 * rows + 0.4), layout="constrained")
    z = np.linspace(-reach, reach, 801)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(names):
            axes.set_axis_off()
            continue
        activation = get_activation(names[place])
        if not isinstance(activation, Elementwise):
            raise UsageError(f"{names[place]} works on a whole row, so it has no curve to draw")
        value = activation.value(z)
        axes.axhline(0, color=GRAY, lw=0.5)
        axes.axvline(0, color=GRAY, lw=0.5)
        axes.plot(z, value, color=HUES[0], lw=2, label="value")
        axes.plot(z, activation.slope(z, value), color=HUES[1], lw=1.5, ls="--", label="slope")
        axes.set_title(names[place].replace("_", " "), fontsize=10)
        axes.set_ylim(-1.6, 2.6)
        plain_axes(axes)
    grid[0, 0].legend(frameon=False, fontsize=8, loc="upper left")
    figure.supxlabel("z, the weighted sum", fontsize=9)
    return figure


def draw_approximation(
    f: Callable[[Floats], Floats], a: float, b: float, units: Sequence[int] = (2, 4, 8, 16)
) -> Figure:
    """Plot a function, ReLU networks that interpolate it, and their error against their size.

    Parameters
    ----------
    f, a, b
        As in `galfeat.nn.relu_approximation`.
    units : sequence of int
        Numbers of hidden units of the networks to plot.
    """
    x = np.linspace(a, b, 2001)
    figure = Figure(figsize=(9.5, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.6, 1])
    left.plot(x, f(x), color="black", lw=3, alpha=0.35, label="function")
    for n, hue in zip(units, HUES, strict=False):
        knots = np.linspace(a, b, n + 1)
        left.plot(x, _interpolated(f, a, b, n, x), color=hue, lw=1.4, label=f"{n} units")
        left.plot(knots, f(knots), "o", color=hue, ms=3)
    left.set(title="a hidden layer of ReLUs draws a broken line", xlabel="x")
    left.legend(frameon=False, fontsize=8)
    many = np.unique(np.geomspace(2, 256, 15).round().astype(int))
    errors = [float(np.abs(_interpolated(f, a, b, int(n), x) - f(x)).max()) for n in many]
    right.loglog(many, errors, "o-", color=HUES[0], ms=4, lw=1)
    middle = len(many) // 2
    right.loglog(
        many,
        errors[middle] * (many / many[middle]) ** -2.0,
        color=GRAY,
        lw=1,
        ls="--",
        label="1 / n²",
    )
    right.set(title="largest error", xlabel="hidden units n")
    right.legend(frameon=False, fontsize=9)
    for axes in (left, right):
        plain_axes(axes)
    return figure


def _interpolated(f: Callable[[Floats], Floats], a: float, b: float, n: int, x: Floats) -> Floats:
    return relu_approximation(f, a, b, n).forward(x[:, None])[:, 0]
