"""The files with which astropy tests itself, those it calls malformed among them: its pixels, or a
true reason.
"""

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.file import FitsFile, open_fits
from galfeat.data.fits.streams import FileBytes

FOLDER = Path(fits.__path__[0]) / "tests" / "data"
PACKED = Path(fits.__path__[0]) / "hdu" / "compressed" / "tests" / "data"

# What has no image of two axes, and what is said of it.
NO_IMAGE = {
    **dict.fromkeys(
        (
            "ascii",
            "ascii_i4-i20",
            "btable",
            "chandra_time",
            "logical_null",
            "memtest",
            "table",
            "tb",
        ),
        "only 1 table",
    ),
    **dict.fromkeys(
        ("tdim", "theap-gap", "variable_length_table", "vla_logical_all_zero", "vla_logical_null"),
        "only 1 table",
    ),
    "vla_logical_pre_fix": "only 1 table",
    "stddata": "only 2 table",
    **dict.fromkeys(
        ("group", "random_groups", "group_invalid", "history_header", "verify"), "holds no image"
    ),
    "compressed_float_bzero": "holds no image",  # it has one axis
    "zerowidth": "its image has no pixels (0 x 777777701 pixels)",
    "lzw": "is packed with compress; unpack it first",
}


def by_astropy(file: Any) -> list[NDArray[Any]]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        with fits.open(file) as opened:
            images = [
                hdu.data for hdu in opened if hdu.is_image and not isinstance(hdu, fits.GroupsHDU)
            ]
            return [
                image.astype(np.float32) for image in images if image is not None and image.ndim > 1
            ]


def by_us(file: FitsFile) -> list[NDArray[np.float32]]:
    return [file.load(galaxy).pixels for galaxy in file.galaxies()]


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", [FOLDER, FOLDER / "invalid", PACKED], ids=["tests", "invalid", "compressed"]
)
def test_astropy_test_files_are_read_as_by_astropy(folder: Path) -> None:
    files = sorted(folder.glob("*.fits*")) if folder.is_dir() else []
    if not files:
        pytest.skip(f"astropy is installed without the files of its tests (looked in {folder})")
    read = 0
    for path in files:
        with open_fits_or_reason(path) as outcome:
            if isinstance(outcome, str):
                assert NO_IMAGE[path.name.partition(".")[0]] in outcome, path
                continue
            theirs = by_astropy(path)
            assert len(outcome) == len(theirs), path
            read += len(theirs)
            for one, other in zip(outcome, theirs, strict=True):
                assert np.array_equal(one.reshape(other.shape), other, equal_nan=True), path
    assert read or folder.name == "invalid"


