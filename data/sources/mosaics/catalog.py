"""From mosaics and a catalogue of positions to a source: which pixels each galaxy has in each
band.
"""

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data.cutouts import Cutout, band_names
from galfeat.data.fits.ancillary import NOISE_ROLES, AncillaryOptions, bad_bits_of, noise_role
from galfeat.data.fits.ancillary_names import Role, is_ancillary
from galfeat.data.fits.file import FitsFile, open_fits
from galfeat.data.fits.layouts import GalaxyImages, Layout, format_shape, is_band_name
from galfeat.data.sources.catalogs import read_catalog
from galfeat.data.sources.folders import is_fits, list_cutouts, without_suffix
from galfeat.data.sources.mosaics.coordinates import Places, corners_of, places_of
from galfeat.data.sources.mosaics.source import MosaicSource, Plane
from galfeat.data.sources.select_bands import with_bands

__all__ = ["open_mosaics"]

# as a program and as a command line says it
_ARCSEC, _PIXELS = "size_arcsec (--size-arcsec)", "size_pixels (--size-pixels)"
_SIZES = f"either {_ARCSEC} or {_PIXELS}"
_SAME_SCALE = 0.01  # of a pixel's size: mosaics closer than that share a grid for our purposes
_LARGEST = 4096  # pixels a side
# CRVAL1, CD1_2
_COORDINATE = re.compile(r"(CRVAL|CRPIX|CDELT|CROTA|(?:CD|PC|PV)(?=[1-9]_))([1-9](?:_[0-9]{1,2})?)")


def open_mosaics(
    paths: Sequence[Path],
    positions: Path,
    size: tuple[float | None, float | None],
    wanted: tuple[str, ...],
    how: tuple[Layout, AncillaryOptions],
) -> MosaicSource:
    """Find cutouts around positions.

    Parameters
    ----------
    paths : sequence of Path
        Mosaics, each with a band or several; or one folder of them, from which the columns ``file``
        or ``file_<band>`` can choose.
    positions : Path
        Catalogue with ``ra`` and ``dec`` in degrees (ICRS), or with pixels: see
        `galfeat.data.sources.mosaics.coordinates.places_of`.
    size : (float, float)
        Side of a cutout in arcseconds, and in pixels; one of them.
    wanted : tuple of str
        Bands asked for.
    how : (str, AncillaryOptions)
        Layout of the mosaics' files, and how what accompanies them there is used.

    Raises
    ------
    UsageError
        If the catalogue has no positions, a mosaic cannot be read or has no celestial coordinates
        where these are needed, or sizes do not fit together.
    """
    table, left_out = read_catalog(positions)
    places = places_of(table, positions)
    mosaics, which, own, named = _chosen(paths, table, how, wanted)
    _refuse_other_grids(mosaics, which, places)
    used = np.unique(which).tolist()
    pixels = _pixels(size, [mosaics[number] for number in used])
    corners = np.empty((*which.shape, 2), np.int64)
    found: dict[int, NDArray[np.int64]] = {}
    for number in used:
        coordinates = mosaics[number][1]
        if places.sky and coordinates is None:
            raise UsageError(
                f"{mosaics[number][0].path}: has no celestial coordinates (WCS), so that no "
                "position can be found in it"
            )
        same = next((other for other in found if mosaics[other][1] is coordinates), None)
        found[number] = found[same] if same is not None else corners_of(coordinates, places, pixels)
        corners[which == number] = found[number][np.nonzero(which == number)[0]]
    planes = tuple(plane for plane, _ in mosaics)
    shapes = np.array([plane.shape for plane in planes])[which]
    edge = np.asarray(((corners < 0) | (corners + pixels > shapes)).any(axis=(1, 2)))
    catalog = _completed(table, positions, planes, which, edge)
    return MosaicSource(
        *(catalog, wanted, left_out),
        planes=planes,
        which=which,
        corners=corners,
        size=pixels,
        own=own,
        named=named,
        nowhere=places.reasons,
    )


_How = tuple[Layout, AncillaryOptions]
_Mosaics = list[tuple[Plane, Any]]


