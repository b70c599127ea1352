"""Contact sheet of a simulated survey: galaxies of each class in color, with their truth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat._atomic_files import atomic_path
from galfeat.data import Shard, SimulatedSurvey
from galfeat.pipeline.figures.render import render
from galfeat.pipeline.outputs import check_target

__all__ = ["SHEET_ENDINGS", "color_image", "contact_sheet", "write_contact_sheet"]

SHEET_ENDINGS: Final = (".png", ".svg")

Images = NDArray[np.float32]

_TITLES: Final = {
    "spiral": "spiral",
    "merger": "merger",
    "clump": "clumpy disc",
    "agn": "active nucleus",
    "q_sf": "smooth",
}
_WHITE_AT: Final = 400.0  # noise sigmas, above which light is drawn white
_SOFT: Final = 4.0  # noise sigmas, below which the stretch is linear


def contact_sheet(survey: SimulatedSurvey, columns: int = 8) -> Figure:
    """Draw the first galaxies of each class, in the order of the survey.

    Red, green and blue are the survey's bands from red to blue, white-balanced on the median
    galaxy of the sheet.

    Parameters
    ----------
    survey : SimulatedSurvey
    columns : int
        Largest number of galaxies of each class.

    Raises
    ------
    UsageError
        If `columns` is less than 1.
    """
    if columns < 1:
        raise UsageError(f"a contact sheet needs at least one column; {columns} was asked for")
    found = _first_galaxies(survey, columns)
    weights = _white_balance(
        np.concatenate([np.stack([pixels for pixels, _ in each]) for each in found.values()])
    )
    figure = Figure(
        figsize=(1.3 * columns + 0.9, 1.52 * len(found) + 0.5),
        layout="constrained",
        facecolor="white",
    )
    grid = figure.subplots(len(found), columns, squeeze=False)
    for row, (label, each) in zip(grid, found.items(), strict=True):
        for axes in row:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        row[0].set_ylabel(_TITLES.get(label, label), fontsize=9.5)
        for axes, (pixels, truth) in zip(row, each, strict=False):
            _draw(axes, color_image(pixels, survey.bands, survey, weights), truth)
    side = survey.size * survey.camera.scale
    mixed = ", realistic population" if survey.realistic else ""
    figure.suptitle(
        f"{', '.join(survey.bands)}, {survey.depth}{mixed}: {side:.3g} arcsec a side", fontsize=9.5
    )
    return figure


def write_contact_sheet(survey: SimulatedSurvey, path: str | Path, columns: int = 8) -> Path:
    """Write a contact sheet as PNG or SVG and return its path.

    Raises
    ------
    UsageError
        If the path has another suffix or cannot be written.
    """
    path = Path(path)
    check_target(path, endings=SHEET_ENDINGS)
    with atomic_path(path) as temporary:
        temporary.write_bytes(render(contact_sheet(survey, columns), path.suffix.lower()[1:]))
    return path


def color_image(
    pixels: Images, bands: Sequence[str], survey: SimulatedSurvey, weights: NDArray[np.float64]
) -> Images:
    """Return a galaxy as an RGB image, shape (size, size, 3), values in [0, 1].

    The mean of the bands is stretched by asinh and the ratios between them are kept, so colors do
    not depend on brightness (Lupton et al. 2004, PASP 116, 133, doi:10.1086/382245).

    Parameters
    ----------
    pixels : array of float32, shape (bands, size, size)
        Fluxes.
    bands : sequence of str
    survey : SimulatedSurvey
        Its camera has the wavelengths of the bands.
    weights : array, shape (bands,)
        White balance: factors of the fluxes.
    """
    order = sorted(range(len(bands)), key=lambda place: -survey.camera.bands[bands[place]].pivot)
    weighted = (pixels * weights[:, None, None])[order]
    thirds = np.array_split(weighted, min(3, len(weighted)))
    red, *middle, blue = [
        third.mean(axis=0) for third in (thirds if len(thirds) > 1 else thirds * 2)
    ]
    colors = np.stack([red, middle[0] if middle else (red + blue) / 2, blue], axis=-1)
    light = colors.mean(axis=-1)
    sigma = 1.4826 * np.median(np.abs(light - np.median(light))) or 1.0
    stretched = np.arcsinh(np.maximum(light, 0) / (_SOFT * sigma)) / np.arcsinh(_WHITE_AT / _SOFT)
    picture = colors * (stretched / np.maximum(light, 0.1 * sigma))[..., None]
    # saturated pixels keep their color
    picture /= np.maximum(picture.max(axis=-1, keepdims=True), 1)
    shown: Images = np.clip(picture, 0, 1).astype(np.float32)
    return shown


def _first_galaxies(
    survey: SimulatedSurvey, columns: int
) -> dict[str, list[tuple[Images, dict[str, Any]]]]:
    """Return images and truths of the first galaxies of each class, in the order of the sheet."""
    found: dict[str, list[tuple[Images, dict[str, Any]]]] = {label: [] for label in _TITLES}
    for number in range(survey.n):
        own = found[survey.galaxy(number).label]
        if len(own) < columns:
            (cutout,), truth = survey.observe(Shard(number, number + 1))
            own.append((cutout.pixels, truth.to_pylist()[0]))
        if all(len(each) == columns for each in found.values()):
            break
    return {label: each for label, each in found.items() if each}


def _white_balance(images: Images) -> NDArray[np.float64]:
    size = images.shape[-1]
    middle = slice(size // 4, size - size // 4)
    fluxes = np.median(images[:, :, middle, middle].sum(axis=(2, 3), dtype=np.float64), axis=0)
    weights: NDArray[np.float64] = fluxes.max() / np.maximum(fluxes, 1e-3 * fluxes.max())
    return weights


def _draw(axes: Axes, picture: Images, truth: dict[str, Any]) -> None:
    axes.imshow(picture, origin="lower", interpolation="nearest")
    axes.set_xlabel(
        f"{truth['magnitude']:.1f} mag, z = {truth['redshift']:.2f}\n{_caption(truth)}",
        fontsize=6,
        labelpad=2,
        linespacing=1.1,
    )


def _caption(truth: dict[str, Any]) -> str:
    state = "quiescent" if truth["state"] == "quiescent" else "forming stars"
    remarks = {
        "spiral": f"{truth['arms']} arms, contrast {truth['arm_contrast']:.1f}",
        "merger": f"{truth['merger_stage']}, tail S/N {truth['tail_sn']:.0f}",
        "clump": f"{truth['clumps']} clumps, S/N {truth['clump_sn']:.0f} each",
        "agn": f"nucleus {100 * truth['nucleus_fraction']:.0f} %, {state}",
    }
    return remarks.get(truth["label"], state)
