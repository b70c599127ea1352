"""The panels of a portrait.

One thing each that an extractor measures, drawn from the extractor's own numbers.
"""

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
from galfeat.features.texture.lbp_reference import patterns
from galfeat.pipeline.figures.render import picture

__all__ = [
    "BAD",
    "ShownGalaxy",
    "draw_brightness",
    "draw_colour",
    "draw_cooccurrence",
    "draw_galaxy",
    "draw_hog",
    "draw_keypoints",
    "draw_pattern_counts",
    "draw_patterns",
]

BAD = "#cc79a7"
"""Colour of bad pixels; like all others here of Okabe and Ito, told apart by colour-blind readers.
"""

_BANDS = ("#0072b2", "#009e73", "#d55e00", "#e69f00", "#56b4e9", "#000000")
_NAMED = {"blue": _BANDS[0], "green": _BANDS[1], "red": _BANDS[2]}
_STROKE, _RING = "#0072b2", "#d55e00"
_WHITE_AT = 6.0  # asinh of about 200 noise sigmas is drawn darkest
_BRIGHTNESS = "brightness, asinh(flux / noise)"
_LEAST = 1e-4  # fraction of the pixels or pairs where logarithmic scales begin
_MANY = 16  # levels a side: with as many no cell holds much
# pixels, of the circles whose patterns are mapped: large enough to see a galaxy's slope beside the
# noise
_RADIUS = 3


@dataclass(frozen=True)
class ShownGalaxy:
    """The galaxy that is drawn.

    Parameters
    ----------
    pixels : array of float32, shape (bands, size, size)
        Prepared; bad pixels are not finite.
    bands : tuple of str
    origin : {"lower", "upper"}
        Where the first row is: below in FITS images, on top in pictures.
    """

    pixels: NDArray[np.float32]
    bands: tuple[str, ...]
    origin: Literal["lower", "upper"] = "lower"

    @property
    def band(self) -> int:
        """The band that is drawn where only one can be: the middle one."""
        return len(self.bands) // 2

    @property
    def plane(self) -> NDArray[np.float32]:
        """The pixels of that band."""
        plane: NDArray[np.float32] = self.pixels[self.band]
        return plane

    def vector(self, extractor: ColorHistogram | HOG | Texture) -> dict[str, float]:
        """Return the features of this galaxy by their names."""
        names = extractor.feature_names(self.bands, self.pixels.shape[1:])
        return dict(zip(names, extractor.transform(self.pixels[None])[0].tolist(), strict=True))


