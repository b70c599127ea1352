from typing import Any

import numpy as np
import pytest
import skimage.feature
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.features.conftest import make_galaxies, make_holes

from galfeat import UsageError
from galfeat.features import HOG
from galfeat.features.hog.reference import (
    NORMS,
    averaged_histograms,
    cell_histograms,
    gradients,
    oriented_histograms,
    strongest,
)

Images = NDArray[np.float32]
SCALE = 2.0**40  # makes scikit-image's absolute epsilon vanish


def theirs(image: NDArray[Any], **settings: Any) -> NDArray[np.float64]:
    return np.asarray(skimage.feature.hog(image.astype(np.float64) * SCALE, **settings))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    ("orientations", "cell", "block"),
    [(9, (8, 8), (2, 2)), (7, (5, 6), (1, 3)), (4, (7, 7), (3, 2))],
)
def test_equal_to_scikit_image(
    galaxies: Images, norm: str, orientations: int, cell: tuple[int, int], block: tuple[int, int]
) -> None:
    ours = HOG(orientations, cell, block, block_norm=norm).fit_transform(galaxies).reshape(6, 3, -1)
    for image, bands in zip(galaxies, ours, strict=True):
        for plane, vector in zip(image, bands, strict=True):
            expected = theirs(
                plane,
                orientations=orientations,
                pixels_per_cell=cell,
                cells_per_block=block,
                block_norm=norm,
            )
            assert np.abs(vector - expected).max() < 1e-6


@pytest.mark.parametrize("norm", NORMS)
def test_strongest_equal_to_scikit_image(galaxies: Images, norm: str) -> None:
    ours = HOG(channel="strongest", block_norm=norm).fit_transform(galaxies)
    for image, vector in zip(galaxies, ours, strict=True):
        expected = theirs(image, cells_per_block=(2, 2), block_norm=norm, channel_axis=0)
        assert np.abs(vector - expected).max() < 1e-6


@pytest.mark.parametrize("orientations", [1, 2, 4, 8, 9, 12, 18, 20, 28, 36])
@pytest.mark.parametrize("levels", [2, 4, 256])
def test_whole_numbers_agree_without_exception(orientations: int, levels: int) -> None:
    """Flat pixels, horizontal, vertical and diagonal gradients, and bands whose gradients are
    equal: all as scikit-image has them.
    """
    image = np.random.default_rng(levels).integers(0, levels, (3, 40, 48)).astype(np.float32)
    settings: dict[str, Any] = {
        "orientations": orientations,
        "pixels_per_cell": (4, 6),
        "cells_per_block": (2, 2),
        "block_norm": "L1",
    }
    ours = HOG(**settings, channel="strongest").transform(image[None])[0]
    assert np.abs(ours - theirs(image, **settings, channel_axis=0)).max() < 1e-6
    assert (
        np.abs(HOG(**settings).transform(image[None, :1])[0] - theirs(image[0], **settings)).max()
        < 1e-6
    )


