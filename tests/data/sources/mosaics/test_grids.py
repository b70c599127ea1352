"""Mosaics on different grids, and positions in other frames than the mosaic's."""

import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.table import Table
from astropy.wcs import WCS
from tests.data.grids.sky_images import header, sampled, save

from galfeat import UsageError
from galfeat.data import Shard, open_source, read_cutouts
from galfeat.data.grids.align import map_image
from galfeat.data.grids.resampling import resample_exactly

SIDE = 96
GRIDS = {
    "turned": header(turned=40, side=SIDE),
    "mirrored": header(mirror=-1, side=SIDE),
    "shifted": header(shift=2.4, side=SIDE),
    "coarse": header(1.7e-4, 12, side=SIDE),
    "FK5": header(turned=5, side=SIDE, RADESYS="FK5"),
}
AT = SkyCoord(150 + 3e-4 / np.cos(np.radians(22)), 22 + 2e-4, unit="deg")


def positions(folder: Path, text: str = "") -> Path:
    path = folder / "p.csv"
    path.write_text(text or f"id,ra,dec\na,{AT.ra.deg},{AT.dec.deg}\nb,149.9981,22.001\n")
    return path


def mosaics(folder: Path, head: fits.Header, **cards: Any) -> list[Path]:
    noise = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype("f4")
    paths = [folder / "m_g.fits", folder / "m_r.fits"]
    for path, each in zip(paths, (header(side=SIDE), head), strict=True):
        save(path, sampled(each, SIDE) + noise, each, **cards)
    return paths


@pytest.mark.parametrize("name", GRIDS)
def test_a_cutout_is_a_window_of_the_resampled_mosaic(tmp_path: Path, name: str) -> None:
    paths = mosaics(tmp_path, GRIDS[name])
    source = open_source(paths, positions=positions(tmp_path), size_pixels=20)
    found = pickle.loads(pickle.dumps(source)).read(Shard(0, 2))
    own = WCS(header(side=SIDE))
    there = map_image(own, WCS(GRIDS[name]), (SIDE, SIDE))
    whole = resample_exactly(
        fits.getdata(paths[1]).astype("f4"), there.corners(), conserve_flux=True
    ).pixels
    for cutout, place in zip(
        found.cutouts, (AT, SkyCoord(149.9981, 22.001, unit="deg")), strict=True
    ):
        for band, mosaic in enumerate((fits.getdata(paths[0]), whole)):
            wanted = Cutout2D(mosaic, place, 20, wcs=own, mode="partial", fill_value=np.nan).data
            assert np.allclose(cutout.pixels[band], wanted, rtol=1e-4, atol=1e-4, equal_nan=True)


def test_the_order_of_mosaics_does_not_decide_on_the_grid(tmp_path: Path) -> None:
    paths = mosaics(tmp_path, GRIDS["coarse"])
    options: Any = {"positions": positions(tmp_path), "size_arcsec": 7.2}
    found, turned = (read_cutouts(each, **options).pixels for each in (paths, paths[::-1]))
    assert found.shape == (2, 2, 20, 20)
    assert np.array_equal(found, turned[:, ::-1], equal_nan=True)


