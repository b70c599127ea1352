"""What surveys put into the file of an image: each is one galaxy, with the noise and masks that
the survey's documentation says.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data.fits.ancillary.names import parse_name
from galfeat.data.fits.file import PixelPlanes, open_fits
from galfeat.data.fits.layouts import Layout

SIZE = (8, 6)
Hdu = tuple[str, NDArray[Any], dict[str, Any]]


def flat(value: float = 1, kind: str = "f4") -> NDArray[Any]:
    return np.full(SIZE, value, kind)


def flags(*values: int) -> NDArray[Any]:
    """Return integer flags whose first row begins with these values."""
    image = np.zeros(SIZE, "i4")
    image[0, : len(values)] = values
    return image


def write(
    path: Path, *hdus: Hdu, first: dict[str, Any] | None = None, primary: bool = False
) -> Path:
    """Write images with these names and cards, behind an empty primary HDU or from it on."""
    made: list[Any] = []
    for name, pixels, cards in hdus:
        new = fits.PrimaryHDU if primary and not made else fits.ImageHDU
        hdu = new(pixels)
        hdu.header.update(cards)
        if name:
            hdu.header["EXTNAME"] = name
        made.append(hdu)
    if not primary:
        made.insert(0, fits.PrimaryHDU())
    made[0].header.update(first or {})
    fits.HDUList(made).writeto(path)
    return path


def galaxies(path: Path, layout: Layout = "auto") -> list[PixelPlanes]:
    with open_fits(path) as file:
        return [file.load(galaxy) for galaxy in file.galaxies(layout)]


def one(path: Path, layout: Layout = "auto") -> PixelPlanes:
    [found] = galaxies(path, layout)
    return found


def noise_of(found: PixelPlanes) -> list[float] | None:
    return None if found.noise is None else found.noise[:, 4, 4].tolist()


def bad_columns(found: PixelPlanes) -> list[int]:
    """Return where the first row of the first band is bad."""
    return np.flatnonzero(np.isnan(found.pixels[0, 0])).tolist()


FOUR = flat(4)
SCI: Hdu = ("SCI", flat(7), {})

FILES: dict[str, tuple[list[Hdu], float | None]] = {
    "JWST i2d": (
        [SCI, ("ERR", flat(2), {}), ("CON", flags(5), {}), ("WHT", FOUR, {})]
        + [(f"VAR_{part}", FOUR, {}) for part in ("POISSON", "RNOISE", "FLAT")],
        2,
    ),
    "JWST cal": ([SCI, ("ERR", flat(2), {}), ("DQ", flags(), {}), ("AREA", FOUR, {})], 2),
    "HST drc": ([SCI, ("WHT", FOUR, {}), ("CTX", flags(1, 2), {})], None),
    "HST IR flt": (
        [
            SCI,
            ("ERR", flat(2), {}),
            ("DQ", flags(), {}),
            ("SAMP", flags(9), {}),
            ("TIME", FOUR, {}),
        ],
        2,
    ),
    "HST distortions": (
        [SCI, ("ERR", flat(2), {}), ("D2IMARR", FOUR, {}), ("WCSDVARR", FOUR, {})],
        2,
    ),
    "Roman": (
        [
            ("DATA", flat(7), {}),
            ("ERR", flat(2), {}),
            ("WEIGHT", FOUR, {}),
            ("CONTEXT", flags(3), {}),
        ],
        2,
    ),
    "Rubin": (
        [
            ("IMAGE", flat(7), {"EXTTYPE": "IMAGE"}),
            ("MASK", flags(), {"EXTTYPE": "MASK"}),
            ("VARIANCE", FOUR, {"EXTTYPE": "VARIANCE"}),
        ],
        2,
    ),
    "Hyper Suprime-Cam": (
        [
            ("", flat(7), {"EXTTYPE": "IMAGE"}),
            ("", flags(), {"EXTTYPE": "MASK"}),
            ("", FOUR, {"EXTTYPE": "VARIANCE"}),
        ],
        2,
    ),
    "DES": ([SCI, ("MSK", flags(), {}), ("WGT", flat(0.25), {})], 2),
    "DES by DES_EXT": (
        [
            ("", flat(7), {"DES_EXT": "IMAGE"}),
            ("", flags(), {"DES_EXT": "MASK"}),
            ("", flat(0.25), {"DES_EXT": "WEIGHT"}),
        ],
        2,
    ),
    "SPHEREx": (
        [
            ("IMAGE", flat(7), {}),
            ("FLAGS", flags(), {"HIERARCH MP_SOURCE": 21}),
            ("VARIANCE", FOUR, {}),
            ("ZODI", FOUR, {}),
            ("PSF", np.ones((3, 5, 5), "f4"), {}),
        ],
        2,
    ),
    "MUSE": (
        [
            ("DATA", flat(7), {"HDUCLAS2": "DATA"}),
            ("STAT", FOUR, {"HDUCLAS2": "ERROR", "HDUCLAS3": "MSE"}),
        ],
        2,
    ),
    "GALFIT": (
        [
            ("", flat(7), {"OBJECT": "ngc1300"}),
            ("", FOUR, {"OBJECT": "model", "INITFILE": "a.feedme"}),
            ("", FOUR, {"OBJECT": "residual map"}),
        ],
        None,
    ),
    "GALFITM": (
        [
            ("INPUT_r", flat(7), {}),
            ("MODEL_r", FOUR, {}),
            ("RESIDUAL_r", FOUR, {}),
            ("PSF_r", FOUR, {}),
        ],
        None,
    ),
    "SExtractor": (
        [
            ("", flat(7), {}),
            ("BACKGROUND", FOUR, {}),
            ("BACKGROUND_RMS", FOUR, {}),
            ("-OBJECTS", FOUR, {}),
            ("APERTURES", FOUR, {}),
        ],
        None,
    ),
    "ESO phase 3": (
        [
            ("", flat(7), {"PRODCATG": "SCIENCE.IMAGE"}),
            ("", FOUR, {"PRODCATG": "ANCILLARY.WEIGHTMAP"}),
        ],
        None,
    ),
    "alert": ([("SCIENCE", flat(7), {}), ("TEMPLATE", FOUR, {}), ("DIFFERENCE", FOUR, {})], None),
    "names that nobody knows": ([SCI, ("ERR", flat(2), {}), ("PHASEMAP", FOUR, {})], 2),
}


@pytest.mark.parametrize("survey", FILES)
def test_a_file_of_a_survey_is_one_galaxy(tmp_path: Path, survey: str) -> None:
    hdus, noise = FILES[survey]
    path = write(tmp_path / "a.fits", *hdus, primary=survey in ("SExtractor",))
    found = one(path)
    assert found.pixels[0, 4, 4] == 7
    assert noise_of(found) == (None if noise is None else [noise])
    assert one(path, "bands").pixels.tolist() == found.pixels.tolist()  # no band but the galaxy's


def test_weights_and_noise_are_not_galaxies_where_they_are_alone(tmp_path: Path) -> None:
    kinds: list[dict[str, Any]] = [
        {"IMAGETYP": "invvar"},
        {"IMTYPE": "chi2"},
        {"FILETYPE": "1-sigma uncertainty image"},
        {"FILETYPE": "depth-of-coverage image"},
        {"IMAGETYP": "Flat Field"},
        {"BUNIT": "1/nanomaggy^2"},
        {"BUNIT": "s"},
        {"HDUNAME": "WEIGHT"},
    ]
    for number, cards in enumerate(kinds):
        path = write(tmp_path / f"{number}.fits", ("", flat(), cards), primary=True)
        with pytest.raises(CutoutError, match="only ancillary images"):
            galaxies(path)


@pytest.mark.parametrize(
    "cards",
    [
        {"IMAGETYP": "EXT", "FILETYPE": "SCI", "BUNIT": "ELECTRONS/S"},
        {"IMAGETYP": "Light Frame"},
        {"IMAGETYP": "object", "BUNIT": "MJy/sr"},
        {"FILETYPE": "intensity image", "BUNIT": "DN"},
        {"DATATYPE": "something", "BUNIT": "mag arcsec^-2"},
        {"OBJECT": "model"},
    ],
)
def test_headers_of_galaxies_do_not_make_them_companions(
    tmp_path: Path, cards: dict[str, str]
) -> None:
    assert len(galaxies(write(tmp_path / "a.fits", ("", flat(), cards), primary=True))) == 1


def test_what_a_primary_header_says_holds_for_the_images_behind_it(tmp_path: Path) -> None:
    detectors: list[Hdu] = [("N4", flat(), {}), ("S3", flat(), {})]
    with pytest.raises(CutoutError, match="only ancillary images"):
        galaxies(write(tmp_path / "oow.fits", *detectors, first={"PRODTYPE": "wtmap"}))
    assert len(galaxies(write(tmp_path / "ooi.fits", *detectors, first={"PRODTYPE": "image"}))) == 2


def legacy_cutout(path: Path, *, cube: bool) -> Path:
    """Write what the cutout service of the Legacy Surveys returns with &invvar."""
    if not cube:
        hdus = [
            ("", flat(value), {"BAND": band, "IMAGETYP": kind})
            for band, image, weight in (("g", 1, 0.25), ("r", 2, 1), ("z", 3, 4))
            for kind, value in (("image", image), ("invvar", weight))
        ]
        return write(path, *hdus)
    names = {"BANDS": "grz", "BAND0": "g", "BAND1": "r", "BAND2": "z"}
    planes = np.stack([flat(1), flat(2), flat(3)])
    weights = np.stack([flat(0.25), flat(1), flat(4)])
    bits = flags(
        1, 2, 4, 1 << 12, 1 << 5
    )  # neighbor brick, bright star, SATUR_G, galaxy, ALLMASK_G
    hdus = [("", planes, {"IMAGETYP": "IMAGE"}), ("", weights, {"IMAGETYP": "INVVAR"})]
    return write(path, *hdus, ("", bits, {"IMAGETYP": "MASKBITS"}), first=names, primary=True)


@pytest.mark.parametrize("cube", [False, True])
def test_inverse_variances_of_the_legacy_surveys_are_noise(tmp_path: Path, cube: bool) -> None:
    found = one(legacy_cutout(tmp_path / "a.fits", cube=cube))
    assert found.bands == ("g", "r", "z")
    assert found.pixels[:, 4, 4].tolist() == [1, 2, 3]
    assert noise_of(found) == [2, 1, 0.5]
    assert bad_columns(found) == ([2, 4] if cube else [])


@pytest.mark.parametrize(
    ("first", "name", "cards", "values", "expected"),
    [
        ({"TELESCOP": "JWST"}, "DQ", {}, (1, 2, 4, 5), [0, 3]),
        ({"TELESCOP": "ROMAN"}, "DQ", {}, (1, 2, 4, 5), [0, 3]),
        ({"TELESCOP": "EUCLID"}, "FLG", {}, (1, 2, 1 << 20, 3), [0, 3]),
        ({"TELESCOP": "HST"}, "DQ", {}, (1, 0, 4, 5), [0, 2, 3]),
        ({}, "MASK", {"MP_BAD": 0, "HIERARCH MP_DETECTED": 5, "MP_SAT": 1}, (1, 32, 2, 0), [0, 2]),
        ({}, "FLAGS", {"MP_HOT": 10, "HIERARCH MP_SOURCE": 21}, (1 << 10, 1 << 21), [0]),
        ({"INSTRUME": "ZTF/MOSAIC"}, "MASK", {}, (1, 2, 256, 2048), [0, 2]),
        ({}, "MSK", {}, (1, 0, 2048), [0, 2]),
        (
            {},
            "MASK",
            {"MSKNAM00": "DETECTOR", "MSKVAL00": 1, "MSKNAM01": "STARCORE", "MSKVAL01": 4096},
            (1, 4096, 4097),
            [0, 2],
        ),
        ({"TELESCOP": "PS1"}, "MASK", {}, (32, 128, 16384, 8192), [0, 3]),
        ({}, "MASKBITS", {}, (1, 2, 8, 1 << 12, 1 << 14), [2, 4]),
    ],
)
def test_bits_are_bad_where_the_survey_says_so(
    tmp_path: Path,
    first: dict[str, str],
    name: str,
    cards: dict[str, Any],
    values: tuple[int, ...],
    expected: list[int],
) -> None:
    path = write(tmp_path / "a.fits", SCI, (name, flags(*values), cards), first=first)
    assert bad_columns(one(path)) == expected


def test_a_cube_of_a_spectrograph_is_refused_with_the_remedy(tmp_path: Path) -> None:
    planes = np.zeros((4563, 2, 2), "f4")
    hdus: list[Hdu] = [
        ("FLUX", planes, {}),
        ("IVAR", planes, {}),
        ("MASK", planes.astype("i4"), {}),
    ]
    images: list[Hdu] = [
        (f"{band}{kind}", np.ones((2, 2), "f4"), {}) for kind in ("IMG", "PSF") for band in "GR"
    ]
    path = write(tmp_path / "manga.fits", *hdus, *images)
    with pytest.raises(CutoutError, match=r"FLUX has 4,563 planes.*--extension"):
        galaxies(path)
    many = write(tmp_path / "b.fits", ("", np.zeros((101, 2, 2), "f4"), {}), primary=True)
    with pytest.raises(CutoutError, match="101 planes"):
        galaxies(many)
    assert len(one(write(tmp_path / "c.fits", ("", planes[:100], {}), primary=True)).bands) == 100


def test_images_without_names_for_the_sky_are_galaxies_as_before(tmp_path: Path) -> None:
    named = write(tmp_path / "a.fits", ("NGC1", flat(), {}), ("NGC2", flat(), {}))
    assert len(galaxies(named)) == 2
    primary = write(tmp_path / "b.fits", ("N1", flat(), {}), ("N2", flat(), {}), primary=True)
    assert len(galaxies(primary)) == 2
    nameless = write(tmp_path / "c.fits", ("", flat(), {}), ("", flat(), {}), primary=True)
    assert len(galaxies(nameless)) == 2
    beside = write(tmp_path / "d.fits", ("", flat(7), {}), ("QFIT", flat(), {}), primary=True)
    assert one(beside).pixels[0, 4, 4] == 7
    assert len(galaxies(beside, "galaxies")) == 2
    versions = write(tmp_path / "e.fits", SCI, SCI, ("ERR", flat(2), {}), ("ERR", flat(3), {}))
    assert [noise_of(found) for found in galaxies(versions)] == [[2], [3]]


def test_bands_never_take_a_context(tmp_path: Path) -> None:
    for name in ("CON", "CTX", "CONTEXT", "WHT", "EXP", "AREA", "NIMAGE"):
        path = write(
            tmp_path / f"{name}.fits", ("g", flat(1), {}), ("r", flat(2), {}), (name, flags(7), {})
        )
        assert one(path, "bands").bands == ("g", "r")


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("EUC_MER_MOSAIC-VIS-RMS_TILE1", "sigma"),
        ("CCDID 3-4.F.FLG", "flags"),
        ("VAR_POISSON", "variance"),
        ("G_IVAR_2", "ivar"),
        ("SEGMAP", "segmentation"),
        ("CON", "unused"),
        ("Con_1", ""),
        ("sky", "unused"),
        ("dark_sky_9", ""),
        ("SCI2", "science"),
        ("variable", ""),
        ("masked_galaxy", ""),
        ("CHI2", "unused"),
        ("NGC1300", ""),
    ],
)
def test_words_count_where_they_do_not_stand_in_names_of_galaxies(name: str, meaning: str) -> None:
    assert parse_name(name).meaning == meaning