@pytest.mark.parametrize(
    ("dy", "dx"), [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
)
def test_eight_directions_are_exact(dy: int, dx: int) -> None:
    """A ramp of one direction: 0, 45, 90 or 135 degrees, which lie on edges of bins for many
    numbers of bins.
    """
    ramp = np.add.outer(dy * np.arange(11.0), dx * np.arange(11.0))
    degrees = {(0, 1): 0, (1, 1): 45, (1, 0): 90, (1, -1): 135}
    direction = degrees.get((dy, dx), degrees.get((-dy, -dx), 0))
    for orientations in (*range(1, 65), 180):
        cells = (
            HOG(orientations, (3, 3), (1, 1))
            .transform(ramp[None, None])
            .reshape(3, 3, orientations)
        )
        assert np.flatnonzero(cells[1, 1]).tolist() == [direction * orientations // 180]


@pytest.mark.slow
def test_only_directions_within_rounding_of_an_edge_may_differ() -> None:
    """Of 1,048,576 gradients about one is nearer than 2e-7 rad to an edge of nine bins; the blocks
    it is in are not compared.
    """
    images = make_galaxies(64, 1, 128, 128, seed=11)[:, 0]
    gy, gx = gradients(images)
    turns = np.arctan2(gy, gx) / np.pi * 9 % 1
    near = (np.minimum(turns, 1 - turns) * np.pi / 9 < 2e-7) & (gy != 0) & (gx != 0)
    assert near.sum() <= 8, f"{near.sum()} of {near.size} gradients are exempt"
    doubtful = np.lib.stride_tricks.sliding_window_view(near, (16, 16), axis=(1, 2))[
        :, ::8, ::8
    ].any(axis=(3, 4))
    ours = HOG().transform(images[:, None]).reshape(64, 15, 15, 36)
    expected = np.stack(
        [theirs(image, cells_per_block=(2, 2)).reshape(15, 15, 36) for image in images]
    )
    assert np.abs(ours - expected)[~doubtful].max() < 1e-6
    assert np.abs(ours - expected).max() < 0.1, "and an exempt gradient moves one vote"


def test_large_cells_are_added_up_in_double_precision() -> None:
    """scikit-image is off by 1e-5 here, having added 4,096 numbers in single precision."""
    image = make_galaxies(2, 1, 130, 128, seed=3)
    expected = oriented_histograms(image[:, 0], 9, (64, 64), (1, 2), "L2")
    assert (
        np.abs(HOG(9, (64, 64), (1, 2), block_norm="L2").transform(image) - expected).max() < 1e-7
    )


@pytest.mark.slow
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    cell=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    block=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    orientations=st.integers(1, 30),
    norm=st.sampled_from(NORMS),
    part=st.sampled_from([0, 0.01, 0.3, 0.5]),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_the_plain_version_agrees(
    seed: int,
    shape: tuple[int, int],
    cell: tuple[int, int],
    block: tuple[int, int],
    orientations: int,
    norm: str,
    part: float,
) -> None:
    """Any shape and setting, with bad pixels; of whole numbers, so that no direction is within
    rounding of an edge but on it.
    """
    chance = np.random.default_rng(seed)
    images = chance.integers(0, 50, (2, 3, *shape)).astype(np.float32)
    images[chance.random(images.shape) < part] = np.nan
    if shape[0] < cell[0] * block[0] or shape[1] < cell[1] * block[1]:
        return
    each = HOG(orientations, cell, block, block_norm=norm, min_good=1e-9)
    one = HOG(orientations, cell, block, block_norm=norm, channel="strongest", min_good=1e-9)
    bands = oriented_histograms(images.reshape(6, *shape), orientations, cell, block, norm).reshape(
        2, -1
    )
    together = oriented_histograms(images, orientations, cell, block, norm)
    # the square root of a value near zero shows the rounding of single precision
    assert np.abs(each.measure_images(images) - bands).max() < 1e-6
    assert np.abs(one.measure_images(images) - together).max() < 1e-6


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("largest", [3e38, 1e38, 1e30, 1e19, 1e5, 1e-10, 1e-19, 1e-30, 1e-37])
def test_extreme_pixel_values_are_measured(largest: float, holes: bool, norm: str) -> None:
    images = np.random.default_rng(4).uniform(-1, 1, (4, 1, 32, 32))
    images[:, :, 20:, 20:] *= 1e-5
    images[:, :, ::7, ::5] = np.nan if holes else 0.5
    pixels = (images * largest).astype(np.float32)
    expected = oriented_histograms(pixels[:, 0], 9, (8, 8), (2, 2), norm)
    assert expected.max() > 0.1
    assert np.abs(HOG(block_norm=norm).transform(pixels) - expected).max() < 1e-6


def test_the_smallest_numbers_there_are() -> None:
    images = (np.random.default_rng(4).integers(0, 9, (2, 1, 32, 32)) * 1e-45).astype(np.float32)
    assert 0 < images.max() < 1e-43
    expected = oriented_histograms(images[:, 0], 9, (8, 8), (2, 2), "L2")
    assert np.abs(HOG(block_norm="L2").transform(images) - expected).max() < 1e-6


def test_by_pencil() -> None:
    """Six pixels have a gradient: those beside the 1 and beside the 2; the border hides what would
    cross it.
    """
    image = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 2, 0, 0]], dtype=np.float32)
    gy, gx = gradients(image[None])
    assert gx[0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, -2, 0]]
    assert gy[0].tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 2, 0, -1], [0, 0, 0, 0]]
    vector = HOG(4, (4, 4), (1, 1), block_norm="L1").fit_transform(image[None, None])
    assert vector.tolist() == [[0.5, 0, 0.5, 0]]
    vector = HOG(4, (4, 4), (1, 1), block_norm="L1-sqrt").fit_transform(image[None, None])
    assert vector.tolist() == [[np.float32(0.5**0.5), 0, np.float32(0.5**0.5), 0]]