def _chosen(
    paths: Sequence[Path], table: pa.Table, how: _How, wanted: tuple[str, ...]
) -> tuple[_Mosaics, NDArray[np.int64], tuple[str, ...], bool]:
    """Return planes with their coordinates, which of them has each band of each galaxy, and the
    names of the bands.
    """
    columns = {"": "file"} if "file" in table.column_names else {}
    columns = columns or {
        n[5:]: n
        for n in table.column_names
        if n.startswith("file_") and n[5:] and not is_ancillary(n)
    }
    if len(paths) == 1 and paths[0].is_dir() and columns:
        return _by_columns(paths[0], table, columns, how, wanted)
    files = list(paths)
    if len(paths) == 1 and paths[0].is_dir():
        files = [paths[0] / name for name in list_cutouts(paths[0])[0] if is_fits(name)]
        if not files:
            raise UsageError(f"{paths[0]}: no mosaic is in this folder")
    mosaics = [each for file in files for each in _planes(file, file.name, how)]
    names, named = _names([plane for plane, _ in mosaics])
    order, own, named = _wanted(names, named, wanted)
    which = np.tile(np.array(order, np.int64), (table.num_rows, 1))
    return mosaics, which, own, named


def _by_columns(
    folder: Path, table: pa.Table, columns: dict[str, str], how: _How, wanted: tuple[str, ...]
) -> tuple[_Mosaics, NDArray[np.int64], tuple[str, ...], bool]:
    mosaics: _Mosaics = []
    places: dict[str, list[int]] = {}
    which: list[list[int]] = []
    for files in zip(
        *(table.column(column).to_pylist() for column in columns.values()), strict=True
    ):
        for file in files:
            if file not in places:
                found = _planes(_inside(folder, file), file, how)
                places[file] = list(range(len(mosaics), len(mosaics) + len(found)))
                mosaics += found
        which.append([number for file in files for number in places[file]])
    if len({len(each) for each in which}) > 1 or (
        "" not in columns and len(which[0]) != len(columns)
    ):
        raise UsageError(f"{folder}: the mosaics of the catalogue do not hold equally many bands")
    names, named = (
        _names([mosaics[number][0] for number in which[0]])
        if "" in columns
        else (tuple(columns), True)
    )
    order, own, named = _wanted(names, named, wanted)
    return mosaics, np.array(which, np.int64)[:, order], own, named


def _inside(folder: Path, file: str) -> Path:
    path = (folder / file).resolve()
    if not file or not path.is_relative_to(folder.resolve()):
        raise UsageError(f"{folder}: the mosaic '{file}' of the catalogue must lie in this folder")
    return path


def _planes(path: Path, file: str, how: _How) -> _Mosaics:
    try:
        with open_fits(path) as opened:
            if opened.packed:
                raise CutoutError(
                    "is gzipped, so that no part of it can be read by itself: unpack it first "
                    "(gunzip)"
                )
            galaxies = opened.galaxies(how[0])
            if len(galaxies) > 1:
                raise CutoutError(
                    f"holds {len(galaxies)} images, and nothing says that they are bands; "
                    "--layout bands or one image a file"
                )
            [galaxy] = galaxies
            if galaxy.problem or galaxy.number is not None:
                raise CutoutError(galaxy.problem or "has more than three axes")
            hdus = [opened.hdus[number] for number in galaxy.hdus]
            numbered = (
                [(hdus[0], number) for number in range(len(galaxy.bands))]
                if len(hdus) == 1
                else [(hdu, 0) for hdu in hdus]
            )
            names = galaxy.bands if galaxy.named else ("",) * len(numbered)
            planes = [
                Plane(path, file, opened.stamp, hdu, number, name)
                for (hdu, number), name in zip(numbered, names, strict=True)
            ]
            if how[1].use:
                planes = [
                    replace(plane, beside=_beside(opened, galaxy, plane, at, how[1]))
                    for at, plane in enumerate(planes)
                ]
    except CutoutError as error:
        raise UsageError(f"{path}: {error}") from error
    coordinates = {hdu.number: _coordinates(path, hdu.number) for hdu in hdus}
    return [(plane, coordinates[plane.hdu.number]) for plane in planes]


