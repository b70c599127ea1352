"""What can be seen of a galaxy, by pencil."""

from dataclasses import replace

import numpy as np
import pytest

from galfeat.data.simulation.components import LightComponent
from galfeat.data.simulation.detectability import Visibility, visibility
from galfeat.data.simulation.instrument import GROUND, HST, flux, noise_level
from galfeat.data.simulation.profiles import Image
from galfeat.data.simulation.render import fine_grid
from galfeat.data.simulation.scene import Scene, draw_scene
from galfeat.data.simulation.truth import GalaxyTruth, draw_galaxy

SIZE = 96
GRID = fine_grid(SIZE)
DARK = np.zeros((1, GRID.side, GRID.side), dtype=np.float32)


def _galaxy(label: str, **changes: object) -> GalaxyTruth:
    settings = {
        "x": 0.0,
        "y": 0.0,
        "psf_scale": 1.0,
        "position_angle": 0.0,
        "cos_inclination": 1.0,
        **changes,
    }
    return replace(draw_galaxy(1, label, "star_forming", 0), **settings)  # type: ignore[arg-type]


def _scene(*parts: LightComponent) -> Scene:
    return Scene(GRID, np.array([7550.0]), DARK, [], GROUND, list(parts))


def _spot() -> Image:
    light: Image = DARK[0].copy()
    middle = GRID.side // 2
    light[middle - 1 : middle + 1, middle - 1 : middle + 1] = 0.25
    return light


def test_a_faint_point_has_the_noise_of_the_pixels_it_covers() -> None:
    """A Moffat profile with beta 3 squared sums to 4 / (5 pi alpha^2); alpha = fwhm / (2
    sqrt(2^(1/3) - 1)).
    """
    galaxy = _galaxy("merger", magnitude=27.0)
    seen = visibility(
        galaxy, _scene(LightComponent(_spot(), 1.0, defines_class=True)), SIZE, "wide"
    )
    level = noise_level("i", "wide")
    sigma = np.hypot(np.sqrt(level.sky), level.read) / level.gain
    alpha = 4.0 / (2 * np.sqrt(2 ** (1 / 3) - 1))
    assert seen.tail_sn == pytest.approx(
        flux(27.0) / sigma * np.sqrt(4 / (5 * np.pi * alpha**2)), rel=0.05
    )
    assert seen.sn == pytest.approx(seen.tail_sn)
    assert (seen.clump_sn, seen.arm_contrast) == (0, 0)


def test_a_typical_clump_is_all_of_them_over_the_root_of_their_number() -> None:
    scene = _scene(LightComponent(_spot(), 0.5, defines_class=True), LightComponent(_spot(), 0.5))
    one, nine = (
        visibility(_galaxy("clump", clumps=number, magnitude=27.0), scene, SIZE, "wide")
        for number in (1, 9)
    )
    assert one.clump_sn / nine.clump_sn == pytest.approx(3)
    assert one.sn / one.clump_sn == pytest.approx(2, rel=0.01)  # half of the light


def test_a_magnitude_and_a_half_deeper_is_four_times_the_signal_of_what_is_faint() -> None:
    scene = _scene(LightComponent(_spot(), 1.0, defines_class=True))
    deep, wide = (
        visibility(_galaxy("merger", magnitude=28.0), scene, SIZE, depth).tail_sn
        for depth in ("deep", "wide")
    )
    assert deep / wide == pytest.approx(3.98, rel=0.01)


@pytest.mark.parametrize(("brighter", "contrast"), [(1.0, 1.0), (3.0, 3.0), (10.0, 10.0)])
def test_contrast_of_arms_is_the_bright_quarter_over_the_dark_one(
    brighter: float, contrast: float
) -> None:
    """Half of a flat disk is brighter; far from its rim and its middle the point spread changes
    nothing.
    """
    x, y = GRID.axis[None, :], GRID.axis[:, None]
    light = np.where(np.hypot(x, y) < 40, np.where(x > 0, brighter, 1.0), 0).astype(np.float32)
    galaxy = _galaxy("spiral", radius=25.0)
    seen = visibility(
        galaxy, _scene(LightComponent(light / light.sum(), 1.0, defines_class=True)), SIZE, "wide"
    )
    assert seen.arm_contrast == pytest.approx(contrast, rel=0.02)


def test_the_ellipse_lies_as_the_galaxy_does() -> None:
    """Light on the minor axis, at the place of the ellipse and not of the circle."""
    galaxy = _galaxy("spiral", radius=25.0, cos_inclination=0.3, position_angle=30.0)
    along = np.radians(120)
    distance = np.hypot(
        GRID.axis[None, :] - 25 * galaxy.axis_ratio * np.cos(along),
        GRID.axis[:, None] - 25 * galaxy.axis_ratio * np.sin(along),
    )
    light = (np.exp(-0.5 * (distance / 2) ** 2) + 0.01).astype(np.float32)
    assert (
        visibility(
            galaxy, _scene(LightComponent(light / light.sum(), 1.0)), SIZE, "wide"
        ).arm_contrast
        > 5
    )


def test_a_nucleus_counts_for_the_whole_and_not_for_the_marks() -> None:
    seen = visibility(
        _galaxy("agn", nucleus_fraction=0.9, magnitude=24.0),
        _scene(LightComponent(_spot(), 1.0)),
        SIZE,
        "wide",
    )
    without = visibility(
        _galaxy("q_sf", magnitude=24.0), _scene(LightComponent(_spot(), 1.0)), SIZE, "wide"
    )
    # here the nucleus is as small as the galaxy
    assert seen.sn == pytest.approx(without.sn, rel=0.01)
    assert Visibility(seen.sn, 0, 0, 0) == seen


def test_parts_of_real_galaxies_are_marked() -> None:
    for label, column in (
        ("spiral", "arm_contrast"),
        ("clump", "clump_sn"),
        ("merger", "tail_sn"),
        ("agn", "sn"),
        ("q_sf", "sn"),
    ):
        galaxy = draw_galaxy(5, label, "star_forming", 3)
        scene = draw_scene(galaxy, ["F606W"], GRID, 3)
        assert scene.camera is HST
        marked = sum(part.share for part in scene.components if part.defines_class)
        expected = {"clump": galaxy.clump_fraction, "merger": galaxy.tail_fraction}.get(label, 0.0)
        left = 1 - abs(galaxy.compact_fraction)
        if label == "spiral":
            expected = galaxy.arm_fraction * (1 - galaxy.bulge_fraction) * (1 - galaxy.bar_fraction)
        assert marked == pytest.approx(expected * left)
        assert getattr(visibility(galaxy, scene, 64, "wide"), column) > 1
