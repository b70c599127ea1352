"""Shape numbers of galaxies whose shape is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.pipeline.comparison.loading.morphology_statistics import (
    _gini,
    _light_radii,
    _m20,
    shape_names,
    shape_numbers,
)


def galaxy(
    ratio: float = 1.0, angle: float = 0.0, lump: float = 0.0, bands: int = 2
) -> NDArray[np.float32]:
    """Return an exponential disc of 300 noise sigmas, perhaps with a lump of light to one side."""
    y, x = np.indices((64, 64)) - 31.5
    along, across = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    light = 300 * np.exp(-np.hypot(along, across / ratio) / 5) + lump * np.exp(
        -((x - 8) ** 2 + (y - 3) ** 2) / 4
    )
    noise = np.random.default_rng(0).normal(size=(bands, 64, 64))
    image: NDArray[np.float32] = np.arcsinh(light + noise).astype(np.float32)
    return image


def named(image: NDArray[np.float32]) -> dict[str, float]:
    return dict(zip(shape_names(["b", "r"]), shape_numbers(image[None])[0].tolist(), strict=True))


def test_a_stretched_disc_has_its_axis_ratio_whatever_its_direction() -> None:
    for angle in (0.0, 0.7, 2.0):
        assert named(galaxy(0.5, angle))["mean_axis_ratio"] == pytest.approx(0.5, abs=0.05)
    assert named(galaxy())["mean_axis_ratio"] > 0.9


def test_a_lump_makes_a_disc_asymmetric_and_clumpy() -> None:
    plain, lumpy = named(galaxy()), named(galaxy(lump=250))
    assert plain["mean_asymmetry"] < 0.1 < lumpy["mean_asymmetry"]
    assert lumpy["mean_clumpiness"] > 1.2 * plain["mean_clumpiness"]
    assert lumpy["mean_ring3_wave1"] > 3 * plain["mean_ring3_wave1"]


def test_pencil_numbers() -> None:
    assert _gini(np.array([1.0, 1.0, 1.0, 1.0])) == pytest.approx(0.0)
    assert _gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(1.0)
    assert _gini(np.array([1.0, 2.0, 3.0])) == pytest.approx(1 / 3)
    # ten pixels of flux 1 at squared radii 1 to 10: the brightest fifth, in their order, are those
    # at 1 and 2
    assert _m20(np.ones(10), np.arange(1.0, 11.0)) == pytest.approx(np.log10(3 / 55), abs=1e-4)
    assert _light_radii(np.ones(10), np.arange(10.0)) == [1.5, 4.5, 7.5, 8.5]


def test_sky_alone_and_nothing_at_all_have_finite_numbers() -> None:
    noise = np.random.default_rng(1).normal(size=(3, 2, 32, 32)).astype(np.float32)
    assert np.isfinite(shape_numbers(noise)).all()
    assert np.isfinite(shape_numbers(np.zeros((1, 1, 32, 32), np.float32))).all()
    assert shape_numbers(np.zeros((1, 1, 32, 32), np.float32)).shape == (1, len(shape_names(["b"])))
