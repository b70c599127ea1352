"""Companion files: noise maps, masks and segments that lie beside a galaxy in its folder, or that
the columns of a catalogue name.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.ancillary import (
    AncillaryOptions,
    AncillaryPlane,
    PixelPlanes,
    apply_ancillary,
)
from galfeat.data.fits.ancillary_names import (
    Role,
    ancillary_stem,
    match_galaxies,
    parse_ancillary_name,
)
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.layouts import format_shape
from galfeat.data.sources.folders import is_fits, is_picture, without_suffix
from galfeat.data.sources.open_file import Picture, open_file

__all__ = ["BesideFiles", "accompanied", "columns_beside", "files_beside"]

# of several noise maps, the last counts
_ORDER: tuple[Role, ...] = ("ivar", "variance", "sigma", "mask", "flags", "segmentation")
_LOG = logging.getLogger("galfeat")


@dataclass(frozen=True, eq=False)
class BesideFiles:
    """One kind of companion file.

    Parameters
    ----------
    role : str
        What they hold.
    band : str
        Name of the band that they go with, in small letters; empty: all bands.
    files : pyarrow array of str
        One a row of the source's catalogue; empty where a galaxy has none.
    """

    role: Role
    band: str
    files: pa.Array | pa.ChunkedArray = field(repr=False)

    def of(self, row: int) -> str:
        """Return the file that accompanies a row; empty if none does."""
        return str(self.files[row].as_py() or "").strip()


# what people write where there is no file
_NOTHING = ["none", "n/a", "na", "-", "nan", "null", "0"]


def columns_beside(table: pa.Table, bands: Sequence[str]) -> tuple[BesideFiles, ...]:
    """Return the columns of a catalogue that name companion files.

    These are called by what the files hold, with ``file_`` before it and a band behind or before
    it, or without: ``mask``, ``ivar_g``, ``file_sigma``, ``r_dq``; and they hold names of FITS
    files or pictures, so that a column ``sigma`` of velocities is none. Where one cell is such a
    name, the others must be too, or say that there is no file ("none", "N/A", "-", "nan", "null",
    "0").

    Parameters
    ----------
    table : pyarrow.Table
    bands : sequence of str
        Bands that have a column of files; empty if all are in one.
    """
    found: list[BesideFiles] = []
    known = {band.lower() for band in bands} | {""}
    for name in table.column_names:
        use = parse_ancillary_name(name.removeprefix("file_"))
        if (
            use is not None
            and (not bands or use.rest in known)
            and _holds_files(table.column(name))
        ):
            found.append(BesideFiles(use.role, use.rest, _without_nothing(table.column(name))))
    return _ordered(found)


def _holds_files(column: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(column.type):
        return False
    values = [value.strip() for value in column.unique().to_pylist() if value]
    return any(is_fits(value) or is_picture(value) for value in values)


def _without_nothing(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of files in which what says that there is none is empty.

    What is left and is no file fails when it is opened.
    """
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(_NOTHING)), "", trimmed)


def files_beside(galaxies: Sequence[str], companions: Sequence[str]) -> tuple[BesideFiles, ...]:
    """Return which files of a folder accompany which galaxies, by their names.

    Parameters
    ----------
    galaxies, companions : sequence of str
        Paths below the folder, as `galfeat.data.sources.folders.list_cutouts` gives them.
    """
    if not companions:
        return ()
    rows: dict[str, dict[str, list[int]]] = {}
    for row, file in enumerate(galaxies):
        folder, _, name = file.rpartition("/")
        rows.setdefault(folder, {}).setdefault(without_suffix(name), []).append(row)
    ordered = {folder: sorted(stems) for folder, stems in rows.items()}
    files: dict[Role, list[str]] = {}
    for file in companions:
        folder, _, name = file.rpartition("/")
        stem = without_suffix(name)
        root = ancillary_stem(stem) or ""
        use = parse_ancillary_name(stem[len(root) :].strip("_-. "))
        if use is None:
            continue
        owners = match_galaxies(root, use.role, ordered.get(folder, ()))
        if not owners:
            _LOG.warning("%s: its name does not say which galaxy it goes with: not used", file)
        own = files.setdefault(use.role, [""] * len(galaxies))
        for row in (row for owner in owners for row in rows[folder][owner]):
            own[row] = own[row] or file
    return _ordered(
        [BesideFiles(role, "", pa.array(own)) for role, own in files.items() if any(own)]
    )


def _ordered(found: Sequence[BesideFiles]) -> tuple[BesideFiles, ...]:
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.role)))


def accompanied(
    found: PixelPlanes,
    files: Mapping[str, Sequence[tuple[Role, str]]],
    place: tuple[Path, HeaderCache, bool],
    galaxy: tuple[int, int],
    companions: AncillaryOptions,
) -> PixelPlanes:
    """Return the pixels of a galaxy with what lies beside it.

    Parameters
    ----------
    found : PixelPlanes
    files : mapping of str to sequence of (str, str)
        Companion files, each with what it is used for: role, and band or nothing.
    place : (Path, HeaderCache, bool)
        Folder, what is known of its files, and whether files may lie outside.
    galaxy : (int, int)
        Which galaxy of its file it is, counted from 0, and how many there are.
    companions : AncillaryOptions

    Raises
    ------
    CutoutError
        If a companion cannot be read or does not fit.
    """
    layers: list[AncillaryPlane] = []
    folder, known, outside = place
    names = {band.lower(): number for number, band in enumerate(found.bands)}
    for file, uses in files.items():
        try:
            with open_file(folder, file, known, outside=outside) as opened:
                for role, band in uses:
                    if not band or band in names:
                        layers.append(
                            AncillaryPlane(
                                role,
                                names[band] if band else None,
                                _planes(opened, role, galaxy, companions),
                                file,
                            )
                        )
                    else:
                        known.report(
                            file,
                            {
                                f"band {band}": (
                                    f"goes with the band {band}, and there is none: not used"
                                )
                            },
                        )
        except CutoutError as error:
            raise CutoutError(f"{file}: {error}") from error
    return apply_ancillary(found, layers)


def _planes(
    opened: FitsFile | Picture, role: Role, galaxy: tuple[int, int], companions: AncillaryOptions
) -> NDArray[np.generic]:
    if isinstance(opened, Picture):
        shown = opened.load(opened.galaxies()[0]).pixels
        return (
            np.asarray((shown != 0).any(axis=0, keepdims=True))
            if role in ("mask", "flags")
            else shown
        )
    if opened.damage:
        raise CutoutError(opened.damage)
    number, count = galaxy
    own = [
        image
        for image in opened.images
        if (use := parse_ancillary_name(image.name)) is not None and use.role == role
    ] or opened.images
    if count > 1 and len(own) == count:
        own = [own[number]]
    elif count > 1 and len(own) > 1:
        raise CutoutError(f"holds {len(own)} images for {count} galaxies")
    values = _stacked(
        [opened.read_ancillary(opened.hdus[image.hdu], role, companions) for image in own]
    )
    if values.ndim > 2 and count > 1 and len(values) == count:
        values = values[number]
    if values.ndim > 3:
        raise CutoutError(f"has {format_shape(values.shape)}, which are not one galaxy's")
    return values.reshape(-1, *values.shape[-2:])


def _stacked(layers: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    if not layers:
        raise CutoutError("holds no image")
    if len(layers) == 1:
        return layers[0]
    if len({layer.shape for layer in layers}) > 1 or layers[0].ndim != 2:
        raise CutoutError(f"holds {len(layers)} images, and nothing says which of them is meant")
    return np.stack(layers)
