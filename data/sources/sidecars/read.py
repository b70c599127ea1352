"""Reading of sidecar files: masks, noise and segments of a galaxy from files beside its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.ancillary.apply import (
    AncillaryOptions,
    AncillaryPlane,
    PixelPlanes,
    apply_ancillary,
)
from galfeat.data.fits.ancillary.names import Role
from galfeat.data.fits.file import FitsFile
from galfeat.data.fits.header_cache import HeaderCache
from galfeat.data.fits.layouts import format_shape
from galfeat.data.fits.memory_bounds import ancillary_bytes
from galfeat.data.memory import BUDGET
from galfeat.data.sources.folders import without_suffix
from galfeat.data.sources.open_file import Picture, open_file, selectors_in
from galfeat.data.sources.options import ReadOptions

__all__ = ["apply_sidecars"]


def apply_sidecars(
    found: PixelPlanes,
    files: Mapping[str, Sequence[tuple[Role, str]]],
    folder: Path,
    options: ReadOptions,
    header_cache: HeaderCache,
    galaxy: tuple[int, int],
    *,
    by_name: bool = False,
    links: bool = True,
) -> PixelPlanes:
    """Return the pixels of a galaxy with masks, noise and segments from its sidecar files.

    Parameters
    ----------
    found : PixelPlanes
    files : mapping of str to sequence of (str, str)
        Sidecar files, each with what it is used for: role, and band or "" for all bands.
    folder : Path
        Folder that the files are relative to.
    options : ReadOptions
    header_cache : HeaderCache
    galaxy : (int, int)
        Number of the galaxy in its file, counted from 0, and how many there are.
    by_name : bool
        Whether the files were found by their names: one that holds numbers with decimals is no
        segmentation map then, whatever its name, and is left out.
    links : bool
        Whether links may lead out of the folder.

    Raises
    ------
    CutoutError
        If a sidecar file cannot be read or does not fit the pixels.
    """
    planes: list[AncillaryPlane] = []
    bands = {band.lower(): number for number, band in enumerate(found.bands)}
    for file, uses in files.items():
        try:
            with open_file(
                folder, file, header_cache, outside=options.allow_outside, links=links
            ) as opened:
                for role, band in uses:
                    if band and band not in bands:
                        unused = f"belongs to the band {band}, which the galaxy lacks: not used"
                        header_cache.report(file, {f"band {band}": unused})
                        continue
                    values = _read_planes(opened, file, role, galaxy, options.ancillary)
                    if by_name and role == "segmentation" and _has_decimals(values):
                        unused = "holds numbers with decimals and is no segmentation map: not used"
                        header_cache.report(file, {"no segments": unused})
                        continue
                    number = bands[band] if band else None
                    planes.append(AncillaryPlane(role, number, values, file))
        except CutoutError as error:
            raise CutoutError(f"{file}: {error}") from error
    return apply_ancillary(found, planes)


def _read_planes(
    opened: FitsFile | Picture,
    file: str,
    role: Role,
    galaxy: tuple[int, int],
    ancillary: AncillaryOptions,
) -> NDArray[np.generic]:
    """Read what a sidecar file holds of one galaxy, shape (planes, ny, nx)."""
    if isinstance(opened, Picture):
        return _picture_planes(opened, role)
    if opened.damage:
        raise CutoutError(opened.damage)
    number, count = galaxy
    images = opened.choose(selectors_in(file)) or [
        image for image in opened.images if image.use is not None and image.use.role == role
    ]
    images = images or opened.images
    if count > 1 and len(images) == count:
        images = [images[number]]
    elif count > 1 and len(images) > 1:
        raise CutoutError(f"holds {len(images)} images for {count} galaxies")
    hdus = [opened.hdus[image.hdu] for image in images]
    with BUDGET.reserve(ancillary_bytes(hdus)):
        values = _stack(
            [opened.read_ancillary(hdu, role, ancillary, without_suffix(file)) for hdu in hdus]
        )
    if values.ndim > 2 and count > 1 and len(values) == count:
        values = values[number]
    if values.ndim > 3:
        raise CutoutError(f"has {format_shape(values.shape)}, which is not the size of one galaxy")
    return values.reshape(-1, *values.shape[-2:])


def _has_decimals(values: NDArray[np.generic]) -> bool:
    if values.dtype.kind != "f":
        return False
    finite = values[np.isfinite(values)]
    return bool((finite != np.round(finite)).any())


def _picture_planes(picture: Picture, role: Role) -> NDArray[np.generic]:
    pixels = picture.load(picture.galaxies()[0]).pixels
    if role in ("mask", "flags"):
        return np.asarray((pixels != 0).any(axis=0, keepdims=True))
    return pixels


def _stack(planes: Sequence[NDArray[np.generic]]) -> NDArray[np.generic]:
    if not planes:
        raise CutoutError("holds no image")
    if len(planes) == 1:
        return planes[0]
    if len({plane.shape for plane in planes}) > 1 or planes[0].ndim != 2:
        raise CutoutError(f"holds {len(planes)} images, and nothing says which of them is meant")
    return np.stack(planes)
