"""Write a simulated survey to a folder, as a real one would come: FITS cutouts, a catalogue, and the truth beside it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from astropy.io import fits
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data.cutouts import Cutout
from galfeat.data.instrument import PIXEL_SCALE
from galfeat.data.simulate import SimulatedSurvey

__all__ = ["LAYOUTS", "write_survey"]

LAYOUTS = ("cube", "mef", "files")

_UNIT = "uJy"
_FIELD = (53.1, -27.8)  # degrees, where the made-up sky lies
_SPACING = 30 / 3600  # degrees between galaxies
_COLUMNS = 250
_BLOCK = 2880  # bytes: FITS files come in multiples of it


def write_survey(survey: SimulatedSurvey, folder: str | Path, layout: str = "cube") -> None:
    """Write a simulated survey as FITS cutouts with a catalogue.

    The catalogue is written last and at once, so a folder with a ``catalog.csv`` is whole. Memory does not grow with the survey.

    Parameters
    ----------
    survey : SimulatedSurvey
    folder : path
        New or empty.
    layout : {"cube", "mef", "files"}
        "cube": one file a galaxy, bands along the third axis and named BAND1, BAND2, …; "mef": one file a galaxy, one extension a
        band, named by EXTNAME; "files": one file a band, named by FILTER, and catalogue columns ``file_<band>``.

    Raises
    ------
    UsageError
        If the layout is unknown, or the folder cannot be used or holds anything.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"unknown layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    folder = _empty(Path(folder))
    for shard in survey.shards(64):
        for cutout in survey.read(shard).cutouts:
            for name, content in _files(cutout, layout):
                (folder / name).write_bytes(content)
    _write_table(survey.truth, folder / "truth.csv")
    _write_table(_with_files(survey, layout), folder / "catalog.csv")


def _empty(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"cannot write to the folder {folder}: {error.strerror}") from error
    if occupied:
        raise UsageError(f"the folder {folder} is not empty; name a new one, nothing is overwritten")
    return folder


def _files(cutout: Cutout, layout: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of a galaxy."""
    common = _celestial(cutout)
    if layout == "cube":
        names = [(f"BAND{number}", band, "") for number, band in enumerate(cutout.bands, 1)]
        yield f"{cutout.id}.fits", _fits([(cutout.pixels, [*names, *common])])
    elif layout == "mef":
        extensions = [(image, [("EXTNAME", band, "band"), *common]) for band, image in zip(cutout.bands, cutout.pixels, strict=True)]
        yield f"{cutout.id}.fits", _fits([(None, common[:1]), *extensions])
    else:
        for band, image in zip(cutout.bands, cutout.pixels, strict=True):
            yield f"{cutout.id}_{band}.fits", _fits([(image, [("FILTER", band, "band"), *common])])


_Card = tuple[str, str | float | int, str]


def _celestial(cutout: Cutout) -> list[_Card]:
    number, middle = cutout.row or 0, (cutout.pixels.shape[-1] + 1) / 2
    declination = _FIELD[1] + _SPACING * (number // _COLUMNS)
    right_ascension = _FIELD[0] + _SPACING * (number % _COLUMNS) / np.cos(np.radians(declination))
    return [
        ("OBJECT", cutout.id, "simulated galaxy"),
        ("BUNIT", _UNIT, "microjansky a pixel"),
        ("WCSAXES", 2, ""),
        ("CTYPE1", "RA---TAN", ""),
        ("CTYPE2", "DEC--TAN", ""),
        ("CUNIT1", "deg", ""),
        ("CUNIT2", "deg", ""),
        ("CRPIX1", middle, ""),
        ("CRPIX2", middle, ""),
        ("CRVAL1", float(right_ascension), ""),
        ("CRVAL2", float(declination), ""),
        ("CDELT1", -PIXEL_SCALE / 3600, ""),
        ("CDELT2", PIXEL_SCALE / 3600, ""),
        ("RADESYS", "ICRS", ""),
    ]


def _fits(units: Sequence[tuple[NDArray[np.float32] | None, Sequence[_Card]]]) -> bytes:
    """Return a FITS file of images, headers by astropy; the first stands in the primary unit."""
    content = []
    for number, (image, cards) in enumerate(units):
        header = (fits.ImageHDU if number else fits.PrimaryHDU)(image).header
        header.extend(cards)
        data = b"" if image is None else image.astype(">f4").tobytes()
        content += [header.tostring().encode("ascii"), data, bytes(-len(data) % _BLOCK)]
    return b"".join(content)


def _with_files(survey: SimulatedSurvey, layout: str) -> pa.Table:
    catalog, ids = survey.catalog, survey.catalog.column("id").to_pylist()
    if layout != "files":
        return catalog.add_column(1, "file", [[f"{name}.fits" for name in ids]])
    for place, band in enumerate(survey.bands, 1):
        catalog = catalog.add_column(place, f"file_{band}", [[f"{name}_{band}.fits" for name in ids]])
    return catalog


def _write_table(table: pa.Table, path: Path) -> None:
    unfinished = path.with_suffix(".part")
    pa.csv.write_csv(table, unfinished, pa.csv.WriteOptions(quoting_style="needed"))
    unfinished.replace(path)