class open_fits_or_reason:  # noqa: N801 - used as a function
    """All images of a file, or why there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> list[NDArray[np.float32]] | str:
        try:
            with open_fits(self._path) as file:
                return by_us(file)
        except CutoutError as error:
            return str(error)

    def __exit__(self, *_: object) -> None:
        return


# The malformed files that astropy's tests make as they run, made here in the same way.


def written(hdu: Any) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hdu.writeto(file, output_verify="ignore")
    return file.getvalue()


def plain(**cards: object) -> bytes:
    hdu = fits.PrimaryHDU(np.arange(100.0).reshape(10, 10))
    hdu.header.update(cards)
    return written(hdu)


def card(content: bytes, keyword: str, new: str) -> bytes:
    """Write another card in place of the first one of that keyword."""
    at = content.index(f"{keyword:<8}".encode())
    return content[:at] + new.ljust(80).encode("latin-1") + content[at + 80 :]


def nulls_for_blanks() -> bytes:
    content = plain()
    end = content.index(b"END".ljust(80)) + 80
    return content[:end] + bytes(2880 - end) + content[2880:]


READ: dict[str, Callable[[], bytes]] = {
    "nulls behind END": nulls_for_blanks,
    "bytes behind the last block": lambda: plain() + bytes(1234),
    "a block behind the last": lambda: plain() + bytes(2880),
    "END with an equals sign": lambda: card(plain(), "END", "END     ="),
    "END and an equals sign": lambda: card(plain(), "END", "END     = "),
    "no ASCII in a value and a remark": lambda: card(
        card(plain(FOO="x", BAR="y"), "FOO", "FOO     = 'BÀR'"), "BAR", "COMMENT héllo"
    ),
    "exponents in lower case": lambda: card(
        plain(BSCALE=2.0), "BSCALE", "BSCALE  = +2.000000000000e+000"
    ),
    "BLANK of floats": lambda: plain(BLANK=2),
    "BLANK that is no number, of floats": lambda: plain(BLANK="nan"),
    "EXTNAME that is a number": lambda: plain(EXTNAME=12345678),
    "a keyword in lower case": lambda: card(plain(FOO=1), "FOO", "foo     =                    1"),
    "a blank before a keyword": lambda: card(plain(FOO=1), "FOO", " BZERO  =                  7.0"),
    "BSCALE twice, alike": lambda: card(
        card(plain(FOO=1, BAR=1), "FOO", "BSCALE  =                  2.0"),
        "BAR",
        "BSCALE  =    2.0 / again",
    ),
    "BSCALE twice, differently": lambda: card(
        card(plain(FOO=1, BAR=1), "FOO", "BSCALE  =                  2.0"),
        "BAR",
        "BSCALE  =                  3.0",
    ),
    "NAXIS1 twice": lambda: card(plain(FOO=1), "FOO", "NAXIS1  =                    5"),
    "BITPIX twice": lambda: card(plain(FOO=1), "FOO", "BITPIX  =                    8"),
    "a long string that goes on": lambda: plain(STORY="x" * 200),
    "an extension that says nothing of PCOUNT": lambda: card(
        plain(FOO=1), "FOO", "EXTEND  =                    F"
    ),
}


@pytest.mark.parametrize("name", READ)
def test_files_with_astropy_warnings_have_astropys_pixels(name: str) -> None:
    content = READ[name]()
    [ours], [theirs] = by_us(FitsFile(FileBytes(content))), by_astropy(io.BytesIO(content))
    assert np.array_equal(ours[0], theirs)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no SIMPLE": (
        lambda: plain(FOO="BAR")[80:] + b" " * 80,
        "is not a FITS file: it is text that begins with 'BITPIX",
    ),
    "SIMPLE is F": (
        lambda: card(plain(), "SIMPLE", "SIMPLE  =                    F"),
        "is not standard FITS according to its header (SIMPLE is F)",
    ),
    "no END": (lambda: card(plain(), "END", ""), "has no END"),
    "END with gibberish": (lambda: card(plain(), "END", "END$%&%^*%*"), "has no END"),
    "BZERO behind an END with an equals sign": (
        lambda: card(
            card(plain(FOO=1), "FOO", "END     ="), "END     ".ljust(80), "BZERO   =   9.0"
        ),
        "more follows its END card",
    ),
    "END and something else": (
        lambda: card(plain(), "END", "END       !"),
        "its END card holds more than END and blanks",
    ),
    "a no-break space before BITPIX": (
        lambda: card(plain(), "BITPIX", "BITPIX  =          \xa0    -64"),
        "BITPIX is \xa0    -64, not a whole number",
    ),
    "NAXIS1 with a point": (
        lambda: card(plain(), "NAXIS1", "NAXIS1  =                 11.0"),
        "NAXIS1 is 11.0, not a whole number",
    ),
    "NAXIS2 as a text": (
        lambda: card(plain(), "NAXIS2", "NAXIS2  = '10.0    '"),
        "NAXIS2 is '10.0    ', not a whole number",
    ),
    "NAXIS2 is missing": (
        lambda: card(plain(), "NAXIS2", "COMMENT"),
        "NAXIS2 is missing, not a whole number",
    ),
    "a negative axis": (
        lambda: card(plain(), "NAXIS1", "NAXIS1  =                  -10"),
        "an axis of its image has a negative length",
    ),
    "BITPIX 13": (
        lambda: card(plain(), "BITPIX", "BITPIX  =                   13"),
        "BITPIX is 13, which is not a valid value",
    ),
    "no BITPIX": (lambda: card(plain(), "BITPIX", "COMMENT"), "BITPIX is missing"),
    "NAXIS is 0": (
        lambda: card(plain(), "NAXIS", "NAXIS   =                    0"),
        "holds no image",
    ),
    "no blank behind the equals sign": (
        lambda: card(plain(), "NAXIS", "NAXIS   =2"),
        "NAXIS is missing",
    ),
    "missing pixels": (
        lambda: plain()[:3000],
        "is truncated: its image should have 800 bytes and has 120",
    ),
    "nothing but a header": (
        lambda: plain()[:2880],
        "is truncated: its image should have 800 bytes and has 0",
    ),
    "half a header": (lambda: plain()[:240], "has no END"),
    "a text": (lambda: b"<html>not found</html>", "it is text that begins with"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unreadable_files_have_the_true_reason(name: str) -> None:
    made, words = REFUSED[name]
    with pytest.raises(CutoutError) as caught:
        by_us(FitsFile(FileBytes(made())))
    assert words in str(caught.value)
