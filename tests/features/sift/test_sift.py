from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from galfeat import CutoutError, UsageError
from galfeat.features import SIFT, BagOfWords, FisherVector

Images = NDArray[np.float32]

KINDS = ("detected", "dense")


def galaxies_in_noise(n: int = 4, side: int = 96, seed: int = 0) -> Images:
    """Lumpy light well above noise that is rounded to 1/256, so that a whole number is added
    exactly.
    """
    chance = np.random.default_rng(seed)
    y, x = np.indices((side, side))
    images = chance.normal(0, 1, (n, 1, side, side))
    for image in images:
        for _ in range(8):
            cy, cx, width = (
                chance.uniform(15, side - 15),
                chance.uniform(15, side - 15),
                chance.uniform(2, 6),
            )
            image += chance.uniform(10, 60) * np.exp(
                -((y - cy) ** 2 + 2 * (x - cx) ** 2) / (2 * width**2)
            )
    return np.asarray(np.rint(images * 256) / 256, dtype=np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_descriptors_are_bytes_of_known_order_and_place(galaxies: Images, kind: str) -> None:
    sift = SIFT(keypoints=kind)
    found, places = sift.describe(galaxies), sift.locate(galaxies)
    assert len(found) == len(places) == 6
    assert sum(map(len, found)) > 40
    for descriptors, where in zip(found, places, strict=True):
        assert descriptors.dtype == np.uint8
        assert where.dtype == np.float32
        assert descriptors.shape == (len(where), 128)
        assert where.shape[1] == 4
        assert np.array_equal(np.lexsort(where.T[::-1]), np.arange(len(where))), (
            "by column, row, size and angle"
        )
    again = sift.describe(galaxies[::-1])[::-1]
    assert all(np.array_equal(a, b) for a, b in zip(found, again, strict=True))


def test_8_bit_images_give_what_opencv_gives() -> None:
    """With a noise of 1 and OpenCV's threshold in gray levels; nearly every keypoint has its twin,
    in both directions.
    """
    gray = np.clip(np.rint(40 + 3 * galaxies_in_noise(6)), 0, 255).astype(np.uint8)
    ours = SIFT(noise=1.0, contrast_threshold=0.04 * 255, sigma=1.6).locate(gray)
    finder = cv2.SIFT.create(0, 3, 0.04, 10.0, 1.6, enable_precise_upscale=True)
    twins, total = 0, 0
    for image, found in zip(gray[:, 0], ours, strict=True):
        theirs = np.array([(*each.pt, each.size) for each in finder.detect(image, None)])
        for a, b in ((found, theirs), (theirs, found)):
            apart = np.linalg.norm(a[:, None, :2] - b[:, :2], axis=-1)
            alike = (apart < 0.5) & (np.abs(np.log(a[:, None, 2] / b[:, 2])) < 0.1)
            twins, total = twins + int(alike.any(axis=1).sum()), total + len(a)
    assert total > 100
    assert twins / total > 0.95


def test_8_bit_images_are_described_as_by_opencv() -> None:
    gray = np.clip(np.rint(40 + 3 * galaxies_in_noise(6)), 0, 255).astype(np.uint8)
    sift = SIFT(noise=1.0, contrast_threshold=0.04 * 255, sigma=1.6)
    finder = cv2.SIFT.create(0, 3, 0.04, 10.0, 1.6, enable_precise_upscale=True)
    cosines = []
    for image, places, ours in zip(gray[:, 0], sift.locate(gray), sift.describe(gray), strict=True):
        keypoints, theirs = finder.detectAndCompute(image, None)
        where = np.array([(*each.pt, each.size, each.angle) for each in keypoints])
        for place, mine in zip(places, ours.astype(np.float64), strict=True):
            apart = np.abs(where - place)
            apart[:, 3] = np.minimum(apart[:, 3], 360 - apart[:, 3])
            near = np.flatnonzero((apart < (0.5, 0.5, 0.5, 10)).all(axis=1))
            cosines += [
                mine @ theirs[i] / np.linalg.norm(mine) / np.linalg.norm(theirs[i])
                for i in near[:1]
            ]
    assert len(cosines) > 40
    assert np.median(cosines) > 0.97


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [2.0**-60, 2.0**40, 1e-12, 1e15])
def test_the_unit_of_the_flux_changes_nothing(kind: str, factor: float) -> None:
    images = galaxies_in_noise()
    sift = SIFT(keypoints=kind, contrast_threshold=2.0)
    before, after = sift.describe(images), sift.describe(images.astype(np.float64) * factor)
    for one, other in zip(before, after, strict=True):
        if factor in (1e-12, 1e15):  # pixels are rounded anew
            assert abs(len(one) - len(other)) <= 1 + len(one) // 20
            if one.shape == other.shape:
                assert np.median(np.abs(one.astype(int) - other).max(axis=1)) <= 2
        else:
            assert np.array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bands", [1, 3])