def draw_galaxy(axes: Axes, sitter: ShownGalaxy) -> None:
    """Draw the galaxy in its colours, bad pixels marked."""
    colours = picture(sitter.pixels, sitter.bands)
    axes.imshow(colours, origin=sitter.origin, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    _mark_bad(axes, np.asarray(~np.isfinite(sitter.pixels).all(axis=0)), sitter)
    bands = sitter.bands
    if len(bands) < 3:
        said = f"the mean of {' and '.join(bands)}" if len(bands) == 2 else bands[0]
    elif bands[:3] == ("red", "green", "blue"):
        said = "red, green, blue"
    else:
        said = f"red {bands[-1]}, green {bands[len(bands) // 2]}, blue {bands[0]}"
    _title(axes, "The galaxy", said)
    _image_axes(axes, sitter)


def draw_hog(axes: Axes, sitter: ShownGalaxy, hog: HOG) -> None:
    """Draw edges as strokes along them.

    In each cell one for each direction that it has more of than the mean of all directions.
    """
    _backdrop(axes, sitter, sitter.plane)
    values = cell_means(hog, sitter)
    (cy, cx), count = hog.pixels_per_cell, hog.orientations
    # the edge runs across the gradient
    along = np.radians((np.arange(count) + 0.5) * 180 / count + 90)
    reach = 0.5 * np.stack([np.cos(along) * cx, np.sin(along) * cy], axis=-1)
    rows, columns = np.indices(values.shape[:2])
    centres = np.stack([columns * cx + (cx - 1) / 2, rows * cy + (cy - 1) / 2], axis=-1)[:, :, None]
    # in noise all directions are alike
    above = np.maximum(values - values.mean(axis=-1, keepdims=True), 0)
    relative = above / max(float(above.max()), 1e-12)
    half = reach * relative[..., None]
    strokes = np.stack([centres - half, centres + half], axis=-2).reshape(-1, 2, 2)
    colours = np.tile(to_rgba(_STROKE), (len(strokes), 1))
    colours[:, 3] = np.clip(0.15 + 1.2 * relative.ravel(), 0, 1)
    axes.add_collection(
        LineCollection(list(strokes), colors=colours, linewidths=1.8, capstyle="round")
    )
    _title(
        axes,
        "HOG: edges",
        f"{sitter.bands[sitter.band]}; which of {count} directions prevail in {cy} x {cx} pixels",
    )
    _image_axes(axes, sitter)


def cell_means(hog: HOG, sitter: ShownGalaxy) -> NDArray[np.float64]:
    """Return for each cell the mean of its values over the blocks that it is in, shape (rows,
    columns, orientations).
    """
    (cy, cx), (by, bx) = hog.pixels_per_cell, hog.cells_per_block
    ny, nx = (side // cell for side, cell in zip(sitter.pixels.shape[1:], (cy, cx), strict=True))
    vector, band = (
        sitter.vector(hog),
        sitter.bands[sitter.band] if hog.channel == "each" else "strongest",
    )
    sums, counts = np.zeros((ny, nx, hog.orientations)), np.zeros((ny, nx, 1))
    for row, column in np.ndindex(ny - by + 1, nx - bx + 1):
        for i, j in np.ndindex(by, bx):
            place = f"{band}_b{row}_{column}_c{i}_{j}_o"
            sums[row + i, column + j] += [vector[f"{place}{k}"] for k in range(hog.orientations)]
            counts[row + i, column + j] += 1
    return np.asarray(sums / np.maximum(counts, 1))


def draw_keypoints(axes: Axes, sitter: ShownGalaxy, sift: SIFT) -> None:
    """Draw keypoints as circles of their size, with a tick in their direction."""
    mean = np.ma.masked_invalid(sitter.pixels).mean(axis=0).astype(np.float32)
    _backdrop(axes, sitter, np.ma.filled(mean, np.float32(np.nan)))
    (found,) = sift.locate(sitter.pixels[None])
    for x, y, size, _ in found:
        axes.add_patch(Circle((x, y), size / 2, fill=False, edgecolor=_RING, lw=0.9))
    turn = np.radians(found[:, 3])
    tips = found[:, :2] + 0.5 * found[:, 2:3] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    axes.add_collection(
        LineCollection(list(np.stack([found[:, :2], tips], axis=1)), colors=_RING, linewidths=0.9)
    )
    number = f"{len(found)} keypoint{'' if len(found) == 1 else 's'}"
    _title(
        axes,
        f"SIFT: {number}",
        ("mean of the bands; " if len(sitter.bands) > 1 else "") + "circle: size, tick: direction",
    )
    _image_axes(axes, sitter)


def draw_patterns(axes: Axes, sitter: ShownGalaxy) -> None:
    """Draw which local binary pattern each pixel has."""
    count = 8 * _RADIUS
    found = np.full(sitter.plane.shape, count + 2)
    found[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = patterns(sitter.plane[None], _RADIUS)[0]
    shown = np.ma.masked_greater(found, count + 1)
    axes.imshow(
        shown,
        origin=sitter.origin,
        cmap=_pattern_colours(),
        vmin=-0.5,
        vmax=count + 1.5,
        interpolation="nearest",
    )
    _mark_bad(axes, ~np.isfinite(sitter.plane), sitter)
    _title(
        axes,
        "Local binary patterns",
        f"{sitter.bands[sitter.band]}; brighter points of {count} around a pixel",
    )
    _image_axes(axes, sitter)


def draw_pattern_counts(axes: Axes, sitter: ShownGalaxy, texture: Texture) -> None:
    """Draw how frequent each pattern is, in the colours of the map."""
    vector, band, count = sitter.vector(texture), sitter.bands[sitter.band], 8 * _RADIUS
    names = [*map(str, range(count + 1)), "other"]
    # none is below the scale
    heights = [max(vector[f"{band}_lbp_r{_RADIUS}_{name}"], _LEAST) for name in names]
    axes.bar(
        range(len(names)),
        heights,
        width=0.9,
        color=_pattern_colours()(np.arange(len(names))),
        edgecolor="#666",
        lw=0.5,
    )
    axes.set_xticks(
        [0, count // 2, count, count + 1],
        ["0\nspot", f"{count // 2}\nedge", f"{count}\npit", "\n\nirregular"],
        fontsize=8,
    )
    axes.set(ylabel="fraction of the pixels", yscale="log", ylim=(_LEAST * 10, 1))
    _title(axes, "Frequency of the patterns", f"{band}; brighter points, {_RADIUS} pixels away")
    _plain(axes)


def draw_brightness(axes: Axes, sitter: ShownGalaxy, color: ColorHistogram) -> None:
    """Draw the histogram of each band."""
    vector, low, high = sitter.vector(color), *color.range
    edges = np.linspace(low, high, color.bins + 1)
    colours = {
        band: _BANDS[place % len(_BANDS)] for place, band in enumerate(sitter.bands)
    } | _NAMED
    for place, band in enumerate(sitter.bands):
        heights = np.array([vector[f"{band}_{k}"] for k in range(color.bins)])
        style = ("-", "--", ":")[place // len(_BANDS) % 3]
        axes.stairs(
            np.maximum(heights, _LEAST / 10),
            edges,
            label=band,
            color=colours[band],
            lw=1.6,
            ls=style,
        )
    axes.set(
        yscale="log",
        xlim=(low, high),
        ylim=(_LEAST, 1),
        xlabel=_BRIGHTNESS,
        ylabel="fraction of the pixels",
    )
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    _title(axes, "Brightness", f"{color.bins} bins in each band")
    _plain(axes)


def draw_colour(axes: Axes, sitter: ShownGalaxy, color: ColorHistogram) -> None:
    """Draw the joint histogram of the first two bands; a galaxy of one band has no colour."""
    if len(sitter.bands) < 2:
        absent(axes, "Colour", "one band has no colour")
        return
    vector, low, (first, second) = sitter.vector(color), color.range[0], sitter.bands[:2]
    count = color.pair_bins
    cells = np.array(
        [[vector[f"{first}_{second}_{i}_{j}"] for i in range(count)] for j in range(count)]
    )
    _density(axes, cells, color.range)
    axes.set(xlabel=f"brightness in {first}", ylabel=f"brightness in {second}")
    axes.axline((low, low), slope=1, color="#888", lw=0.8, ls=":")
    _title(
        axes,
        f"Colour: {first} and {second} together",
        "fraction of the pixels; dotted: equally bright",
    )


def draw_cooccurrence(axes: Axes, sitter: ShownGalaxy, texture: Texture) -> None:
    """Draw the mean co-occurrence matrix of four directions, and some of its statistics."""
    distance, (low, high), band = texture.distances[0], texture.range, sitter.bands[sitter.band]
    codes = levels(sitter.plane[None], texture.levels, (low, high))
    matrix = cooccurrence(codes, texture.levels, [distance])[0, 0].mean(axis=0)
    _density(axes, matrix, texture.range)
    axes.set(xlabel="brightness of a pixel", ylabel="brightness of its neighbour")
    vector = sitter.vector(texture)
    said = [
        f"{name} {vector[f'{band}_glcm_d{distance}_{name}']:.2f}"
        for name in ("contrast", "correlation", "entropy")
    ]
    axes.text(
        0.97,
        0.04,
        "\n".join(said),
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=8,
        linespacing=1.4,
    )
    apart = "1 pixel" if distance == 1 else f"{distance} pixels"
    _title(axes, "Co-occurrence", f"{band}; fraction of the pairs {apart} apart")


def absent(axes: Axes, title: str, reason: str) -> None:
    """Say in the place of a panel why there is none."""
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
    _title(axes, title, "")


def _wrapped(text: str, width: int = 34) -> str:
    lines = [""]
    for word in text.split():
        lines[-1:] = (
            [f"{lines[-1]} {word}".strip()]
            if len(lines[-1]) + len(word) < width
            else [lines[-1], word]
        )
    return "\n".join(lines)


def _density(axes: Axes, cells: NDArray[np.float64], limits: tuple[float, float]) -> None:
    low, high = limits
    norm = LogNorm(_LEAST, 1 if len(cells) < _MANY else 0.1, clip=True)
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


def _backdrop(axes: Axes, sitter: ShownGalaxy, plane: NDArray[np.float32]) -> None:
    """Draw the galaxy dark on white and faintly, for what is drawn over it."""
    axes.imshow(
        np.clip(plane / _WHITE_AT, 0, 1),
        origin=sitter.origin,
        cmap="gray_r",
        vmin=0,
        vmax=1.5,
        interpolation="nearest",
    )
    bad = ~np.isfinite(plane)
    _mark_bad(axes, bad, sitter)


def _mark_bad(axes: Axes, bad: NDArray[np.bool_], sitter: ShownGalaxy) -> None:
    if bad.any():
        marked = np.zeros((*bad.shape, 4))
        marked[bad] = to_rgba(BAD)
        axes.imshow(marked, origin=sitter.origin, interpolation="nearest")


def _pattern_colours() -> ListedColormap:
    """Return a colour a pattern: the darker, the more points are brighter; grey is irregular."""
    count = 8 * _RADIUS
    return ListedColormap(
        [*colormaps["viridis_r"](np.linspace(0, 1, count + 1)), to_rgba("#e6e6e6")]
    )


def _image_axes(axes: Axes, sitter: ShownGalaxy) -> None:
    ny, nx = sitter.pixels.shape[1:]
    low, high = (-0.5, ny - 0.5) if sitter.origin == "lower" else (ny - 0.5, -0.5)
    axes.set(xlim=(-0.5, nx - 0.5), ylim=(low, high), xlabel="column", ylabel="row")
    axes.tick_params(labelsize=8)
    axes.xaxis.label.set_fontsize(8)
    axes.yaxis.label.set_fontsize(8)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.set_box_aspect(1)


def _title(axes: Axes, what: str, how: str) -> None:
    axes.set_title(what, fontsize=12, loc="left", pad=21, fontweight="bold")
    axes.text(0, 1.02, how, transform=axes.transAxes, fontsize=9.5, color="#444", va="bottom")
    axes.xaxis.label.set_fontsize(8.5)
    axes.yaxis.label.set_fontsize(8.5)
