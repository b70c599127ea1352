"""Cutouts of galaxies: `Cutout`, one galaxy, and `Cutouts`, a batch of one size.

Bad pixels are marked in one way only: they are not finite.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from galfeat import CutoutError, UsageError
from galfeat._arrays import as_plain_array, channels_last_hint

__all__ = ["Cutout", "Cutouts", "band_names", "unchecked_cutout", "unchecked_cutouts"]


def band_names(count: int) -> tuple[str, ...]:
    """Return default names of bands: ``band1``, ``band2`` and so on."""
    return tuple(f"band{i + 1}" for i in range(count))


@dataclass(frozen=True, eq=False)
class Cutout:
    """Cutout of one galaxy.

    Parameters
    ----------
    id : str
        Identifier of the galaxy; unique within a source.
    pixels : array of float32, shape (bands, ny, nx)
        Flux, in whatever unit the file has. Pixels that are not finite are bad. Masked pixels of
        masked arrays, ``CCDData`` and the like become NaN; a ``Quantity`` gives its values.
    bands : tuple of str
        Names of the bands, in the order of `pixels`.
    file : str
        Its file, as in the catalog or the folder (never an absolute path).
    named : bool
        Whether the file, the catalog or the user named the bands; otherwise they are ``band1``,
        ``band2``, …
    row : int or None
        Row of the source's catalog.
    noise : array of float32, shape (bands, ny, nx), optional
        Standard deviation of the noise of each pixel, in the unit of `pixels`; NaN where it is not
        known.
    segmentation : array of int32, shape (ny, nx), optional
        Labels of the objects that pixels belong to, 0 for the sky; the one nearest the center is
        the galaxy.
    missing : tuple of int
        Number of pixels of each band that were masked as missing data; empty if there are none.
    picture : bool
        Whether the pixels are those of an 8-bit picture, whose low levels are no photon counts.
    wcs : astropy.wcs.WCS, optional
        Celestial coordinates of the pixels.
    units : tuple of str
        Unit of each band as its file states it (BUNIT), ``""`` where it states none; empty if none
        is stated at all.
    keywords : tuple of mapping of str to str
        What the header of each band states of its flux calibration, such as BUNIT and MAGZP; empty
        where that was not read or there is no header.
    grid : bytes
        Cards of celestial coordinates in the header of its file, which state scale and direction of
        the pixels, not their place; empty: not read, or not known.
    """

    id: str
    pixels: NDArray[np.float32]
    bands: tuple[str, ...]
    file: str = ""
    named: bool = True
    row: int | None = None
    noise: NDArray[np.float32] | None = None
    wcs: Any = None
    segmentation: NDArray[np.int32] | None = None
    units: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()
    picture: bool = False
    keywords: tuple[Mapping[str, str], ...] = ()
    grid: bytes = b""

    def __post_init__(self) -> None:
        if type(self.pixels) is not np.ndarray:
            object.__setattr__(self, "pixels", _as_float32(self.pixels))
        if self.pixels.ndim != 3 or len(self.bands) != self.pixels.shape[0]:
            raise CutoutError(
                f"pixels of shape {self.pixels.shape} do not match the bands "
                f"{', '.join(self.bands)}{_hint(self.pixels.shape)}"
            )
        if self.units and len(self.units) != len(self.bands):
            raise CutoutError(
                f"{len(self.units)} units do not go with the bands {', '.join(self.bands)}"
            )
        if self.noise is not None and self.noise.shape != self.pixels.shape:
            raise CutoutError(
                f"noise of shape {self.noise.shape} does not match pixels of shape "
                f"{self.pixels.shape}"
            )
        if self.segmentation is not None and self.segmentation.shape != self.pixels.shape[1:]:
            raise CutoutError(
                f"segments of shape {self.segmentation.shape} do not match pixels of shape "
                f"{self.pixels.shape}"
            )

    def select(self, bands: Sequence[str]) -> "Cutout":
        """Return the cutout with these bands in this order.

        Raises
        ------
        CutoutError
            If a band is missing; the message lists the missing bands and those of the cutout.
        """
        if tuple(bands) == self.bands:
            return self
        missing = [band for band in bands if band not in self.bands]
        if missing:
            raise CutoutError(
                f"has no band {', '.join(missing)}; its bands are {', '.join(self.bands)}"
            )
        order = [self.bands.index(band) for band in bands]
        noise = None if self.noise is None else self.noise[order]
        units = tuple(self.units[number] for number in order) if self.units else ()
        counts = tuple(self.missing[number] for number in order) if self.missing else ()
        keywords = tuple(self.keywords[number] for number in order) if self.keywords else ()
        return replace(
            self,
            pixels=self.pixels[order],
            bands=tuple(bands),
            noise=noise,
            units=units,
            missing=counts,
            keywords=keywords,
        )


class _PixelPlanes(Protocol):
    """Pixels, bands and ancillary data from a reader."""

    @property
    def pixels(self) -> NDArray[np.float32]: ...
    @property
    def bands(self) -> tuple[str, ...]: ...
    @property
    def named(self) -> bool: ...
    @property
    def noise(self) -> NDArray[np.float32] | None: ...
    @property
    def segmentation(self) -> NDArray[np.int32] | None: ...
    @property
    def units(self) -> tuple[str, ...]: ...
    @property
    def missing(self) -> tuple[int, ...]: ...
    @property
    def picture(self) -> bool: ...
    @property
    def keywords(self) -> tuple[Mapping[str, str], ...]: ...
    @property
    def grid(self) -> bytes: ...


def unchecked_cutout(id: str, found: _PixelPlanes, file: str, row: int) -> Cutout:  # noqa: A002
    """Return a cutout of planes that a reader has checked: faster than with a second check."""
    cutout = object.__new__(Cutout)
    vars(cutout).update(
        id=id,
        pixels=found.pixels,
        bands=found.bands,
        file=file,
        named=found.named,
        row=row,
        noise=found.noise,
        wcs=None,
        segmentation=found.segmentation,
        units=found.units,
        missing=found.missing,
        picture=found.picture,
        keywords=found.keywords,
        grid=found.grid,
    )
    return cutout


def unchecked_cutouts(
    batches: Sequence[NDArray[np.float32]], ids: Sequence[str], row: int, template: Cutout
) -> list[Cutout]:
    """Return many cutouts that share all but name, row and pixels: faster than one by one.

    Parameters
    ----------
    batches : sequence of arrays of float32, shapes (some, bands, ny, nx)
        The cutouts are views of them.
    ids : sequence of str
        One a galaxy.
    row : int
        Row of the first; the others follow.
    template : Cutout
        Has the bands, the file and whether the bands are named.
    """
    fields = {**vars(template), "noise": None, "wcs": None, "segmentation": None}
    found: list[Cutout] = []
    for number, name, pixels in zip(
        range(row, row + len(ids)), ids, chain.from_iterable(batches), strict=True
    ):
        cutout = object.__new__(Cutout)
        fields["id"], fields["pixels"], fields["row"] = name, pixels, number
        cutout.__dict__.update(fields)
        found.append(cutout)
    return found


@dataclass(frozen=True, eq=False)
class Cutouts:
    """Batch of galaxies with one size and one set of bands.

    Parameters
    ----------
    pixels : array, shape (n, bands, ny, nx)
        Stored as native, C-contiguous float32; copied only if it is anything else. Masked pixels of
        masked arrays, ``CCDData`` and the like become NaN; a ``Quantity`` gives its values.
    ids : sequence of str, length n
    bands : sequence of str
    mask : array of bool, shape of `pixels`, optional
        True marks a bad pixel, which becomes NaN. Pixels that are not finite are bad without a
        mask.
    noise : array, shape of `pixels`, optional
        Standard deviation of the noise of each pixel, in the unit of `pixels`; NaN where it is
        unknown, which may be all of a galaxy.
    catalog : pyarrow.Table, optional
        One row a galaxy.
    segmentation : array of int32, shape (n, ny, nx), optional
        Labels of the objects that pixels belong to, 0 for the sky; all 0 where a galaxy has no
        segmentation map.
    units : sequence of str, optional
        Unit of each band, ``""`` where none is stated.
    picture : bool
        Whether the pixels are those of 8-bit pictures.

    Raises
    ------
    UsageError
        If shapes or lengths do not fit together.
    """

    pixels: NDArray[np.float32]
    ids: tuple[str, ...]
    bands: tuple[str, ...]
    mask: NDArray[np.bool_] | None = field(default=None, repr=False)
    noise: NDArray[np.float32] | None = field(default=None, repr=False)
    catalog: pa.Table | None = field(default=None, repr=False)
    segmentation: NDArray[np.int32] | None = field(default=None, repr=False)
    units: tuple[str, ...] = ()
    picture: bool = False

    def __post_init__(self) -> None:
        pixels = _as_float32(self.pixels)
        if pixels.ndim != 4:
            raise UsageError(
                f"pixels must have the axes (n, bands, ny, nx); their shape is {pixels.shape}"
            )
        if len(self.ids) != pixels.shape[0] or len(self.bands) != pixels.shape[1]:
            raise UsageError(
                f"{len(self.ids)} ids and {len(self.bands)} bands do not match pixels of shape "
                f"{pixels.shape}{_hint(pixels.shape)}"
            )
        if self.units and len(self.units) != len(self.bands):
            raise UsageError(f"{len(self.units)} units do not go with {len(self.bands)} bands")
        if self.catalog is not None and self.catalog.num_rows != pixels.shape[0]:
            raise UsageError(
                f"the catalog has {self.catalog.num_rows} rows for {pixels.shape[0]} cutouts"
            )
        bad = ~np.isfinite(pixels)
        if self.mask is not None:
            bad |= np.asarray(self.mask, dtype=bool)
        if bad.any():
            pixels = np.where(bad, np.float32(np.nan), pixels)
        noise = None if self.noise is None else _as_float32(self.noise)
        if noise is not None and noise.shape != pixels.shape:
            raise UsageError(
                f"noise of shape {noise.shape} does not match pixels of shape {pixels.shape}"
            )
        segments = (
            None
            if self.segmentation is None
            else np.ascontiguousarray(self.segmentation, dtype=np.int32)
        )
        if segments is not None and segments.shape != (pixels.shape[0], *pixels.shape[2:]):
            raise UsageError(
                f"segments of shape {segments.shape} do not match pixels of shape {pixels.shape}"
            )
        values = {
            "pixels": pixels,
            "mask": bad,
            "noise": noise,
            "segmentation": segments,
            "ids": tuple(self.ids),
            "units": tuple(self.units),
        }
        for name, value in {**values, "bands": tuple(self.bands)}.items():
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def labels(self) -> NDArray[np.str_]:
        """Class of each galaxy, from the catalog's column ``label``; ``""`` if unlabeled."""
        return self.column("label")

    def column(self, name: str) -> NDArray[np.str_]:
        """Return a catalog column as text, with ``""`` in empty cells.

        Raises
        ------
        UsageError
            If there is no catalog or no such column.
        """
        if self.catalog is None or name not in self.catalog.column_names:
            available = (
                "there is no catalog"
                if self.catalog is None
                else "its columns are " + ", ".join(self.catalog.column_names)
            )
            raise UsageError(f"the catalog has no column '{name}': {available}")
        values = self.catalog.column(name).to_pylist()
        return np.array(
            ["" if value is None or value != value else str(value) for value in values],
            dtype=np.str_,
        )


def _as_float32(values: ArrayLike) -> NDArray[np.float32]:
    # a float64 beyond float32 becomes infinite: a bad pixel
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(as_plain_array(values), dtype=np.float32)


def _hint(shape: tuple[int, ...]) -> str:
    hint = channels_last_hint(shape)
    return f"; {hint}" if hint else ""
