import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from galfeat import CutoutError, UsageError
from galfeat.features import (
    HOG,
    SIFT,
    BlockScaler,
    ColorHistogram,
    Combined,
    Pixels,
    Texture,
    combine,
)

Images = NDArray[np.float32]


def test_blocks_stand_side_by_side_with_the_same_weight(galaxies: Images) -> None:
    both = combine([HOG(), ColorHistogram()])
    rows = both.fit_transform(galaxies)
    hog = BlockScaler().fit_transform(HOG().fit_transform(galaxies))
    color = BlockScaler().fit_transform(ColorHistogram().fit_transform(galaxies))
    assert np.array_equal(rows, np.concatenate([hog, color], axis=1))
    assert (hog.astype(np.float64) ** 2).sum(axis=1).mean() == pytest.approx(1, abs=1e-6)


def test_names_carry_the_block() -> None:
    names = combine([HOG(2), Pixels(16), HOG(4)]).feature_names(("g",), (16, 16))
    assert names[0] == "hog__g_b0_0_c0_0_o0"
    assert names[8] == "pixels__g_0_0"
    assert names[9] == "hog2__g_b0_0_c0_0_o0"


@pytest.mark.slow
def test_the_extractors_given_are_not_touched(galaxies: Images) -> None:
    sift = SIFT(n_words=4)
    combine([sift]).fit(galaxies)
    assert not hasattr(sift, "encoder_")


def test_settings_of_blocks_can_be_changed() -> None:
    both = combine([HOG(), Texture()])
    assert both.get_params()["hog__orientations"] == 9
    both.set_params(hog__orientations=4, texture=Pixels())
    assert isinstance(both, Combined)
    assert [type(extractor) for _, extractor in both.extractors] == [HOG, Pixels]
    assert clone(both).get_params()["hog__orientations"] == 4


def test_reasons_name_the_block(galaxies: Images) -> None:
    images = galaxies.copy()
    images[3, 0] = np.nan
    both = combine([HOG(), SIFT(n_words=4), ColorHistogram()]).fit(galaxies)
    reason = "band 1 of 3 has 0.0 % good pixels; at least 50 % are needed"
    assert both.reasons(images) == {3: f"hog: {reason}; color: {reason}"}
    with pytest.raises(CutoutError, match="row 3: hog: band 1 of 3"):
        combine([HOG()]).fit(images)


def test_combined_promises_are_those_common_to_all_blocks() -> None:
    assert combine([HOG()]).promises == {"sky", "flux", "shift", "scale"}
    assert combine([Texture(), ColorHistogram()]).promises == {
        "rotation90",
        "flip",
        "shift",
        "rotation",
        "scale",
        "noise",
    }
    assert combine([HOG(), Texture()]).promises == {"shift", "scale"}
    assert combine([HOG(), Pixels()]).promises == set()


@pytest.mark.parametrize("wrong", [[], HOG(), [HOG(), "color"], "hog"])
def test_invalid_extractors_are_refused(wrong: object) -> None:
    with pytest.raises(UsageError, match="extractors must be a list of extractors"):
        combine(wrong)  # type: ignore[arg-type]
