"""Options that say how cutouts are read, as a user's shell sees them."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from galfeat.scripts.main import app
from galfeat.scripts.running import run


def command(*arguments: object) -> int:
    return run(app, [str(each) for each in arguments])


def extract(source: Path, out: Path, *more: object) -> int:
    return command("extract", source, "--out", out, "--size", 16, "--features", "pixels,hog", *more)


def noise(seed: int, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(100, 5, shape).astype(np.float32)


@pytest.fixture
def sky(tmp_path: Path) -> Path:
    """Return a mosaic of 200 x 200 pixels of 0.36 arcseconds around (10, 0) degrees."""
    header = fits.Header(
        {
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "CDELT1": -1e-4,
            "CDELT2": 1e-4,
            "CRPIX1": 101.0,
            "CRPIX2": 101.0,
        }
    )
    header.update(CRVAL1=10.0, CRVAL2=0.0)
    fits.PrimaryHDU(noise(0, 200, 200), header).writeto(tmp_path / "m.fits")
    return tmp_path / "m.fits"


def test_positions_in_the_sky_and_in_pixels_give_the_same(
    sky: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sky.csv").write_text("id,ra,dec\na,10,0\nb,9.998,0.001\nout,11,0\n")
    (tmp_path / "x.csv").write_text("id,x,y\na,100,100\nb,120,110\nout,-900,100\n")
    (tmp_path / "one.csv").write_text("id,X_IMAGE,Y_IMAGE\na,101,101\nb,121,111\nout,-899,101\n")
    found = []
    ways = [
        ("sky", "--size-arcsec=11.52"),
        ("sky", "--size-pixels=32"),
        ("x", "--size-pixels=32"),
        ("one", "--size-pixels=32"),
    ]
    for number, (name, size) in enumerate(ways):
        out = tmp_path / f"{number}.parquet"
        assert extract(sky, out, "--positions", tmp_path / f"{name}.csv", size) == 0
        assert "2 cutouts measured, 1 failed" in capsys.readouterr().err.replace(
            "1 cutout failed", "1 failed"
        ).replace("; ", ", ")
        found.append(pq.read_table(out, columns=["id", "file", "edge", "pixels", "hog"]))
    assert found[0].column("id").to_pylist() == ["a", "b"]
    assert all(each.equals(found[0]) for each in found[1:])
    assert "lies outside the mosaic m.fits" in (tmp_path / "0.failures.csv").read_text()


def test_positions_that_cannot_be_used_are_one_sentence(
    sky: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.csv").write_text("id,ra,dec\na,10,0\n")
    assert extract(sky, tmp_path / "F.parquet", "--positions", tmp_path / "c.csv") == 2
    assert "the size of a cutout must be given" in capsys.readouterr().err
    assert extract(sky, tmp_path / "F.parquet", "--size-pixels", 32) == 2
    assert "a size is only for positions in a mosaic" in capsys.readouterr().err


def test_paths_outside_companions_and_missing_bands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "gr":
        fits.PrimaryHDU(noise(ord(name), 20, 20)).writeto(tmp_path / f"{name}.fits")
    fits.PrimaryHDU(np.ones((20, 20), "u1")).writeto(tmp_path / "all.fits")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "c.csv").write_text(
        "id,file_g,file_r,mask\na,../g.fits,../r.fits,\nb,../g.fits,../r.fits,../all.fits\n"
        "c,../g.fits,,\n"
    )
    out, table = tmp_path / "F.parquet", tmp_path / "in" / "c.csv"

    def failures(*more: object) -> dict[str, str]:
        for old in tmp_path.glob("F.*"):
            old.unlink()
        extract(table, out, *more)
        capsys.readouterr()
        lines = (tmp_path / "F.failures.csv").read_text().splitlines()[1:]
        return {line.split(",")[0]: line for line in lines}

    assert set(failures()) == {"a", "b", "c"}
    found = failures("--allow-outside")
    assert set(found) == {"b", "c"}
    assert "has no good pixel" in found["b"]
    assert "there is no file in its row of the catalog" in found["c"]
    assert set(failures("--allow-outside", "--no-companions")) == {"c"}
    assert "there is no file in its row" not in failures(
        "--allow-outside", "--missing-bands", "mask"
    ).get("c", "")


def test_bad_bits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = fits.ImageHDU(np.full((20, 20), 4, "i2"), name="DQ")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(noise(1, 20, 20), name="SCI"), flags]).writeto(
        tmp_path / "a.fits"
    )
    assert extract(tmp_path / "a.fits", tmp_path / "F.parquet") == 1
    assert extract(tmp_path / "a.fits", tmp_path / "G.parquet", "--bad-bits", 3) == 0
    capsys.readouterr()
