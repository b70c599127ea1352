"""One galaxy and what each extractor sees of it, in one figure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from galfeat import CutoutError, UsageError
from galfeat.data import Cutout, Preparation, Shard, open_source, prepare_one
from galfeat.data.fits.layouts import Layout
from galfeat.data.sources.folders import is_picture
from galfeat.features import HOG, SIFT, ColorHistogram, Extractor, Texture
from galfeat.pipeline.atomic_files import check_target, replacing
from galfeat.pipeline.figures.portrait_panels import (
    BAD,
    ShownGalaxy,
    absent,
    draw_brightness,
    draw_colour,
    draw_cooccurrence,
    draw_galaxy,
    draw_hog,
    draw_keypoints,
    draw_pattern_counts,
    draw_patterns,
)
from galfeat.pipeline.figures.render import render

__all__ = ["find_cutout", "portrait", "show"]

_NAMED = 3  # ids in the sentence that says which there are


def show(
    path: str | Path,
    out: str | Path,
    *,
    id: str | None = None,  # noqa: A002 (the catalogue's word)
    catalog: str | Path | None = None,
    bands: Sequence[str] | None = None,
    layout: Layout = "auto",
    preparation: Preparation | None = None,
) -> Path:
    """Draw one galaxy and what each extractor sees of it, and write the figure.

    Parameters
    ----------
    path, catalog, bands, layout
        Where the galaxy is; as in `galfeat.data.open_source`.
    out : str or Path
        Ending in ``.png`` or ``.svg``; an existing file is replaced.
    id : str, optional
        Which galaxy, where there are several.
    preparation : Preparation, optional

    Returns
    -------
    Path
        The figure. The same galaxy and settings give the same bytes.

    Raises
    ------
    UsageError
        If there is no such galaxy, or the figure cannot be written.
    CutoutError
        If the galaxy cannot be read or prepared.

    Examples
    --------
    >>> from galfeat.pipeline import show
    >>> show("survey/", "figure.png", id="sim000007")  # doctest: +SKIP
    PosixPath('figure.png')
    """
    target = Path(out)
    check_target(target, [path, catalog], [".png", ".svg"])
    cutout = find_cutout(path, id, catalog=catalog, bands=bands, layout=layout)
    try:
        figure = portrait(cutout, preparation)
    except CutoutError as error:
        raise CutoutError(f"{path}: {cutout.id}: {error}") from error
    with replacing(target) as part:
        part.write_bytes(render(figure, target.suffix[1:].lower()))
    return target


def find_cutout(
    path: str | Path,
    id: str | None = None,  # noqa: A002
    *,
    catalog: str | Path | None = None,
    bands: Sequence[str] | None = None,
    layout: Layout = "auto",
) -> Cutout:
    """Read one galaxy of a source; see `show`."""
    source = open_source(path, catalog=catalog, bands=bands, layout=layout)
    names = source.catalog.column("id").to_pylist()
    if id is None:
        if len(names) > 1:
            raise UsageError(
                f"{path}: holds {len(names):,} galaxies; choose one by its id, such as "
                f"{_some(names)}"
            )
        row = 0
    else:
        # an entry whose file holds several is numbered: name[0], name[1]
        entry = id if id in names else id.rpartition("[")[0]
        if entry not in names:
            raise UsageError(
                f"{path}: there is no galaxy '{id}'; there {'is' if len(names) == 1 else 'are'} "
                f"{_some(names)}"
            )
        row = names.index(entry)
    reading = source.read(Shard(row, row + 1))
    if reading.failures:
        raise CutoutError(f"{path}: {reading.failures[0].id}: {reading.failures[0].reason}")
    found = {cutout.id: cutout for cutout in reading.cutouts}
    if len(found) == 1 and (id is None or id == names[row]):
        return reading.cutouts[0]
    if id not in found:
        raise UsageError(
            f"{path}: choose one of its {len(found)} galaxies by its id: {_some(list(found))}"
        )
    return found[id]


def portrait(cutout: Cutout, preparation: Preparation | None = None) -> Figure:
    """Draw one galaxy and what each extractor sees of it.

    In the upper row the galaxy, HOG's edges, SIFT's keypoints and local binary patterns, in the
    lower row brightness, colour, co-occurrence and the patterns' frequencies; all with the
    extractors' default settings. What cannot be measured says why.

    Parameters
    ----------
    cutout : Cutout
    preparation : Preparation, optional
        What happens to the cutout before it is measured.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    CutoutError
        If it cannot be prepared: too small, constant, or too few good pixels.
    """
    sitter = ShownGalaxy(
        prepare_one(cutout, preparation or Preparation()),
        cutout.bands,
        "upper" if is_picture(cutout.file) else "lower",
    )
    figure = Figure(figsize=(17, 9.2))
    panels = figure.subplots(
        2,
        4,
        gridspec_kw={
            "left": 0.04,
            "right": 0.985,
            "bottom": 0.075,
            "top": 0.855,
            "wspace": 0.36,
            "hspace": 0.38,
        },
    )
    hog, sift, texture, color = HOG(), SIFT(), Texture(), ColorHistogram()
    draw_galaxy(panels[0, 0], sitter)
    if _measurable(hog, sitter, "HOG", panels[0, 1]):
        draw_hog(panels[0, 1], sitter, hog)
    if _measurable(sift, sitter, "SIFT", panels[0, 2]):
        draw_keypoints(panels[0, 2], sitter, sift)
    if _measurable(texture, sitter, "Texture", panels[0, 3], panels[1, 3], panels[1, 2]):
        draw_patterns(panels[0, 3], sitter)
        draw_pattern_counts(panels[1, 3], sitter, texture)
        draw_cooccurrence(panels[1, 2], sitter, texture)
    if _measurable(color, sitter, "Colour histograms", panels[1, 0], panels[1, 1]):
        draw_brightness(panels[1, 0], sitter, color)
        draw_colour(panels[1, 1], sitter, color)
    _headline(figure, cutout, sitter)
    return figure


def _measurable(extractor: Extractor, sitter: ShownGalaxy, name: str, *panels: Axes) -> bool:
    reasons = extractor.reasons(sitter.pixels[None])
    for axes in panels if reasons else ():
        absent(axes, name, f"not measured: {reasons[0]}")
    return not reasons


def _headline(figure: Figure, cutout: Cutout, sitter: ShownGalaxy) -> None:
    ny, nx = cutout.pixels.shape[1:]
    size = sitter.pixels.shape[1]
    square = "" if ny == nx else "its centred square "
    grid = f"{nx} x {ny} pixels" + (
        "" if (ny, nx) == (size, size) else f", {square}brought to {size} x {size}"
    )
    bad = int(np.count_nonzero(~np.isfinite(sitter.pixels).all(axis=0)))
    figure.text(0.04, 0.965, cutout.id, fontsize=17, fontweight="bold", va="center")
    figure.text(
        0.04,
        0.932,
        f"{grid}; sky at 0, noise at 1, stretched by asinh",
        fontsize=10.5,
        va="center",
        color="#444",
    )
    if bad:
        label = f"bad in any band ({bad:,} pixels): in no edge, pair, pattern or bin"
        figure.legend(
            handles=[Patch(facecolor=BAD, label=label)],
            loc="upper right",
            fontsize=10.5,
            frameon=False,
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