def test_a_sky_of_a_thousand_sigma_changes_nothing(kind: str, bands: int) -> None:
    images = np.concatenate(
        [galaxies_in_noise(seed=seed) * 2**seed for seed in range(bands)], axis=1
    )
    sift = SIFT(keypoints=kind)
    for one, other in zip(sift.describe(images), sift.describe(images + 1024), strict=True):
        assert np.array_equal(one, other)


def test_promises_depend_on_the_settings() -> None:
    assert SIFT().promises == {"sky", "flux", "shift", "rotation"}
    assert SIFT(keypoints="dense", noise=2.0).promises == {"sky", "flux", "shift", "noise"}
    assert SIFT(noise=2.0).promises == {"sky", "shift", "rotation"}
    assert SIFT(encoding="fisher").promises == {"sky", "flux", "shift"}
    for given in ({"region": "galaxy"}, {"significance": 3.0}):
        assert SIFT(**given).promises == {"shift"}, "pixels are in units of the noise then"


def test_the_contrast_is_in_units_of_the_noise() -> None:
    """The same galaxies in twice the noise: half the contrast, twice the threshold finds the same
    only if it is fixed.
    """
    images = galaxies_in_noise(8)
    faint = [len(each) for each in SIFT(contrast_threshold=8.0).describe(images)]
    fixed = [len(each) for each in SIFT(contrast_threshold=4.0, noise=2.0).describe(images)]
    assert sum(faint) > 20
    assert abs(sum(faint) - sum(fixed)) < 0.2 * sum(faint), (
        "the noise is 1, and is measured to be 1"
    )
    assert sum(len(each) for each in SIFT(contrast_threshold=16.0).describe(images)) < sum(faint)


def test_more_contrast_is_asked_for_a_quantized_image_by_its_rms() -> None:
    """Of a blank image with one step most differences are zero; noise is then their root mean
    square, and there are keypoints.
    """
    image = np.zeros((1, 1, 64, 64))
    image[0, 0, 28:35, 30:37] = 4
    assert len(SIFT().describe(image)[0]) > 0


def test_no_descriptor_is_the_zero_vector(galaxies: Images) -> None:
    images = galaxies.copy()
    images[2] = 0.5
    for kind in KINDS:
        for encoding in ("words", "fisher"):
            sift = SIFT(n_words=8, keypoints=kind, encoding=encoding)
            vectors = sift.fit_transform(images)
            assert not vectors[2].any()
            assert np.allclose((vectors[[0, 1, 3, 4, 5]] ** 2).sum(axis=1), 1)
            assert not sift.fit_transform(images[2:3]).any(), "not even in training"


@pytest.mark.parametrize("kind", KINDS)
def test_encoders_are_learned_in_fit_only(galaxies: Images, kind: str) -> None:
    found = SIFT(keypoints=kind).describe(galaxies)
    sift = SIFT(n_words=8, keypoints=kind).fit(galaxies[:3])
    words = BagOfWords(8).fit(found[:3])
    assert np.array_equal(sift.encoder_.words_, words.words_)
    assert np.array_equal(sift.transform(galaxies), words.transform(found))
    fisher = SIFT(n_words=3, keypoints=kind, encoding="fisher").fit(galaxies[:3])
    assert np.array_equal(
        fisher.transform(galaxies), FisherVector(3).fit(found[:3]).transform(found)
    )


