import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat.features.sift.dense.kernel import describe_grid, grid_centers
from galfeat.features.sift.dense.reference import describe_grid as plain_grid

Images = NDArray[np.float32]


def lumps(n: int, ny: int, nx: int, seed: int = 0) -> Images:
    chance = np.random.default_rng(seed)
    y, x = np.indices((ny, nx))
    images = chance.normal(0, 1, (n, ny, nx))
    for image in images:
        for _ in range(6):
            cy, cx, width = chance.uniform(0, ny), chance.uniform(0, nx), chance.uniform(2, 8)
            image += chance.uniform(2, 8) * np.exp(
                -((y - cy) ** 2 + (x - cx) ** 2) / (2 * width**2)
            )
    return images.astype(np.float32)


def assert_alike(
    images: Images, step: int = 8, size: float = 6.0, blur: float = 1.5, least: float = 0.5
) -> None:
    """Nearly all bytes are the plain version's; some, at a half, are rounded the other way."""
    ours, made = describe_grid(images, step, size, blur, least)
    plain, plain_made = plain_grid(images, step, size, blur, least)
    assert np.array_equal(made, plain_made)
    apart = np.abs(ours.astype(int) - plain)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 2e-3


@pytest.mark.parametrize(
    ("step", "size", "blur"),
    [(8, 12.0, 1.52), (5, 4.0, 0.0), (16, 3.5, 0.8), (7, 1.0, 2.2), (40, 20.0, 4.0)],
)
@pytest.mark.parametrize("shape", [(64, 64), (33, 50), (16, 17)])
def test_the_kernel_does_what_the_definition_says(
    step: int, size: float, blur: float, shape: tuple[int, int]
) -> None:
    assert_alike(lumps(3, *shape), step, size, blur)


