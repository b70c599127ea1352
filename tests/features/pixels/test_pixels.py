import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features import Pixels
from galfeat.features.pixels import reference as plain
from galfeat.features.pixels.kernel import area_means, box_means, filled

nan = np.nan


def test_the_whole_grid_in_order() -> None:
    image = np.arange(12.0).reshape(1, 2, 2, 3)
    assert Pixels().fit_transform(image).tolist() == [list(map(float, range(12)))]
    assert Pixels().feature_names(("g", "r"), (2, 3))[:4] == ["g_0_0", "g_0_1", "g_0_2", "g_1_0"]
    assert Pixels().feature_names(("g", "r"), (2, 3))[-1] == "r_1_2"


def test_a_hole_takes_the_mean_around_it_by_pencil() -> None:
    plane = np.array([[1, 2, 3], [4, nan, 6], [7, 8, 19]], dtype=np.float32)
    assert filled(plane[None])[0, 1, 1] == 50 / 8
    corner = np.array([[nan, nan, 3], [nan, nan, 5], [6, 7, 9]], dtype=np.float32)
    assert filled(corner[None])[0].tolist() == [[6, 4, 3], [6.5, 6, 5], [6, 7, 9]], (
        "(0, 0) sees good pixels in the 5x5 box only"
    )


def test_a_plane_without_good_pixels_stays() -> None:
    assert np.isnan(filled(np.full((1, 3, 3), nan, dtype=np.float32))).all()


def test_boxes_by_pencil() -> None:
    plane = np.array([[1, 3, 10], [5, nan, 20], [100, 200, 400]], dtype=np.float32)
    assert box_means(plane[None], 2).tolist() == [[[3, 15], [150, 400]]]
    assert Pixels(2).fit_transform(plane[None, None]).tolist() == [[3, 15, 150, 400]]


def test_an_empty_box_takes_the_mean_of_the_boxes_around_it() -> None:
    image = np.ones((1, 1, 6, 6))
    image[..., :2, :2] = nan
    image[..., :2, 2:4] = 7
    assert Pixels(2).fit_transform(image)[0].tolist() == [3, 7, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("side", [0, 1.5, True, "2"])
def test_downsample_is_a_whole_number(side: object) -> None:
    with pytest.raises(UsageError, match="downsample must be a whole number of at least 1"):
        Pixels(side).fit(np.zeros((1, 1, 4, 4)))  # type: ignore[arg-type]


def test_partial_pixels_by_pencil() -> None:
    """Three pixels in two parts: each takes one pixel and a half."""
    plane = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=np.float32)
    corners = [
        1 + 2 / 2 + 4 / 2 + 5 / 4,
        2 / 2 + 3 + 5 / 4 + 6 / 2,
        4 / 2 + 5 / 4 + 7 + 8 / 2,
        5 / 4 + 6 / 2 + 8 / 2 + 9,
    ]
    assert Pixels(size=2).fit_transform(plane[None, None])[0] == pytest.approx(
        [corner / 2.25 for corner in corners]
    )
    plane[0, 0] = plane[1, 1] = nan
    assert area_means(plane[None], 2)[0, 0, 0] == pytest.approx((2 / 2 + 4 / 2) / 1)
    assert Pixels(size=2).feature_names(("g", "r"), (3, 3)) == [
        f"{band}_{y}_{x}" for band in "gr" for y in (0, 1) for x in (0, 1)
    ]


def scattered(shape: tuple[int, ...], part: float, seed: int) -> NDArray[np.float32]:
    chance = np.random.default_rng(seed)
    planes = chance.normal(1, 2, shape).astype(np.float32)
    planes[chance.random(shape) < part] = chance.choice([nan, np.inf, -np.inf])
    return planes


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.integers(0, 10**6),
)
def test_area_means_are_those_of_repeated_pixels(
    ny: int, nx: int, size: int, part: float, seed: int
) -> None:
    """Each pixel `size` times along either axis: then a part is a whole box of ny x nx of them."""
    planes = scattered((2, ny, nx), part, seed)
    fine = (
        planes.repeat(size, axis=1)
        .repeat(size, axis=2)
        .astype(np.float64)
        .reshape(2, size, ny, size, nx)
    )
    good = np.isfinite(fine)
    counts = good.sum(axis=(2, 4))
    expected = np.where(good, fine, 0).sum(axis=(2, 4)) / np.where(counts > 0, counts, nan)
    assert np.allclose(area_means(planes, size), expected, rtol=1e-6, atol=1e-6, equal_nan=True)
    assert np.allclose(
        plain.area_means(planes, size), expected, rtol=1e-9, atol=1e-9, equal_nan=True
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.integers(0, 10**6),
)
def test_box_means_equal_the_plain_ones(
    ny: int, nx: int, side: int, part: float, seed: int
) -> None:
    planes = scattered((2, ny, nx), part, seed)
    assert np.allclose(
        box_means(planes, side), plain.box_means(planes, side), rtol=1e-6, atol=1e-6, equal_nan=True
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 24),
    st.integers(1, 24),
    st.sampled_from([0.0, 0.02, 0.5, 0.97, 1.0]),
    st.integers(0, 10**6),
)
def test_filled_is_the_plain_one_to_the_last_bit(ny: int, nx: int, part: float, seed: int) -> None:
    planes = scattered((3, ny, nx), part, seed)
    planes[1] = np.where(np.isfinite(planes[1]), 1e30 * planes[1], planes[1])
    kept = planes.copy()
    assert filled(planes).tobytes() == plain.filled(planes).tobytes()
    assert planes.tobytes() == kept.tobytes()


def test_a_whole_number_of_pixels_a_part_is_a_box() -> None:
    planes = scattered((3, 24, 36), 0.05, 5)
    assert np.array_equal(
        Pixels(size=12).fit_transform(planes[:, None, :, :24]),
        Pixels(2).fit_transform(planes[:, None, :, :24]),
    )
    assert (
        np.array_equal(area_means(planes[:, :, :24].copy(), 24), planes[:, :, :24], equal_nan=True)
        or np.isinf(planes).any()
    )


def test_large_holes_and_extremes_are_filled() -> None:
    image = np.full((1, 1, 64, 64), 3.4e38, dtype=np.float32)
    image[..., 4:, 10:60] = nan
    assert (Pixels(min_good=0.1).fit_transform(image) == np.float32(3.4e38)).all()
    assert (Pixels(size=7, min_good=0.1).fit_transform(image) == np.float32(3.4e38)).all()


@pytest.mark.parametrize(
    ("given_settings", "words"),
    [
        ({"size": 0}, "size must be a whole number of at least 1"),
        ({"size": 2.5}, "size must be a whole number"),
        ({"size": 4, "downsample": 2}, "downsample and size exclude each other; they are 2 and 4"),
        ({"size": 5}, "X has images of 4x4 pixels; Pixels needs at least 5x5"),
    ],
)
def test_invalid_sizes_are_refused(given_settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Pixels(**given_settings).fit(np.zeros((1, 1, 4, 4)))  # type: ignore[arg-type]
