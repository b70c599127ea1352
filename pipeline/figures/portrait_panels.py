"""Panels of a portrait, one per kind of feature, drawn from the features themselves."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm, to_rgba
from matplotlib.patches import Circle
from numpy.typing import NDArray

from galfeat.features import HOG, SIFT, ColorHistogram, Texture
from galfeat.features.kernels.levels_reference import levels
from galfeat.features.texture.glcm_reference import cooccurrence
from galfeat.features.texture.lbp.reference import patterns
from galfeat.pipeline.figures.render import picture

__all__ = [
    "BAD",
    "ShownGalaxy",
    "draw_background",
    "draw_brightness",
    "draw_color",
    "draw_cooccurrence",
    "draw_galaxy",
    "draw_hog",
    "draw_keypoints",
    "draw_pattern_counts",
    "draw_patterns",
    "image_axes",
    "panel_title",
]

BAD = "#cc79a7"
"""Color of bad pixels; all colors here are safe for color-blind readers (Okabe and Ito)."""

_BANDS = ("#0072b2", "#009e73", "#d55e00", "#e69f00", "#56b4e9", "#000000")
_NAMED_BANDS = {"blue": _BANDS[0], "green": _BANDS[1], "red": _BANDS[2]}
_STROKE, _RING = "#0072b2", "#d55e00"
_WHITE_AT = 6.0  # asinh of about 200 noise sigmas, which is drawn darkest
_BRIGHTNESS = "brightness, asinh(flux / noise)"
_MIN_FRACTION = 1e-4  # of the pixels or pairs, where logarithmic scales begin
_MANY_LEVELS = 16  # levels per axis above which the color scale ends at 0.1
# pixels: large enough for the gradient of a galaxy to exceed the noise
_RADIUS = 3


@dataclass(frozen=True)
class ShownGalaxy:
    """Galaxy of a portrait.

    Parameters
    ----------
    pixels : array of float32, shape (bands, size, size)
        Prepared; bad pixels are not finite.
    bands : tuple of str
    origin : {"lower", "upper"}
        Position of the first row: lower in FITS images, upper in pictures.
    """

    pixels: NDArray[np.float32]
    bands: tuple[str, ...]
    origin: Literal["lower", "upper"] = "lower"

    @property
    def band(self) -> int:
        """Number of the band of single-band panels: the middle one."""
        return len(self.bands) // 2

    @property
    def plane(self) -> NDArray[np.float32]:
        """The pixels of that band."""
        plane: NDArray[np.float32] = self.pixels[self.band]
        return plane

    def vector(self, extractor: ColorHistogram | HOG | Texture) -> dict[str, float]:
        """Return the features of this galaxy by name."""
        names = extractor.feature_names(self.bands, self.pixels.shape[1:])
        return dict(zip(names, extractor.transform(self.pixels[None])[0].tolist(), strict=True))


def draw_galaxy(axes: Axes, galaxy: ShownGalaxy) -> None:
    """Draw the galaxy in color, with bad pixels marked."""
    colors = picture(galaxy.pixels, galaxy.bands)
    axes.imshow(colors, origin=galaxy.origin, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    _mark_bad(axes, np.asarray(~np.isfinite(galaxy.pixels).all(axis=0)), galaxy)
    bands = galaxy.bands
    if len(bands) < 3:
        subtitle = f"the mean of {' and '.join(bands)}" if len(bands) == 2 else bands[0]
    elif bands[:3] == ("red", "green", "blue"):
        subtitle = "red, green, blue"
    else:
        subtitle = f"red {bands[-1]}, green {bands[len(bands) // 2]}, blue {bands[0]}"
    panel_title(axes, "The galaxy", subtitle)
    image_axes(axes, galaxy)


def draw_hog(axes: Axes, galaxy: ShownGalaxy, hog: HOG) -> None:
    """Draw HOG: in each cell a stroke per edge direction above the mean of all directions."""
    draw_background(axes, galaxy, galaxy.plane)
    values = cell_means(hog, galaxy)
    (cy, cx), count = hog.pixels_per_cell, hog.orientations
    # the edge runs across the gradient
    direction = np.radians((np.arange(count) + 0.5) * 180 / count + 90)
    reach = 0.5 * np.stack([np.cos(direction) * cx, np.sin(direction) * cy], axis=-1)
    rows, columns = np.indices(values.shape[:2])
    centers = np.stack([columns * cx + (cx - 1) / 2, rows * cy + (cy - 1) / 2], axis=-1)[:, :, None]
    # noise has all directions equally
    above = np.maximum(values - values.mean(axis=-1, keepdims=True), 0)
    relative = above / max(float(above.max()), 1e-12)
    half = reach * relative[..., None]
    strokes = np.stack([centers - half, centers + half], axis=-2).reshape(-1, 2, 2)
    colors = np.tile(to_rgba(_STROKE), (len(strokes), 1))
    colors[:, 3] = np.clip(0.15 + 1.2 * relative.ravel(), 0, 1)
    axes.add_collection(
        LineCollection(list(strokes), colors=colors, linewidths=1.8, capstyle="round")
    )
    panel_title(
        axes,
        "HOG: edges",
        f"{galaxy.bands[galaxy.band]}; which of {count} directions prevail in {cy} x {cx} pixels",
    )
    image_axes(axes, galaxy)


def cell_means(hog: HOG, galaxy: ShownGalaxy) -> NDArray[np.float64]:
    """Return the mean histogram of each cell over its blocks, shape (rows, columns, bins)."""
    (cy, cx), (by, bx) = hog.pixels_per_cell, hog.cells_per_block
    ny, nx = (side // cell for side, cell in zip(galaxy.pixels.shape[1:], (cy, cx), strict=True))
    vector, band = (
        galaxy.vector(hog),
        galaxy.bands[galaxy.band] if hog.channel == "each" else "strongest",
    )
    sums, counts = np.zeros((ny, nx, hog.orientations)), np.zeros((ny, nx, 1))
    for row, column in np.ndindex(ny - by + 1, nx - bx + 1):
        for i, j in np.ndindex(by, bx):
            place = f"{band}_b{row}_{column}_c{i}_{j}_o"
            sums[row + i, column + j] += [vector[f"{place}{k}"] for k in range(hog.orientations)]
            counts[row + i, column + j] += 1
    return np.asarray(sums / np.maximum(counts, 1))


def draw_keypoints(axes: Axes, galaxy: ShownGalaxy, sift: SIFT) -> None:
    """Draw SIFT keypoints as circles of their size, with a tick in their direction."""
    mean = np.ma.masked_invalid(galaxy.pixels).mean(axis=0).astype(np.float32)
    draw_background(axes, galaxy, np.ma.filled(mean, np.float32(np.nan)))
    (found,) = sift.locate(galaxy.pixels[None])
    for x, y, size, _ in found:
        axes.add_patch(Circle((x, y), size / 2, fill=False, edgecolor=_RING, lw=0.9))
    turn = np.radians(found[:, 3])
    tips = found[:, :2] + 0.5 * found[:, 2:3] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    axes.add_collection(
        LineCollection(list(np.stack([found[:, :2], tips], axis=1)), colors=_RING, linewidths=0.9)
    )
    number = f"{len(found)} keypoint{'' if len(found) == 1 else 's'}"
    panel_title(
        axes,
        f"SIFT: {number}",
        ("mean of the bands; " if len(galaxy.bands) > 1 else "") + "circle: size, tick: direction",
    )
    image_axes(axes, galaxy)


def draw_patterns(axes: Axes, galaxy: ShownGalaxy) -> None:
    """Draw the map of local binary patterns."""
    count = 8 * _RADIUS
    found = np.full(galaxy.plane.shape, count + 2)
    found[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = patterns(galaxy.plane[None], _RADIUS)[0]
    shown = np.ma.masked_greater(found, count + 1)
    axes.imshow(
        shown,
        origin=galaxy.origin,
        cmap=_pattern_colors(),
        vmin=-0.5,
        vmax=count + 1.5,
        interpolation="nearest",
    )
    _mark_bad(axes, ~np.isfinite(galaxy.plane), galaxy)
    panel_title(
        axes,
        "Local binary patterns",
        f"{galaxy.bands[galaxy.band]}; brighter points of {count} around a pixel",
    )
    image_axes(axes, galaxy)


def draw_pattern_counts(axes: Axes, galaxy: ShownGalaxy, texture: Texture) -> None:
    """Draw the frequency of each pattern, in the colors of the map."""
    vector, band, count = galaxy.vector(texture), galaxy.bands[galaxy.band], 8 * _RADIUS
    names = [*map(str, range(count + 1)), "other"]
    # clipped to the lower end of the scale
    heights = [max(vector[f"{band}_lbp_r{_RADIUS}_{name}"], _MIN_FRACTION) for name in names]
    axes.bar(
        range(len(names)),
        heights,
        width=0.9,
        color=_pattern_colors()(np.arange(len(names))),
        edgecolor="#666",
        lw=0.5,
    )
    axes.set_xticks(
        [0, count // 2, count, count + 1],
        ["0\nspot", f"{count // 2}\nedge", f"{count}\npit", "\n\nirregular"],
        fontsize=8,
    )
    axes.set(ylabel="fraction of the pixels", yscale="log", ylim=(_MIN_FRACTION * 10, 1))
    panel_title(
        axes, "Frequency of the patterns", f"{band}; brighter points, {_RADIUS} pixels away"
    )
    _style_axes(axes)


def draw_brightness(axes: Axes, galaxy: ShownGalaxy, color: ColorHistogram) -> None:
    """Draw the histogram of each band."""
    vector, low, high = galaxy.vector(color), *color.range
    edges = np.linspace(low, high, color.bins + 1)
    colors = {
        band: _BANDS[place % len(_BANDS)] for place, band in enumerate(galaxy.bands)
    } | _NAMED_BANDS
    for place, band in enumerate(galaxy.bands):
        heights = np.array([vector[f"{band}_{k}"] for k in range(color.bins)])
        style = ("-", "--", ":")[place // len(_BANDS) % 3]
        axes.stairs(
            np.maximum(heights, _MIN_FRACTION / 10),
            edges,
            label=band,
            color=colors[band],
            lw=1.6,
            ls=style,
        )
    axes.set(
        yscale="log",
        xlim=(low, high),
        ylim=(_MIN_FRACTION, 1),
        xlabel=_BRIGHTNESS,
        ylabel="fraction of the pixels",
    )
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    panel_title(axes, "Brightness", f"{color.bins} bins in each band")
    _style_axes(axes)


def draw_color(axes: Axes, galaxy: ShownGalaxy, color: ColorHistogram) -> None:
    """Draw the joint histogram of the first two bands, if there are two."""
    if len(galaxy.bands) < 2:
        draw_missing(axes, "Color", "one band has no color")
        return
    vector, low, (first, second) = galaxy.vector(color), color.range[0], galaxy.bands[:2]
    count = color.pair_bins
    cells = np.array(
        [[vector[f"{first}_{second}_{i}_{j}"] for i in range(count)] for j in range(count)]
    )
    _draw_density(axes, cells, color.range)
    axes.set(xlabel=f"brightness in {first}", ylabel=f"brightness in {second}")
    axes.axline((low, low), slope=1, color="#888", lw=0.8, ls=":")
    panel_title(
        axes,
        f"Color: {first} and {second} together",
        "fraction of the pixels; dotted: equally bright",
    )


def draw_cooccurrence(axes: Axes, galaxy: ShownGalaxy, texture: Texture) -> None:
    """Draw the co-occurrence matrix, mean of four directions, with some of its statistics."""
    distance, (low, high), band = texture.distances[0], texture.range, galaxy.bands[galaxy.band]
    codes = levels(galaxy.plane[None], texture.levels, (low, high))
    matrix = cooccurrence(codes, texture.levels, [distance])[0, 0].mean(axis=0)
    _draw_density(axes, matrix, texture.range)
    axes.set(xlabel="brightness of a pixel", ylabel="brightness of its neighbor")
    vector = galaxy.vector(texture)
    statistics = [
        f"{name} {vector[f'{band}_glcm_d{distance}_{name}']:.2f}"
        for name in ("contrast", "correlation", "entropy")
    ]
    axes.text(
        0.97,
        0.04,
        "\n".join(statistics),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=8,
        linespacing=1.4,
    )
    apart = "1 pixel" if distance == 1 else f"{distance} pixels"
    panel_title(axes, "Co-occurrence", f"{band}; fraction of the pairs {apart} apart")


def draw_missing(axes: Axes, title: str, reason: str) -> None:
    """Draw the reason in place of a panel."""
    axes.text(
        0.5,
        0.5,
        _wrapped(reason),
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=9,
        color="#444",
    )
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color("#ccc")
    axes.set_box_aspect(1)
    panel_title(axes, title, "")


def _wrapped(text: str, width: int = 34) -> str:
    lines = [""]
    for word in text.split():
        lines[-1:] = (
            [f"{lines[-1]} {word}".strip()]
            if len(lines[-1]) + len(word) < width
            else [lines[-1], word]
        )
    return "\n".join(lines)


def _draw_density(axes: Axes, cells: NDArray[np.float64], limits: tuple[float, float]) -> None:
    low, high = limits
    norm = LogNorm(_MIN_FRACTION, 1 if len(cells) < _MANY_LEVELS else 0.1, clip=True)
    shown = np.ma.masked_less_equal(cells, 0)
    drawn = axes.imshow(
        shown,
        origin="lower",
        extent=(low, high, low, high),
        cmap="cividis_r",
        norm=norm,
        interpolation="nearest",
    )
    place = axes.inset_axes((1.03, 0, 0.045, 1))
    axes.figure.colorbar(drawn, cax=place)
    place.tick_params(labelsize=8)
    axes.tick_params(labelsize=8)


def draw_background(axes: Axes, galaxy: ShownGalaxy, plane: NDArray[np.float32]) -> None:
    """Draw the galaxy faintly, dark on white, as a background."""
    axes.imshow(
        np.clip(plane / _WHITE_AT, 0, 1),
        origin=galaxy.origin,
        cmap="gray_r",
        vmin=0,
        vmax=1.5,
        interpolation="nearest",
    )
    bad = ~np.isfinite(plane)
    _mark_bad(axes, bad, galaxy)


def _mark_bad(axes: Axes, bad: NDArray[np.bool_], galaxy: ShownGalaxy) -> None:
    if bad.any():
        marked = np.zeros((*bad.shape, 4))
        marked[bad] = to_rgba(BAD)
        axes.imshow(marked, origin=galaxy.origin, interpolation="nearest")


def _pattern_colors() -> ListedColormap:
    """Return a color per pattern: darker with more brighter points, gray if irregular."""
    count = 8 * _RADIUS
    return ListedColormap(
        [*colormaps["viridis_r"](np.linspace(0, 1, count + 1)), to_rgba("#e6e6e6")]
    )


def image_axes(axes: Axes, galaxy: ShownGalaxy) -> None:
    """Label the axes of a panel that shows the galaxy's pixels."""
    ny, nx = galaxy.pixels.shape[1:]
    low, high = (-0.5, ny - 0.5) if galaxy.origin == "lower" else (ny - 0.5, -0.5)
    axes.set(xlim=(-0.5, nx - 0.5), ylim=(low, high), xlabel="column", ylabel="row")
    axes.tick_params(labelsize=8)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)


def _style_axes(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.set_box_aspect(1)


def panel_title(axes: Axes, what: str, how: str) -> None:
    """Give a panel its title and, below it, how it was made."""
    axes.set_title(what, fontsize=12, loc="left", pad=21, fontweight="bold")
    axes.text(0, 1.02, how, transform=axes.transAxes, fontsize=9.5, color="#444", va="bottom")
    axes.xaxis.label.set_fontsize(8.5)
    axes.yaxis.label.set_fontsize(8.5)
