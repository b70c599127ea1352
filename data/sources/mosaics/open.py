"""Opening of mosaics with a catalog of positions: which pixels each galaxy has in each band."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.cutouts import Cutout, band_names
from galfeat.data.fits.layouts import is_band_name
from galfeat.data.sources.catalogs.catalog import Catalog
from galfeat.data.sources.check_units import MIXED_UNITS_REMEDY
from galfeat.data.sources.folders import is_fits, list_cutouts, without_suffix
from galfeat.data.sources.mosaics.placing import (
    place_cutouts,
    reference_planes,
    refuse_other_grids,
)
from galfeat.data.sources.mosaics.planes import MosaicPlane, read_planes
from galfeat.data.sources.mosaics.source import MosaicSource
from galfeat.data.sources.options import ReadOptions
from galfeat.data.sources.select_bands import with_bands
from galfeat.data.units import find_mixture

__all__ = ["open_mosaics"]

# as a keyword argument and as a command-line option
_ARCSEC, _PIXELS = "size_arcsec (--size-arcsec)", "size_pixels (--size-pixels)"
_SIZES = f"either {_ARCSEC} or {_PIXELS}"
_SCALE_TOLERANCE = 0.01  # relative: mosaics whose pixel scales differ by less share a grid
_LARGEST = 4096  # pixels a side

_Planes = list[tuple[MosaicPlane, Any]]  # each with its WCS, or None


class _Bands(NamedTuple):
    """Bands of all galaxies: their names, and the plane of each band of each galaxy.

    ``which`` has the shape (n, bands) and holds indices into `planes`.
    """

    planes: _Planes
    which: NDArray[np.int64]
    names: tuple[str, ...]
    named: bool


def open_mosaics(paths: Sequence[Path], catalog: Catalog, options: ReadOptions) -> MosaicSource:
    """Open cutouts around positions in mosaics.

    Parameters
    ----------
    paths : sequence of Path
        Mosaics, each with a band or several; or one folder of them, from which the columns ``file``
        or ``file_<band>`` can select.
    catalog : Catalog
        With positions: see `galfeat.data.sources.catalogs.positions.find_positions`.
    options : ReadOptions
        Among them the side of the cutouts, in arcseconds or in pixels.

    Raises
    ------
    UsageError
        If the catalog has no positions, a mosaic cannot be read or lacks the celestial coordinates
        that are needed, or sizes do not fit together.
    """
    positions = catalog.positions
    bands = _find_bands(paths, catalog, options)
    refuse_other_grids(bands.planes, bands.which, positions)
    planes = tuple(plane for plane, _ in bands.planes)
    used = np.unique(bands.which).tolist()
    if not options.mixed_units:
        _refuse_mixed_units([planes[number] for number in used])
    size = _size_in_pixels(options, bands)
    places = place_cutouts(bands.planes, bands.which, positions, size)
    shapes = np.array([plane.shape for plane in planes])[bands.which]
    edge = places.edge(shapes, size)
    first_files = [planes[number].file for number in bands.which[:, 0].tolist()]
    return MosaicSource(
        _complete_table(catalog, first_files, edge),
        options,
        catalog.left_out_columns,
        planes=planes,
        which=bands.which,
        places=places,
        size=size,
        stored_bands=bands.names,
        named=bands.named,
        unplaced=positions.reasons,
    )


def _find_bands(paths: Sequence[Path], catalog: Catalog, options: ReadOptions) -> _Bands:
    """Return the mosaics' bands, by the catalog's columns of files if there are any."""
    columns = {"": "file"} if "file" in catalog.table.column_names else catalog.band_columns
    folder = paths[0] if len(paths) == 1 and paths[0].is_dir() else None
    if folder is not None and columns:
        return _select_by_columns(folder, catalog.table, columns, options)
    files = list(paths)
    if folder is not None:
        files = [folder / name for name in list_cutouts(folder)[0] if is_fits(name)]
        if not files:
            raise UsageError(f"{folder}: there is no mosaic in this folder")
    planes = [each for file in files for each in read_planes(file, file.name, options)]
    names, named = _name_bands([plane for plane, _ in planes])
    order, names, named = _select_bands(names, named, options.selected_bands)
    which = np.tile(np.array(order, np.int64), (len(catalog), 1))
    return _Bands(planes, which, names, named)


def _select_by_columns(
    folder: Path, table: pa.Table, columns: dict[str, str], options: ReadOptions
) -> _Bands:
    """Return the bands of the mosaics that the catalog selects from a folder for each galaxy."""
    planes: _Planes = []
    numbers: dict[str, list[int]] = {}
    which: list[list[int]] = []
    for files in zip(
        *(table.column(column).to_pylist() for column in columns.values()), strict=True
    ):
        for file in files:
            if file not in numbers:
                found = read_planes(_resolve_inside(folder, file), file, options)
                numbers[file] = list(range(len(planes), len(planes) + len(found)))
                planes += found
        which.append([number for file in files for number in numbers[file]])
    if len({len(each) for each in which}) > 1 or (
        "" not in columns and len(which[0]) != len(columns)
    ):
        raise UsageError(f"{folder}: the mosaics of the catalog hold different numbers of bands")
    names, named = (
        _name_bands([planes[number][0] for number in which[0]])
        if "" in columns
        else (tuple(columns), True)
    )
    order, names, named = _select_bands(names, named, options.selected_bands)
    return _Bands(planes, np.array(which, np.int64)[:, order], names, named)


def _resolve_inside(folder: Path, file: str) -> Path:
    path = (folder / file).resolve()
    if not file or not path.is_relative_to(folder.resolve()):
        raise UsageError(f"{folder}: the mosaic '{file}' of the catalog must lie in this folder")
    return path


def _name_bands(planes: Sequence[MosaicPlane]) -> tuple[tuple[str, ...], bool]:
    """Name bands by the headers, or else by the filter names in the files' names."""
    by_file = [
        next(
            (
                part
                for part in reversed(re.split(r"[\s_\-.]+", without_suffix(plane.file)))
                if is_band_name(part)
            ),
            "",
        )
        for plane in planes
    ]
    for names in ([plane.band for plane in planes], by_file):
        if all(names) and len(set(names)) == len(names):
            return tuple(names), True
    return band_names(len(planes)), False


