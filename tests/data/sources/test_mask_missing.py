"""Missing data is masked in every form of source, counted, and said once."""

import gzip
import logging
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from tests.data.sources.source_files import catalog, read

from galfeat import CutoutError, UsageError
from galfeat.data import Cutout, Preparation, open_source, prepare_each, prepare_one, read_cutouts
from galfeat.data.sources.select_bands import with_bands

N = 32
GAP = np.arange(N) < 6  # columns


def image(seed: int = 0, sky: float = 20) -> np.ndarray:
    y, x = np.mgrid[:N, :N] - (N - 1) / 2
    light = 40 * np.exp(-np.hypot(x, y) / 3)
    return (sky + light + np.random.default_rng(seed).normal(0, 1, (N, N))).astype(np.float32)


def gapped(seed: int = 0, fill: float = 0) -> np.ndarray:
    return np.where(GAP, np.float32(fill), image(seed))


def assert_masked(pixels: np.ndarray, original: np.ndarray) -> None:
    np.testing.assert_array_equal(pixels, np.where(GAP, np.nan, original))


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">i2", ">i4"])
@pytest.mark.parametrize("form", ["plain", "scaled", "gzip", "tiles", "second"])
def test_files(tmp_path: Path, dtype: str, form: str) -> None:
    stored = gapped().astype(dtype)
    hdu: fits.PrimaryHDU | fits.CompImageHDU = fits.PrimaryHDU(stored)
    if form == "scaled":
        hdu.header["BSCALE"] = 1.0
        hdu.header["OBJECT"] = "a"
    if form == "tiles":
        hdu = fits.CompImageHDU(stored, compression_type="GZIP_1", quantize_level=0)
    content = fits.HDUList([fits.PrimaryHDU(), hdu] if form == "tiles" else [hdu])
    content.writeto(tmp_path / "a.fits")
    if form == "gzip":
        packed = gzip.compress((tmp_path / "a.fits").read_bytes())
        (tmp_path / "a.fits.gz").write_bytes(packed)
        (tmp_path / "a.fits").unlink()
    if form == "second":
        fits.writeto(tmp_path / "b.fits", image(1).astype(dtype))
    found = read(open_source(tmp_path)).cutouts
    assert_masked(found[0].pixels[0], stored)
    assert found[0].missing == (6 * N,)
    if form == "second":
        np.testing.assert_array_equal(found[1].pixels[0], image(1).astype(dtype))
        assert found[1].missing == ()
    kept = read(open_source(tmp_path, missing_data="keep")).cutouts
    np.testing.assert_array_equal(kept[0].pixels[0], stored)


@pytest.mark.parametrize("count", [3, 20])
def test_extensions(tmp_path: Path, count: int) -> None:
    """Few extensions are read one by one, and many by the fast path."""
    planes = [gapped(n) if n % 2 else image(n) for n in range(count)]
    hdus = [fits.PrimaryHDU(), *(fits.ImageHDU(plane) for plane in planes)]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    for n, cutout in enumerate(read(open_source(tmp_path / "a.fits")).cutouts):
        if n % 2:
            assert_masked(cutout.pixels[0], planes[n])
        else:
            np.testing.assert_array_equal(cutout.pixels[0], planes[n])
        assert cutout.missing == ((6 * N,) if n % 2 else ())


def test_pictures_and_8_bit_images_stay(tmp_path: Path) -> None:
    black = np.where(GAP, 0, np.clip(image(), 1, 255)).astype(np.uint8)
    Image.fromarray(black).save(tmp_path / "a.png")
    fits.writeto(tmp_path / "b.fits", black)
    fits.HDUList([fits.PrimaryHDU(), *(fits.ImageHDU(black) for _ in range(20))]).writeto(
        tmp_path / "c.fits"
    )
    for cutout in read(open_source(tmp_path)).cutouts:
        np.testing.assert_array_equal(cutout.pixels[0], black)


def test_8_bits_with_a_scale_are_numbers(tmp_path: Path) -> None:
    hdu = fits.PrimaryHDU(np.where(GAP, 0, np.clip(image(), 1, 255)).astype(np.uint8))
    hdu.header["BSCALE"], hdu.header["BZERO"] = 0.37, -3.1
    hdu.writeto(tmp_path / "a.fits")
    assert read(open_source(tmp_path)).cutouts[0].missing == (6 * N,)


def test_bands_in_several_files_and_selected_bands(tmp_path: Path) -> None:
    fits.writeto(tmp_path / "g.fits", image(0))
    fits.writeto(tmp_path / "r.fits", gapped(1, fill=-99))
    rows = catalog(tmp_path / "rows.csv", "id,file_g,file_r\na,g.fits,r.fits\n")
    [cutout] = read(open_source(rows)).cutouts
    assert cutout.missing == (0, 6 * N)
    assert_masked(cutout.pixels[1], image(1))
    assert cutout.select(["r", "g"]).missing == (6 * N, 0)
    assert with_bands(cutout, ("i", "r"), "mask").missing == (0, 6 * N)
    [cutout] = read(open_source(rows, bands=["r"])).cutouts
    assert cutout.missing == (6 * N,)


