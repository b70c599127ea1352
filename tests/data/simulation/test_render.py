"""The renderer: against a brute-force integration in real space, and its noise against what was
promised.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.special import gamma, gammaincinv

from galfeat import UsageError
from galfeat.data.simulation.instrument import BANDS, flux, moffat_mtf, noise_level
from galfeat.data.simulation.profiles import Sersic, sersic
from galfeat.data.simulation.render import expose, fine_grid, observe, render
from galfeat.data.simulation.scene import PointSource
from galfeat.data.simulation.truth import CLASSES, draw_galaxies, draw_galaxy

Floats = NDArray[np.float64]
FINE = 11  # samples along a pixel; odd, so that nothing falls between them


def _centroid(image: Floats) -> tuple[float, float]:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] - (image.shape[0] - 1) / 2
    return float((x * image).sum() / image.sum()), float((y * image).sum() / image.sum())


def _brute_force(shape: Sersic, fwhm: float, size: int) -> Floats:
    """Sample profile and Moffat in real space, convolve them, sum the samples of each pixel."""
    n = size * FINE
    axis = (np.arange(n) - (n - 1) / 2) / FINE
    x, y = axis[None, :] - shape.x, axis[:, None] - shape.y
    angle = np.radians(shape.angle)
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    b = gammaincinv(2 * shape.index, 0.5)
    radius = np.hypot(along, across / shape.axis_ratio) / shape.radius
    total = (
        2
        * np.pi
        * shape.index
        * shape.radius**2
        * shape.axis_ratio
        * gamma(2 * shape.index)
        / b ** (2 * shape.index)
    )
    light = np.exp(-b * radius ** (1 / shape.index)) / total / FINE**2
    core = (np.arange(31 * FINE) - (31 * FINE - 1) / 2) / FINE
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / 3) - 1))
    moffat = (
        2
        / (np.pi * alpha**2)
        * (1 + (core[None, :] ** 2 + core[:, None] ** 2) / alpha**2) ** -3
        / FINE**2
    )
    return np.asarray(
        fftconvolve(light, moffat, mode="same").reshape(size, FINE, size, FINE).sum(axis=(1, 3))
    )


@pytest.mark.parametrize(
    "shape",
    [
        Sersic(0.3, -0.7, 5.0, 1.0, 0.5, 30.0),
        Sersic(-1.2, 0.4, 6.0, 1.0, 0.25, 115.0),
        Sersic(0.0, 0.0, 3.0, 0.5, 0.8, 0.0),
        Sersic(1.1, 0.9, 3.0, 2.0, 0.7, 70.0),
    ],
    ids=["disc", "edge-on", "gaussian", "bulge"],
)
def test_an_image_equals_a_brute_force_integration(shape: Sersic) -> None:
    size, fwhm = 48, 2.2
    image = observe(sersic(fine_grid(size), shape), [], size, fwhm)
    expected = _brute_force(shape, fwhm, size)
    inner = slice(8, 40)  # the brute force loses the light that comes from beyond its edge
    assert np.abs(image - expected)[inner, inner].max() < 0.002 * expected.max()
    assert image[inner, inner].sum() == pytest.approx(expected[inner, inner].sum(), rel=1e-3)


@pytest.mark.parametrize("index", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("size", [95, 96])
def test_flux_and_centroid_are_the_truth(index: float, size: int) -> None:
    shape = Sersic(0.37, -0.83, 2.5, index, 0.7, 40.0)
    image = observe(sersic(fine_grid(size), shape), [], size, 2.0)
    # of a de Vaucouleurs profile this much lies beyond the image
    lost = 0.016 if index == 4 else 0.001
    assert 1 - lost - 0.005 < image.sum() < 1.005
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    # even about the truth: what lies beyond the edges cannot pull
    weight = np.exp(-((x - 0.37) ** 2 + (y + 0.83) ** 2) / 2 / 6**2)
    assert _centroid(weight * image) == pytest.approx((0.37, -0.83), abs=0.01)


def test_a_point_is_a_moffat_where_it_should_be() -> None:
    size, fwhm = 64, 2.4
    point = PointSource(1.3, -2.6, np.array([5.0]))
    image = observe(
        np.zeros((fine_grid(size).side,) * 2, dtype=np.float32), [(point, 5.0)], size, fwhm
    )
    assert image.sum() == pytest.approx(5, rel=2e-3)
    fine = (np.arange(size * FINE) - (size * FINE - 1) / 2) / FINE
    alpha = fwhm / (2 * np.sqrt(2 ** (1 / 3) - 1))
    radius = np.hypot(fine[None, :] - 1.3, fine[:, None] + 2.6)
    moffat = 5 * 2 / (np.pi * alpha**2) * (1 + (radius / alpha) ** 2) ** -3 / FINE**2
    expected = moffat.reshape(size, FINE, size, FINE).sum(axis=(1, 3))
    assert np.abs(image - expected).max() < 0.002 * expected.max()


def test_a_moffat_falls_to_half_at_half_its_width() -> None:
    """The inverse transform along one axis of the two-dimensional one, summed by hand."""
    frequency = (np.arange(-400, 400) + 0.5) / 200
    transform = moffat_mtf(np.hypot(frequency[None, :], frequency[:, None]), 3.0)
    peak, half = (
        float((transform * np.cos(2 * np.pi * frequency[None, :] * x)).sum()) for x in (0.0, 1.5)
    )
    assert half / peak == pytest.approx(0.5, abs=0.002)
    assert moffat_mtf(np.array([0.0]), 3.0)[0] == 1


def test_nothing_wraps_around() -> None:
    size = 32
    shape = Sersic(-14.0, 0.0, 4.0, 1.0, 1.0, 0.0)
    image = observe(sersic(fine_grid(size), shape), [], size, 2.0)
    assert image[:, -1].max() < 2e-5 * image.max()


def test_half_the_light_lies_within_the_half_light_radius() -> None:
    grid = fine_grid(128)
    for index in (1.0, 2.5):
        light = sersic(grid, Sersic(0, 0, 10.0, index, 1.0, 0))
        radius = np.hypot(grid.axis[None, :], grid.axis[:, None])
        assert light[radius < 10].sum() == pytest.approx(0.5, abs=0.004)


@pytest.mark.parametrize("depth", ["deep", "wide", "shallow"])
@pytest.mark.parametrize("band", list(BANDS))
def test_an_aperture_reaches_the_promised_depth(band: str, depth: str) -> None:
    level = noise_level(band, depth)
    sky = expose(np.zeros((400, 400)), level, np.random.default_rng(0))
    limit = {"deep": 1.5, "wide": 0.0, "shallow": -1.5}[depth] + BANDS[band].limit
    pixels = np.pi * ((0.25 / 0.06) if band.startswith("F") else (0.7 / 0.2)) ** 2
    assert 5 * sky.std() * np.sqrt(pixels) == pytest.approx(flux(limit), rel=0.01)
    assert abs(sky.mean()) < 4 * sky.std() / 400


def test_bright_light_has_the_noise_of_its_photons() -> None:
    level = noise_level("F814W", "wide")
    light = np.full((300, 300), 0.2)
    seen = expose(light, level, np.random.default_rng(1))
    electrons = 0.2 * level.gain + level.sky + level.read**2
    assert seen.mean() == pytest.approx(0.2, rel=2e-3)
    assert seen.std() * level.gain == pytest.approx(np.sqrt(electrons), rel=0.01)


def test_a_magnitude_deeper_takes_the_exposure_that_the_sky_asks_for() -> None:
    """Noise of the sky falls with the root of the exposure: 1.5 magnitudes are 10^(0.8 * 1.5) =
    15.8 times the electrons.
    """
    deep, wide = noise_level("F606W", "deep"), noise_level("F606W", "wide")
    assert deep.gain / wide.gain == pytest.approx(15.85, rel=1e-3)
    assert deep.sky / wide.sky == pytest.approx(15.85, rel=1e-3)


def test_magnitudes_are_microjansky() -> None:
    assert flux(23.9) == pytest.approx(1)
    assert flux(21.4) == pytest.approx(10)


def test_a_galaxy_has_the_flux_of_its_magnitude() -> None:
    for number in range(6):
        galaxy = draw_galaxy(number, "q_sf", "star_forming", seed=2)
        for name, value in {
            "neighbors": 0,
            "companion_distance": 0.0,
            "radius": 6.0,
            "bulge_index": 1.5,
        }.items():
            object.__setattr__(galaxy, name, value)
        image = render(galaxy, 96, ["F814W"], "deep", 2)
        assert image.sum() == pytest.approx(flux(galaxy.magnitude), rel=0.02)


def test_smooth_galaxies_look_the_same_in_the_reference_band_whether_they_form_stars_or_not() -> (
    None
):
    for number in range(8):
        pair = [
            draw_galaxy(number, "q_sf", state, seed=5) for state in ("quiescent", "star_forming")
        ]
        first, second = (render(galaxy, 48, ["F606W", "F814W"], "wide", 5) for galaxy in pair)
        assert first[1].tobytes() == second[1].tobytes()
        assert first[0].tobytes() != second[0].tobytes()


@pytest.mark.slow
def test_every_class_differs_from_the_smooth_galaxy_it_would_have_been() -> None:
    level = noise_level("F814W", "deep")
    sigma = np.hypot(np.sqrt(level.sky), level.read) / level.gain
    for label in set(CLASSES) - {"q_sf"}:
        excess = []
        for number in range(12):
            images = [
                render(draw_galaxy(number, kind, "star_forming", seed=1), 64, ["F814W"], "deep", 1)
                for kind in (label, "q_sf")
            ]
            excess.append(float((images[0] - images[1]).std() / sigma))
        # two images of the same galaxy differ by less than this
        assert np.median(excess) > 2.5, label


def test_odd_sizes_and_any_bands_are_rendered() -> None:
    galaxy = draw_galaxies(3, 0)[2]
    image = render(galaxy, 33, ["F160W", "F435W"], "shallow", 0)
    assert image.shape == (2, 33, 33)
    assert image.dtype == np.float32


def test_unknown_bands_and_depths_are_named() -> None:
    with pytest.raises(UsageError, match="unknown band 'K'"):
        noise_level("K", "wide")
    with pytest.raises(UsageError, match="unknown depth 'all'"):
        noise_level("F814W", "all")