@pytest.mark.parametrize("part", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("least", [0.1, 0.5, 1.0])
def test_holes(part: float, least: float) -> None:
    images = lumps(4, 48, 40)
    images[np.random.default_rng(1).random(images.shape) < part] = np.nan
    images[1, 10:30, 5:20] = np.inf
    images[2] = -np.inf
    assert_alike(images, 8, 6.0, 1.2, least)


@pytest.mark.slow
@settings(deadline=None, max_examples=25)
@example(seed=17, ny=16, nx=16, step=1, size=1.5)  # a window of which exactly half is good
@given(
    seed=st.integers(0, 1000),
    ny=st.integers(16, 40),
    nx=st.integers(16, 40),
    step=st.integers(1, 20),
    size=st.floats(1, 15),
)
def test_any_shape(seed: int, ny: int, nx: int, step: int, size: float) -> None:
    images = lumps(2, ny, nx, seed)
    images[0][np.random.default_rng(seed).random((ny, nx)) < 0.05] = np.nan
    assert_alike(images, step, size, 1.0)


@pytest.mark.parametrize("factor", [1e-40, 1e-30, 1e-12, 1e15, 1e30, 1e37])
def test_extreme_fluxes(factor: float) -> None:
    images = np.float32(1) * lumps(2, 32, 32)
    ours, made = describe_grid(images, 8, 6.0, 1.0, 0.5)
    scaled, scaled_made = describe_grid(
        (images.astype(np.float64) * factor).astype(np.float32), 8, 6.0, 1.0, 0.5
    )
    assert np.array_equal(made, scaled_made)
    assert np.abs(ours.astype(int) - scaled).max() <= (2 if factor < 1e-38 else 1), (
        "denormal numbers have few digits"
    )


def test_powers_of_two_change_no_byte() -> None:
    images = lumps(2, 32, 32)
    images[0, 3:5, 9] = np.nan
    ours, _ = describe_grid(images, 8, 6.0, 1.0, 0.5)
    for power in (-100, -7, 3, 100):
        assert np.array_equal(
            describe_grid(np.ldexp(images, power).astype(np.float32), 8, 6.0, 1.0, 0.5)[0], ours
        )


def test_one_wild_pixel_spoils_its_surroundings_only() -> None:
    images = lumps(1, 128, 128)
    wild = images.copy()
    wild[0, 8, 8] = 1e30
    ours, wilds = (
        describe_grid(images, 8, 4.0, 1.0, 0.5)[0][0],
        describe_grid(wild, 8, 4.0, 1.0, 0.5)[0][0],
    )
    assert (np.abs(ours.astype(int) - wilds).max(axis=-1) > 1).any(axis=0).tolist() == [
        True
    ] * 3 + [False] * 13


def test_rows_are_measured_by_themselves_and_left_as_they_are() -> None:
    images = lumps(5, 40, 40)
    images[::2, 5, 5] = np.nan
    kept = images.copy()
    together = describe_grid(images, 8, 6.0, 1.0, 0.5)[0]
    assert np.array_equal(images, kept, equal_nan=True)
    for image, row in zip(images, together, strict=True):
        assert np.array_equal(describe_grid(image[None], 8, 6.0, 1.0, 0.5)[0][0], row)
    assert np.array_equal(
        describe_grid(np.ascontiguousarray(images[::-1]), 8, 6.0, 1.0, 0.5)[0][::-1], together
    )


def test_values_of_bad_pixels_change_no_byte() -> None:
    images = lumps(2, 40, 40)
    holes = np.random.default_rng(3).random(images.shape) < 0.03
    first = describe_grid(np.where(holes, np.float32(np.nan), images), 8, 6.0, 1.0, 0.5)[0]
    for junk in (np.inf, -np.inf, -np.nan):
        assert np.array_equal(
            describe_grid(np.where(holes, np.float32(junk), images), 8, 6.0, 1.0, 0.5)[0], first
        )


def test_constant_images_have_no_descriptors() -> None:
    images = np.full((3, 32, 32), 7.3, dtype=np.float32)
    images[1] = 0
    images[2, 10:12, 20] = np.nan
    descriptors, made = describe_grid(images, 8, 6.0, 1.5, 0.5)
    assert not made.any()
    assert not descriptors.any()


@pytest.mark.parametrize(
    ("dx", "dy", "direction"),
    [(1, 0, 0), (1, -1, 1), (0, -1, 2), (-1, -1, 3), (-1, 0, 4), (-1, 1, 5), (0, 1, 6), (1, 1, 7)],
)
def test_a_slope_has_one_direction_by_pencil(dx: int, dy: int, direction: int) -> None:
    """Light that grows to the right is direction 0, up (against y) direction 2; far from the border
    16 cells share alike.
    """
    y, x = np.indices((64, 64))
    descriptors, made = describe_grid((dx * x + dy * y).astype(np.float32)[None], 64, 6.0, 0.0, 0.5)
    assert made.tolist() == [[[True]]]
    cells = descriptors[0, 0, 0].reshape(16, 8)
    assert (cells[:, direction] == 128).all(), "512 / sqrt(16)"
    assert not np.delete(cells, direction, axis=1).any()


def test_half_way_between_directions_both_have_half_by_pencil() -> None:
    y, x = np.indices((64, 64))
    slope = (np.cos(np.pi / 8) * x - np.sin(np.pi / 8) * y).astype(np.float32)
    cells = describe_grid(slope[None], 64, 6.0, 0.0, 0.5)[0][0, 0, 0].reshape(16, 8)
    assert (cells[:, :2] == 91).all(), "512 / sqrt(32), rounded"
    assert not cells[:, 2:].any()


def test_a_step_is_shared_between_cells_by_pencil() -> None:
    """A step from column 31 to 32 gives columns 31 and 32 a gradient. The point is (32, 32): its
    cells of size 8 are centered on columns 20, 28, 36, 44, and these columns are 3 and 4, and 5 and
    4, pixels from the inner two: (5 + 4) to (3 + 4) parts.
    """
    image = np.zeros((1, 64, 64), dtype=np.float32)
    image[:, :, 32:] = 1
    cells = describe_grid(image, 64, 8.0, 0.0, 0.5)[0][0, 0, 0].reshape(4, 4, 8)
    assert cells[:, :, 1:].max() == 0
    parts = np.array([0, 9, 7, 0]) / np.sqrt(4 * (81 + 49))
    cut = np.minimum(parts, 0.2)  # both are cut
    assert np.array_equal(
        cells[:, :, 0], np.tile(np.rint(512 * cut / np.sqrt(4 * (cut**2).sum())), (4, 1))
    )


def test_a_cell_with_holes_counts_as_whole_by_pencil() -> None:
    """On a slope every good gradient is the same, so holes in three quarters at most of each cell
    change nothing.
    """
    image = np.indices((64, 64))[1].astype(np.float32)[None]
    image[0, 20:26, 20:26] = np.nan
    cells = describe_grid(image, 64, 6.0, 1.0, 0.5)[0][0, 0, 0].reshape(16, 8)
    assert np.abs(cells[:, 0].astype(int) - 128).max() <= 2
    image[0, 8:40, 8:64] = np.nan
    assert not describe_grid(image, 64, 6.0, 1.0, 0.5)[1].any(), "too few good ones"


def test_like_opencv_but_for_the_window() -> None:
    """The median cosine was 0.986: OpenCV weighs the window by a Gaussian, this does not."""
    blur = (1.6**2 - 0.5**2) ** 0.5
    cosines = []
    for image in lumps(8, 64, 64, 5):
        gray = np.clip(np.rint((image + 2) * 25.5), 0, 255).astype(np.uint8)
        grid = [
            cv2.KeyPoint(float(x), float(y), 8.0, 0.0)
            for x in grid_centers(64, 8)
            for y in grid_centers(64, 8)
        ]
        _, theirs = cv2.SIFT.create().compute(gray, grid)
        ours = (
            describe_grid(gray.astype(np.float32)[None], 8, 12.0, blur, 0.5)[0]
            .reshape(64, 128)
            .astype(float)
        )
        cosines.append(
            (ours * theirs).sum(axis=1)
            / np.linalg.norm(ours, axis=1)
            / np.linalg.norm(theirs, axis=1)
        )
    assert np.median(cosines) > 0.98
    assert np.min(cosines) > 0.85


def test_equal_to_opencv_where_the_window_makes_no_difference() -> None:
    """One bright step through one column of cells: directions, cells' order and rounding are
    OpenCV's.
    """
    y, x = np.indices((64, 64))
    blur = (1.6**2 - 0.5**2) ** 0.5
    for angle in np.arange(8) * 45 + 10.0:
        slope = np.cos(np.deg2rad(angle)) * (x - 32) - np.sin(np.deg2rad(angle)) * (y - 32)
        gray = np.clip(np.rint(128 + 2 * slope), 0, 255).astype(np.uint8)
        _, theirs = cv2.SIFT.create().compute(gray, [cv2.KeyPoint(32.0, 32.0, 4.0, 0.0)])
        ours = describe_grid(gray.astype(np.float32)[None], 64, 6.0, blur, 0.5)[0][0, 0, 0].astype(
            float
        )
        assert np.array_equal(
            np.flatnonzero(ours.reshape(16, 8).sum(axis=0) > 100),
            np.flatnonzero(theirs[0].reshape(16, 8).sum(axis=0) > 100),
        )


def test_the_grid_by_pencil() -> None:
    assert grid_centers(64, 8).tolist() == [4, 12, 20, 28, 36, 44, 52, 60]
    assert grid_centers(65, 8).tolist() == [4, 12, 20, 28, 36, 44, 52, 60]
    assert grid_centers(63, 8).tolist() == [7, 15, 23, 31, 39, 47, 55]
    assert grid_centers(16, 20).tolist() == [8]