def _beside(
    opened: FitsFile, galaxy: GalaxyImages, plane: Plane, band: int, companions: AncillaryOptions
) -> tuple[tuple[Role, Plane, int | None], ...]:
    """Return what accompanies one band of a mosaic in its file."""
    found: list[tuple[Role, Plane, int | None]] = []
    for each in galaxy.ancillary:
        hdu = opened.hdus[each.hdu]
        depth = prod(hdu.shape[:-2])
        role = noise_role(hdu.header, each.role)
        allowed = (
            (1, len(galaxy.bands))
            if role not in NOISE_ROLES and each.band is None
            else (len(galaxy.bands) if each.band is None else 1,)
        )
        if each.band not in (None, band):
            continue
        if hdu.shape[-2:] != plane.hdu.shape[-2:] or depth not in allowed:
            raise CutoutError(
                f"{hdu.header.text('EXTNAME')} has {format_shape(hdu.shape)}, which do not go with "
                f"its {format_shape(plane.hdu.shape)}"
            )
        bits = (
            bad_bits_of(hdu.header, opened.hdus[0].header, role, companions.bad_bits)
            if role in ("mask", "flags")
            else None
        )
        other = Plane(
            plane.path, plane.file, plane.stamp, hdu, band if depth > 1 else 0, plane.band
        )
        found.append((role, other, bits))
    return tuple(found)


def _coordinates(path: Path, number: int) -> Any:
    from astropy.io import fits
    from astropy.wcs import WCS

    # astropy mends what it can and says so; sources are opened before threads are started
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with fits.open(path) as opened:
                header = opened[number].header
                full = WCS(header, opened)
                wcs = full.celestial
        except (
            ValueError,
            OSError,
            AttributeError,
            TypeError,
            KeyError,
            fits.VerifyError,
        ) as error:
            raise UsageError(
                f"{path}: its celestial coordinates make no sense: {_meaning(error)}"
            ) from error
    if not wcs.has_celestial:
        return None
    _refuse_text(header, {full.wcs.lng + 1, full.wcs.lat + 1}, path)
    return wcs


def _meaning(error: Exception) -> str:
    """Return what wcslib says, without the names of its functions.

    The last line is the most precise.
    """
    lines = [
        line.strip().rstrip(".:")
        for line in str(error).splitlines()
        if not line.startswith("ERROR ")
    ]
    return next((line for line in reversed(lines) if line), type(error).__name__)


def _refuse_text(header: Any, axes: set[int], path: Path) -> None:
    """Refuse what wcslib passes over: numbers that are text or missing, for which it takes 0 or
    1.
    """
    for card in header.cards:
        found = _COORDINATE.fullmatch(card.keyword)
        if not found or not axes & {int(number) for number in found[2].split("_")}:
            continue
        value = _value(card)
        # without the others it can be whole
        if type(value) not in (int, float) and (
            value is not None or found[1] in ("CRVAL", "CRPIX")
        ):
            there = "nothing stands there" if value is None else f"it is '{value}'"
            raise UsageError(
                f"{path}: its celestial coordinates make no sense: {card.keyword} must be a "
                f"number; {there}"
            )


def _value(card: Any) -> object:
    from astropy.io import fits

    try:
        return None if isinstance(card.value, fits.card.Undefined) else card.value
    except fits.VerifyError:  # neither a number nor text
        return card.image[10:].partition("/")[0].strip()


def _names(planes: Sequence[Plane]) -> tuple[tuple[str, ...], bool]:
    """Name bands by the headers, or else by what in the files' names is the name of a filter."""
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


