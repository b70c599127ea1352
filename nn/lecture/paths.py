"""Where optimizers go from many starts on one landscape."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from galfeat import UsageError
from galfeat.nn.lecture.style import plain_axes
from galfeat.nn.lecture.surfaces import Hills
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
from galfeat.nn.training.full_batch import Landscape
from galfeat.nn.training.lbfgs import lbfgs
from galfeat.nn.training.newton import newton
from galfeat.nn.types import Floats

__all__ = ["OPTIMIZERS_DRAWN", "descend", "draw_paths", "walk"]

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
"""What `draw_paths` draws: every optimizer with a rate that suits `Hills`."""

_STARTS = np.array([(x, y) for x in (-4.8, -1.6, 1.6, 4.8) for y in (-4.8, -1.6, 1.6, 4.8)])


def descend(surface: Landscape, optimizer: Optimizer, start: Floats, steps: int) -> Floats:
    """Return the way of a first-order optimizer, shape (steps + 1, parameters)."""
    params: Floats = np.array(start, dtype=np.float64)
    state = optimizer.start(params)
    way: list[Floats] = [params]
    for _ in range(steps):
        params, state = optimizer.step(params, surface.value_and_gradient(params)[1], state)
        way.append(params)
    return np.array(way)


def walk(surface: Landscape, how: Optimizer | str, start: Floats, steps: int) -> Floats:
    """Return the way of any optimizer, ``"newton"`` and ``"lbfgs"`` included, shape (at most steps
    + 1, parameters).
    """
    if isinstance(how, Optimizer):
        return descend(surface, how, start, steps)
    if how not in ("newton", "lbfgs"):
        raise UsageError(f"there is no optimizer '{how}'; give an optimizer, 'newton' or 'lbfgs'")
    way: list[Floats] = []
    search = newton if how == "newton" else lbfgs
    search(
        surface,
        np.array(start, dtype=np.float64),
        max_iter=steps,
        callback=lambda params, _: way.append(params.copy()),
    )
    return np.array(way)


def draw_paths(
    surface: Hills | None = None,
    optimizers: dict[str, Optimizer | str] | None = None,
    starts: Sequence[Sequence[float]] | Floats = _STARTS,
    steps: int = 200,
) -> Figure:
    """Draw the ways of optimizers from many starts, one panel an optimizer.

    Parameters
    ----------
    surface : Hills, optional
        A landscape of two parameters with an ``extent`` (left, right, bottom, top) to draw.
    optimizers : dict of str to Optimizer or {"newton", "lbfgs"}, optional
        By the names that are written above the panels; `OPTIMIZERS_DRAWN` if not given.
    starts : sequence of (x, y)
    steps : int
        Steps from each start at most.

    Notes
    -----
    Each end is marked: full where the deepest of all the ends' heights is reached (within a
    thousandth of the way down from the highest start), open where the way ended higher. The titles
    count them.
    """
    surface = surface or Hills()
    optimizers = optimizers or OPTIMIZERS_DRAWN
    ways = {
        name: [walk(surface, how, np.asarray(start), steps) for start in starts]
        for name, how in optimizers.items()
    }
    heights = {
        name: np.array([surface.value(way[-1]) for way in each]) for name, each in ways.items()
    }
    deepest = min(each.min() for each in heights.values())
    close = deepest + 0.001 * (max(surface.value(np.asarray(start)) for start in starts) - deepest)
    columns = min(5, len(ways))
    rows = -(-len(ways) // columns)
    figure = Figure(figsize=(2.5 * columns, 2.75 * rows), layout="constrained")
    for place, axes in enumerate(
        figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
    ):
        if place >= len(ways):
            axes.set_axis_off()
            continue
        name = list(ways)[place]
        _draw_surface(axes, surface)
        for way, height in zip(ways[name], heights[name], strict=True):
            axes.plot(*way.T, color="#d55e00", lw=0.8, alpha=0.9)
            axes.plot(*way[0], "o", color="black", ms=2)
            axes.plot(
                *way[-1],
                "o",
                ms=5,
                mec="black",
                mew=0.8,
                mfc="#ffdd55" if height <= close else "none",
            )
        axes.set_title(
            f"{name}\n{int((heights[name] <= close).sum())} of {len(starts)} in the deepest",
            fontsize=9,
        )
        axes.set(xlim=surface.extent[:2], ylim=surface.extent[2:])
        plain_axes(axes)
    return figure


def _draw_surface(axes: object, surface: Hills) -> None:
    left, right, bottom, top = surface.extent
    x, y = np.linspace(left, right, 161), np.linspace(bottom, top, 161)
    heights = np.array([[surface.value(np.array([u, v])) for u in x] for v in y])
    levels = heights.min() + (heights.max() - heights.min()) * np.linspace(0, 1, 16) ** 2.2
    axes.contourf(x, y, heights, levels=levels, cmap="Blues_r")  # type: ignore[attr-defined]
    axes.contour(x, y, heights, levels=levels, colors="white", linewidths=0.4)  # type: ignore[attr-defined]
