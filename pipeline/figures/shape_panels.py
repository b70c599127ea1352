"""Panels of a portrait on the shape of the galaxy: its radii on the image, and its numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

from galfeat.features import Shape
from galfeat.pipeline.figures.portrait_panels import (
    ShownGalaxy,
    draw_background,
    image_axes,
    panel_title,
)

__all__ = ["draw_shape", "draw_shape_numbers"]

_LINE, _RADIUS = "#0072b2", "#d55e00"
_NUMBERS = (  # quantity, words, decimals
    ("concentration", "concentration", 2),
    ("asymmetry", "asymmetry", 3),
    ("smoothness", "smoothness", 3),
    ("gini", "Gini", 3),
    ("m20", "M20", 2),
    ("ellipticity", "ellipticity", 2),
    ("r_half_ellip", "half-light radius", 1),
    ("r_petro_ellip", "Petrosian radius", 1),
    ("sersic_n", "Sersic index", 2),
)
_MOST_REASONS = 3


def draw_shape(axes: Axes, galaxy: ShownGalaxy, shape: Shape) -> None:
    """Draw the outline of the source, its center, and its half-light and Petrosian ellipses."""
    table = shape.measure(galaxy.pixels[None], bands=galaxy.bands)
    plane = table.planes[0]
    mean = np.ma.masked_invalid(galaxy.pixels).mean(axis=0).astype(np.float32)
    draw_background(axes, galaxy, np.ma.filled(mean, np.float32(np.nan)))
    source = table.segments[0] == 1
    if source.any() and not source.all():
        axes.contour(source, levels=[0.5], colors=_LINE, linewidths=0.9, linestyles=":")
    found = {
        name: table.column(plane, name)[0]
        for name in (
            "x_center",
            "y_center",
            "ellipticity",
            "orientation",
            "r_half_ellip",
            "r_petro_ellip",
        )
    }
    place = found["x_center"], found["y_center"]
    drawn = not any(np.ma.is_masked(each) for each in place)
    if drawn:
        axes.plot(*place, marker="+", color=_RADIUS, ms=8, ls="none")
    for name, style in (("r_half_ellip", "--"), ("r_petro_ellip", "-")):
        needed = (found[name], found["ellipticity"], found["orientation"])
        if drawn and not any(np.ma.is_masked(each) for each in needed):
            radius, ellipticity, angle = (float(each) for each in needed)
            axes.add_patch(
                Ellipse(
                    place,
                    2 * radius,
                    2 * radius * (1 - ellipticity),
                    angle=np.degrees(angle),
                    fill=False,
                    edgecolor=_RADIUS,
                    ls=style,
                    lw=1.1,
                )
            )
    panel_title(axes, "Shape", f"{plane}; dashed: half of the light, line: Petrosian radius")
    image_axes(axes, galaxy)


def draw_shape_numbers(axes: Axes, galaxy: ShownGalaxy, shape: Shape) -> None:
    """Write the numbers of the shape, and what is wrong with them."""
    table = shape.measure(galaxy.pixels[None], bands=galaxy.bands)
    plane = table.planes[0]
    lines = []
    for name, words, decimals in _NUMBERS:
        if name in table.names:
            value = table.column(plane, name)[0]
            text = "not measured" if np.ma.is_masked(value) else f"{float(value):.{decimals}f}"
            lines.append((words, text))
    for row, (words, text) in enumerate(lines):
        y = 0.96 - 0.075 * row
        axes.text(0.02, y, words, transform=axes.transAxes, fontsize=9.5, va="top")
        axes.text(0.98, y, text, transform=axes.transAxes, fontsize=9.5, va="top", ha="right")
    reasons = table.reasons(0, plane)[:_MOST_REASONS]
    axes.text(
        0.02,
        0.02,
        "\n".join(reasons),
        transform=axes.transAxes,
        fontsize=7.5,
        va="bottom",
        color="#444",
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#ccc")
    axes.set_box_aspect(1)
    quality = ("good", "suspect", "bad")[int(table.quality[0, 0])]
    panel_title(axes, "Numbers of the shape", f"{plane}; the measurement is {quality}")