def test_transform_keeps_no_state_of_an_image(galaxies: Images) -> None:
    sift = SIFT()
    fresh = SIFT().describe(galaxies[:1])
    sift.describe(np.zeros((1, 1, 20, 20)))
    sift.describe(galaxies[3:])
    assert np.array_equal(sift.describe(galaxies[:1])[0], fresh[0])
    assert vars(sift) == vars(SIFT())


def test_a_missing_band_is_no_reason_but_a_missing_image_is(galaxies: Images) -> None:
    images = galaxies.copy()
    images[0, 1] = np.nan
    images[3] = np.nan
    assert SIFT().reasons(images) == {
        3: "the image has 0.0 % good pixels; at least 50 % are needed"
    }
    for method in (SIFT().describe, SIFT().locate):
        with pytest.raises(CutoutError):
            method(images)


def test_keypoints_near_a_hole_are_dropped() -> None:
    y, x = np.indices((64, 64))
    spots = sum(6 * np.exp(-((y - c) ** 2 + (x - c) ** 2) / 8) for c in (15, 48))
    image = spots + np.random.default_rng(1).normal(0, 0.1, (64, 64))
    sift = SIFT(noise=0.1, contrast_threshold=5.0)
    before, places = sift.describe(image[None, None])[0], sift.locate(image[None, None])[0]
    image[48, 50] = np.nan
    after = sift.describe(image[None, None])[0]
    assert 0 < len(after) < len(before)
    far = before[np.hypot(places[:, 0] - 50, places[:, 1] - 48) > 25]
    assert len(far) > 0
    rows = {row.tobytes() for row in after}
    assert all(row.tobytes() in rows for row in far), "the far spot is described as before"


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_bad_pixels_change_no_byte(
    galaxies: Images, holes: NDArray[np.bool_], kind: str
) -> None:
    sift = SIFT(keypoints=kind)
    clean = sift.describe(np.where(holes, np.nan, galaxies))
    for junk in (1e30, -1e30):
        masked = np.ma.MaskedArray(np.where(holes, junk, galaxies), mask=holes)
        assert all(np.array_equal(a, b) for a, b in zip(sift.describe(masked), clean, strict=True))
    assert sum(map(len, clean)) > 0


def test_a_dense_grid_without_enough_good_pixels_has_fewer_points() -> None:
    image = galaxies_in_noise(1, 64)
    sift = SIFT(keypoints="dense", size=4.0)
    assert len(sift.describe(image)[0]) == 64
    image[..., 30:] = np.nan
    (places,) = SIFT(keypoints="dense", size=4.0, min_good=0.4).locate(image)
    assert sorted(set(places[:, 0])) == [4, 12, 20, 28], (
        "points in the hole, or near it, have no descriptor"
    )


def test_places_of_a_grid_by_pencil() -> None:
    (places,) = SIFT(keypoints="dense", step=16, size=6.0).locate(galaxies_in_noise(1, 32))
    assert places.tolist() == [[8, 8, 4, 0], [8, 24, 4, 0], [24, 8, 4, 0], [24, 24, 4, 0]]


