"""Zero points that headers state, against numbers of the archives' handbooks."""

import math

import pytest

from galfeat.features.photometry import calibration


@pytest.mark.parametrize(
    ("header", "zero_point", "used"),
    [
        ({"BUNIT": "nanomaggies"}, 22.5, "BUNIT"),
        ({"BUNIT": "nanomaggy"}, 22.5, "BUNIT"),
        ({"BUNIT": "Jy"}, 8.9, "BUNIT"),
        ({"BUNIT": "mJy/pix"}, 16.4, "BUNIT"),
        ({"BUNIT": "uJy"}, 23.9, "BUNIT"),
        ({"BUNIT": "nJy"}, 31.4, "BUNIT"),
        # JWST NIRCam short: 0.031 arcsec pixels, 2.3e-14 sr: a pixel of 1 MJy/sr is 0.023 uJy
        (
            {"BUNIT": "MJy/sr", "PIXAR_SR": 2.29e-14},
            23.9 - 2.5 * math.log10(0.0229),
            "BUNIT, PIXAR",
        ),
        # ACS F814W, data handbook: PHOTFLAM 7.07e-20, PHOTPLAM 8045 -> AB 25.94
        ({"BUNIT": "ELECTRONS/S", "PHOTFLAM": 7.0724e-20, "PHOTPLAM": 8045.0}, 25.940, "PHOTFLAM"),
        ({"BUNIT": "electron / s", "PHOTFLAM": 7.0724e-20, "PHOTPLAM": 8045.0}, 25.940, "PHOTFLAM"),
        (
            {"BUNIT": "ELECTRONS", "PHOTFLAM": 7.0724e-20, "PHOTPLAM": 8045.0, "EXPTIME": 100.0},
            30.940,
            "PHOTFLAM, PHOTPLAM, EXPTIME",
        ),
        ({"BUNIT": "DN/s", "PHOTMJSR": 0.5, "PIXAR_SR": 2e-14}, 23.9 + 5, "PHOTMJSR, PIXAR_SR"),
    ],
)
def test_flux_densities(header: dict[str, object], zero_point: float, used: str) -> None:
    found = calibration(header)
    assert found.zero_point == pytest.approx(zero_point, abs=2e-3)
    assert found.system == "AB"
    assert found.reason.startswith(used)


@pytest.mark.parametrize("key", ["MAGZP", "PHOTZP"])
@pytest.mark.parametrize("unit", ["DN", "adu", "counts", "electron", ""])
def test_zero_points_of_counts(key: str, unit: str) -> None:
    found = calibration({"BUNIT": unit, key: 25.3})
    assert (found.zero_point, found.system, found.reason) == (25.3, "header", key)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, "there is no BUNIT and there is no MAGZP or PHOTZP"),
        ({"BUNIT": "MJy/sr"}, "there is no PIXAR_SR"),
        ({"BUNIT": "MJy/sr", "PIXAR_SR": 0}, "there is no PIXAR_SR"),
        ({"BUNIT": "counts/s", "MAGZP": 25}, "no PHOTFLAM with PHOTPLAM"),  # counts, not a rate
        ({"BUNIT": "electron/s", "PHOTMJSR": 1, "PIXAR_SR": 1e-14}, "no PHOTFLAM"),  # DN/s only
        ({"BUNIT": "DN", "PHOTMJSR": 1, "PIXAR_SR": 1e-14}, "no MAGZP or PHOTZP"),
        ({"BUNIT": "ELECTRONS", "PHOTFLAM": 7e-20, "PHOTPLAM": 8e3}, "no MAGZP or PHOTZP"),
        ({"BUNIT": "mag/arcsec2", "MAGZP": 25}, "is no unit of flux that is known"),
        ({"BUNIT": "Jy/beam"}, "is no unit of flux that is known"),
        ({"BUNIT": "DN", "MAGZP": "unknown"}, "no MAGZP or PHOTZP"),
        ({"BUNIT": "DN", "MAGZP": float("nan")}, "no MAGZP or PHOTZP"),
        ({"BUNIT": "DN", "MAGZP": True}, "no MAGZP or PHOTZP"),
    ],
)
def test_what_has_no_zero_point(header: dict[str, object], words: str) -> None:
    found = calibration(header)
    assert found.zero_point is None
    assert words in found.reason