def test_directions_go_round() -> None:
    """A hair below 0 degrees rounds to 180, which is 0 again; 45 degrees starts the second of four
    bins.
    """
    gy, gx = np.array([[[-1e-30, 1.0, 0.0, -0.0]]]), np.array([[[1.0, 1.0, -1.0, -1.0]]])
    cells = cell_histograms(gy, gx, 4, (1, 1))
    assert cells[0, 0].argmax(axis=1).tolist() == [0, 1, 0, 0]


def test_the_first_of_equally_strong_bands_is_taken() -> None:
    """3, 4, 5: gradients of one size and three directions."""
    gy, gx = (
        np.array([[4.0, 0.0, 3.0]]).reshape(1, 3, 1, 1),
        np.array([[3.0, 5.0, 4.0]]).reshape(1, 3, 1, 1),
    )
    assert [float(part[0, 0, 0]) for part in strongest(gy, gx)] == [4, 3]
    bands = [
        np.add.outer(dy * np.arange(6.0), dx * np.arange(6.0))
        for dy, dx in ((4, 3), (0, 5), (3, 4))
    ]
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
        images = np.stack([bands[i] for i in order])[None]
        first = HOG(18, (2, 2), (1, 1)).transform(images[:, :1]).reshape(3, 3, 18)[1, 1]
        assert np.array_equal(
            HOG(18, (2, 2), (1, 1), channel="strongest").transform(images).reshape(3, 3, 18)[1, 1],
            first,
        )


@pytest.mark.parametrize("rotation", ["fixed", "averaged"])
@pytest.mark.parametrize("factor", [1e-12, 1e15, 2.0**-60])
def test_the_unit_of_the_flux_does_not_matter(
    galaxies: Images, factor: float, rotation: str
) -> None:
    hog = HOG(rotation=rotation)
    assert (
        np.abs(hog.transform(galaxies.astype(np.float64) * factor) - hog.transform(galaxies)).max()
        < 1e-6
    )


@pytest.mark.parametrize("exponent", [-90, -60, -21, -1, 1, 30, 66, 120])
def test_a_power_of_two_changes_no_bit(galaxies: Images, exponent: int) -> None:
    scaled = (galaxies * 2.0**exponent).astype(np.float32)
    assert np.array_equal(HOG().transform(scaled), HOG().transform(galaxies))


def test_a_sky_of_a_thousand_sigma_does_not_matter(galaxies: Images) -> None:
    """Pixels of float32 hold 1,000 and 14 more bits below the point. Pixels of 13 bits keep them,
    and no bit of the vector changes.

    Other pixels are rounded when the sky is added; nothing changes but what this rounding changes.
    """
    coarse = (np.rint(galaxies * 2.0**13) / 2.0**13).astype(np.float32)
    assert np.array_equal(HOG().transform(coarse + np.float32(1000)), HOG().transform(coarse))
    lifted = galaxies + np.float32(1000)
    rounded = lifted - np.float32(1000)
    assert not np.array_equal(rounded, galaxies)
    assert np.array_equal(HOG().transform(lifted), HOG().transform(rounded))


def test_a_bad_pixel_spoils_the_gradients_made_of_it_and_no_others() -> None:
    plane = np.random.default_rng(5).normal(size=(1, 9, 9)).astype(np.float32)
    spoiled = plane.copy()
    spoiled[0, 4, 4] = np.inf
    unknown = np.isnan(sum(gradients(spoiled)))[0]
    assert np.argwhere(unknown).tolist() == [[3, 4], [4, 3], [4, 5], [5, 4]], (
        "the gradient at (4, 4) needs its neighbors only"
    )
    spoiled[0, 0, 4] = np.nan
    assert np.argwhere(np.isnan(sum(gradients(spoiled)))[0]).tolist()[:3] == [
        [0, 3],
        [0, 5],
        [1, 4],
    ]


def test_a_cell_is_a_mean_over_known_gradients() -> None:
    """A ramp along the columns: the gradient is 2, and 0 in the first and last column.

    The hole hides three rows of columns 5 to 9 and three pixels above: 9 + 2 gradients of the left
    cell, 6 + 1 of the right.
    """
    ramp = np.tile(np.arange(16.0), (20, 1))
    ramp[5:8, 6:9] = np.nan
    first = HOG(1, (8, 8), (1, 2), block_norm="L1").transform(ramp[None, None])[0, :2]
    left, right = 2 * (64 - 8 - 11) / (64 - 11), 2 * (64 - 8 - 7) / (64 - 7)
    assert first == pytest.approx([left / (left + right), right / (left + right)], rel=1e-6)


