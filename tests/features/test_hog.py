import numpy as np
import pytest
import skimage.feature
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features import HOG
from galfeat.features.plain.hog import NORMS, cell_histograms, gradients

Images = NDArray[np.float32]
SCALE = 2.0**40  # makes scikit-image's absolute epsilon vanish


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(("orientations", "cell", "block"), [(9, (8, 8), (2, 2)), (7, (5, 6), (1, 3)), (4, (7, 7), (3, 2))])
def test_equal_to_scikit_image(galaxies: Images, norm: str, orientations: int, cell: tuple[int, int], block: tuple[int, int]) -> None:
    ours = HOG(orientations, cell, block, block_norm=norm).fit_transform(galaxies).reshape(6, 3, -1)
    for image, bands in zip(galaxies, ours, strict=True):
        for plane, vector in zip(image, bands, strict=True):
            theirs = skimage.feature.hog(plane.astype(np.float64) * SCALE, orientations, cell, block, block_norm=norm)
            assert np.abs(vector - theirs).max() < 1e-6


@pytest.mark.parametrize("norm", NORMS)
def test_strongest_equal_to_scikit_image(galaxies: Images, norm: str) -> None:
    ours = HOG(channel="strongest", block_norm=norm).fit_transform(galaxies)
    for image, vector in zip(galaxies, ours, strict=True):
        theirs = skimage.feature.hog(image.astype(np.float64) * SCALE, cells_per_block=(2, 2), block_norm=norm, channel_axis=0)
        assert np.abs(vector - theirs).max() < 1e-6


def test_by_pencil() -> None:
    """Six pixels have a gradient: those beside the 1 and beside the 2; the border hides what would cross it."""
    image = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 2, 0, 0]], dtype=np.float32)
    gy, gx = gradients(image[None])
    assert gx[0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, -2, 0]]
    assert gy[0].tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 2, 0, -1], [0, 0, 0, 0]]
    vector = HOG(4, (4, 4), (1, 1), block_norm="L1").fit_transform(image[None, None])
    assert vector.tolist() == [[0.5, 0, 0.5, 0]]
    vector = HOG(4, (4, 4), (1, 1), block_norm="L1-sqrt").fit_transform(image[None, None])
    assert vector.tolist() == [[np.float32(0.5**0.5), 0, np.float32(0.5**0.5), 0]]


def test_directions_go_round() -> None:
    """A hair below 0 degrees rounds to 180, which is 0 again; 45 degrees starts the second of four bins."""
    gy, gx = np.array([[[-1e-30, 1.0, 0.0, -0.0]]]), np.array([[[1.0, 1.0, -1.0, -1.0]]])
    cells, largest = cell_histograms(gy, gx, 4, (1, 1))
    assert cells[0, 0].argmax(axis=1).tolist() == [0, 1, 0, 0]
    assert largest.tolist() == [2**0.5]


@pytest.mark.parametrize("factor", [1e-12, 1e15, 2.0**-60])
def test_the_unit_of_the_flux_does_not_matter(galaxies: Images, factor: float) -> None:
    hog = HOG()
    assert np.abs(hog.transform(galaxies.astype(np.float64) * factor) - hog.transform(galaxies)).max() < 1e-6


def test_a_bad_pixel_spoils_the_gradients_made_of_it_and_no_others() -> None:
    plane = np.random.default_rng(5).normal(size=(1, 9, 9)).astype(np.float32)
    spoiled = plane.copy()
    spoiled[0, 4, 4] = np.inf
    unknown = np.isnan(sum(gradients(spoiled)))[0]
    assert np.argwhere(unknown).tolist() == [[3, 4], [4, 3], [4, 5], [5, 4]], "the gradient at (4, 4) needs its neighbours only"
    spoiled[0, 0, 4] = np.nan
    assert np.argwhere(np.isnan(sum(gradients(spoiled)))[0]).tolist()[:3] == [[0, 3], [0, 5], [1, 4]]


def test_a_cell_is_a_mean_over_known_gradients() -> None:
    """A ramp along the columns: the gradient is 2, and 0 in the first and last column.

    The hole hides three rows of columns 5 to 9 and three pixels above: 9 + 2 gradients of the left cell, 6 + 1 of the right.
    """
    ramp = np.tile(np.arange(16.0), (20, 1))
    ramp[5:8, 6:9] = np.nan
    first = HOG(1, (8, 8), (1, 2), block_norm="L1").transform(ramp[None, None])[0, :2]
    left, right = 2 * (64 - 8 - 11) / (64 - 11), 2 * (64 - 8 - 7) / (64 - 7)
    assert first == pytest.approx([left / (left + right), right / (left + right)], rel=1e-6)


def test_what_is_flat_beside_something_steep_is_empty() -> None:
    image = np.zeros((32, 32))
    image[4, 4] = 1.0
    image[24, 24] = 1e-9
    blocks = HOG(cells_per_block=(1, 1)).fit_transform(image[None, None]).reshape(4, 4, 9)
    assert blocks[0, 0].any()
    assert not blocks[3, 3].any()
    image[24, 24] = 1e-4
    assert HOG(cells_per_block=(1, 1)).fit_transform(image[None, None]).reshape(4, 4, 9)[3, 3].any()


def test_a_constant_band_is_zero_and_costs_the_others_nothing(galaxies: Images) -> None:
    images = galaxies.copy()
    images[:, 1] = 7
    vectors = HOG().fit_transform(images).reshape(6, 3, -1)
    assert not vectors[:, 1].any()
    assert np.array_equal(vectors[:, [0, 2]], HOG().fit_transform(galaxies).reshape(6, 3, -1)[:, [0, 2]])


def test_strongest_measures_what_any_band_has(galaxies: Images) -> None:
    images = galaxies.copy()
    images[:, 1] = np.nan
    expected = HOG(channel="strongest").fit_transform(galaxies[:, [0, 2]])
    assert np.array_equal(HOG(channel="strongest").fit_transform(images), expected)
    assert "band 2 of 3 has 0.0 % good pixels" in HOG().reasons(images)[0]


def test_names() -> None:
    names = HOG(2, (4, 4), (1, 2)).feature_names(("g",), (4, 12))
    assert names[:4] == ["g_b0_0_c0_0_o0", "g_b0_0_c0_0_o1", "g_b0_0_c0_1_o0", "g_b0_0_c0_1_o1"]
    assert names[-1] == "g_b0_1_c0_1_o1"
    assert len(HOG().feature_names(("g",), (64, 64))) == 1764
    assert HOG(channel="strongest").feature_names(("g", "r"), (16, 16))[0] == "strongest_b0_0_c0_0_o0"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"orientations": 0}, "orientations must be a whole number"),
        ({"pixels_per_cell": 8}, r"pixels_per_cell must be two whole numbers \(rows, columns\); it is 8"),
        ({"cells_per_block": (2, 0)}, r"cells_per_block\[1\] must be a whole number of at least 1; it is 0"),
        ({"block_norm": "L3"}, "block_norm must be one of L1, L1-sqrt, L2, L2-Hys; it is 'L3'"),
        ({"channel": "first"}, "channel must be one of each, strongest"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        HOG(**settings).transform(np.zeros((1, 2, 20, 20)))  # type: ignore[arg-type]
