"""What galaxies are made of: shares, places, colors."""

from dataclasses import replace

import numpy as np
import pytest

from galfeat.data.simulation.components import draw_components
from galfeat.data.simulation.instrument import BANDS, HST, flux
from galfeat.data.simulation.profiles import (
    FineGrid,
    Sersic,
    Spiral,
    arms,
    blobs,
    particles,
    sersic,
    sersic_patch,
    smoothed,
)
from galfeat.data.simulation.scene import draw_scene
from galfeat.data.simulation.truth import CLASSES, GalaxyTruth, draw_galaxy

GRID = FineGrid(320)  # 160 pixels wide: next to nothing is lost
SKY = FineGrid(256)  # as far as the truth counts neighbors


def _galaxy(label: str, number: int = 0, **changes: object) -> GalaxyTruth:
    settings = {
        "neighbors": 0,
        "companion_distance": 0.0,
        "radius": 7.0,
        "dust_lane": 0.0,
        **changes,
    }
    return replace(draw_galaxy(number, label, "star_forming", seed=8), **settings)  # type: ignore[arg-type]


def _centroid(light: np.ndarray) -> tuple[float, float]:
    return float((light * GRID.axis[None, :]).sum() / light.sum()), float(
        (light * GRID.axis[:, None]).sum() / light.sum()
    )


@pytest.mark.parametrize("label", CLASSES)
@pytest.mark.parametrize("compact", [0.0, 0.1, -0.1])
def test_shares_sum_to_one_and_each_part_shines_with_one(label: str, compact: float) -> None:
    for number in range(4):
        parts = draw_components(
            _galaxy(label, number, compact_fraction=compact), GRID, np.random.default_rng(1)
        )
        assert sum(part.share for part in parts) == pytest.approx(1)
        for part in parts:
            assert part.light.min() >= 0
            assert part.light.sum() == pytest.approx(1, abs=0.04 if label == "merger" else 0.01)


@pytest.mark.parametrize("stage", ["pair", "late", "shells"])
def test_every_stage_of_a_merger_keeps_its_share_in_tails(stage: str) -> None:
    parts = draw_components(
        _galaxy("merger", merger_stage=stage, tail_fraction=0.2, compact_fraction=0.0),
        GRID,
        np.random.default_rng(5),
    )
    assert 0.2 in [pytest.approx(part.share) for part in parts]


@pytest.mark.parametrize("label", CLASSES)
def test_the_whole_galaxy_has_the_color_of_its_spectrum(label: str) -> None:
    """Blue arms and clumps, red bulges, dust: the sum over the image is the integrated spectrum all
    the same.
    """
    bands = list(HST.bands)
    galaxy = _galaxy(label, nucleus_fraction=0.0, dust_lane=0.8)
    scene = draw_scene(galaxy, bands, SKY, seed=8)
    expected = flux(galaxy.magnitude) * galaxy.spectrum.relative_fluxes(
        [BANDS[band].pivot for band in bands], galaxy.redshift, 8060
    )
    np.testing.assert_allclose(scene.light.sum(axis=(1, 2)), expected, rtol=0.03)
    assert not scene.points


def test_a_large_image_has_neighbors_everywhere() -> None:
    """0.9 in 64 x 64 pixels: 400 x 400 less the disk of 64 pixels around the galaxy hold 32.3; none
    was counted within the disk.
    """
    wide = FineGrid(800)
    scenes = [
        draw_scene(_galaxy("q_sf", number, magnitude=30.0, x=0.0, y=0.0), ["F814W"], wide, seed=8)
        for number in range(6)
    ]
    distance = np.hypot(wide.axis[None, :], wide.axis[:, None])
    for scene in scenes:
        assert scene.light[0][distance < 30].sum() < 2 * flux(30.0)
        quarters = [
            scene.light[0][rows, columns].sum()
            for rows in (slice(0, 400), slice(400, 800))
            for columns in (slice(0, 400), slice(400, 800))
        ]
        assert min(quarters) > flux(26.0)
    stars = np.mean([len(scene.points) for scene in scenes])
    assert 2 < stars < 12  # a fifth of 32


def test_a_nucleus_has_its_part_of_the_light_and_a_bluer_color() -> None:
    galaxy = _galaxy("agn", nucleus_fraction=0.4)
    scene = draw_scene(galaxy, ["F606W", "F814W"], SKY, seed=8)
    (nucleus,) = scene.points
    assert nucleus.fluxes[1] == pytest.approx(0.4 * flux(galaxy.magnitude))
    assert nucleus.fluxes[0] / nucleus.fluxes[1] == pytest.approx((5919 / 8060) ** 0.44)
    assert (nucleus.x, nucleus.y) == (galaxy.x, galaxy.y)
    assert scene.light[1].sum() == pytest.approx(0.6 * flux(galaxy.magnitude), rel=0.01)


def test_a_dust_lane_darkens_a_strip_beside_the_nucleus_more_in_the_blue() -> None:
    clear, dusty = (
        draw_scene(
            _galaxy("q_sf", cos_inclination=0.2, dust_lane=lane), ["F606W", "F160W"], SKY, 8
        ).light
        for lane in (0.0, 1.0)
    )
    darkest = (dusty / clear).min(axis=(1, 2))
    assert darkest[0] < darkest[1] < 1
    np.testing.assert_allclose(dusty.sum(axis=(1, 2)), clear.sum(axis=(1, 2)), rtol=1e-3)


