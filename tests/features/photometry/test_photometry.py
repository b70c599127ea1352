"""Photometry: fluxes of known galaxies, photutils, errors, and bad input."""

import importlib.util
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from galfeat import UsageError
from galfeat.features.photometry import LinearImage, Photometry
from galfeat.features.photometry.columns import FLAGS
from galfeat.features.photometry.magnitudes import asinh_magnitude, asinh_magnitude_error
from galfeat.features.photometry.measuring import Aperture, find, light_in, measure_bands
from galfeat.features.scalars import ScalarTable

Floats = NDArray[np.float64]


def _maker() -> ModuleType:
    path = Path(__file__).with_name("make_photutils_reference.py")
    spec = importlib.util.spec_from_file_location("make_photutils_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = _maker()


def disk(peak: float = 60.0, scale: float = 3.0, ratio: float = 0.6, size: int = 64) -> Floats:
    """Return an exponential disk averaged over pixels; its light is 2 pi peak scale^2 ratio."""
    y, x = np.indices((size, size)).astype(float)
    total = np.zeros(y.shape)
    fine = (np.arange(4) - 1.5) / 4
    for dy in fine:
        for dx in fine:
            total += np.exp(-np.hypot(x + dx - 31.7, (y + dy - 30.9) / ratio) / scale)
    light: Floats = peak * total / 16
    return light


def noisy(light: Floats, seed: int, sigma: float = 1.0, sky: float = 0.0) -> Floats:
    image: Floats = light + sky + np.random.default_rng(seed).normal(0, sigma, light.shape)
    return image


def correlated(light: Floats, seed: int) -> Floats:
    """Return an image whose noise is averaged over pairs along both axes."""
    white = np.random.default_rng(seed).normal(0, 2, (light.shape[0] + 1, light.shape[1] + 1))
    image: Floats = light + (white[1:, 1:] + white[:-1, 1:] + white[1:, :-1] + white[:-1, :-1]) / 4
    return image


def measured(*planes: Floats, **about: Any) -> ScalarTable:
    """Return photometry with the errors of fixed apertures."""
    image = LinearImage(np.array(planes), **about)
    return Photometry(draws=0).measure_scalars([image], bands=("g", "r", "i")[: len(planes)])


def exposure(seed: int) -> LinearImage:
    """Return a galaxy in two bands: r is twice as bright, and on a sky of 80."""
    planes = correlated(disk(), seed), noisy(disk(120.0), 1000 + seed, 2.0, 80.0)
    return LinearImage(np.array(planes), zero_points=(25.0, 25.0), pixel_scale=0.2)


@pytest.fixture(scope="module")
def repeated() -> ScalarTable:
    images = [exposure(seed) for seed in range(400)]
    return Photometry().measure_scalars(images, bands=("g", "r"), errors=False)


@pytest.fixture(scope="module")
def with_errors() -> ScalarTable:
    """Return a few of the same, with errors."""
    images = [exposure(seed) for seed in range(30)]
    return Photometry(draws=48).measure_scalars(images, bands=("g", "r"))


@pytest.mark.slow
@pytest.mark.parametrize("band", ["g", "r"])
def test_fluxes_are_unbiased(repeated: ScalarTable, band: str) -> None:
    light = 2 * math.pi * 9 * 0.6 * {"g": 60.0, "r": 120.0}[band]
    radius = 2 * repeated.column("r_petro").mean() / 3.0
    expected = light * (1 - (1 + radius) * math.exp(-radius))  # of an exponential within it
    assert repeated.column(f"{band}_flux_petro").mean() == pytest.approx(expected, rel=0.01)
    assert repeated.column("r_petro").mean() == pytest.approx(3.63 * 3.0, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        *(f"{band}_flux_{which}" for band in "gr" for which in ("petro", "kron", "aper3")),
        "g_mag_petro",
        "r_mag_kron",
        "g_r_color",
        "g_r_gradient",
        "r_petro",
        "x",
    ],
)
def test_errors_are_the_scatter_of_repeated_exposures(
    repeated: ScalarTable, with_errors: ScalarTable, name: str
) -> None:
    values, errors = repeated.column(name).compressed(), with_errors.error(name).compressed()
    assert (len(values), len(errors)) == (400, 30)
    pull = values.std(ddof=1) / np.sqrt((errors**2).mean())
    # a radius among correlated noise: its errors come out an eighth too large
    assert pull == pytest.approx(1, abs=0.15 if name == "g_flux_aper3" else 0.1)