def test_mosaics_of_whole_pixels_are_windows(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype("f4")
    head = header(side=SIDE)
    paths = [save(tmp_path / "m_g.fits", pixels, head)]
    part = {"CRPIX1": head["CRPIX1"] - 7.01, "CRPIX2": head["CRPIX2"] - 3}
    paths.append(save(tmp_path / "m_r.fits", pixels[3:, 7:], head, **part))
    batch = read_cutouts(paths, positions=positions(tmp_path), size_pixels=16)
    assert np.array_equal(batch.pixels[:, 0], batch.pixels[:, 1])


def test_a_sharp_edge_of_a_turned_mosaic(tmp_path: Path) -> None:
    paths = mosaics(tmp_path, header(turned=45, side=SIDE))
    corner = WCS(header(side=SIDE)).pixel_to_world(6, 6)
    inside = f"in,{AT.ra.deg},{AT.dec.deg}\n"
    text = f"id,ra,dec\n{inside}corner,{corner.ra.deg},{corner.dec.deg}\n"
    table = positions(tmp_path, text)
    source = open_source(paths, positions=table, size_pixels=12)
    assert source.catalog.column("edge").to_pylist() == [False, True]
    found = source.read(Shard(0, 2))
    assert [cutout.id for cutout in found.cutouts] == ["in"]
    assert "band r: lies outside the mosaic m_r.fits" in found.failures[0].reason
    masked = open_source(paths, positions=table, size_pixels=12, missing_bands="mask")
    pixels = masked.read(Shard(1, 2)).cutouts[0].pixels
    assert np.isfinite(pixels[0]).all()
    assert np.isnan(pixels[1]).all()


def test_noise_masks_and_segments_of_a_mirrored_mosaic(tmp_path: Path) -> None:
    noise, mask = np.full((SIDE, SIDE), 2, "f4"), np.zeros((SIDE, SIDE), "u1")
    mask[40, 50] = 1
    for band, head in (("g", header(side=SIDE)), ("r", GRIDS["mirrored"])):
        hdus = [fits.PrimaryHDU(), fits.ImageHDU(sampled(head, SIDE), head, name="SCI")]
        hdus += [fits.ImageHDU(noise, name="ERR"), fits.ImageHDU(mask, name="MASK")]
        fits.HDUList(hdus).writeto(tmp_path / f"m_{band}.fits")
    paths = [tmp_path / f"m_{band}.fits" for band in "gr"]
    place = WCS(header(side=SIDE)).pixel_to_world(48, 44)
    table = positions(tmp_path, f"id,ra,dec\na,{place.ra.deg},{place.dec.deg}\n")
    batch = read_cutouts(paths, positions=table, size_pixels=20)
    first = np.array([44 - 10, 48 - 10])
    bad = [np.argwhere(np.isnan(plane)).tolist() for plane in batch.pixels[0]]
    assert bad == [[[40 - first[0], 50 - first[1]]], [[40 - first[0], SIDE - 51 - first[1]]]]
    assert batch.noise is not None
    assert np.allclose(batch.noise[np.isfinite(batch.noise)], 2, rtol=1e-5)


def test_positions_in_pixels_need_one_grid(tmp_path: Path) -> None:
    table = positions(tmp_path, "id,x,y\na,40,40\n")
    with pytest.raises(UsageError, match=r"m_r\.fits have different grids by their coordinates"):
        open_source(mosaics(tmp_path, GRIDS["turned"]), positions=table, size_pixels=8)


@pytest.mark.parametrize("system", ["ICRS", "FK5", "FK4", "galactic", "equinox 1975", ""])
@pytest.mark.parametrize("frame", ["icrs", "galactic", "fk5"])
def test_every_frame_of_catalog_and_mosaic(tmp_path: Path, system: str, frame: str) -> None:
    head = header(side=SIDE)
    own = {"galactic": AT.galactic, "FK4": AT.transform_to("fk4")}.get(system, AT)
    head["CRVAL1"], head["CRVAL2"] = own.spherical.lon.deg, own.spherical.lat.deg
    if system == "galactic":
        head["CTYPE1"], head["CTYPE2"] = "GLON-TAN", "GLAT-TAN"
    elif system == "equinox 1975":
        head["RADESYS"], head["EQUINOX"] = "FK5", 1975.0
        there = AT.transform_to(SkyCoord(0, 0, unit="deg", frame="fk5", equinox="J1975"))
        head["CRVAL1"], head["CRVAL2"] = there.ra.deg, there.dec.deg
    elif system:
        head["RADESYS"] = system
    pixels = np.arange(SIDE * SIDE, dtype="f4").reshape(SIDE, SIDE)
    path = save(tmp_path / "m.fits", pixels, head)
    place = AT.spherical_offsets_by(2.3e-4 * u.deg, 1.03e-3 * u.deg).transform_to(frame)
    Table({"sky": place.reshape(1)}).write(tmp_path / "p.ecsv")
    batch = read_cutouts(path, positions=tmp_path / "p.ecsv", size_pixels=9)
    wanted = Cutout2D(pixels, place, 9, wcs=WCS(head)).data
    assert np.array_equal(batch.pixels[0, 0], wanted)


@pytest.mark.parametrize("missing_data", ["mask", "keep"])
def test_missing_data_of_a_turned_mosaic_are_masked_and_counted(
    tmp_path: Path, missing_data: Any
) -> None:
    paths = mosaics(tmp_path, GRIDS["turned"])
    with fits.open(paths[1], mode="update") as opened:
        opened[0].data[:, : SIDE // 2 - 2] = 0
    source = open_source(
        paths, positions=positions(tmp_path), size_pixels=20, missing_data=missing_data
    )
    cutout = source.read(Shard(0, 1)).cutouts[0]
    gap = np.isnan(cutout.pixels[1])
    assert not np.isnan(cutout.pixels[0]).any()
    if missing_data == "keep":
        assert cutout.missing == ()
        assert not gap.any()
        assert np.count_nonzero(cutout.pixels[1] == 0) > 100
    else:
        assert cutout.missing[0] == 0
        # beside the gap, pixels that it covers in part are lost, too
        assert 100 < cutout.missing[1] <= np.count_nonzero(gap) < cutout.missing[1] + 50
