"""Figure of one galaxy and of the features that each extractor measures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from galfeat import CutoutError, UsageError
from galfeat._atomic_files import atomic_path
from galfeat.data import Cutout, Preparation, Shard, open_source, prepare_one
from galfeat.data.fits.layouts import Layout
from galfeat.data.sources.folders import is_picture
from galfeat.features import HOG, SIFT, ColorHistogram, Extractor, Shape, Texture, make_extractors
from galfeat.pipeline.batch.unforeseen import read_each
from galfeat.pipeline.figures.portrait_panels import (
    BAD,
    ShownGalaxy,
    draw_brightness,
    draw_color,
    draw_cooccurrence,
    draw_galaxy,
    draw_hog,
    draw_keypoints,
    draw_missing,
    draw_pattern_counts,
    draw_patterns,
    panel_title,
)
from galfeat.pipeline.figures.render import render
from galfeat.pipeline.figures.shape_panels import draw_shape, draw_shape_numbers
from galfeat.pipeline.outputs import check_target

__all__ = ["find_cutout", "portrait", "show"]

_MAX_NAMES = 3  # ids in an error message


def show(
    path: str | Path,
    out: str | Path,
    *,
    id: str | None = None,  # noqa: A002 (the name of the catalog column)
    catalog: str | Path | None = None,
    bands: Sequence[str] | None = None,
    layout: Layout = "auto",
    extension: str | Sequence[str] | None = None,
    preparation: Preparation | None = None,
    extractors: Sequence[str | Extractor] = (),
) -> Path:
    """Draw one galaxy and the features of each extractor, and write the figure.

    Parameters
    ----------
    path, catalog, bands, layout, extension
        The source of the galaxy, as in `galfeat.data.open_source`.
    out : str or Path
        With the suffix ``.png`` or ``.svg``; an existing file is replaced.
    id : str, optional
        Id of the galaxy; needed if there are several.
    preparation : Preparation, optional
    extractors : sequence of str or Extractor
        Extractors of other packages, by name if installed, that are drawn too: those with a method
        `draw`.

    Returns
    -------
    Path
        The figure, byte for byte reproducible.

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
    cutout = find_cutout(path, id, catalog=catalog, bands=bands, layout=layout, extension=extension)
    try:
        figure = portrait(cutout, preparation, extractors)
    except CutoutError as error:
        raise CutoutError(f"{path}: {cutout.id}: {error}") from error
    with atomic_path(target) as temporary:
        temporary.write_bytes(render(figure, target.suffix[1:].lower()))
    return target


def find_cutout(
    path: str | Path,
    id: str | None = None,  # noqa: A002
    *,
    catalog: str | Path | None = None,
    bands: Sequence[str] | None = None,
    layout: Layout = "auto",
    extension: str | Sequence[str] | None = None,
) -> Cutout:
    """Read one galaxy of a source; see `show` for the parameters."""
    source = open_source(path, catalog=catalog, bands=bands, layout=layout, extension=extension)
    names = source.catalog.column("id").to_pylist()
    if id is None:
        if len(names) > 1:
            raise UsageError(
                f"{path}: holds {len(names):,} galaxies; choose one by its id, such as "
                f"{_some_names(names)}"
            )
        row = 0
    else:
        # several galaxies in the file of one entry are numbered: name[0], name[1]
        entry = id if id in names else id.rpartition("[")[0]
        if entry not in names:
            raise UsageError(
                f"{path}: there is no galaxy '{id}'; there {'is' if len(names) == 1 else 'are'} "
                f"{_some_names(names)}"
            )
        row = names.index(entry)
    reading = read_each(source, Shard(row, row + 1))
    if reading.failures:
        raise CutoutError(f"{path}: {reading.failures[0].id}: {reading.failures[0].reason}")
    found = {cutout.id: cutout for cutout in reading.cutouts}
    if len(found) == 1 and (id is None or id == names[row]):
        return reading.cutouts[0]
    if id not in found:
        raise UsageError(
            f"{path}: choose one of its {len(found)} galaxies by its id: {_some_names(list(found))}"
        )
    return found[id]