@pytest.mark.slow
def test_colors_are_within_their_errors(repeated: ScalarTable, with_errors: ScalarTable) -> None:
    for name, expected in (("g_r_color", 2.5 * math.log10(2)), ("g_r_gradient", 0.0)):
        error = with_errors.error(name).mean() / math.sqrt(400)
        assert repeated.column(name).mean() == pytest.approx(expected, abs=4 * error)


def test_a_color_gradient_is_found() -> None:
    y, x = np.indices((64, 64))
    radius = np.hypot(x - 31.7, y - 30.9)
    red = np.where(radius < 3, 3.0, 1.0)
    light = disk(500.0, ratio=1.0)
    table = measured(noisy(light, 1), noisy(light * red, 2))
    gradient, error = table.column("g_r_gradient")[0], table.error("g_r_gradient")[0]
    assert gradient < -10 * error, "it is bluer outside"
    assert np.ma.getmaskarray(table.column("g_r_color"))[0], "there is no zero point"
    assert FLAGS["no_zero_point"][1] in table.reasons[0]


def test_photutils() -> None:
    stored = np.load(reference.REFERENCE)
    for row, name in enumerate(stored["name"].tolist()):
        if not name.isdigit():
            continue
        image = reference.simulated(int(name))
        source = find(image[None], None, 3.0)
        assert source is not None
        assert [source.petrosian, source.kron] == pytest.approx(stored["radii"][row], rel=1e-3)
        _same_light(image, stored, row)
        # photutils measures the ellipse on pixels less a median, here less a clipped mean
        assert source.kron == pytest.approx(stored["kron"][row, 0], rel=0.03)


@pytest.mark.slow
def test_photutils_on_real_galaxies(real_data: Path) -> None:
    pytest.importorskip("astropy")
    stored = np.load(reference.REFERENCE)
    for row, name in enumerate(stored["name"].tolist()):
        if not name.isdigit():
            _same_light(reference.real(real_data / "fits", name), stored, row)


def _same_light(image: Floats, stored: Any, row: int) -> None:
    """Check the light in the stored apertures against what photutils found there."""
    source = find(image[None], None, 3.0)
    assert source is not None
    (band,) = measure_bands(image[None], None, source)
    x, y, _, ratio, theta = stored["ellipse"][row]
    for factor, expected in zip(reference.FACTORS, stored["sums"][row], strict=True):
        aperture = Aperture(x, y, factor * stored["radii"][row, 0], ratio, theta)
        flux, error, missing = light_in(band, aperture)
        area = (1 - missing) * math.pi * aperture.a**2 * ratio
        if not band.masked:
            assert flux + band.sky * area == pytest.approx(expected, rel=2e-3, abs=0.1 * error)


def test_a_noise_map_is_the_error() -> None:
    image, sigma = noisy(disk(), 4), np.full((1, 64, 64), 3.0)
    plain, mapped = measured(image), measured(image, noise=sigma)
    name = "g_flux_aper2"
    assert mapped.error(name)[0] > 2.5 * plain.error(name)[0]
    assert mapped.column(name)[0] == pytest.approx(plain.column(name)[0], rel=0.05)


def test_correlated_noise_has_larger_errors() -> None:
    white, averaged = measured(noisy(disk(), 5)), measured(correlated(disk(), 5))
    ratio = averaged.error("g_flux_aper3")[0] / white.error("g_flux_aper3")[0]
    assert ratio == pytest.approx(2, abs=0.4)  # four pixels share their noise


def test_masked_pixels_take_the_light_opposite() -> None:
    light = disk(300.0)
    image = noisy(light, 6)
    whole = measured(image)
    image[33:37, 36:40] = np.nan
    table = measured(image)
    assert table.column("g_flux_petro")[0] == pytest.approx(
        whole.column("g_flux_petro")[0], rel=0.01
    )
    assert FLAGS["pixels_filled"][1] in table.reasons[0]
    assert table.column("quality")[0] == 1


