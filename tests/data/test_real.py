"""Real galaxies: FITS of several instruments and 3,343 pictures, where they are at hand."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from galfeat.data import Preparation, Shard, open_source, prepare_one, read_cutout
from galfeat.data.fits.ancillary.apply import AncillaryOptions
from galfeat.data.fits.file import open_fits


def by_astropy(path: Path) -> list[NDArray[np.float32]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path) as file:
            return [hdu.data.astype(np.float32) for hdu in file if hdu.data is not None]


def test_every_fits_file_has_the_pixels_that_astropy_sees(real_data: Path) -> None:
    files = [path for path in sorted((real_data / "fits").rglob("*")) if path.is_file()]
    assert len(files) >= 48
    for path in files:
        with open_fits(path) as file:
            options = AncillaryOptions(mask_missing=False)  # a PSF has tails of one value
            found = [file.load(galaxy, options).pixels[0] for galaxy in file.galaxies()]
        theirs = by_astropy(path)
        assert len(found) == len(theirs) > 0, path
        assert all(
            np.array_equal(one, other, equal_nan=True)
            for one, other in zip(found, theirs, strict=True)
        ), path


def test_noise_maps_of_the_folder_come_along(real_data: Path) -> None:
    source = open_source(real_data / "fits" / "kids_sdss")
    cutouts = source.read(Shard(0, len(source))).cutouts
    for cutout in cutouts:
        [sigma] = by_astropy(
            real_data / "fits" / "kids_sdss" / cutout.file.replace("fitim", "sigma")
        )
        assert cutout.noise is not None
        assert np.array_equal(cutout.noise[0], np.where(sigma > 0, sigma, np.nan), equal_nan=True)


@pytest.mark.parametrize(
    ("folder", "entries", "galaxies", "left_out"),
    [("decam", 4, 4, 0), ("hst", 4, 8, 0), ("kids_sdss", 10, 10, 30), (".", 18, 22, 30)],
)
def test_a_folder_holds_its_galaxies_and_no_companion(
    real_data: Path, folder: str, entries: int, galaxies: int, left_out: int
) -> None:
    source = open_source(real_data / "fits" / folder)
    found = [source.read(shard) for shard in source.shards(3)]
    cutouts = [cutout for part in found for cutout in part.cutouts]
    assert not any(part.failures for part in found)
    assert (len(source), len(cutouts), len(source.left_out)) == (entries, galaxies, left_out)
    assert len({cutout.id for cutout in cutouts}) == galaxies
    for cutout in cutouts:
        assert prepare_one(cutout, Preparation(size=32)).shape == (1, 32, 32)


def test_pairs_of_bands_by_a_catalog(real_data: Path, tmp_path: Path) -> None:
    rows = "".join(
        f"{field},decam/{field}_gband.fits,decam/{field}_rband.fits\n" for field in (132, 150)
    )
    (tmp_path / "pairs.csv").write_text("id,file_g,file_r\n" + rows)
    source = open_source(real_data / "fits", catalog=tmp_path / "pairs.csv")
    cutouts = source.read(source.shards()[0]).cutouts
    assert [(cutout.id, cutout.bands, cutout.pixels.shape) for cutout in cutouts] == [
        ("132", ("g", "r"), (2, 256, 256)),
        ("150", ("g", "r"), (2, 256, 256)),
    ]
    g, r = (by_astropy(real_data / f"fits/decam/132_{band}band.fits")[0] for band in "gr")
    aligned = cutouts[0].pixels
    assert np.array_equal(aligned[0], g, equal_nan=True)
    # by their coordinates the bands are shifted by 0.85 and 0.2 pixels against each other
    assert _correlation(g, aligned[1]) > _correlation(g, r) + 0.005


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the correlation of two images where both are good, without their brightest pixels."""
    good = np.isfinite([one, other]).all(axis=0)
    light = [band[good] - np.median(band[good]) for band in (one, other)]
    clipped = [np.clip(each, 0, np.percentile(each, 99.9)) for each in light]
    return float(np.corrcoef(*clipped)[0, 1])


def test_pairs_of_multi_extension_files(real_data: Path, tmp_path: Path) -> None:
    names = [f"hst/AEGIS_{band}_images_01.fits" for band in ("F606w", "F814w")]
    rows = "".join(f"aegis{hdu},{','.join(names)},{hdu}\n" for hdu in range(3))
    (tmp_path / "pairs.csv").write_text(f"id,file_F606W,file_F814W,hdu\n{rows}")
    source = open_source(real_data / "fits", catalog=tmp_path / "pairs.csv")
    found = source.read(source.shards()[0])
    assert [(cutout.id, cutout.pixels.shape) for cutout in found.cutouts] == [
        ("aegis0", (2, 46, 70)),
        ("aegis1", (2, 156, 142)),
        ("aegis2", (2, 50, 48)),
    ]
    assert not found.failures


def test_coordinates_of_a_real_cutout(real_data: Path) -> None:
    path = real_data / "fits" / "decam" / "132_gband.fits"
    ours = read_cutout(path).wcs.wcs_pix2world(128, 128, 0)
    header = fits.getheader(path)
    assert abs(ours[0] - header["CRVAL1"]) < 2
    assert abs(ours[1] - header["CRVAL2"]) < 2


def test_pictures_with_labels(real_data: Path) -> None:
    source = open_source(real_data / "efigi")
    assert (len(source), source.bands) == (3343, ("red", "green", "blue"))
    found = source.read(source.shards(100)[7])
    assert not found.failures
    assert {cutout.pixels.shape for cutout in found.cutouts} == {(3, 88, 88)}
    labels = source.catalog.column("label").to_pylist()
    assert {
        label: labels.count(label) for label in ("spiral", "quiescent", "merger", "clump", "agn")
    } == {
        "spiral": 751,
        "quiescent": 547,
        "merger": 306,
        "clump": 206,
        "agn": 53,
    }
