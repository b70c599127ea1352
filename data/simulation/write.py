"""Writing a simulated survey to a folder: FITS cutouts, catalog, true parameters."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from galfeat import UsageError, __version__
from galfeat._atomic_files import AtomicFile
from galfeat.data.cutouts import Cutout
from galfeat.data.simulation.survey import SimulatedSurvey
from galfeat.data.sources.base import Shard

__all__ = ["LAYOUTS", "write_survey"]

LAYOUTS = ("cube", "mef", "files")

_MATCHED = (
    "matched: classes differ in shape, and quiescent galaxies from star-forming ones in color"
)
_REALISTIC = "realistic: classes differ in size, redshift, color, bulge and neighbors, too"
_TABLES = ("catalog", "truth", "survey")
_FLUX_UNIT = "uJy"
_FIELD_CENTER = (53.1, -27.8)  # degrees: RA and Dec of the first galaxy
_SPACING = 30 / 3600  # degrees between galaxies
_GRID_COLUMNS = 250
_BLOCK = 2880  # bytes of a FITS block


def write_survey(
    survey: SimulatedSurvey,
    folder: str | Path,
    layout: str = "cube",
    progress: Callable[[int, int, int], None] | None = None,
) -> None:
    """Write a simulated survey as FITS cutouts with a catalog.

    ``catalog.csv`` is what an observer knows; ``truth.csv`` the true parameters and how visible
    they are; ``survey.json`` the settings. The catalog is written last, so a folder that has one is
    complete; a run that fails or is interrupted removes its files. Memory does not grow with the
    survey, except for a byte a galaxy.

    Parameters
    ----------
    survey : SimulatedSurvey
    folder : path
        New or empty.
    layout : {"cube", "mef", "files"}
        "cube": one file a galaxy, bands along the third axis and named BAND1, BAND2, …; "mef": one
        file a galaxy, one extension a band, named by EXTNAME; "files": one file a band, named by
        FILTER, and catalog columns ``file_<band>``.
    progress : callable, optional
        Called with the number of galaxies written, their total, and 0.

    Raises
    ------
    UsageError
        If the layout is unknown, the folder cannot be used or holds anything, or writing fails, as
        on a full disk.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"unknown layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    folder = Path(folder)
    known = folder.exists()
    _create_empty_folder(folder)
    try:
        _write(survey, folder, layout, progress)
    except BaseException as error:
        _remove_partial(folder, known)
        if isinstance(error, OSError):
            raise UsageError(
                f"cannot write to the folder {folder}: {error.strerror or error}; nothing was "
                "left in it"
            ) from error
        raise


def _write(
    survey: SimulatedSurvey,
    folder: Path,
    layout: str,
    progress: Callable[[int, int, int], None] | None,
) -> None:
    with ExitStack() as cleanup:
        truth, catalog = (
            _GrowingCsv(cleanup, folder / name) for name in ("truth.csv", "catalog.csv")
        )
        for shard in survey.shards(64):
            catalog.add(
                _add_file_columns(
                    _write_shard(survey, shard, folder, layout, truth), survey.bands, layout
                )
            )
            if progress:
                progress(shard.stop, len(survey), 0)
        (folder / "survey.json").write_text(json.dumps(_describe(survey), indent=1) + "\n")
        truth.finish()
        catalog.finish()  # last: a folder with a catalog is complete


def _write_shard(
    survey: SimulatedSurvey, shard: Shard, folder: Path, layout: str, truth: "_GrowingCsv"
) -> pa.Table:
    cutouts, known = survey.observe(shard)
    for cutout in cutouts:
        for name, content in _files(cutout, layout, survey.camera.scale):
            (folder / name).write_bytes(content)
    truth.add(known)
    return known.select(["id", "label", "state"])


def _describe(survey: SimulatedSurvey) -> dict[str, Any]:
    camera, drawn = survey.camera, _REALISTIC if survey.realistic else _MATCHED
    return {
        "galfeat": __version__,
        "population": drawn,
        "camera": camera.name,
        "pixel_arcsec": camera.scale,
        "settings": survey.settings,
    }


def _create_empty_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        occupied = any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"cannot write to the folder {folder}: {error.strerror}") from error
    if occupied:
        raise UsageError(
            f"the folder {folder} is not empty; name a new one, nothing is overwritten"
        )


def _remove_partial(folder: Path, known: bool) -> None:
    """Remove the files of an unfinished survey, and the folder if it is new."""
    for file in folder.iterdir():
        if (file.name.startswith("sim") and file.suffix == ".fits") or file.stem in _TABLES:
            file.unlink(missing_ok=True)
    if not known:
        with suppress(OSError):  # another process may have written to it
            folder.rmdir()