def test_masked_pixels_outside_of_all_apertures_are_no_matter() -> None:
    image = noisy(disk(300.0), 6)
    image[2, 2] = np.nan
    table = measured(image)
    assert FLAGS["pixels_filled"][1] not in table.reasons[0]
    assert table.column("quality")[0] == 0


def test_a_masked_center_is_bad() -> None:
    image = noisy(disk(300.0), 6)
    image[30:33, 31:34] = np.nan
    table = measured(image)
    assert table.column("quality")[0] == 2
    assert FLAGS["center_masked"][1] in table.reasons[0]


def test_a_point_source_has_its_light() -> None:
    y, x = np.indices((64, 64))
    point = 400 * np.exp(-((y - 31.4) ** 2 + (x - 31.6) ** 2) / 3)
    table = measured(noisy(point, 3))
    assert table.column("g_flux_petro")[0] == pytest.approx(400 * 3 * math.pi, rel=0.03)


def test_another_galaxy_is_left_out() -> None:
    y, x = np.indices((64, 64))
    other = 200 * np.exp(-((y - 12) ** 2 + (x - 50) ** 2) / 6)
    alone, crowded = measured(noisy(disk(), 7)), measured(noisy(disk() + other, 7))
    assert crowded.column("g_flux_petro")[0] == pytest.approx(
        alone.column("g_flux_petro")[0], rel=0.03
    )


@pytest.mark.parametrize("factor", [1e-18, 1e7])
def test_the_unit_of_flux_changes_no_magnitude_but_the_zero_point(factor: float) -> None:
    planes = [noisy(disk(), 8), noisy(disk(90.0), 9)]
    one = measured(*planes, zero_points=(25.0, 26.0))
    shifted = tuple(zp + 2.5 * math.log10(factor) for zp in (25.0, 26.0))
    two = measured(*(plane * factor for plane in planes), zero_points=shifted)
    for name in ("g_mag_petro", "r_mag_kron", "g_r_color", "g_r_gradient", "r_petro"):
        assert two.column(name)[0] == pytest.approx(one.column(name)[0], rel=1e-3, abs=1e-3)
        if name != "r_petro":
            assert two.error(name)[0] == pytest.approx(one.error(name)[0], rel=1e-2)


def test_nothing_there_is_masked_and_flagged() -> None:
    for image in (np.zeros((64, 64)), noisy(np.zeros((64, 64)), 1), -disk()):
        table = measured(image, zero_points=(25.0,))
        assert table.reasons[0] == (FLAGS["no_source"][1],)
        masked = np.ma.getmaskarray(table.values)[0]
        named = [name for name, gone in zip(table.names, masked, strict=True) if not gone]
        assert named == ["flags", "quality", "g_zero_point"]  # which the header states
        assert (table.values.data[np.ma.getmaskarray(table.values)] == 0).all()


def test_an_aperture_that_is_cut_is_not_measured() -> None:
    image = noisy(disk(300.0, scale=9.0, ratio=1.0), 2)
    table = measured(image, zero_points=(25.0,))
    assert np.ma.getmaskarray(table.column("g_flux_petro"))[0]
    assert np.ma.getmaskarray(table.column("g_mag_petro"))[0]
    assert not np.ma.getmaskarray(table.column("g_flux_aper1"))[0]


@pytest.mark.parametrize(("bands", "size"), [(1, 16), (10, 40)])
def test_small_images_and_bands(bands: int, size: int) -> None:
    first = 31 - size // 2
    light = noisy(disk(), 3)[first : first + size, first : first + size]
    image = LinearImage(np.repeat(light[None], bands, axis=0))
    table = Photometry(draws=2).measure_scalars([image])
    assert table.values.shape == (1, len(table.scalars))
    assert np.isfinite(table.values.data).all()


