import numpy as np
import pytest

from galfeat import UsageError
from galfeat.features import Pixels
from galfeat.features.plain.pixels import box_means, filled

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
    assert filled(corner[None])[0].tolist() == [[6, 4, 3], [6.5, 6, 5], [6, 7, 9]], "(0, 0) sees good pixels in the 5x5 box only"


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
