import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features import ColorHistogram


def test_by_pencil() -> None:
    image = np.array([[[-9, 0.5], [1.5, 9]], [[0, 1], [1, np.nan]]])[None]
    vector = ColorHistogram(bins=2, range=(0, 2), pair_bins=2).fit_transform(image)[0]
    assert np.allclose(vector, [0.5, 0.5, 1 / 3, 2 / 3, 1 / 3, 1 / 3, 0, 1 / 3])
    names = ColorHistogram(bins=2, pair_bins=2).feature_names(("g", "r"), (2, 2))
    assert names == ["g_0", "g_1", "r_0", "r_1", "g_r_0_0", "g_r_0_1", "g_r_1_0", "g_r_1_1"]


@pytest.mark.parametrize(("bins", "limits"), [(32, (-2.0, 8.0)), (7, (0.1, 0.7)), (1, (0, 1))])
def test_equal_to_numpy_of_clipped_values(
    galaxies: NDArray[np.float32], bins: int, limits: tuple[float, float]
) -> None:
    images = galaxies.copy()
    images[0, 0, :8, :9] = np.linspace(*limits, 72).reshape(8, 9)  # some on edges
    images[1, :, 3] = [[1e30], [-1e30], [limits[1]]]
    vectors = (
        ColorHistogram(bins=bins, range=limits, pairs="none")
        .fit_transform(images)
        .reshape(6, 3, bins)
    )
    for vector, plane in zip(vectors.reshape(-1, bins), images.reshape(18, -1), strict=True):
        counts, _ = np.histogram(np.clip(plane.astype(np.float64), *limits), bins, limits)
        assert np.array_equal(vector, (counts / plane.size).astype(np.float32))


def test_pairs_equal_to_numpy_in_two_dimensions(
    galaxies: NDArray[np.float32], holes: NDArray[np.bool_]
) -> None:
    images = np.where(holes, np.nan, galaxies)
    vectors = (
        ColorHistogram(bins=1, pairs="all", pair_bins=5)
        .fit_transform(images)[:, 3:]
        .reshape(6, 3, 25)
    )
    for image, found in zip(images, vectors, strict=True):
        for (a, b), joint in zip([(0, 1), (0, 2), (1, 2)], found, strict=True):
            both = np.isfinite(image[a] + image[b])
            values = np.clip(image[:, both].astype(np.float64), -2, 8)
            counts, _, _ = np.histogram2d(values[a], values[b], 5, [(-2, 8), (-2, 8)])
            assert np.array_equal(joint, (counts / both.sum()).ravel().astype(np.float32))


def test_more_bins_than_bytes_hold(galaxies: NDArray[np.float32]) -> None:
    images = galaxies[:2, :2]
    vectors = ColorHistogram(bins=300, pair_bins=300).fit_transform(images)
    assert vectors.shape == (2, 600 + 300 * 300)
    for vector, image in zip(vectors, np.clip(images.astype(np.float64), -2, 8), strict=True):
        counts, _ = np.histogram(image[1], 300, (-2, 8))
        assert np.array_equal(vector[300:600], (counts / image[1].size).astype(np.float32))
        joint, _, _ = np.histogram2d(image[0].ravel(), image[1].ravel(), 300, [(-2, 8), (-2, 8)])
        assert np.array_equal(vector[600:], (joint / image[0].size).ravel().astype(np.float32))


def test_half_of_each_band_may_be_common() -> None:
    images = np.zeros((3, 2, 4, 4))
    images[:, 0, :2] = images[0, 1, 2:] = images[1, 1, :2] = np.nan
    images[2, 1, 1:3] = np.nan
    assert ColorHistogram().reasons(images) == {
        0: "bands 1 and 2 have no pixel that is good in both"
    }
    assert np.isfinite(ColorHistogram().fit_transform(images[1:])).all()


def test_one_band_has_no_pairs() -> None:
    assert ColorHistogram(bins=4).fit_transform(np.zeros((1, 1, 3, 3))).tolist() == [[1, 0, 0, 0]]


def test_bands_without_common_pixels_are_a_reason() -> None:
    images = np.zeros((2, 2, 4, 4))
    images[1, 0, :2] = images[1, 1, 2:] = np.nan
    assert ColorHistogram().reasons(images) == {
        1: "bands 1 and 2 have no pixel that is good in both"
    }
    assert ColorHistogram(pairs="none").reasons(images) == {}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bins": 0}, "bins must be a whole number"),
        ({"pair_bins": 2.5}, "pair_bins must be a whole number"),
        ({"range": (1, 1)}, "range must be two finite numbers"),
        ({"range": (0, np.inf)}, "range must be two finite numbers"),
        ({"range": 3}, "range must be two finite numbers"),
        ({"min_good": 0}, "min_good must be a fraction"),
        ({"pairs": "some"}, "pairs must be one of adjacent, all, none; it is 'some'"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ColorHistogram(**settings).transform(np.zeros((1, 2, 4, 4)))  # type: ignore[arg-type]
