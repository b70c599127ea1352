"""Paths of all optimizers on a test function with several minima."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.nn.lecture.style import plain_axes
from galfeat.nn.lecture.surfaces import TiltedHimmelblau
from galfeat.nn.optimizers import (
    Adagrad,
    Adam,
    AdamW,
    GradientDescent,
    Momentum,
    Nesterov,
    Optimizer,
    RMSprop,
)
from galfeat.nn.training.full_batch import SmoothFunction
from galfeat.nn.training.lbfgs import lbfgs
from galfeat.nn.training.newton import newton
from galfeat.nn.types import Floats

__all__ = ["OPTIMIZERS_DRAWN", "draw_paths", "first_order_path", "optimizer_path"]

OPTIMIZERS_DRAWN: dict[str, Optimizer | str] = {
    "gradient descent": GradientDescent(learning_rate=0.1),
    "momentum": Momentum(learning_rate=0.03, momentum=0.9),
    "Nesterov": Nesterov(learning_rate=0.03, momentum=0.9),
    "Adagrad": Adagrad(learning_rate=0.6),
    "RMSprop": RMSprop(learning_rate=0.08),
    "Adam": Adam(learning_rate=0.2),
    "AMSGrad": Adam(learning_rate=0.2, amsgrad=True),
    "AdamW": AdamW(learning_rate=0.2),
    "Newton": "newton",
    "L-BFGS": "lbfgs",
}
"""Default of `draw_paths`: all optimizers, with learning rates that suit `TiltedHimmelblau`."""

_STARTS = np.array([(x, y) for x in (-4.8, -1.6, 1.6, 4.8) for y in (-4.8, -1.6, 1.6, 4.8)])


def first_order_path(
    surface: SmoothFunction, optimizer: Optimizer, start: Floats, steps: int
) -> Floats:
    """Return the path of a first-order optimizer, shape (steps + 1, parameters)."""
    params: Floats = np.array(start, dtype=np.float64)
    state = optimizer.start(params)
    path: list[Floats] = [params]
    for _ in range(steps):
        params, state = optimizer.step(params, surface.value_and_gradient(params)[1], state)
        path.append(params)
    return np.array(path)


def optimizer_path(
    surface: SmoothFunction, optimizer: Optimizer | str, start: Floats, steps: int
) -> Floats:
    """Return the path of an optimizer, ``"newton"`` or ``"lbfgs"``.

    Returns
    -------
    array, shape (points, parameters)
        At most ``steps + 1`` points.
    """
    if isinstance(optimizer, Optimizer):
        return first_order_path(surface, optimizer, start, steps)
    if optimizer not in ("newton", "lbfgs"):
        raise UsageError(
            f"there is no optimizer '{optimizer}'; give an optimizer, 'newton' or 'lbfgs'"
        )
    path: list[Floats] = []
    minimize = newton if optimizer == "newton" else lbfgs
    minimize(
        surface,
        np.array(start, dtype=np.float64),
        max_iter=steps,
        callback=lambda params, _: path.append(params.copy()),
    )
    return np.array(path)


def draw_paths(
    surface: TiltedHimmelblau | None = None,
    optimizers: dict[str, Optimizer | str] | None = None,
    starts: Sequence[Sequence[float]] | Floats = _STARTS,
    steps: int = 200,
) -> Figure:
    """Plot the paths of optimizers from many starting points, one panel per optimizer.

    Parameters
    ----------
    surface : TiltedHimmelblau, optional
        A function of two parameters with an ``extent`` (left, right, bottom, top) to plot.
    optimizers : dict of str to Optimizer or {"newton", "lbfgs"}, optional
        By the titles of the panels; default: `OPTIMIZERS_DRAWN`.
    starts : sequence of (x, y)
    steps : int
        Maximum number of steps from each starting point.

    Notes
    -----
    The end of each path is marked: filled where it reaches the lowest value of all ends (within a
    thousandth of its depth below the highest starting point), open where it ends higher. The titles
    give the number of filled ones.
    """
    surface = surface or TiltedHimmelblau()
    optimizers = optimizers or OPTIMIZERS_DRAWN
    paths = {
        name: [optimizer_path(surface, optimizer, np.asarray(start), steps) for start in starts]
        for name, optimizer in optimizers.items()
    }
    ends = {
        name: np.array([surface.value(path[-1]) for path in each]) for name, each in paths.items()
    }
    lowest = min(each.min() for each in ends.values())
    highest = max(surface.value(np.asarray(start)) for start in starts)
    threshold = lowest + 0.001 * (highest - lowest)
    columns = min(5, len(paths))
    rows = -(-len(paths) // columns)
    figure = Figure(figsize=(2.5 * columns, 2.75 * rows), layout="constrained")
    for place, axes in enumerate(
        figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
    ):
        if place >= len(paths):
            axes.set_axis_off()
            continue
        name = list(paths)[place]
        reached = ends[name] <= threshold
        _draw_surface(axes, surface)
        _draw_ends(axes, paths[name], reached)
        axes.set_title(f"{name}\n{int(reached.sum())} of {len(starts)} in the deepest", fontsize=9)
        axes.set(xlim=surface.extent[:2], ylim=surface.extent[2:])
        plain_axes(axes)
    return figure


def _draw_ends(axes: Any, paths: Sequence[Floats], reached: NDArray[np.bool_]) -> None:
    """Plot paths with their starting points, and their ends filled where `reached`."""
    for path, filled in zip(paths, reached, strict=True):
        axes.plot(*path.T, color="#d55e00", lw=0.8, alpha=0.9)
        axes.plot(*path[0], "o", color="black", ms=2)
        axes.plot(*path[-1], "o", ms=5, mec="black", mew=0.8, mfc="#ffdd55" if filled else "none")


def _draw_surface(axes: Any, surface: TiltedHimmelblau) -> None:
    left, right, bottom, top = surface.extent
    x, y = np.linspace(left, right, 161), np.linspace(bottom, top, 161)
    heights = np.array([[surface.value(np.array([u, v])) for u in x] for v in y])
    levels = heights.min() + (heights.max() - heights.min()) * np.linspace(0, 1, 16) ** 2.2
    axes.contourf(x, y, heights, levels=levels, cmap="Blues_r")
    axes.contour(x, y, heights, levels=levels, colors="white", linewidths=0.4)