def test_a_spot_is_found_where_it_is() -> None:
    y, x = np.indices((64, 64))
    spot = np.random.default_rng(3).normal(0, 1, (64, 64)) + 100 * np.exp(
        -((y - 40) ** 2 + (x - 20) ** 2) / 18
    )
    (places,) = SIFT(contrast_threshold=20.0).locate(spot[None, None])
    assert len(np.unique(places[:, :3], axis=0)) == 1, (
        "one place, though in several directions: it is round"
    )
    assert (np.hypot(places[:, 0] - 20, places[:, 1] - 40) < 0.5).all()
    assert (np.abs(places[:, 2] / (2 * 3.0) - 1) < 0.5).all(), (
        "its diameter is about twice its sigma"
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n_words": 0}, "n_words must be a whole number"),
        ({"contrast_threshold": -1}, "contrast_threshold must be a number of at least 0"),
        ({"edge_threshold": 0}, "edge_threshold must be a number of at least 1"),
        ({"sigma": np.nan}, "sigma must be a number of at least 0.1"),
        ({"sigma": "1"}, "sigma must be a number of at least 0.1"),
        ({"octave_layers": 0}, "octave_layers must be a whole number"),
        ({"noise": 0}, "noise must be above 0, or None to measure it; it is 0"),
        ({"noise": "auto"}, "noise must be a number"),
        ({"keypoints": "harris"}, "keypoints must be one of detected, dense; it is 'harris'"),
        ({"encoding": "vlad"}, "encoding must be one of words, fisher; it is 'vlad'"),
        ({"step": 0}, "step must be a whole number"),
        ({"size": 0.5}, "size must be a number of at least 1"),
        ({"region": "disk"}, "region must be one of image, galaxy; it is 'disk'"),
        ({"significance": -1}, "significance must be a number of at least 0"),
        ({"stretch": "log"}, "stretch must be one of asinh, linear; it is 'log'"),
    ],
)
def test_invalid_settings_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        SIFT(**given).fit(np.zeros((1, 1, 20, 20)))
    with pytest.raises(UsageError, match=words):
        SIFT(**given).describe(np.zeros((1, 1, 20, 20)))


def test_real_galaxies_have_tens_of_keypoints(real_data: Path) -> None:
    files = sorted((real_data / "efigi" / "images").glob("*.jpg"))[:40]
    if not files:
        pytest.skip("the EFIGI pictures are not there")
    images = np.stack(
        [
            cv2.resize(np.asarray(cv2.imread(str(file))), (64, 64), interpolation=cv2.INTER_AREA)
            for file in files
        ]
    )
    counts = [len(found) for found in SIFT().describe(np.moveaxis(images, -1, 1))]
    assert 20 < np.mean(counts) < 150


def galaxy_and_neighbor(side: int = 96, seed: int = 4) -> Images:
    """A lumpy galaxy in the middle and a lumpy neighbor in a corner, in noise of size 1."""
    chance = np.random.default_rng(seed)
    y, x = np.indices((side, side))
    image = chance.normal(0, 1, (side, side))
    for cy, cx in ((48, 48), (14, 80)):
        for dy, dx in ((0, 0), (-4, 5), (5, 3), (2, -6)):
            image += 40 * np.exp(-((y - cy - dy) ** 2 + (x - cx - dx) ** 2) / (2 * 1.7**2))
    return np.asarray(np.rint(image * 256) / 256, dtype=np.float32)[None, None]


@pytest.mark.parametrize("kind", KINDS)
def test_the_galaxy_alone_is_described_as_in_the_whole_image(kind: str) -> None:
    images = galaxy_and_neighbor()
    places, found = SIFT(keypoints=kind).locate(images)[0], SIFT(keypoints=kind).describe(images)[0]
    sift = SIFT(keypoints=kind, region="galaxy", stretch="linear")
    (mine,), (vectors,) = sift.locate(images), sift.describe(images)
    near = np.hypot(places[:, 0] - 48, places[:, 1] - 48) < 10
    neighbor = np.hypot(mine[:, 0] - 80, mine[:, 1] - 14) < 14
    assert 3 < len(mine) < 0.7 * len(places)
    assert not neighbor.any()
    whole = {row.tobytes() for row in np.column_stack([places, found])}
    assert all(row.tobytes() in whole for row in np.column_stack([mine, vectors]))
    kept = {row.tobytes() for row in mine}
    assert all(row.tobytes() in kept for row in places[near])


def test_a_galaxy_that_is_not_in_the_middle_has_the_zero_vector(galaxies: Images) -> None:
    images = galaxies.copy()
    y, x = np.indices(images.shape[2:])
    images[2] = np.random.default_rng(0).normal(size=images[2].shape)
    images[2] += 50 * np.exp(-((y - 3) ** 2 + (x - 3) ** 2) / 8)
    for kind in KINDS:
        sift = SIFT(n_words=4, keypoints=kind, region="galaxy", encoding="fisher", stretch="linear")
        assert not len(sift.describe(images)[2])
        vectors = sift.fit_transform(images)
        assert not vectors[2].any()
        lengths = np.linalg.norm(vectors, axis=1)
        assert [i for i in range(6) if lengths[i]] == [
            i for i, found in enumerate(sift.describe(images)) if len(found)
        ]
        assert lengths[lengths > 0] == pytest.approx(1)


