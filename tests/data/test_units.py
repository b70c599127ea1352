"""Units of pixels: the same in every spelling, kept with the bands, never mixed without a word."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.data import Shard, open_source, read_cutout, read_cutouts
from galfeat.data.units import find_mixture, is_surface_brightness, same_unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nanomaggy", "nanomaggies"),
        ("NANOMAGGIES", "nmgy"),
        ("e-/s", "ELECTRONS/S"),
        ("electron / s", "electrons/sec"),
        ("counts", "ct"),
        ("COUNTS/SEC", "ct s-1"),
        ("uJy", "1e-6 Jy"),
        ("10 nJy", "1e-8 Jy"),
        ("MJy/sr", "MJY/SR"),
        ("MJy/sr", "MJy sr^-1"),
        ("1E-17 erg/cm^2/s/Ang", "1e-17 erg/s/cm2/Angstrom"),
        ("Some Scale", "some scale"),
    ],
)
def test_one_unit_in_two_spellings(one: str, other: str) -> None:
    assert same_unit(one, other)
    assert find_mixture([one, "", other]) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jy", "mJy"),
        ("MJy/sr", "mJy/sr"),
        ("MJY/SR", "mJy/sr"),
        ("nJy", "nanomaggy"),
        ("electron", "electron/s"),
        ("DN", "adu"),
        ("MJy/sr", "MJy"),
        ("some scale", "other scale"),
        ("some scale", "nJy"),
    ],
)
def test_two_units(one: str, other: str) -> None:
    assert not same_unit(one, other)
    assert find_mixture(["", one, other]) == (one, other)


def test_surface_brightness_is_per_solid_angle() -> None:
    per_angle = ["MJy/sr", "nJy arcsec-2", "10 MJy / sr", "mag/arcsec2", "erg/s/cm2/deg^2"]
    assert all(map(is_surface_brightness, per_angle))
    assert not any(map(is_surface_brightness, ["nJy", "Jy/beam", "ct/pix", "what?", ""]))


def save(path: Path, unit: str = "", pixels: NDArray[Any] | None = None, **cards: Any) -> None:
    head = fits.Header({**cards, **({"BUNIT": unit} if unit else {})})
    fits.writeto(path, np.ones((16, 16), "f4") if pixels is None else pixels, head)


def reasons(folder: Path, **options: Any) -> dict[str, str]:
    source = open_source(folder, **options)
    reading = source.read(Shard(0, len(source)))
    assert len(reading.cutouts) + len(reading.failures) == len(source)
    return {failure.id: failure.reason for failure in reading.failures}


def test_units_stay_with_their_bands(tmp_path: Path) -> None:
    for band, unit in (("g", "nJy"), ("r", ""), ("i", "nJy")):
        save(tmp_path / f"{band}.fits", unit)
    (tmp_path / "c.csv").write_text("id,file_g,file_r,file_i\na,g.fits,r.fits,i.fits\n")
    source = open_source(tmp_path / "c.csv")
    assert source.read(Shard(0, 1)).cutouts[0].units == ("nJy", "", "nJy")
    assert read_cutouts(tmp_path / "c.csv").units == ("nJy", "", "nJy")
    assert read_cutouts(tmp_path / "c.csv", bands=["r", "g"]).units == ("", "nJy")
    only = tmp_path / "d.csv"
    only.write_text("id,file_g,file_r\na,g.fits,\n")
    masked = read_cutouts(only, missing_bands="mask", bands=["r", "g"])
    assert (masked.bands, masked.units) == (("r", "g"), ("", "nJy"))


def test_units_of_extensions_and_of_the_file(tmp_path: Path) -> None:
    images = [fits.ImageHDU(np.ones((16, 16), "f4"), name=name) for name in "gr"]
    images[1].header["BUNIT"] = "electron/s"
    first = fits.PrimaryHDU(header=fits.Header({"BUNIT": "e-/s"}))
    fits.HDUList([first, *images]).writeto(tmp_path / "a.fits")
    assert read_cutout(tmp_path / "a.fits").units == ("e-/s", "electron/s")
    save(tmp_path / "b.fits", "nJy", np.ones((3, 16, 16), "f4"))
    assert read_cutout(tmp_path / "b.fits").units == ("nJy",) * 3


def test_many_extensions_read_at_once(tmp_path: Path) -> None:
    images = [fits.ImageHDU(np.ones((16, 16), "f4"), fits.Header({"BUNIT": "nJy"}))] * 20
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(tmp_path / "a.fits")
    assert read_cutouts(tmp_path / "a.fits").units == ("nJy",)
    images[7] = fits.ImageHDU(images[0].data, fits.Header({"BUNIT": "mJy"}))
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(tmp_path / "b.fits")
    assert list(reasons(tmp_path / "b.fits")) == ["b[7]"]


def test_bands_of_different_units_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "g.fits", "nJy")
    save(tmp_path / "r.fits", "MJy/sr")
    (tmp_path / "c.csv").write_text("id,file_g,file_r\na,g.fits,r.fits\n")
    with pytest.raises(CutoutError, match=r"different units \(g in nJy, r in MJy/sr\): bring all"):
        read_cutouts(tmp_path / "c.csv")
    assert read_cutouts(tmp_path / "c.csv", mixed_units=True).units == ("nJy", "MJy/sr")


@pytest.mark.parametrize("suffix", ["fits", "fits.gz"])
def test_galaxies_of_different_units_are_refused(tmp_path: Path, suffix: str) -> None:
    for name, unit in zip("abcde", ["", "nanomaggy", "nanomaggies", "counts", ""], strict=True):
        save(tmp_path / f"{name}.{suffix}", unit)
    found = reasons(tmp_path)
    assert list(found) == ["d"]
    assert found["d"].startswith("its pixels are in counts, and those of b in nanomaggy: bring")
    assert not reasons(tmp_path, mixed_units=True)


def test_the_first_stated_unit_counts_in_every_shard(tmp_path: Path) -> None:
    for number, unit in enumerate(["", "nJy", "mJy", "mJy", "nJy", "mJy"]):
        save(tmp_path / f"{number}.fits", unit)
    source = open_source(tmp_path)
    for row in (5, 3, 2):
        assert "in nJy" in source.read(Shard(row, row + 1)).failures[0].reason
    assert not source.read(Shard(4, 5)).failures


@pytest.mark.parametrize("mixed", [False, True])
def test_mosaics_of_different_units(tmp_path: Path, mixed: bool) -> None:
    (tmp_path / "p.csv").write_text("x,y\n8,8\n")
    for name, unit in (("g", "nJy"), ("r", "Jy")):
        save(tmp_path / f"m_{name}.fits", unit)
    paths = [tmp_path / "m_g.fits", tmp_path / "m_r.fits"]
    options: Any = {"positions": tmp_path / "p.csv", "size_pixels": 4, "mixed_units": mixed}
    if mixed:
        assert read_cutouts(paths, **options).units == ("nJy", "Jy")
    else:
        with pytest.raises(UsageError, match=r"m_g\.fits are in nJy, and those of m_r\.fits in Jy"):
            read_cutouts(paths, **options)


def test_a_feature_table_says_the_units(tmp_path: Path) -> None:
    from galfeat.pipeline import extract

    noise = np.random.default_rng(0).normal(size=(2, 32, 32)).astype("f4")
    save(tmp_path / "a.fits", "nJy", noise)
    extract(tmp_path / "a.fits", tmp_path / "F.parquet", features=["pixels"])
    assert b'"units":["nJy","nJy"]' in pq.read_schema(tmp_path / "F.parquet").metadata[
        b"galfeat"
    ].replace(b" ", b"").replace(b"\n", b"")