def test_mosaics(tmp_path: Path) -> None:
    field = np.random.default_rng(0).normal(5, 1, (100, 100)).astype(np.float32)
    field[:, 45:] = 0
    fits.writeto(tmp_path / "m.fits", field)
    rows = catalog(tmp_path / "p.csv", "id,x,y\nwhole,20,50\npart,38,50\nedge,10,50\n")
    source = open_source(tmp_path / "m.fits", positions=rows, size_pixels=32)
    whole, part, edge = read(source).cutouts
    assert (whole.missing, edge.missing) == ((), ())
    assert part.missing == (9 * 32,)
    assert np.isnan(part.pixels[0, :, -9:]).all()
    assert np.isfinite(part.pixels[0, :, :-9]).all()
    kept = open_source(tmp_path / "m.fits", positions=rows, size_pixels=32, missing_data="keep")
    assert not any(cutout.missing for cutout in read(kept).cutouts)


@pytest.mark.parametrize(("dtype", "masked"), [("f4", True), ("i2", True), ("u1", False)])
def test_hdf5(tmp_path: Path, dtype: str, masked: bool) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = np.stack([image(0), gapped(1)])[:, np.newaxis].astype(dtype)
    first, second = read(open_source(tmp_path / "a.h5")).cutouts
    assert first.missing == ()
    assert bool(second.missing) is masked


def test_it_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for n in range(3):
        fits.writeto(tmp_path / f"{n}.fits", gapped(n) if n else image())
    with caplog.at_level(logging.WARNING, logger="galfeat"):
        read(open_source(tmp_path))
    [message] = [record.getMessage() for record in caplog.records]
    assert message.startswith("1.fits: 19 % of band band1 is one value")
    assert "--missing-data keep" in message


def test_too_much_missing_is_a_failure_that_says_so(tmp_path: Path) -> None:
    fits.writeto(tmp_path / "a.fits", np.pad(image()[8:24, 8:24], 8))
    with pytest.raises(CutoutError, match=r"25 % good pixels.*75 % of band band1 is one value"):
        read_cutouts(tmp_path, preparation=Preparation(size=32))


def test_what_is_prepared_is_what_a_mask_gives(tmp_path: Path) -> None:
    fits.writeto(tmp_path / "a.fits", gapped())
    fits.writeto(tmp_path / "b.fits", np.where(GAP, np.float32(np.nan), gapped()))
    notes: dict[int, str] = {}
    cutouts = read(open_source(tmp_path)).cutouts
    pixels, reasons = prepare_each(cutouts, ("band1",), Preparation(size=32), notes)
    assert not reasons
    assert pixels[0].tobytes() == pixels[1].tobytes()
    assert list(notes) == [0]


def test_unknown_choice(tmp_path: Path) -> None:
    fits.writeto(tmp_path / "a.fits", image())
    with pytest.raises(UsageError, match="missing_data must be mask or keep"):
        open_source(tmp_path, missing_data="drop")  # type: ignore[arg-type]


@pytest.mark.parametrize("mean", [0.02, 0.1, 0.4])
@pytest.mark.parametrize("unit", [1, 0.01])
@pytest.mark.parametrize("size", [32, 64])
def test_photon_counts_have_poisson_noise(mean: float, unit: float, size: int) -> None:
    """Averaged over (64 / size)^2 pixels, the standard deviation is sqrt(mean) size / 64."""
    counts = np.random.default_rng(2).poisson(mean, (1, 64, 64))
    counts[0, :2, 20:24] += 500  # a neighbor on the border
    counts[0, 28:36, 28:36] += 2
    pixels = (counts * unit).astype(np.float32)
    counting: list[str] = []
    settings = Preparation(size=size, stretch="none")
    prepared = prepare_one(Cutout("a", pixels, ("x",)), settings, counting)
    assert counting == ["x"]
    zoom = 64 // size
    means = counts[0].reshape(size, zoom, size, zoom).mean(axis=(1, 3))
    expected = (means - mean) / (np.sqrt(mean) / zoom)
    scale = np.ptp(prepared) / np.ptp(expected)
    assert scale == pytest.approx(1, rel=0.25)
    assert prepared[0, size // 2 :, 2].mean() == pytest.approx(0, abs=1)


def test_a_border_without_counts_has_at_most_one() -> None:
    pixels = np.zeros((1, 40, 40), np.float32)
    pixels[0, 18:22, 18:22] = np.arange(16).reshape(4, 4) % 3
    pixels[0, [8, 12, 30], [8, 30, 12]] = 1
    settings = Preparation(size=40, stretch="none")
    prepared = prepare_one(Cutout("a", pixels, ("x",)), settings)
    border = 40**2 - 32**2
    assert prepared[0, 0, 0] == 0
    assert prepared.max() == pytest.approx(2 / np.sqrt(-np.log(1 - 1 / border)), rel=1e-5)