@pytest.mark.parametrize(("blur", "n"), [(0.0, 60), (0.8, 10), (1.5, 10)])
def test_noise_alone_has_no_significant_keypoint_however_correlated(blur: float, n: int) -> None:
    """Extrema of a Gaussian field are seldom beyond five of its standard deviations.

    The noise of a pixel alone would let much of the correlated noise pass.
    """
    noise = np.random.default_rng(2).normal(size=(n, 1, 64, 64))
    if blur:
        noise = ndimage.gaussian_filter(noise, (0, 0, blur, blur), mode="wrap")
        noise /= noise.std()

    def count(significance: float) -> int:
        return sum(map(len, SIFT(significance=significance, stretch="linear").describe(noise)))

    assert count(0.0) > 300
    assert count(2.0) > 50
    assert count(5.0) <= 3


def test_a_bright_spot_is_significant_and_a_faint_one_is_not() -> None:
    y, x = np.indices((64, 64))
    spot = np.exp(-((y - 32) ** 2 + (x - 30) ** 2) / (2 * 2.5**2))
    noise = np.random.default_rng(3).normal(size=(64, 64))
    images = np.array([12 * spot + noise, 0.5 * spot + noise])[:, None]
    bright, faint = SIFT(significance=6.0, stretch="linear").locate(images)
    assert len(bright)
    assert (np.hypot(bright[:, 0] - 30, bright[:, 1] - 32) < 1).all()
    assert not len(faint)


def test_the_stretch_hides_noise_where_there_is_light() -> None:
    """On a disk a hundred times above the sky's noise, asinh leaves a hundredth of the noise.

    The same lumps are as significant in the stretched image as in the light.
    """
    y, x = np.indices((96, 96))
    light = np.random.default_rng(6).normal(size=(3, 1, 96, 96))
    light += 100 * np.exp(-((y - 48) ** 2 + (x - 48) ** 2) / (2 * 14**2))
    noisy = light.copy()
    lumps = ((6, 5), (-7, 4), (2, -9))
    for dy, dx in lumps:
        light += 50 * np.exp(-((y - 48 - dy) ** 2 + (x - 48 - dx) ** 2) / (2 * 1.5**2))

    def found(images: NDArray[np.float64], stretch: str, significance: float) -> tuple[int, int]:
        """Return the number of places, and of lumps with one."""
        pixels = np.arcsinh(images) if stretch == "asinh" else images
        sift = SIFT(region="galaxy", significance=significance, stretch=stretch)
        places = [np.unique(each[:, :2], axis=0) for each in sift.locate(pixels)]
        near = [
            (np.hypot(*(each - (48 + dx, 48 + dy)).T) < 1.5).any()
            for each in places
            for dy, dx in lumps
        ]
        return sum(map(len, places)), sum(map(int, near))

    for stretch in ("linear", "asinh"):
        assert found(light, stretch, 8.0)[1] == 9
        assert found(noisy, stretch, 8.0)[0] <= 3, "its middle, which is real"
        assert found(noisy, stretch, 0.0)[0] > 20


def test_a_hole_is_neither_galaxy_nor_sky() -> None:
    """Whatever a hole holds, the galaxy is the same, and so is what is significant."""
    images = galaxy_and_neighbor()
    images[..., 70:, :20] = np.nan
    images[..., 46:48, 46:48] = np.nan
    for kind in KINDS:
        sift = SIFT(keypoints=kind, region="galaxy", significance=3.0, stretch="linear")
        (clean,) = sift.describe(images)
        junk = np.ma.MaskedArray(np.where(np.isnan(images), 1e30, images), mask=np.isnan(images))
        assert np.array_equal(sift.describe(junk)[0], clean)
    constant = np.full((2, 1, 32, 32), 3.0)
    constant[1] = np.nan
    constant[1, 0, :30] = 1.0
    for kind in KINDS:
        sift = SIFT(keypoints=kind, region="galaxy", significance=3.0)
        assert [len(found) for found in sift.describe(constant)] == [0, 0]