def test_without_repeated_exposures_errors_are_those_of_a_fixed_aperture() -> None:
    image = LinearImage(noisy(disk(), 3)[None])
    fixed = Photometry(draws=0).measure_scalars([image])
    table = Photometry(draws=16, random_state=1).measure_scalars([image])
    assert 0 < table.error("r_petro")[0] < 2
    assert np.ma.getmaskarray(fixed.error("r_petro"))[0]
    assert table.error("band1_flux_aper3")[0] > 1.2 * fixed.error("band1_flux_aper3")[0]
    again = Photometry(draws=16, random_state=1).measure_scalars([image, image])
    for row in range(2):
        assert again.error("r_petro")[row] == table.error("r_petro")[0], "seeded"
    assert Photometry().measure_scalars([image], errors=False).errors is None


def test_vectors_are_colors_and_gradients() -> None:
    image = LinearImage(np.array([noisy(disk(), 1), noisy(disk(), 2)]), zero_points=(25.0, 25.0))
    vectors, errors = Photometry().transform([image]), Photometry().transform_errors([image])
    assert vectors.shape == errors.shape == (1, 2)
    assert Photometry().feature_names(("g", "r")) == ["g_r_color", "g_r_gradient"]
    assert clone(Photometry(draws=3)).draws == 3


def test_asinh_magnitudes() -> None:
    assert asinh_magnitude(1e4, 1.0, 25.0) == pytest.approx(15.0, abs=1e-6)
    assert asinh_magnitude(0.0, 1.0, 25.0) == 25.0  # b of 1: asinh(0) + ln 1
    step = 1e-4
    for flux in (-2.0, 0.0, 5.0, 300.0):
        slope = (asinh_magnitude(flux + step, 1.3, 0) - asinh_magnitude(flux, 1.3, 0)) / step
        assert asinh_magnitude_error(flux, 0.7, 1.3) == pytest.approx(abs(slope) * 0.7, rel=1e-3)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"pixels": np.zeros((4, 4))}, "pixels must have the axes"),
        ({"noise": np.zeros((1, 4, 4))}, "noise must have the shape of the pixels"),
        ({"zero_points": (1.0, 2.0)}, "zero_points must be one for each of 1 bands"),
        ({"pixel_scale": 0.0}, "pixel_scale must be a positive number"),
    ],
)
def test_images_that_are_none(about: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        LinearImage(**({"pixels": np.zeros((1, 8, 8))} | about))


def test_settings_that_make_no_sense() -> None:
    image = LinearImage(disk()[None])
    with pytest.raises(UsageError, match="apertures must be positive numbers"):
        Photometry(apertures=(0.0,)).measure_scalars([image])
    with pytest.raises(UsageError, match="images must have the same bands"):
        Photometry().measure_scalars([image, LinearImage(np.zeros((2, 64, 64)))])
    with pytest.raises(UsageError, match="bands must be the names of 1 bands"):
        Photometry().measure_scalars([image], bands=("g", "r"))


def test_what_is_known_before_is_flagged() -> None:
    light = noisy(disk(), 1)[None]
    plain, other, picture = (
        Photometry(draws=0).measure_scalars([LinearImage(light, zero_points=(25.0,), flags=flags)])
        for flags in ((), ("other_unit",), ("not_linear",))
    )
    assert [int(each.column("quality")[0]) for each in (plain, other, picture)] == [0, 1, 2]
    np.testing.assert_array_equal(
        other.column("band1_flux_petro").data, plain.column("band1_flux_petro").data
    )
    assert np.ma.getmaskarray(picture.values)[0].sum() == len(picture.scalars) - 2
    assert picture.reasons[0] == (FLAGS["not_linear"][1],)


def test_columns_name_the_units_that_are_given_and_the_errors_that_there_are() -> None:
    bands = ("g", "r")
    found = Photometry(draws=0).scalars(bands, ("nJy", "Jy / sr"), ("nJy", "Jy pix / sr"))
    by_name = {each.name: each for each in found}
    assert by_name["g_sky"].unit == by_name["g_flux_kron"].unit == "nJy"
    assert by_name["r_sky_sigma"].unit == "Jy / sr"
    assert by_name["r_softening"].unit == by_name["r_flux_aper3"].unit == "Jy pix / sr"
    assert not by_name["r_petro"].error
    assert by_name["g_flux_petro"].error
    assert {each.name: each.error for each in Photometry().scalars(bands)}["r_petro"]
    assert [each.name for each in found] == [each.name for each in Photometry().scalars(bands)]