def _files(cutout: Cutout, layout: str, scale: float) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of a galaxy."""
    common = _wcs_cards(cutout, scale)
    if layout == "cube":
        names = [(f"BAND{number}", band, "") for number, band in enumerate(cutout.bands, 1)]
        yield f"{cutout.id}.fits", _fits([(cutout.pixels, [*names, *common])])
    elif layout == "mef":
        extensions = [
            (image, [("EXTNAME", band, "band"), *common])
            for band, image in zip(cutout.bands, cutout.pixels, strict=True)
        ]
        yield f"{cutout.id}.fits", _fits([(None, common[:1]), *extensions])
    else:
        for band, image in zip(cutout.bands, cutout.pixels, strict=True):
            yield f"{cutout.id}_{band}.fits", _fits([(image, [("FILTER", band, "band"), *common])])


_Card = tuple[str, str | float | int, str]


def _wcs_cards(cutout: Cutout, scale: float) -> list[_Card]:
    number, middle = cutout.row or 0, (cutout.pixels.shape[-1] + 1) / 2
    declination = _FIELD_CENTER[1] + _SPACING * (number // _GRID_COLUMNS)
    right_ascension = _FIELD_CENTER[0] + _SPACING * (number % _GRID_COLUMNS) / np.cos(
        np.radians(declination)
    )
    return [
        ("OBJECT", cutout.id, "simulated galaxy"),
        ("BUNIT", _FLUX_UNIT, "microjansky a pixel"),
        ("WCSAXES", 2, ""),
        ("CTYPE1", "RA---TAN", ""),
        ("CTYPE2", "DEC--TAN", ""),
        ("CUNIT1", "deg", ""),
        ("CUNIT2", "deg", ""),
        ("CRPIX1", middle, ""),
        ("CRPIX2", middle, ""),
        ("CRVAL1", float(right_ascension), ""),
        ("CRVAL2", float(declination), ""),
        ("CDELT1", -scale / 3600, ""),
        ("CDELT2", scale / 3600, ""),
        ("RADESYS", "ICRS", ""),
    ]


def _fits(units: Sequence[tuple[NDArray[np.float32] | None, Sequence[_Card]]]) -> bytes:
    """Return a FITS file of images; the first is the primary HDU."""
    content = []
    for number, (image, cards) in enumerate(units):
        header = (
            "".join(_format_card(*card) for card in [*_mandatory(image, number > 0), *cards])
            + "END"
        )
        data = b"" if image is None else image.astype(">f4").tobytes()
        content += [
            header.ljust(-(-len(header) // _BLOCK) * _BLOCK).encode("ascii"),
            data,
            bytes(-len(data) % _BLOCK),
        ]
    return b"".join(content)


def _mandatory(image: NDArray[np.float32] | None, extension: bool) -> list[_Card]:
    shape = () if image is None else image.shape[::-1]
    first: _Card = (
        ("XTENSION", "IMAGE", "image extension")
        if extension
        else ("SIMPLE", True, "conforms to FITS standard")
    )
    last: list[_Card] = (
        [("PCOUNT", 0, ""), ("GCOUNT", 1, "")] if extension else [("EXTEND", True, "")]
    )
    axes: list[_Card] = [(f"NAXIS{axis}", side, "") for axis, side in enumerate(shape, 1)]
    return [
        first,
        ("BITPIX", 8 if image is None else -32, ""),
        ("NAXIS", len(shape), ""),
        *axes,
        *last,
    ]


def _format_card(keyword: str, value: str | float | int, comment: str) -> str:
    """Return one header card.

    Faster than astropy, whose headers would take longer than rendering the galaxies.
    """
    quoted = f"'{value:8}'" if isinstance(value, str) else ""
    text = f"{quoted:20}" if quoted else f"{'T' if value is True else repr(value).upper():>20}"
    return f"{keyword:8}= {text}{' / ' + comment if comment else ''}".ljust(80)


def _add_file_columns(catalog: pa.Table, bands: Sequence[str], layout: str) -> pa.Table:
    ids = catalog.column("id").to_pylist()
    if layout != "files":
        return catalog.add_column(1, "file", [[f"{name}.fits" for name in ids]])
    for place, band in enumerate(bands, 1):
        catalog = catalog.add_column(
            place, f"file_{band}", [[f"{name}_{band}.fits" for name in ids]]
        )
    return catalog


class _GrowingCsv:
    """CSV file that is written piece by piece and renamed to its target when it is complete."""

    def __init__(self, cleanup: ExitStack, path: Path) -> None:
        self._cleanup, self._file = cleanup, AtomicFile(path)
        self._writer: pa.csv.CSVWriter | None = None
        cleanup.callback(self._file.discard)

    def add(self, rows: pa.Table) -> None:
        if self._writer is None:
            options = pa.csv.WriteOptions(quoting_style="needed")
            self._writer = self._cleanup.enter_context(
                pa.csv.CSVWriter(self._file.file, rows.schema, write_options=options)
            )
        self._writer.write_table(rows)

    def finish(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._file.commit()
