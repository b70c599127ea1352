"""The contact sheet: true colors, a row a class, nothing picked."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from galfeat import UsageError
from galfeat.data import SimulatedSurvey
from galfeat.pipeline.figures.contact_sheet import (
    color_image,
    contact_sheet,
    write_contact_sheet,
)


def test_a_row_a_class_with_the_truth_beneath() -> None:
    survey = SimulatedSurvey(30, size=16, bands=("F606W", "F814W", "F160W"))
    figure = contact_sheet(survey, columns=3)
    axes = figure.axes
    assert len(axes) == 15
    assert [axes[3 * row].get_ylabel() for row in range(5)] == [
        "spiral",
        "merger",
        "clumpy disc",
        "active nucleus",
        "smooth",
    ]
    first = next(galaxy for galaxy in survey.galaxies if galaxy.label == "clump")
    assert (
        axes[6]
        .get_xlabel()
        .startswith(
            f"{first.magnitude:.1f} mag, z = {first.redshift:.2f}\n{first.clumps} clumps, S/N "
        )
    )
    assert "0.96 arcsec" in figure.get_suptitle()


def test_fewer_galaxies_than_places_leave_places_empty() -> None:
    figure = contact_sheet(SimulatedSurvey(3, size=16, bands=("i",), realistic=True), columns=2)
    assert sum(bool(axes.images) for axes in figure.axes) == 3
    assert "realistic" in figure.get_suptitle()


def test_colors_are_the_ratios_of_the_fluxes_however_bright() -> None:
    survey = SimulatedSurvey(1, bands=("F606W", "F814W", "F160W"))
    noise = np.random.default_rng(0).normal(0, 0.01, (3, 32, 32)).astype(np.float32)
    for brightness in (5.0, 50.0, 5000.0):
        pixels = noise.copy()
        pixels[:, 10:20, 10:20] += np.array([1, 2, 4], dtype=np.float32)[:, None, None] * brightness
        picture = color_image(pixels, survey.bands, survey, np.ones(3))
        assert picture.shape == (32, 32, 3)
        assert 0 <= picture.min() <= picture.max() <= 1
        red, green, blue = picture[10:20, 10:20].mean(axis=(0, 1))
        assert (red / green, green / blue) == pytest.approx((2, 2), rel=0.02)


@pytest.mark.parametrize(
    ("bands", "gray"),
    [(("F814W",), True), (("F606W", "F160W"), False), (("g", "r", "i", "z"), False)],
)
def test_any_number_of_bands_makes_a_picture(bands: tuple[str, ...], gray: bool) -> None:
    survey = SimulatedSurvey(1, size=32, bands=bands)
    pixels = np.random.default_rng(0).normal(1, 0.3, (len(bands), 32, 32)).astype(np.float32)
    picture = color_image(pixels, bands, survey, np.ones(len(bands)))
    assert picture.shape == (32, 32, 3)
    assert np.allclose(picture[..., 0], picture[..., 2]) is gray


def test_order_of_the_bands_does_not_matter() -> None:
    survey = SimulatedSurvey(1, size=32, bands=("F606W", "F814W", "F160W"))
    pixels = np.random.default_rng(0).normal(1, 0.3, (3, 32, 32)).astype(np.float32)
    forwards = color_image(pixels, survey.bands, survey, np.ones(3))
    np.testing.assert_array_equal(
        color_image(pixels[::-1], survey.bands[::-1], survey, np.ones(3)), forwards
    )


@pytest.mark.slow
def test_the_same_sheet_is_the_same_bytes(tmp_path: Path) -> None:
    survey = SimulatedSurvey(10, size=16, bands=("r",))
    first, second = (
        write_contact_sheet(survey, tmp_path / name, columns=2) for name in ("a.png", "b.png")
    )
    assert first.read_bytes() == second.read_bytes()
    assert matplotlib.image.imread(first).ndim == 3
    assert (
        write_contact_sheet(survey, tmp_path / "c.svg", columns=1)
        .read_text()
        .lstrip()
        .startswith("<?xml")
    )


def test_invalid_arguments_are_refused(tmp_path: Path) -> None:
    survey = SimulatedSurvey(10, size=16)
    with pytest.raises(UsageError, match=r"must end in \.png or \.svg"):
        write_contact_sheet(survey, tmp_path / "sheet.doc")
    with pytest.raises(UsageError, match="at least one column; 0"):
        contact_sheet(survey, columns=0)
