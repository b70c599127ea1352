"""Options for reading cutouts: catalog, bands, layout, ancillary data, and positions in mosaics."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from galfeat import UsageError
from galfeat.data.fits.ancillary.apply import AncillaryOptions
from galfeat.data.fits.layouts import Layout, check_layout
from galfeat.data.fits.selectors import Selector, parse_selectors
from galfeat.data.memory import parse_memory
from galfeat.data.sources.select_bands import MissingBands, check_missing

__all__ = ["ReadOptions"]


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading cutouts, passed whole from `galfeat.data.open_source` to the sources.

    They are stored as given, and checked when a source is opened.

    Parameters
    ----------
    catalog : str or Path, optional
        Catalog of a folder or of a file with many galaxies.
    bands : sequence of str, optional
        Bands to read, in this order; None reads them as they come.
    layout : {"auto", "cube", "bands", "galaxies"}
        How a FITS file stores its galaxies.
    positions : str or Path, optional
        Catalog of positions in mosaics.
    size_arcsec, size_pixels : float, int, optional
        Side of the cutouts around positions, in one of the two.
    missing_bands : {"fail", "mask"}
        Whether a galaxy without one of the bands is a failure, or that band is masked (NaN).
    companions : bool
        Whether ancillary data (noise maps, masks, data-quality flags, segmentation maps) are read.
    bad_bits : int, optional
        Sum of the data-quality bits that mark a bad pixel.
    allow_outside : bool
        Whether the paths of a catalog may be absolute or lead out of its folder.
    extension : str or sequence of str, optional
        Images of each FITS file that are read, by name, number, or name and version.
    mixed_units : bool
        Whether bands and galaxies may have different units (BUNIT).
    memory : int or str, optional
        Memory that reading and preparing may take in a process: see `galfeat.data.open_source`.
    missing_data : {"mask", "keep"}
        Whether regions of one value are masked as missing data: see `galfeat.data.missing`.
    calibration : bool
        Whether the cutouts carry what their headers state of flux calibration and coordinates. It
        changes no pixel, and is no option of the commands: what measures fluxes asks for it.
    """

    catalog: str | Path | None = None
    bands: Sequence[str] | None = None
    layout: Layout = "auto"
    positions: str | Path | None = None
    size_arcsec: float | None = None
    size_pixels: int | None = None
    missing_bands: MissingBands = "fail"
    companions: bool = True
    bad_bits: int | None = None
    allow_outside: bool = False
    extension: str | Sequence[str] | None = None
    mixed_units: bool = False
    memory: int | str | None = None
    missing_data: Literal["mask", "keep"] = "mask"
    calibration: bool = False

    def check(self) -> None:
        """Check that each option is in its range.

        Raises
        ------
        UsageError
            If one is not.
        """
        check_layout(self.layout)
        check_missing(self.missing_bands)
        if self.missing_data not in ("mask", "keep"):
            raise UsageError(f"missing_data must be mask or keep; it is '{self.missing_data}'")
        # these check their own options
        _ = self.selected_bands, self.ancillary, self.selectors, self.memory_limit

    @cached_property
    def selected_bands(self) -> tuple[str, ...]:
        """Bands to read, in order; empty: as they come."""
        if self.bands is None:
            return ()
        selected = (self.bands,) if isinstance(self.bands, str) else tuple(self.bands)
        if (
            not selected
            or not all(isinstance(band, str) and band for band in selected)
            or len(set(selected)) < len(selected)
        ):
            given = ", ".join(map(repr, selected)) or "none"
            raise UsageError(f"bands must be names, each once; they are {given}")
        return selected

    @cached_property
    def selectors(self) -> tuple[Selector, ...]:
        """Chosen images of each file; empty: those that hold galaxies."""
        return () if self.extension is None else parse_selectors(self.extension)

    @cached_property
    def ancillary(self) -> AncillaryOptions:
        """Options for noise maps, masks, data-quality flags, segmentation maps, missing data."""
        return AncillaryOptions(
            self.companions, self.bad_bits, self.missing_data == "mask", self.calibration
        )

    @cached_property
    def memory_limit(self) -> int | None:
        """Limit of `memory` in bytes; None for the default of the machine that reads."""
        return None if self.memory is None else parse_memory(self.memory)

    @property
    def missing_data_setting(self) -> dict[str, str]:
        """The treatment of missing data for the metadata of tables, where it is not the default."""
        return {} if self.missing_data == "mask" else {"missing_data": self.missing_data}