def _wanted(
    names: tuple[str, ...], named: bool, wanted: tuple[str, ...]
) -> tuple[list[int], tuple[str, ...], bool]:
    """Return the places of the bands that are asked for, their names, and whether they are
    names.
    """
    places = np.arange(len(names), dtype=np.float32).reshape(-1, 1, 1)
    missing = [band for band in wanted if band not in names]
    if missing and named:
        raise UsageError(
            f"the mosaics have no band {', '.join(missing)}; their bands are {', '.join(names)}"
        )
    if missing and len(wanted) != len(names):
        there = "band has no name" if len(names) == 1 else f"{len(names)} bands have no names"
        raise UsageError(
            f"the mosaics' {there}, and {len(wanted)} are asked for: {', '.join(wanted)}"
        )
    chosen = with_bands(Cutout("", places, names, named=named), wanted)
    return chosen.pixels[:, 0, 0].astype(int).tolist(), chosen.bands, chosen.named


def _scale(plane: Plane, wcs: Any) -> float:
    """Return the side of a pixel in arcseconds."""
    from astropy.wcs.utils import proj_plane_pixel_scales

    scale = float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs)))) * 3600
    if not np.isfinite(scale) or scale <= 0:
        raise UsageError(
            f"{plane.path}: its celestial coordinates make no sense: a pixel has no size"
        )
    return scale


def _pixels(size: tuple[float | None, float | None], mosaics: _Mosaics) -> int:
    arcsec, pixels = size
    if (arcsec is None) == (pixels is None):
        raise UsageError(
            f"the size of a cutout must be given, in arcseconds or in pixels: {_SIZES}"
        )
    nowhere = next((plane for plane, wcs in mosaics if wcs is None), None)
    if nowhere is not None and pixels is None:
        raise UsageError(
            f"{nowhere.path}: has no celestial coordinates (WCS), so that an arcsecond has no "
            f"pixels: give {_PIXELS}"
        )
    if nowhere is not None and pixels is not None:
        return _whole(float(pixels), exact=True)
    scales = [_scale(plane, wcs) for plane, wcs in mosaics]
    low, high = int(np.argmin(scales)), int(np.argmax(scales))
    if scales[high] > scales[low] * (1 + _SAME_SCALE):
        small, large = (f"{mosaics[at][0].file} has {scales[at]:.4g}" for at in (low, high))
        raise UsageError(
            f"the mosaics have pixels of different sizes ({small} arcsec, {large} arcsec): bring "
            "them to one grid first"
        )
    side = float(pixels) if pixels is not None else float(arcsec or 0) / scales[low]
    return _whole(side, exact=pixels is not None)


def _whole(side: float, *, exact: bool) -> int:
    if not np.isfinite(side) or not 1 <= round(side) <= _LARGEST or (exact and side != round(side)):
        raise UsageError(
            f"a cutout must have 1 to {_LARGEST} pixels a side; it would have {side:.4g}"
        )
    return round(side)


def _refuse_other_grids(mosaics: _Mosaics, which: NDArray[np.int64], places: Places) -> None:
    """Positions in pixels mean the same in every band of a galaxy only if its mosaics have one
    size.
    """
    for numbers in np.unique(which, axis=0).tolist() if not places.sky else ():
        shapes = {mosaics[number][0].shape for number in numbers}
        if len(shapes) > 1:
            sizes = " and ".join(f"{ny} x {nx}" for ny, nx in sorted(shapes))
            raise UsageError(
                f"the mosaics of the bands have {sizes} pixels: positions in pixels need one "
                "grid, so give ra and dec"
            )


def _completed(
    table: pa.Table,
    path: Path,
    planes: tuple[Plane, ...],
    which: NDArray[np.int64],
    edge: NDArray[np.bool_],
) -> pa.Table:
    """Give the catalogue an ``id``, the file of the first band, and ``edge``."""
    if "id" not in table.column_names:
        table = table.add_column(
            0, "id", pa.array([f"{path.stem}[{row}]" for row in range(table.num_rows)])
        )
    if "file" not in table.column_names:
        table = table.append_column(
            "file", pa.array([planes[number].file for number in which[:, 0].tolist()])
        )
    if "edge" in table.column_names:
        table = table.drop_columns(["edge"])
    return table.append_column("edge", pa.array(edge))