def test_weak_blocks_next_to_strong_gradients_are_zero() -> None:
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
    assert np.array_equal(
        vectors[:, [0, 2]], HOG().fit_transform(galaxies).reshape(6, 3, -1)[:, [0, 2]]
    )


def test_strongest_measures_what_any_band_has(galaxies: Images) -> None:
    images = galaxies.copy()
    images[:, 1] = np.nan
    expected = HOG(channel="strongest").fit_transform(galaxies[:, [0, 2]])
    assert np.array_equal(HOG(channel="strongest").fit_transform(images), expected)
    assert "band 2 of 3 has 0.0 % good pixels" in HOG().reasons(images)[0]
    thirds = np.where(np.arange(48)[:, None] // 16 == np.arange(3)[:, None, None], galaxies, np.nan)
    assert HOG(channel="strongest", min_good=1.0).reasons(thirds) == {}, (
        "each pixel is good in one band"
    )
    thirds[2, 1] = np.nan
    assert list(HOG(channel="strongest", min_good=0.7).reasons(thirds)) == [2], "two thirds are"


def test_names() -> None:
    names = HOG(2, (4, 4), (1, 2)).feature_names(("g",), (4, 12))
    assert names[:4] == ["g_b0_0_c0_0_o0", "g_b0_0_c0_0_o1", "g_b0_0_c0_1_o0", "g_b0_0_c0_1_o1"]
    assert names[-1] == "g_b0_1_c0_1_o1"
    assert len(HOG().feature_names(("g",), (64, 64))) == 1764
    assert (
        HOG(channel="strongest").feature_names(("g", "r"), (16, 16))[0] == "strongest_b0_0_c0_0_o0"
    )


AVERAGED: list[dict[str, Any]] = [
    {"rotation": "averaged"},
    {"rotation": "mirrored"},
    {
        "orientations": 4,
        "pixels_per_cell": (5, 5),
        "cells_per_block": (3, 3),
        "rotation": "averaged",
        "block_norm": "L1-sqrt",
    },
    {
        "orientations": 6,
        "pixels_per_cell": (7, 7),
        "cells_per_block": (1, 1),
        "rotation": "mirrored",
        "channel": "strongest",
    },
]


@pytest.mark.parametrize("shape", [(48, 48), (47, 47), (45, 52), (40, 33)])
@pytest.mark.parametrize("chosen", AVERAGED)
def test_averages_are_those_of_turned_images(
    chosen: dict[str, Any], shape: tuple[int, int]
) -> None:
    images = make_galaxies(3, 2, *shape)
    images[make_holes(images)] = np.nan
    hog = HOG(**chosen)
    cell, block = hog.pixels_per_cell, hog.cells_per_block
    planes = images if hog.channel == "strongest" else images.reshape(6, *shape)
    full = averaged_histograms(
        planes, hog.orientations, cell, block, hog.block_norm, mirrored=hog.rotation == "mirrored"
    )
    side = min(shape) // cell[0] * cell[0]
    every = HOG(hog.orientations, cell, block).feature_names(("g",), (side, side))
    names = [
        name.replace(f"{hog.rotation}_", "")
        for name in HOG(**{**chosen, "channel": "each"}).feature_names(("g",), shape)
    ]
    expected = full[:, [every.index(name) for name in names]].reshape(3, -1)
    assert np.abs(hog.transform(images) - expected).max() < 1e-6


@pytest.mark.parametrize(("orientations", "times"), [(9, 2), (4, 4)])
def test_omitted_elements_of_averages_equal_kept_ones(orientations: int, times: int) -> None:
    images = make_galaxies(1, 1, 46, 46)
    full = averaged_histograms(images[0], orientations, (8, 8), (2, 2), "L2")[0]
    kept = HOG(orientations, block_norm="L2", rotation="averaged").transform(images)[0]
    assert len(kept) * times == len(full)
    assert np.abs(full[:, None] - kept).min(axis=1).max() < 1e-6
    assert np.abs(np.sort(full)[::times] - np.sort(kept)).max() < 1e-6


@pytest.mark.parametrize("shape", [(48, 48), (45, 45), (40, 51)])
@pytest.mark.parametrize("chosen", AVERAGED)
def test_averaged_vectors_do_not_depend_on_the_orientation(
    chosen: dict[str, Any], shape: tuple[int, int]
) -> None:
    """Galaxies with holes, and whole numbers, of whose gradients many lie on edges of bins."""
    images = make_galaxies(3, 2, *shape)
    images[make_holes(images)] = np.nan
    for pixels in (images, np.clip(np.rint(images), -1, 1)):
        vectors = HOG(**chosen).transform(pixels)
        for turn in (1, 2, 3):
            assert (
                np.abs(HOG(**chosen).transform(np.rot90(pixels, turn, axes=(2, 3))) - vectors).max()
                < 1e-6
            )
        mirrored = max(
            np.abs(HOG(**chosen).transform(seen) - vectors).max()
            for seen in (pixels[..., ::-1], pixels[:, :, ::-1])
        )
        assert (mirrored < 1e-6) == (chosen["rotation"] == "mirrored")


@pytest.mark.parametrize("chosen", AVERAGED)
def test_averaged_vectors_still_distinguish_galaxies(chosen: dict[str, Any]) -> None:
    vectors = HOG(**chosen).transform(make_galaxies(8, 1, 48, 48))
    assert (vectors.std(axis=0) > 1e-3).all(), "each value differs between galaxies"
    assert vectors[0].std() > 1e-2, "and within one"
    bars = np.zeros((2, 1, 48, 48))
    bars[0, 0, 20:28, 4:44] = 1
    bars[1, 0, 8:40, 8:40] = 1
    bar, square = HOG(**chosen).transform(bars)
    assert np.abs(bar - square).max() > 0.1


def test_an_average_by_pencil() -> None:
    """A step along the columns in the upper left cell of four: seen as a horizontal gradient twice
    and as a vertical one twice.
    """
    image = np.zeros((1, 1, 16, 16))
    image[0, 0, 2:6, 4:] = 1
    image[0, 0, 2:6, 9:] = 0
    image[0, 0, 2:6, 7:9] = 1
    fixed = HOG(2, (8, 8), (1, 1), block_norm="L1").transform(image).reshape(2, 2, 2)
    averaged = HOG(2, (8, 8), (1, 1), block_norm="L1", rotation="averaged")
    assert averaged.feature_names(("g",), (16, 16)) == [
        "g_averaged_b0_0_c0_0_o0",
        "g_averaged_b0_0_c0_0_o1",
    ]
    # of the image turned by 0, 90, 180 and 270 degrees: what comes to lie in the upper left cell,
    # its bins exchanged at odd turns
    seen = [fixed[0, 0], fixed[0, 1, ::-1], fixed[1, 1], fixed[1, 0, ::-1]]
    assert averaged.transform(image)[0] == pytest.approx(np.mean(seen, axis=0), abs=1e-6)
    assert fixed[0, 0, 0] > 0


def test_cells_of_averages_lie_in_the_middle() -> None:
    """Of 19 x 22 pixels four cells of 8 are used: with half a pixel to spare, rows 1 to 17 and
    columns 3 to 18.
    """
    image = np.zeros((19, 22))
    averaged = HOG(1, (8, 8), (1, 1), rotation="averaged")
    reach = []
    for y, x in np.ndindex(image.shape):
        spot = image.copy()
        spot[y, x] = 1
        if averaged.transform(spot[None, None]).any():
            reach.append((y, x))
    rows, columns = np.unique([y for y, _ in reach]), np.unique([x for _, x in reach])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 18, 2, 19), (
        "a pixel makes the gradients beside it"
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rotation": "free"}, "rotation must be one of fixed, averaged, mirrored; it is 'free'"),
        (
            {"rotation": "averaged", "pixels_per_cell": (4, 5)},
            r"'averaged' needs square cells and blocks, .* pixels_per_cell is \(4, 5\)",
        ),
        (
            {"rotation": "mirrored", "cells_per_block": (1, 2)},
            r"'mirrored' needs square cells and blocks, .* cells_per_block is \(1, 2\)",
        ),
        ({"orientations": 0}, "orientations must be a whole number"),
        (
            {"pixels_per_cell": 8},
            r"pixels_per_cell must be two whole numbers \(rows, columns\); it is 8",
        ),
        (
            {"cells_per_block": (2, 0)},
            r"cells_per_block\[1\] must be a whole number of at least 1; it is 0",
        ),
        ({"block_norm": "L3"}, "block_norm must be one of L1, L1-sqrt, L2, L2-Hys; it is 'L3'"),
        ({"channel": "first"}, "channel must be one of each, strongest"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        HOG(**settings).transform(np.zeros((1, 2, 20, 20)))  # type: ignore[arg-type]
