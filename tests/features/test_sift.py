from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import CutoutError, UsageError
from galfeat.features import SIFT, BagOfWords
from galfeat.features.sift import _clear_of_holes, _descriptors, mean_image

Images = NDArray[np.float32]


def test_descriptors_are_whole_numbers_of_known_order(galaxies: Images) -> None:
    found = SIFT().describe(galaxies)
    assert len(found) == 6
    assert all(each.dtype == np.uint8 and each.shape[1] == 128 for each in found)
    assert sum(map(len, found)) > 60
    again = SIFT().describe(galaxies[::-1])[::-1]
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))


def test_descriptors_are_those_of_opencv_on_the_8_bit_image(galaxies: Images) -> None:
    """One band: the stretch is the range, the descriptors are OpenCV's, none lost to rounding."""
    plane = galaxies[0, 0]
    grey = np.clip(np.rint((plane.astype(np.float64) + 2) * 25.5), 0, 255).astype(np.uint8)
    _, theirs = cv2.SIFT.create(contrastThreshold=0.01, sigma=1.2).detectAndCompute(grey, None)
    (ours,) = SIFT().describe(plane[None, None])
    assert np.array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_the_number_of_opencv_threads_does_not_matter(galaxies: Images) -> None:
    threads = cv2.getNumThreads()
    big = np.tile(galaxies[:2], (1, 1, 5, 5))
    found = []
    try:
        for number in (1, 2, 4):
            cv2.setNumThreads(number)
            found.append(SIFT().describe(big))
            assert cv2.getNumThreads() == number, "the setting is left as it was"
    finally:
        cv2.setNumThreads(threads)
    assert all(np.array_equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))


def test_no_keypoint_is_the_zero_vector(galaxies: Images) -> None:
    images = galaxies.copy()
    images[2] = 0.5
    vectors = SIFT(n_words=8).fit_transform(images)
    assert not vectors[2].any()
    assert np.allclose((vectors[[0, 1, 3, 4, 5]] ** 2).sum(axis=1), 1)
    assert not SIFT(n_words=8).fit_transform(images[2:3]).any(), "not even in training"


def test_words_are_learned_in_fit_only(galaxies: Images) -> None:
    sift = SIFT(n_words=8).fit(galaxies[:3])
    words = BagOfWords(8).fit(SIFT().describe(galaxies[:3]))
    assert np.array_equal(sift.encoder_.words_, words.words_)
    assert np.array_equal(sift.transform(galaxies), words.transform(SIFT().describe(galaxies)))


def test_the_mean_is_weighted_by_the_noise_by_pencil() -> None:
    """Noise 1 and 2 give the weights 4/5 and 1/5."""
    steps = np.array([[0.0, 1.0], [1.0, 0.0]]).repeat(1, axis=0)
    plane = np.tile(steps, (6, 6))
    assert np.allclose(mean_image(np.stack([plane, 2 * plane]).astype(np.float32)), 0.8 * plane + 0.2 * 2 * plane)


def test_bad_pixels_are_left_out_of_the_mean() -> None:
    plane = np.tile([[0.0, 1.0], [1.0, 0.0]], (6, 6))
    image = np.stack([plane, plane + 10]).astype(np.float32)
    image[0, 3, 4] = np.inf
    image[:, 8, 8] = np.nan
    mean = mean_image(image)
    assert mean[3, 4] == pytest.approx(image[1, 3, 4])
    assert np.argwhere(np.isnan(mean)).tolist() == [[8, 8]]
    assert mean[0, 0] == pytest.approx(5)


def test_a_band_without_noise_or_pixels_has_no_weight() -> None:
    plane = np.tile([[0.0, 1.0], [1.0, 0.0]], (6, 6))
    for useless in (3.0, np.nan):
        image = np.stack([plane, np.full_like(plane, useless)]).astype(np.float32)
        assert np.array_equal(mean_image(image), plane)
    assert (mean_image(np.stack([0 * plane, 0 * plane + 4]).astype(np.float32)) == 2).all(), "all constant: equal weights"


def test_a_missing_band_is_no_reason_but_a_missing_image_is(galaxies: Images) -> None:
    images = galaxies.copy()
    images[0, 1] = np.nan
    images[3] = np.nan
    assert SIFT().reasons(images) == {3: "the image has 0.0 % good pixels; at least 50 % are needed"}
    with pytest.raises(CutoutError):
        SIFT().describe(images)


def test_keypoints_near_a_hole_are_dropped() -> None:
    y, x = np.indices((64, 64))

    def spot(cy: float, cx: float) -> NDArray[np.float64]:
        return np.asarray(6 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 8))

    image = spot(15, 15) + spot(48, 48)
    before = SIFT().describe(image[None, None])[0]
    image[48, 50] = np.nan
    after = SIFT().describe(image[None, None])[0]
    assert 0 < len(after) < len(before)
    rows = {row.tobytes() for row in before}
    assert any(row.tobytes() in rows for row in after), "the far spot is described as before"


def test_how_near_is_near_by_pencil() -> None:
    """A hole at row 10, column 20; keypoints (column, row, size) five pixels away reach 3 x size."""
    mean = np.zeros((30, 30), dtype=np.float32)
    mean[10, 20] = np.nan
    where = np.array([[23.0, 14, 1.6, 0], [23, 14, 1.7, 0], [16, 7, 1.6, 0], [10, 20, 4, 0], [14, 23, 9, 0]])
    assert _clear_of_holes(where, mean).tolist() == [True, False, True, True, False]
    assert _clear_of_holes(where, np.zeros_like(mean)).all()


class Shuffled:
    """A finder that gives its keypoints in no order."""

    def detectAndCompute(self, _image: object, _mask: None) -> tuple[list[cv2.KeyPoint], NDArray[np.float32]]:
        places = [(3, 1, 2, 90), (1, 9, 2, 90), (1, 2, 5, 90), (1, 2, 4, 90), (1, 2, 4, 30)]
        return [cv2.KeyPoint(*map(float, place)) for place in places], np.arange(5, dtype=np.float32)[:, None].repeat(128, axis=1)


def test_descriptors_are_ordered_by_column_row_size_and_angle() -> None:
    found = _descriptors(Shuffled(), np.zeros((20, 20), dtype=np.float32), (-2.0, 8.0))
    assert found[:, 0].tolist() == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_words": 0}, "n_words must be a whole number"),
        ({"contrast_threshold": -1}, "contrast_threshold must be a number of at least 0"),
        ({"edge_threshold": 0}, "edge_threshold must be a number of at least 1"),
        ({"sigma": np.nan}, "sigma must be a number of at least 0.1"),
        ({"sigma": "1"}, "sigma must be a number of at least 0.1"),
        ({"octave_layers": 0}, "octave_layers must be a whole number"),
        ({"range": (8, -2)}, "range must be two finite numbers"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SIFT(**settings).fit(np.zeros((1, 1, 20, 20)))  # type: ignore[arg-type]


def test_real_galaxies_have_tens_of_keypoints(real_data: Path) -> None:
    files = sorted((real_data / "efigi" / "images").glob("*.jpg"))[:40]
    if not files:
        pytest.skip("the EFIGI pictures are not there")
    images = np.stack([cv2.resize(np.asarray(cv2.imread(str(file))), (64, 64), interpolation=cv2.INTER_AREA) for file in files])
    counts = [len(found) for found in SIFT(range=(0, 255)).describe(np.moveaxis(images, -1, 1))]
    assert 20 < np.mean(counts) < 150
