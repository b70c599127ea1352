"""Figures of the preparation of cutouts.

``python examples/preparation.py FOLDER`` draws simulated galaxies step by step, in a few seconds.

preparation.jpg     as read, detected, neighbors masked, centered, at one size, rotated
color.jpg          the same galaxies with Lupton's color-preserving stretch, and with each band
                    stretched separately
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from galfeat.data import Cutout, Preparation, align, lupton_rgb, prepare_one, simulate
from galfeat.data.preparation.centering import significance
from galfeat.data.preparation.segmentation import central_label, combine_bands, segment

GALAXIES = 5
CLOSE = Preparation(neighbors="mask", centering="subpixel", extent=0.12, no_object="keep")


def show(axes: Axes, picture: NDArray[np.generic]) -> None:
    """Show a picture with its first row at the bottom, as astronomers do."""
    axes.imshow(picture, origin="lower")


def outline(axes: Axes, cutout: Cutout) -> None:
    """Outline detections: the galaxy in white, its neighbors in orange."""
    labels = segment(combine_bands(significance(cutout)))
    central = central_label(labels)
    axes.contour(labels == central if central else labels < 0, [0.5], colors="white", linewidths=1)
    axes.contour((labels > 0) & (labels != central), [0.5], colors="tab:orange", linewidths=1)


def steps(cutouts: list[Cutout]) -> Figure:
    """Draw each galaxy in a column and each step in a row."""
    rows = {
        "as it comes": Preparation(),
        "what stands out": Preparation(),
        "neighbors masked": Preparation(neighbors="mask"),
        "centered": Preparation(neighbors="mask", centering="subpixel", no_object="keep"),
        "at one size": CLOSE,
        "turned": CLOSE,
    }
    figure = Figure(figsize=(2 * len(cutouts), 2 * len(rows)), layout="compressed")
    grid = figure.subplots(len(rows), len(cutouts), squeeze=False)
    for axes, (name, preparation) in zip(grid, rows.items(), strict=True):
        axes[0].set_ylabel(name)
        for each, cutout in zip(axes, cutouts, strict=True):
            pixels = prepare_one(cutout, preparation)
            if name == "turned":
                pixels = align(pixels[None])[0]
            show(each, lupton_rgb(pixels, stretched=True, stretch=8))
            if name == "what stands out":
                outline(each, cutout)
    return figure


def colors(cutouts: list[Cutout]) -> Figure:
    """Draw each galaxy by Lupton et al. (2004), and with every band stretched separately."""
    figure = Figure(figsize=(2 * len(cutouts), 4), layout="compressed")
    grid = figure.subplots(2, len(cutouts), squeeze=False)
    grid[0, 0].set_ylabel("all bands by one number")
    grid[1, 0].set_ylabel("each band by itself")
    for (above, below), cutout in zip(grid.T, cutouts, strict=True):
        pixels = prepare_one(cutout, Preparation())
        show(above, lupton_rgb(pixels, stretched=True, stretch=8))
        show(below, np.clip(np.moveaxis(pixels[::-1], 0, -1) / 5, 0, 1))
    return figure


def main(folder: Path) -> None:
    """Draw all figures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    survey = simulate(40, seed=3)
    singles = [
        Cutout(name, pixels, survey.bands)
        for name, pixels in zip(survey.ids, survey.pixels, strict=True)
    ]
    crowded = sorted(
        singles, key=lambda each: -int(segment(combine_bands(significance(each))).max())
    )[:GALAXIES]
    for name, figure in {"preparation": steps(crowded), "color": colors(crowded)}.items():
        for axes in figure.axes:
            axes.set_xticks([])
            axes.set_yticks([])
        figure.savefig(folder / f"{name}.jpg", dpi=60)


if __name__ == "__main__":
    mpl.rcParams["font.size"] = 11
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path())
