from typing import Any

import mahotas
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import feature

from galfeat import UsageError
from galfeat.features import Texture
from galfeat.features.kernels.levels_reference import levels

Planes = NDArray[np.float32]

skimage_feature: Any = feature

pytestmark = pytest.mark.filterwarnings(
    "ignore:Applying `local_binary_pattern` to floating-point images"
)


def test_the_vector_is_what_its_names_say(galaxies: Planes) -> None:
    texture = Texture(distances=(1, 2), radii=(1, 3)).fit(galaxies)
    named = dict(
        zip(
            texture.get_feature_names_out(["g", "r", "i"]),
            texture.transform(galaxies)[2],
            strict=True,
        )
    )
    code = levels(galaxies[2, 1:2], 32, (-2.0, 8.0))[0].astype(np.uint8)
    entropy = mahotas.features.haralick(code, use_x_minus_y_variance=True, distance=2).mean(axis=0)[
        8
    ]
    assert named["r_glcm_d2_entropy"] == pytest.approx(entropy, rel=1e-6)
    pattern = skimage_feature.local_binary_pattern(
        galaxies[2, 2].astype(np.float64), 24, 3, "uniform"
    )[3:-3, 3:-3]
    assert named["i_lbp_r3_7"] == pytest.approx((pattern == 7).mean(), rel=1e-6)
    assert named["i_lbp_r3_other"] == pytest.approx((pattern == 25).mean(), rel=1e-6)


def test_masks_without_pairs_or_circles_are_a_reason() -> None:
    y, x = np.indices((20, 20))
    checkered = np.where((y + x) % 2 == 0, 1.0, np.nan)[None, None]
    assert Texture().reasons(checkered) == {
        0: "band 1 has no pair of good pixels 1 apart in one of the four directions"
    }
    dotted = np.where((y % 4 == 0) & (x % 4 == 0), np.nan, 1.0)[None, None]
    assert Texture().reasons(dotted) == {0: "band 1 has no circle of radius 2 without a bad pixel"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"levels": 1}, "levels must be a whole number of at least 2"),
        ({"distances": ()}, "distances must be a sequence of different whole numbers"),
        ({"distances": (1, 1)}, "distances must be a sequence of different whole numbers"),
        ({"radii": 2}, "radii must be a sequence"),
        ({"radii": (0,)}, "each of radii must be a whole number of at least 1"),
        ({"radii": (1, 128)}, "each of radii must be at most 127"),
        ({"patterns": "rotated"}, "patterns must be one of uniform, directed, fourier"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Texture(**settings).transform(np.zeros((1, 2, 20, 20)))  # type: ignore[arg-type]
