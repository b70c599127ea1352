import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat.features.pixels.reference import filled
from galfeat.features.sift import mean_image_reference as plain
from galfeat.features.sift.mean_image import clear_of_holes, on_unit_noise
from galfeat.features.sift.mean_image_kernel import fill_holes, mean_images, noise_of

Images = NDArray[np.float32]


def corners(step: float) -> Images:
    """An image whose squares of 3 pixels have the corners step, 0, 0, step or 0, step, step, 0:
    each differs by twice the step.
    """
    y, x = np.indices((12, 12)) // 2
    return ((y + x) % 2 * step).astype(np.float32)


def test_noise_by_pencil() -> None:
    """Every difference is 2 in size, whose median is 2; 0.7413 of it is the noise."""
    assert noise_of(corners(1)[None])[0] == pytest.approx(2 * 1.4826022 / 2)
    assert plain.noise_of(corners(1)) == pytest.approx(2 * 1.4826022 / 2)


def test_noise_of_noise_is_its_standard_deviation() -> None:
    plane = np.random.default_rng(0).normal(5, 3, (300, 300)).astype(np.float32)
    assert noise_of(plane[None])[0] == pytest.approx(3, rel=0.02)


def test_slopes_are_no_noise() -> None:
    y, x = np.indices((40, 50)).astype(np.float32)
    assert noise_of((3 * x - 7 * y)[None].astype(np.float32))[0] == 0


def test_mostly_equal_pixels_by_pencil() -> None:
    """One pixel of 4 among zeros is a corner of four squares of 26 x 26: half the root of 4 x 16 /
    676.
    """
    plane = np.zeros((1, 28, 28), dtype=np.float32)
    plane[0, 9, 9] = 4
    assert noise_of(plane)[0] == pytest.approx(0.5 * (4 * 16 / 676) ** 0.5)


@pytest.mark.parametrize("part", [0.0, 0.02, 0.4])
@pytest.mark.parametrize("bands", [1, 2, 5])
def test_mean_and_noise_are_those_of_the_definition(part: float, bands: int) -> None:
    chance = np.random.default_rng(bands)
    images = (
        chance.normal(100, 1, (6, bands, 33, 20))
        * np.arange(1, bands + 1)[:, None, None]
        * 10.0 ** np.arange(-12, 18, 5)[:, None, None, None]
    )
    images[chance.random(images.shape) < part] = np.nan
    images = images.astype(np.float32)
    means, levels = mean_images(images)
    for image, mean, level in zip(images, means, levels, strict=True):
        wanted = plain.mean_image(image)
        assert np.array_equal(np.isnan(mean), np.isnan(wanted))
        assert np.allclose(mean.astype(np.float64) + level, wanted, rtol=1e-5, equal_nan=True)
        assert level in image
        assert np.allclose(noise_of(image), [plain.noise_of(band) for band in image], rtol=1e-4), (
            "differences of 1 % of the pixels"
        )


def test_the_mean_is_weighted_by_the_noise_by_pencil() -> None:
    """Noise 1 and 2 give the weights 4/5 and 1/5."""
    means, levels = mean_images(np.stack([corners(1), 2 * corners(1)])[None])
    assert np.allclose(means[0] + levels[0], 0.8 * corners(1) + 0.2 * 2 * corners(1))


def test_bad_pixels_are_left_out_of_the_mean() -> None:
    image = np.stack([corners(1), corners(1) + 10])
    image[0, 3, 4] = np.inf
    image[:, 8, 8] = np.nan
    means, levels = mean_images(image[None])
    mean = means[0] + levels[0]
    assert mean[3, 4] == pytest.approx(image[1, 3, 4])
    assert np.argwhere(np.isnan(mean)).tolist() == [[8, 8]]
    assert mean[0, 0] == pytest.approx(5)


def test_a_band_without_noise_or_pixels_has_no_weight() -> None:
    for useless in (3.0, np.nan):
        means, levels = mean_images(
            np.stack([corners(1), np.full((12, 12), useless, dtype=np.float32)])[None]
        )
        assert np.allclose(means[0] + levels[0], corners(1))
    means, levels = mean_images(np.stack([0 * corners(1), 0 * corners(1) + 4])[None])
    assert (means[0] + levels[0] == 2).all(), "all constant: equal weights"


def test_what_is_beyond_float32_is_a_hole() -> None:
    image = corners(1)[None, None].copy()
    image[0, 0, 5, 5:7] = np.inf, -np.inf
    means, _ = mean_images(image)
    assert np.argwhere(np.isnan(means[0])).tolist() == [[5, 5], [5, 6]]


@pytest.mark.parametrize("part", [0.05, 0.6])
def test_holes_are_filled_as_the_definition_says(part: float) -> None:
    chance = np.random.default_rng(4)
    planes = chance.normal(size=(4, 20, 17)).astype(np.float32)
    planes[chance.random(planes.shape) < part] = np.nan
    planes[2, 3:12, 4:12] = np.nan
    planes[3] = np.nan
    wanted = filled(planes)
    fill_holes(planes)
    assert np.allclose(planes, wanted, rtol=1e-6, equal_nan=True)


def test_unit_noise_by_pencil() -> None:
    planes = np.stack([corners(12), 0 * corners(12)])
    scaled, noise = on_unit_noise(planes, None)
    assert noise[0] == pytest.approx(12 * 1.4826022 / 32)
    assert np.array_equal(scaled[0], planes[0] / 32)
    assert noise[1] == 0
    scaled, noise = on_unit_noise(planes, 1.0)
    assert noise.tolist() == [0.5, 0.5]
    assert np.array_equal(scaled, planes / 2)


def test_a_noise_below_what_float32_can_tell_is_raised() -> None:
    y, x = np.indices((64, 64)).astype(np.float64)
    smooth = (100 + x + y + 1e-9 * x * x * y * y).astype(np.float32)
    _, noise = on_unit_noise(smooth[None], None)
    assert 0.5 <= noise[0] < 1
    spot = np.zeros((1, 64, 64), dtype=np.float32)
    spot[0, :, 10:] = 1e6
    spot[0] += np.random.default_rng(0).normal(0, 1e-4, (64, 64)).astype(np.float32)
    scaled, noise = on_unit_noise(spot, None)
    assert noise[0] / scaled.max() == pytest.approx(2.0**-20, rel=1e-3)


def test_how_near_a_hole_is_near_by_pencil() -> None:
    """A hole at row 10, column 20; keypoints (column, row, size) five pixels away reach 3 x
    size.
    """
    mean = np.zeros((30, 30), dtype=np.float32)
    mean[10, 20] = np.nan
    where = np.array(
        [[23.0, 14, 1.6, 0], [23, 14, 1.7, 0], [16, 7, 1.6, 0], [10, 20, 4, 0], [14, 23, 9, 0]],
        dtype=np.float32,
    )
    assert clear_of_holes(where, mean).tolist() == [True, False, True, True, False]
    assert clear_of_holes(where, np.zeros_like(mean)).all()
