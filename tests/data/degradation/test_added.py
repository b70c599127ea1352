"""What comes on top of images: filters, gradient, neighbor, pictures."""

import io

import numpy as np
import pytest
from PIL import Image

from galfeat.data.degradation.background import add_gradient
from galfeat.data.degradation.color import redden, shift_filters
from galfeat.data.degradation.dimming import shallower
from galfeat.data.degradation.exposure import exposure_of, with_noise
from galfeat.data.degradation.neighbor import add_neighbor
from galfeat.data.degradation.noise import add_noise
from galfeat.data.degradation.pictures import as_jpeg, round_to_8_bits
from galfeat.data.preparation.sky_noise import SkyNoise

SKY = SkyNoise(100.0, 3.0, 0.5, 0.3)


def test_color_offsets_by_pencil() -> None:
    """One magnitude is a factor of 2.512; of three bands the middle one has half of it."""
    bands = [exposure_of(np.full((9, 9), 101.0), SKY) for _ in range(3)]
    after = [each.light[0, 0] for each in redden(bands, 1.0)]
    assert after == pytest.approx([1 / 2.5119, 1 / 2.5119**0.5, 1], rel=1e-4)


def test_filters_share_light_and_the_sky_stays() -> None:
    rng = np.random.default_rng(0)
    before = [add_noise(np.full((256, 256), 100 + light), SKY, rng) for light in (10.0, 30.0)]
    first, last = (exposure_of(image, SKY) for image in before)
    mixed, same = shift_filters([first, last], 0.25)
    assert same is last
    assert mixed.light.mean() == pytest.approx(0.75 * 10 + 0.25 * 30, abs=0.1)
    # independent noise adds in squares
    assert mixed.light.std() == pytest.approx(3 * np.hypot(0.75, 0.25), rel=0.02)
    assert with_noise(mixed, SKY, rng).std() == pytest.approx(3, rel=0.02)


def test_a_magnitude_shallower_has_two_and_a_half_times_the_noise() -> None:
    assert shallower(SKY, 1.0).sigma == pytest.approx(3 * 2.5119, rel=1e-4)


def test_a_gradient_rises_by_the_stated_amount() -> None:
    after = add_gradient(np.zeros((11, 21)), 5.0, angle=90)
    assert after[-1] - after[0] == pytest.approx(5.0)
    assert after[5] == pytest.approx(0.0)
    assert np.ptp(add_gradient(np.zeros((21, 21)), 5.0)[3]) == pytest.approx(5.0)


def test_a_neighbor_has_its_flux_place_and_radius() -> None:
    light = add_neighbor(np.zeros((2, 101, 101)), (10.0, 30.0), (45.0, 60.0), 6.0)
    assert light.sum(axis=(1, 2)) == pytest.approx([10, 30], rel=2e-3)
    y, x = np.indices((101, 101))
    assert (light[1] * y).sum() / light[1].sum() == pytest.approx(45, abs=0.05)
    inside = np.hypot(y - 45, x - 60) < 6
    assert light[1][inside].sum() / 30 == pytest.approx(0.5, abs=0.02)


def test_pictures_are_rounded_in_their_stretch() -> None:
    rng = np.random.default_rng(0)
    y, x = np.indices((64, 64)) - 31.5
    image = 100 + 5000 * np.exp(-np.hypot(x, y) / 6) + 3 * rng.normal(size=(64, 64))
    after = round_to_8_bits(image, SKY)
    assert len(np.unique(after)) <= 256
    # a level is 1/230 of asinh(5000 / 6), of which the sky's part is linear: 6 units
    level = 6 * np.arcsinh((image.max() - 100) / 6) / 230
    steps = np.diff(np.unique(after[np.abs(after - 100) < 1]))
    assert steps.min() == pytest.approx(level, rel=0.01)
    assert np.abs(after - image)[np.abs(image - 100) < 1].max() <= 0.51 * level
    assert after.max() == pytest.approx(image.max(), rel=1e-6)


def test_a_picture_is_left_as_it_is_and_compressed_as_it_is() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (64, 64)).astype(float)
    np.testing.assert_array_equal(round_to_8_bits(picture, SKY), picture)
    file = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8)).save(file, "JPEG", quality=40)
    np.testing.assert_array_equal(as_jpeg(picture, SKY, 40), np.asarray(Image.open(file)))


def test_compression_loses_more_at_lower_quality_and_keeps_holes() -> None:
    rng = np.random.default_rng(0)
    image = add_noise(np.full((64, 64), 100.0), SKY, rng)
    image[3, 4] = np.nan
    lost = [np.nanstd(as_jpeg(image, SKY, quality) - image) for quality in (90, 50, 20)]
    assert lost[0] < lost[1] < lost[2]
    assert np.isnan(as_jpeg(image, SKY, 50)[3, 4])
    assert np.isnan(as_jpeg(np.full((8, 8), np.nan), SKY, 50)).all()
