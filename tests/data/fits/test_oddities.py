"""What the standard forbids and archives hold: read as astropy reads it, and reported once."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from galfeat.data import Reading, open_source
from galfeat.data.sources.open import CatalogedSource

PIXELS = np.arange(30, dtype="f4").reshape(5, 6)


def plain(path: Path, **cards: object) -> Path:
    hdu = fits.PrimaryHDU(PIXELS)
    hdu.header.update(cards)
    hdu.writeto(path)
    return path


def doubled(path: Path) -> Path:
    hdu = fits.PrimaryHDU(PIXELS)
    hdu.header.extend([("FILTER", "g"), ("FILTER", "r"), ("COMMENT", "one"), ("COMMENT", "two")])
    hdu.writeto(path)
    return path


def followed(path: Path, rest: bytes = b"an archive's remark") -> Path:
    plain(path).write_bytes(path.read_bytes() + rest)
    return path


def cut(path: Path) -> Path:
    plain(path).write_bytes(path.read_bytes()[: 2880 + PIXELS.nbytes])
    return path


def scaled_twice(path: Path) -> Path:
    plain(path)
    raw = path.read_bytes()
    first = raw.index(b"END" + b" " * 77)
    cards = b"BZERO   =                  0.0".ljust(80) + b"BZERO   =                100.0".ljust(
        80
    )
    path.write_bytes(raw[:first] + cards + raw[first : 2880 - len(cards)] + raw[2880:])
    return path


WORDS: dict[Callable[[Path], Path], str] = {
    doubled: "the keyword FILTER appears more than once in a header: the first is used",
    scaled_twice: "the keyword BZERO appears more than once in a header: the last is used",
    followed: "19 bytes follow its last image: they are ignored",
    cut: "its last block is incomplete, but all its pixels are present",
}


def everything(source: CatalogedSource) -> Reading:
    parts = [source.read(shard) for shard in source.shards(2)]
    return Reading(
        [each for part in parts for each in part.cutouts],
        [each for part in parts for each in part.failures],
    )


@pytest.mark.parametrize("odd", WORDS, ids=lambda odd: odd.__name__)
def test_odd_files_are_read_as_astropy_reads_them_and_reported_once(
    tmp_path: Path, odd: Callable[[Path], Path], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(5):
        odd(tmp_path / f"{number}.fits")
    plain(tmp_path / "a.fits")
    with caplog.at_level(logging.WARNING, "galfeat"):
        reading = everything(open_source(tmp_path))
    assert not reading.failures
    assert [record.getMessage() for record in caplog.records] == [
        f"0.fits: {WORDS[odd]} (reported once for all files that it applies to)"
    ]
    for cutout in reading.cutouts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # astropy warns of some of it, at some calls
            expected = fits.getdata(tmp_path / cutout.file)
        assert np.array_equal(cutout.pixels[0], expected)
    if odd is doubled:
        assert (
            reading.cutouts[0].bands == (fits.getheader(tmp_path / "0.fits")["FILTER"],) == ("g",)
        )


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (f"BLANK   = {value:>20}", "BLANK of floating-point pixels is no integer")
        for value in ("NaN", "'none'", "1.5")
    ]
    + [("CONTINUE=                   24", "a card CONTINUE with an equals sign continues no text")],
)
def test_cards_that_astropy_cannot_read_and_that_mean_nothing_are_ignored_and_reported(
    tmp_path: Path, card: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = plain(tmp_path / "a.fits", OBJECT="x")
    raw = path.read_bytes()
    at = raw.index(b"OBJECT  =")
    path.write_bytes(raw[:at] + card.ljust(80).encode() + raw[at + 80 :])
    with caplog.at_level(logging.WARNING, "galfeat"):
        (cutout,) = everything(open_source(path)).cutouts
    assert np.array_equal(cutout.pixels[0], PIXELS)
    assert f"a.fits: {words}" in caplog.text


def test_uniform_files_and_extensions_report_it_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hdus = [fits.ImageHDU(PIXELS + number) for number in range(20)]
    for hdu in hdus:
        hdu.header.extend([("OBJECT", "one"), ("OBJECT", "two")])
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "many.fits")
    followed(tmp_path / "one.fits")
    with caplog.at_level(logging.WARNING, "galfeat"):
        for name in ("many", "one"):
            source = open_source(tmp_path / f"{name}.fits")
            everything(source)
            everything(source)
    said = [record.getMessage() for record in caplog.records]
    assert [words.split(" (")[0] for words in said] == [
        "many.fits: the keyword OBJECT appears more than once in a header: the first is used",
        "one.fits: 19 bytes follow its last image: they are ignored",
    ]


def test_standard_files_report_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain(tmp_path / "a.fits", FILTER="g")
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.ones((40, 40), "f4"))]).writeto(
        tmp_path / "b.fits"
    )
    with caplog.at_level(logging.WARNING, "galfeat"):
        assert len(everything(open_source(tmp_path)).cutouts) == 2
    assert caplog.records == []


def beyond(path: Path, shape: tuple[int, ...] = (5, 6)) -> Path:
    pixels = np.ones(shape)
    pixels[..., 0, :3] = 1e300, np.inf, -1e39
    fits.PrimaryHDU(pixels).writeto(path)
    return path


def test_pixels_beyond_float32_are_bad_and_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        beyond(tmp_path / f"{number}.fits")
    fits.PrimaryHDU(np.full((5, 6), np.inf)).writeto(tmp_path / "0infinite.fits")
    with caplog.at_level(logging.WARNING, "galfeat"):
        cutouts = everything(open_source(tmp_path)).cutouts
    words = "2 pixels of extension 0 are beyond float32: they are bad pixels"
    assert [record.getMessage() for record in caplog.records] == [
        f"0.fits: {words} (reported once for all files that it applies to)"
    ]
    assert [int(np.isfinite(cutout.pixels).sum()) for cutout in cutouts] == [27, 0, 27, 27]


def scaled_beyond(folder: Path) -> CatalogedSource:
    hdu = fits.PrimaryHDU(np.arange(30, dtype="i4").reshape(5, 6))
    hdu.writeto(folder / "a.fits")
    with (folder / "a.fits").open("r+b") as file:
        head = file.read(2880).replace(
            b"END".ljust(80), b"BSCALE  =                1E39".ljust(80) + b"END".ljust(80), 1
        )
        file.seek(0)
        file.write(head[:2880])
    return open_source(folder)


def extensions_beyond(folder: Path) -> CatalogedSource:
    beyond(folder / "one.fits")
    pixels = fits.getdata(folder / "one.fits")
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(pixels) for _ in range(20))]).writeto(
        folder / "many.fits"
    )
    return open_source(folder / "many.fits")


def mosaic_beyond(folder: Path) -> CatalogedSource:
    (folder / "c.csv").write_text("x,y\n2,2\n")
    return open_source(beyond(folder / "m.fits"), positions=folder / "c.csv", size_pixels=5)


def hdf5_beyond(folder: Path) -> CatalogedSource:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "a.h5", "w") as file:
        file["images"] = np.full((2, 4, 4), 1e200)
    return open_source(folder / "a.h5")


@pytest.mark.parametrize("made", [scaled_beyond, extensions_beyond, mosaic_beyond, hdf5_beyond])
def test_every_reader_reports_values_beyond_float32(
    tmp_path: Path, made: Callable[[Path], CatalogedSource], caplog: pytest.LogCaptureFixture
) -> None:
    source = made(tmp_path)
    with caplog.at_level(logging.WARNING, "galfeat"):
        found = everything(source)
    assert found.cutouts
    assert not np.isfinite(found.cutouts[0].pixels).all()
    assert [("beyond float32" in record.getMessage()) for record in caplog.records] == [True]