def test_clumps_are_bluer_and_lie_within_the_disk() -> None:
    galaxy = _galaxy("clump", clump_fraction=0.3, compact_fraction=0.0, cos_inclination=1.0)
    clumps = draw_components(galaxy, GRID, np.random.default_rng(2))[-1]
    assert clumps.share == pytest.approx(0.3)
    assert clumps.slope < 0
    radius = np.hypot(GRID.axis[None, :] - galaxy.x, GRID.axis[:, None] - galaxy.y)
    assert clumps.light[radius > 2 * galaxy.radius].sum() < 0.01


@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("pitch", [15.0, -25.0])
def test_arms_are_logarithmic_spirals_by_pencil(number: int, pitch: float) -> None:
    """On a face-on disk the crest lies at azimuth phase + ln(r / start) / tan(pitch), and every 2
    pi / m from there.
    """
    disc = Sersic(0, 0, 20.0, 1.0, 1.0, 0.0)
    spiral = Spiral(number, pitch, 0.7, 0.3, 4.0, 0.0)
    light = arms(GRID, disc, spiral)
    assert light.sum() == pytest.approx(1)
    for radius in (0.8, 1.3, 2.0):
        azimuth = np.arange(720) / 720 * 2 * np.pi
        columns, rows = (
            np.round((20 * radius * part(azimuth) + GRID.half) / 0.5 - 0.5).astype(int)
            for part in (np.cos, np.sin)
        )
        around = light[rows, columns]
        expected = 0.7 + np.log(radius / 0.3) / np.tan(np.radians(pitch))
        assert np.angle(
            (around * np.exp(1j * number * (azimuth - expected))).sum()
        ) == pytest.approx(0, abs=0.15)
        assert around.max() > 5 * around.min()


def test_a_gaussian_by_pencil() -> None:
    """Index 0.5 is a Gaussian whose half-light radius is 1.1774 sigma: 1 / (2 pi sigma^2 q) at the
    center.
    """
    light = sersic(GRID, Sersic(0.0, 0.0, 1.1774 * 4, 0.5, 0.5, 20.0))
    assert light.max() / 0.25 == pytest.approx(1 / (2 * np.pi * 16 * 0.5), rel=0.01)
    assert light.sum() == pytest.approx(1, rel=1e-3)


def test_a_patch_is_the_middle_of_the_whole() -> None:
    shape = Sersic(30.2, -12.7, 3.0, 2.0, 0.6, 50.0)
    rows, columns, patch = sersic_patch(GRID, shape, reach=12.0)
    np.testing.assert_array_equal(patch, sersic(GRID, shape)[rows, columns])
    assert patch.sum() > 0.9
    off = sersic_patch(GRID, replace(shape, x=500.0), reach=12.0)[2]
    assert off.size == 0


def test_a_patch_cut_by_the_edge_is_still_the_whole_there() -> None:
    shape = Sersic(79.8, -79.9, 3.0, 3.0, 0.6, 50.0)
    rows, columns, patch = sersic_patch(GRID, shape, reach=12.0)
    np.testing.assert_array_equal(patch, sersic(GRID, shape)[rows, columns])
    assert patch.shape[0] < 48


def test_blobs_stand_where_they_should_with_their_weights() -> None:
    x, y = np.array([-20.0, 15.3]), np.array([5.5, -7.0])
    light = blobs(GRID, x, y, np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    assert light.sum() == pytest.approx(1, rel=1e-5)
    assert _centroid(light) == pytest.approx(
        (0.25 * -20 + 0.75 * 15.3, 0.25 * 5.5 + 0.75 * -7), abs=1e-4
    )
    assert light[:, :160].sum() == pytest.approx(0.25, rel=1e-5)


def test_particles_and_their_smoothing_keep_light_and_place() -> None:
    light = particles(
        GRID, np.array([3.0, 1000.0, -0.2]), np.array([-4.0, 0.0, 0.2]), np.array([2.0, 5.0, 1.0])
    )
    assert light.sum() == 3
    assert light[np.searchsorted(GRID.axis, -4.0), np.searchsorted(GRID.axis, 3.0)] == 2
    wide = smoothed([(light, 2.0)])
    assert wide.sum() == pytest.approx(3, rel=1e-4)
    assert _centroid(wide) == pytest.approx(_centroid(light), abs=1e-3)
    assert wide.max() < 0.1


def test_layers_are_smoothed_each_by_its_own_width() -> None:
    """Variances add up: a fine pixel has 0.5^2 / 12 along an axis, and the Gaussians bring
    theirs.
    """
    one = particles(GRID, np.array([0.25]), np.array([0.25]), np.array([1.0]))
    for layers, expected in (
        ([(one, 2.0)], 4.0),
        ([(one, 6.0)], 36.0),
        ([(one, 2.0), (one, 6.0)], 20.0),
    ):
        light = smoothed(layers)
        x = GRID.axis - 0.25
        assert light.sum() == pytest.approx(len(layers), rel=1e-4)
        assert (light * x[None, :] ** 2).sum() / light.sum() == pytest.approx(expected, rel=0.01)
        assert (light * x[:, None] ** 2).sum() / light.sum() == pytest.approx(expected, rel=0.01)