def _select_bands(
    names: tuple[str, ...], named: bool, selected: tuple[str, ...]
) -> tuple[list[int], tuple[str, ...], bool]:
    """Return the indices of the selected bands, their names, and whether these are names."""
    indices = np.arange(len(names), dtype=np.float32).reshape(-1, 1, 1)
    missing = [band for band in selected if band not in names]
    if missing and named:
        raise UsageError(
            f"the mosaics have no band {', '.join(missing)}; their bands are {', '.join(names)}"
        )
    if missing and len(selected) != len(names):
        problem = "band has no name" if len(names) == 1 else f"{len(names)} bands have no names"
        raise UsageError(
            f"the mosaics' {problem}, and {len(selected)} are asked for: {', '.join(selected)}"
        )
    found = with_bands(Cutout("", indices, names, named=named), selected)
    return found.pixels[:, 0, 0].astype(int).tolist(), found.bands, found.named


def _pixel_scale(plane: MosaicPlane, wcs: Any) -> float:
    """Return the side of a pixel in arcseconds."""
    from astropy.wcs.utils import proj_plane_pixel_scales

    scale = float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs)))) * 3600
    if not np.isfinite(scale) or scale <= 0:
        raise UsageError(
            f"{plane.path}: its celestial coordinates are invalid: a pixel has no size"
        )
    return scale


def _size_in_pixels(options: ReadOptions, bands: _Bands) -> int:
    """Return the side of the cutouts in pixels of the mosaics in whose grids they are cut out.

    These must have one scale.
    """
    planes = [bands.planes[number] for number in np.unique(bands.which).tolist()]
    arcsec, pixels = options.size_arcsec, options.size_pixels
    if (arcsec is None) == (pixels is None):
        raise UsageError(
            f"the size of a cutout must be given, in arcseconds or in pixels: {_SIZES}"
        )
    without_wcs = next((plane for plane, wcs in planes if wcs is None), None)
    if without_wcs is not None and pixels is None:
        raise UsageError(
            f"{without_wcs.path}: has no celestial coordinates (WCS), so that arcseconds cannot "
            f"be converted to pixels: give {_PIXELS}"
        )
    if without_wcs is not None and pixels is not None:
        return _whole_size(float(pixels), exact=True)
    rows = np.arange(len(bands.which))
    references = bands.which[rows, reference_planes(bands.planes, bands.which)]
    planes = [bands.planes[number] for number in np.unique(references).tolist()]
    scales = [_pixel_scale(plane, wcs) for plane, wcs in planes]
    low, high = int(np.argmin(scales)), int(np.argmax(scales))
    if scales[high] > scales[low] * (1 + _SCALE_TOLERANCE):
        small, large = (f"{planes[at][0].file} has {scales[at]:.4g}" for at in (low, high))
        raise UsageError(
            "the mosaics of different galaxies have pixels of different sizes "
            f"({small} arcsec, {large} arcsec): resample them to one grid first"
        )
    side = float(pixels) if pixels is not None else float(arcsec or 0) / scales[low]
    return _whole_size(side, exact=pixels is not None)


def _whole_size(side: float, *, exact: bool) -> int:
    if not np.isfinite(side) or not 1 <= round(side) <= _LARGEST or (exact and side != round(side)):
        raise UsageError(
            f"a cutout must have 1 to {_LARGEST} pixels a side; it would have {side:.4g}"
        )
    return round(side)


def _refuse_mixed_units(planes: Sequence[MosaicPlane]) -> None:
    mixture = find_mixture([plane.unit for plane in planes])
    if mixture:
        files = [next(each.file for each in planes if each.unit == unit) for unit in mixture]
        raise UsageError(
            f"the pixels of {files[0]} are in {mixture[0]}, and those of {files[1]} in "
            f"{mixture[1]}: {MIXED_UNITS_REMEDY}"
        )


def _complete_table(catalog: Catalog, files: Sequence[str], edge: NDArray[np.bool_]) -> pa.Table:
    """Add ``id`` and the file of the first band where they are missing, and ``edge``."""
    table = catalog.table
    if "id" not in table.column_names:
        ids = [f"{catalog.path.stem}[{row}]" for row in range(len(catalog))]
        table = table.add_column(0, "id", pa.array(ids))
    if "file" not in table.column_names:
        table = table.append_column("file", pa.array(files))
    if "edge" in table.column_names:
        table = table.drop_columns(["edge"])
    return table.append_column("edge", pa.array(edge))
