"""Animation of a network's training as a self-contained HTML page."""

import base64
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from galfeat import UsageError
from galfeat.nn.lecture.learning import decision_field, plot_extent
from galfeat.nn.lecture.style import CLASSES
from galfeat.nn.training.trace import Trace
from galfeat.nn.types import Floats

__all__ = ["animation"]

_PIXELS = 72  # per side of the image of the decision regions
_MAX_WEIGHTS = 400  # lines that can still be distinguished


def animation(
    trace: Trace,
    X: Floats,
    classes: ArrayLike,
    steps: Sequence[int] | None = None,
    *,
    title: str = "A network learning",
) -> str:
    """Create an HTML page that animates the training of a classifier of points in the plane.

    The page shows the points and the decision regions, the network with its weights as lines, and
    the loss; it has a play button and a slider. It loads no external resources.

    Parameters
    ----------
    trace : Trace
        Of a network with two inputs, and one output (positive for the second class) or one output
        per class.
    X : array, shape (n, 2)
    classes : array of int, shape (n,)
        Index of each point's class, from 0 to at most 5.
    steps : sequence of int, optional
        Recorded steps to show; default: up to 90, evenly spaced.
    title : str

    Returns
    -------
    str
        The HTML source.

    Raises
    ------
    UsageError
        If X is not of shape (n, 2), there are more than six classes, or the network has too many
        weights to draw.

    Examples
    --------
    >>> page = animation(trace, X, classes)  # doctest: +SKIP
    >>> Path("learning.html").write_text(page)  # doctest: +SKIP
    """
    classes = np.asarray(classes)
    extent = plot_extent(X)
    count = max(int(classes.max()) + 1, 2)
    if count > len(CLASSES) or classes.min() < 0:
        raise UsageError(
            f"classes must be numbers from 0 to at most {len(CLASSES) - 1}; they go from "
            f"{classes.min()} to {classes.max()}"
        )
    if trace.network.layout.n_weights > _MAX_WEIGHTS:
        raise UsageError(
            f"only networks of up to {_MAX_WEIGHTS} weights can be drawn; this one has "
            f"{trace.network.layout.n_weights}"
        )
    chosen = _evenly_spaced(len(trace)) if steps is None else list(steps)
    data = {
        "title": title,
        "colors": list(CLASSES[:count]),
        "extent": extent,
        "points": np.round(X, 4).tolist(),
        "classes": classes.tolist(),
        "layers": list(trace.network.layout.sizes),
        "pixels": _PIXELS,
        "frames": [_frame(trace, step, extent) for step in chosen],
        "updates": trace.updates.tolist(),
        "losses": [float(f"{loss:.5g}") for loss in trace.losses],
    }
    template = files("galfeat.nn.lecture").joinpath("animation.html").read_text(encoding="utf-8")
    return template.replace(
        "/*DATA*/null", json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
    )


def _frame(trace: Trace, step: int, extent: tuple[float, float, float, float]) -> dict[str, Any]:
    class_index, confidence = decision_field(trace.at(step), extent, _PIXELS)
    # one byte: class and confidence
    codes = (class_index * 40 + np.round(confidence * 39)).astype(np.uint8)
    weights = [np.round(weight, 3).ravel().tolist() for weight in trace.weights(step)]
    return {"step": int(step), "field": _base64(codes), "weights": weights}


def _base64(codes: NDArray[np.uint8]) -> str:
    return base64.b64encode(codes.tobytes()).decode("ascii")


def _evenly_spaced(steps: int) -> list[int]:
    return [int(step) for step in np.unique(np.linspace(0, steps - 1, min(steps, 90)).round())]