def portrait(
    cutout: Cutout,
    preparation: Preparation | None = None,
    extractors: Sequence[str | Extractor] = (),
) -> Figure:
    """Draw one galaxy and the features of each extractor at the settings of its paper.

    The upper row has the galaxy, HOG, SIFT keypoints, local binary patterns and the shape, the
    lower row brightness, color, co-occurrence, the frequencies of the patterns and the numbers of
    the shape. Extractors of other packages follow. A panel without features has the reason.

    Parameters
    ----------
    cutout : Cutout
    preparation : Preparation, optional
        Settings of the preparation.
    extractors : sequence of str or Extractor
        See `show`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    CutoutError
        If the cutout cannot be prepared: too small, constant, or too few good pixels.
    """
    others = make_extractors(extractors) if extractors else {}
    drawn = [each for each in others.values() if hasattr(each, "draw")]
    galaxy = ShownGalaxy(
        prepare_one(cutout, preparation or Preparation()),
        cutout.bands,
        "upper" if is_picture(cutout.file) else "lower",
    )
    columns = 5 + (len(drawn) + 1) // 2
    figure = Figure(figsize=(4.25 * columns, 9.2))
    panels = figure.subplots(
        2,
        columns,
        gridspec_kw={
            "left": 0.16 / columns,
            "right": 1 - 0.06 / columns,
            "bottom": 0.075,
            "top": 0.855,
            "wspace": 0.36,
            "hspace": 0.38,
        },
    )
    hog, sift, texture, color = HOG(), SIFT(), Texture(), ColorHistogram()
    shape = Shape(stretch=(preparation or Preparation()).stretch.replace("none", "linear"))
    draw_galaxy(panels[0, 0], galaxy)
    if _can_measure(hog, galaxy, "HOG", panels[0, 1]):
        draw_hog(panels[0, 1], galaxy, hog)
    if _can_measure(sift, galaxy, "SIFT", panels[0, 2]):
        draw_keypoints(panels[0, 2], galaxy, sift)
    if _can_measure(texture, galaxy, "Texture", panels[0, 3], panels[1, 3], panels[1, 2]):
        draw_patterns(panels[0, 3], galaxy)
        draw_pattern_counts(panels[1, 3], galaxy, texture)
        draw_cooccurrence(panels[1, 2], galaxy, texture)
    if _can_measure(color, galaxy, "Color histograms", panels[1, 0], panels[1, 1]):
        draw_brightness(panels[1, 0], galaxy, color)
        draw_color(panels[1, 1], galaxy, color)
    if _can_measure(shape, galaxy, "Shape", panels[0, 4], panels[1, 4]):
        draw_shape(panels[0, 4], galaxy, shape)
        draw_shape_numbers(panels[1, 4], galaxy, shape)
    places = [axes for column in panels[:, 5:].T for axes in column]
    for axes in places[len(drawn) :]:
        axes.set_visible(False)
    for axes, each in zip(places, drawn, strict=False):
        if _can_measure(each, galaxy, each.key, axes):
            each.draw(axes, galaxy.pixels, galaxy.bands)
            panel_title(axes, each.key, "")
    _headline(figure, cutout, galaxy, columns)
    return figure


def _can_measure(extractor: Extractor, galaxy: ShownGalaxy, name: str, *panels: Axes) -> bool:
    reasons = extractor.reasons(galaxy.pixels[None])
    for axes in panels if reasons else ():
        draw_missing(axes, name, f"not measured: {reasons[0]}")
    return not reasons


def _headline(figure: Figure, cutout: Cutout, galaxy: ShownGalaxy, columns: int) -> None:
    ny, nx = cutout.pixels.shape[1:]
    size = galaxy.pixels.shape[1]
    square = "" if ny == nx else "its centered square "
    grid = f"{nx} x {ny} pixels" + (
        "" if (ny, nx) == (size, size) else f", {square}brought to {size} x {size}"
    )
    bad = int(np.count_nonzero(~np.isfinite(galaxy.pixels).all(axis=0)))
    figure.text(0.16 / columns, 0.965, cutout.id, fontsize=17, fontweight="bold", va="center")
    figure.text(
        0.16 / columns,
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


def _some_names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMES:,} more" if len(names) > _MAX_NAMES else ""
    return ", ".join(names[:_MAX_NAMES]) + more
