"""What every extractor must obey."""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import estimator_checks

from galfeat import CutoutError, UsageError
from galfeat.features import (
    EXTRACTORS,
    HOG,
    INVARIANCES,
    SIFT,
    ColorHistogram,
    Extractor,
    Pixels,
    Shape,
    Texture,
    combine,
)

Images = NDArray[np.float32]

KINDS: dict[str, Callable[[], Extractor]] = {
    "pixels": Pixels,
    "pixels, 3x3": lambda: Pixels(downsample=3),
    "pixels, resampled": lambda: Pixels(size=7),
    "color": ColorHistogram,
    "color, all pairs": lambda: ColorHistogram(bins=7, pairs="all", pair_bins=3),
    "texture": Texture,
    "texture, few": lambda: Texture(levels=8, distances=[3], radii=[2]),
    "hog": HOG,
    "hog, strongest": lambda: HOG(7, (6, 5), (3, 2), channel="strongest", block_norm="L1-sqrt"),
    "hog, averaged": lambda: HOG(rotation="averaged"),
    "hog, mirrored": lambda: HOG(4, (5, 5), (3, 3), rotation="mirrored", block_norm="L2"),
    "sift": lambda: SIFT(n_words=8),
    "sift, dense": lambda: SIFT(n_words=3, keypoints="dense", encoding="fisher", size=4.0),
    "sift, galaxy": lambda: SIFT(n_words=4, region="galaxy", significance=2.0),
    "shape": Shape,
    "shape, linear": lambda: Shape("linear", sersic=False, outlier_sigma=0.0),
    "combined": lambda: combine([HOG(), ColorHistogram(), SIFT(n_words=8), HOG(4)]),
}


@pytest.fixture(params=KINDS)
def extractor(request: pytest.FixtureRequest) -> Extractor:
    return KINDS[request.param]()


def test_every_registered_extractor_is_tested_here() -> None:
    missing = set(EXTRACTORS) - {kind().key for kind in KINDS.values()}
    assert not missing, "add the new extractor to KINDS above"


def test_a_region_without_good_pixels_gives_numbers_or_a_reason(
    extractor: Extractor, galaxies: Images
) -> None:
    images = galaxies.copy()
    images[0, :, :24, :20] = np.nan  # a quarter: enough good pixels are left
    if 0 not in extractor.fit(galaxies).reasons(images):
        assert np.isfinite(extractor.transform(images)).all()


def test_an_undefined_feature_is_a_reason_and_no_nan(galaxies: Images) -> None:
    class Undefined(Pixels):
        def measure_images(self, images: Images) -> Images:
            vectors = np.asarray(super().measure_images(images)).copy()
            vectors[np.abs(images).max(axis=(1, 2, 3)) > 100, 3] = np.nan
            return vectors

    images = galaxies.copy()
    images[1, 0, 0, 0] = 1000
    with pytest.raises(CutoutError, match="undefined") as caught:
        Undefined(size=7).fit(images).transform(images)
    assert list(caught.value.reasons) == [1]


@pytest.mark.slow
def test_rows_are_float32_named_and_contiguous(extractor: Extractor, galaxies: Images) -> None:
    vectors = extractor.fit(galaxies).transform(galaxies)
    names = extractor.get_feature_names_out(["u", "g", "r"])
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    assert np.isfinite(vectors).all()
    assert vectors.shape == (len(galaxies), len(names))
    assert len(set(names)) == len(names)
    assert extractor.feature_names(("u", "g", "r"), galaxies.shape[2:]) == list(names)


def test_names_do_not_depend_on_pixels(extractor: Extractor, galaxies: Images) -> None:
    names = clone(extractor).fit(galaxies).get_feature_names_out()
    other = clone(extractor).fit(galaxies[:1] * 0).get_feature_names_out()
    assert list(names) == list(other)


def test_a_row_depends_on_its_own_pixels_only(
    extractor: Extractor, galaxies: Images, holes: NDArray[np.bool_]
) -> None:
    images = np.where(holes & (np.arange(6) % 2 == 0)[:, None, None, None], np.nan, galaxies)
    vectors = extractor.fit(images).transform(images)
    many = extractor.transform(np.tile(images, (9, 1, 1, 1)))
    assert np.array_equal(many.reshape(9, *vectors.shape), np.tile(vectors, (9, 1, 1)))
    assert np.array_equal(extractor.transform(images[::-1]), vectors[::-1])
    for row, image in enumerate(images):
        assert np.array_equal(extractor.transform(image[None])[0], vectors[row])


def test_fit_transform_is_fit_then_transform(extractor: Extractor, galaxies: Images) -> None:
    assert np.array_equal(
        clone(extractor).fit_transform(galaxies), clone(extractor).fit(galaxies).transform(galaxies)
    )


def test_transforming_changes_nothing(extractor: Extractor, galaxies: Images) -> None:
    extractor.fit(galaxies)
    before = pickle.dumps(extractor)
    first = extractor.transform(galaxies)
    extractor.reasons(galaxies)
    assert pickle.dumps(extractor) == before
    assert np.array_equal(extractor.transform(galaxies), first)
    assert np.array_equal(pickle.loads(before).transform(galaxies), first)


def test_the_input_is_never_written_to(
    extractor: Extractor, galaxies: Images, holes: NDArray[np.bool_]
) -> None:
    for images in (galaxies.copy(), np.where(holes, np.nan, galaxies)):
        kept = images.copy()
        extractor.fit(images).transform(images)
        assert np.array_equal(images, kept, equal_nan=True)


@pytest.mark.parametrize("junk", [np.inf, -np.inf, -np.nan])
def test_what_a_bad_pixel_held_does_not_matter(
    extractor: Extractor, galaxies: Images, holes: NDArray[np.bool_], junk: float
) -> None:
    clean = extractor.fit(galaxies).transform(np.where(holes, np.nan, galaxies))
    assert np.array_equal(extractor.transform(np.where(holes, np.float32(junk), galaxies)), clean)
    assert not np.array_equal(clean, extractor.transform(np.where(holes, 0, galaxies))), (
        "bad pixels are not zeros"
    )


def test_masked_arrays_keep_their_mask(
    extractor: Extractor, galaxies: Images, holes: NDArray[np.bool_]
) -> None:
    clean = extractor.fit(galaxies).transform(np.where(holes, np.nan, galaxies))
    for junk in (1e30, -1e30):
        masked = np.ma.MaskedArray(np.where(holes, junk, galaxies), mask=holes)
        assert np.array_equal(extractor.transform(masked), clean)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::galfeat.PixelUnitWarning")  # of zeros and ones
@pytest.mark.parametrize("kind", ["<f8", ">f8", ">f4", "f2", "u1", ">i2", "<i4", ">i8", "?"])
def test_any_number_type_and_byte_order(extractor: Extractor, galaxies: Images, kind: str) -> None:
    images = np.clip(np.rint(galaxies * 2), 0, 1 if kind == "?" else 100).astype(kind)
    as_float = images.astype(np.float32)
    expected = extractor.fit(as_float).transform(as_float)
    assert np.array_equal(extractor.transform(images), expected)
    strided = np.repeat(images, 2, axis=3)[..., ::2]
    assert np.array_equal(extractor.transform(strided), expected)
    assert np.array_equal(extractor.transform(images.tolist()), expected)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            np.zeros((48, 40)),
            r"X must have the four axes \(n, bands, ny, nx\); its shape is \(48, 40\)",
        ),
        (np.zeros((2, 48, 40)), r"four axes .* \(2, 48, 40\)"),
        (
            np.zeros((0, 3, 48, 40)),
            r"at least one image, band and pixel; its shape is \(0, 3, 48, 40\)",
        ),
        (np.zeros((2, 0, 48, 40)), r"at least one image, band and pixel"),
        (
            np.zeros((1, 3, 48, 40), dtype=complex),
            r"X must hold real numbers; its values are of type complex128",
        ),
        (np.zeros((1, 3, 48, 40), dtype=object), r"real numbers; .* object"),
        (np.full((1, 3, 48, 40), "a"), r"real numbers; .* <U1"),
        ([[[["a"]]]], r"real numbers"),
    ],
)
def test_invalid_batches_are_refused(
    extractor: Extractor, galaxies: Images, wrong: Any, words: str
) -> None:
    extractor.fit(galaxies)
    for use in (clone(extractor).fit, extractor.transform, extractor.reasons):
        with pytest.raises(UsageError, match=words):
            use(wrong)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if KINDS[kind]().smallest_shape() > (1, 1)]
)
def test_too_small_images_are_refused_with_what_is_needed(kind: str) -> None:
    extractor = KINDS[kind]()
    ny, nx = extractor.smallest_shape()
    small = np.zeros((2, 3, ny - 1, nx))
    words = f"X has images of {ny - 1}x{nx} pixels; .* needs at least {ny}x{nx}"
    with pytest.raises(UsageError, match=words):
        extractor.fit(small)
    with pytest.raises(UsageError, match=words):
        extractor.feature_names(("a", "b", "c"), (ny - 1, nx))
    assert list(extractor.reasons(small)) == [0, 1]
    assert extractor.fit_transform(np.zeros((1, 3, ny, nx))).shape[0] == 1


def test_another_shape_than_fitted_is_refused(extractor: Extractor, galaxies: Images) -> None:
    extractor.fit(galaxies)
    with pytest.raises(
        UsageError,
        match=(
            r"X has images of \(bands, ny, nx\) = \(2, 48, 40\); this .* was fitted on \(3, 48, "
            r"40\)"
        ),
    ):
        extractor.transform(galaxies[:, :2])


def test_bad_rows_are_named_and_the_others_can_be_measured(
    extractor: Extractor, galaxies: Images
) -> None:
    images = galaxies.copy()
    images[1] = np.nan
    images[4, :, :30] = np.inf
    extractor.fit(galaxies)
    reasons = extractor.reasons(images)
    assert list(reasons) == [1, 4]
    assert "good pixels; at least 50 % are needed" in reasons[1]
    assert "37.5 %" in reasons[4]
    with pytest.raises(CutoutError) as caught:
        extractor.transform(images)
    assert caught.value.reasons == reasons
    good = [0, 2, 3, 5]
    assert np.array_equal(extractor.transform(images[good]), extractor.transform(galaxies[good]))


def test_a_good_batch_has_no_reasons(
    extractor: Extractor, galaxies: Images, holes: NDArray[np.bool_]
) -> None:
    assert extractor.reasons(np.where(holes, np.nan, galaxies)) == {}
    assert extractor.reasons(np.zeros_like(galaxies)) == {}, (
        "a constant image is measured, as its class says"
    )


def test_constant_images_give_numbers(extractor: Extractor) -> None:
    for level in (0.0, -3.5, 1e30):
        assert np.isfinite(extractor.fit_transform(np.full((3, 2, 32, 32), level))).all()


CHANGES: dict[str, Callable[[Images], Images]] = {
    "sky": lambda images: images + 1024,
    "flux": lambda images: images * np.float32(2.0**-40),
    "rotation90": lambda images: np.rot90(images, axes=(2, 3)),
    "flip": lambda images: images[..., ::-1],
}


@pytest.mark.parametrize(
    ("kind", "change"),
    [(kind, change) for kind in KINDS for change in sorted(KINDS[kind]().promises & set(CHANGES))],
)
def test_exact_promises_are_kept_to_rounding(kind: str, change: str) -> None:
    extractor = KINDS[kind]()
    chance = np.random.default_rng(8)
    # the sky adds exactly
    images = (np.rint(chance.normal(1, 2, (4, 2, 40, 40)) * 256) / 256).astype(np.float32)
    vectors = extractor.fit(images).transform(images)
    assert np.abs(extractor.transform(CHANGES[change](images)) - vectors).max() < 1e-6


def test_promises_are_words_of_the_face(extractor: Extractor) -> None:
    assert extractor.promises <= set(INVARIANCES)
    assert set(CHANGES) == {name for name, invariance in INVARIANCES.items() if invariance.exact}, (
        "the others are audited"
    )


def test_pandas_output(extractor: Extractor, galaxies: Images) -> None:
    vectors = extractor.fit(galaxies).transform(galaxies)
    frame = clone(extractor).set_output(transform="pandas").fit_transform(galaxies)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == list(extractor.get_feature_names_out())
    assert np.array_equal(frame.to_numpy(), vectors)


def test_the_container_of_scikit_learn_as_a_whole(galaxies: Images) -> None:
    with config_context(transform_output="pandas"):
        assert list(HOG().transform(galaxies).columns) == list(  # type: ignore[attr-defined]
            HOG().fit(galaxies).get_feature_names_out()
        )
        assert isinstance(HOG().set_output(transform="default").fit_transform(galaxies), np.ndarray)
    with pytest.raises(
        UsageError, match="transform must be one of default, pandas, polars; it is 'excel'"
    ):
        HOG().set_output(transform="excel")


def test_settings_by_name() -> None:
    hog = HOG(7, channel="strongest").set_params(orientations=5, block_norm="L2-Hys")
    assert repr(hog) == "HOG(orientations=5, channel='strongest')"
    with pytest.raises(
        UsageError,
        match=(
            r"Invalid parameter 'size' for HOG\(orientations=5.* its settings are orientations, "
            r"pixels"
        ),
    ):
        hog.set_params(size=3)


@pytest.mark.slow
def test_measuring_does_not_import_scikit_learn() -> None:
    """It takes a second to load, many times what it takes to measure a galaxy."""
    code = """if True:
        import sys
        import numpy as np
        from galfeat.features import EXTRACTORS
        for kind in EXTRACTORS.values():
            extractor = kind()
            measure = getattr(extractor, "describe", extractor.transform)
            getattr(extractor, "measure_scalars", measure)(np.ones((1, 1, 32, 32)))
        print(sorted({"sklearn", "pandas", "cv2", "skimage", "astropy"} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_in_a_pipeline(extractor: Extractor, galaxies: Images) -> None:
    both = make_pipeline(extractor, FunctionTransformer(feature_names_out="one-to-one"))
    assert both.fit_transform(galaxies).shape == (6, len(both[:1].get_feature_names_out()))


def test_names_need_a_shape(extractor: Extractor, galaxies: Images) -> None:
    with pytest.raises(NotFittedError, match="fit this"):
        extractor.get_feature_names_out()
    with pytest.raises(UsageError, match="names of 3 bands"):
        extractor.fit(galaxies).get_feature_names_out(["u", "g"])


def test_stateless_extractors_need_no_fit(extractor: Extractor, galaxies: Images) -> None:
    if extractor.__sklearn_tags__().requires_fit:
        with pytest.raises(NotFittedError):
            extractor.transform(galaxies)
    else:
        assert np.array_equal(
            extractor.transform(galaxies), clone(extractor).fit(galaxies).transform(galaxies)
        )


def test_parameters_survive_cloning(extractor: Extractor) -> None:
    copy = clone(extractor)
    assert copy is not extractor
    assert repr(copy) == repr(extractor)
    plain = [name for name in copy.get_params(deep=False) if name != "extractors"]
    assert all(copy.get_params()[name] == extractor.get_params()[name] for name in plain)


@pytest.mark.parametrize("least", [0, -1, 1.5, "half", True])
def test_min_good_is_a_fraction(least: Any, galaxies: Images) -> None:
    with pytest.raises(UsageError, match="min_good must be a fraction"):
        HOG(min_good=least).transform(galaxies)


TABLE = (
    "makes a table (n, k) and expects it to be fitted; images have four axes. The same law is "
    "tested on images by "
)
REFUSES = (
    "makes a table (n, k) and expects its own words in the refusal; ours are tested by "
    "test_invalid_batches_are_refused"
)
SKIPPED = {
    "check_fit_score_takes_y": TABLE + "test_in_a_pipeline",
    "check_estimators_overwrite_params": TABLE + "test_transforming_changes_nothing",
    "check_dont_overwrite_parameters": TABLE + "test_transforming_changes_nothing",
    "check_estimators_fit_returns_self": TABLE + "test_rows_are_float32_named_and_contiguous",
    "check_readonly_memmap_input": TABLE + "every test here: the images are read-only",
    "check_positive_only_tag_during_fit": TABLE + "test_any_number_type_and_byte_order",
    "check_estimators_dtypes": TABLE + "test_any_number_type_and_byte_order",
    "check_complex_data": REFUSES,
    "check_dtype_object": REFUSES,
    "check_estimators_empty_data_messages": REFUSES,
    "check_pipeline_consistency": TABLE + "test_in_a_pipeline",
    "check_estimator_sparse_tag": (
        "sparse matrices have two axes; they are refused as something else than real numbers"
    ),
    "check_estimator_sparse_array": (
        "sparse matrices have two axes; they are refused as something else than real numbers"
    ),
    "check_estimator_sparse_matrix": (
        "sparse matrices have two axes; they are refused as something else than real numbers"
    ),
    "check_estimators_pickle": TABLE + "test_transforming_changes_nothing",
    "check_f_contiguous_array_estimator": TABLE + "test_any_number_type_and_byte_order",
    "check_transformer_data_not_an_array": TABLE + "test_any_number_type_and_byte_order",
    "check_transformer_general": TABLE + "test_fit_transform_is_fit_then_transform",
    "check_methods_sample_order_invariance": TABLE + "test_a_row_depends_on_its_own_pixels_only",
    "check_methods_subset_invariance": TABLE + "test_a_row_depends_on_its_own_pixels_only",
    "check_fit2d_1sample": REFUSES,
    "check_fit2d_1feature": REFUSES,
    "check_dict_unchanged": TABLE + "test_transforming_changes_nothing",
    "check_fit_idempotent": TABLE + "test_fit_transform_is_fit_then_transform",
    "check_fit_check_is_fitted": TABLE + "test_stateless_extractors_need_no_fit",
    "check_n_features_in": "an image batch has a shape, not a number of features",
    "check_fit2d_predict1d": REFUSES,
}
# array API and sample weights: not offered
OPTIONAL = ("check_array_api", "check_sample_weight", "check_all_zero_sample_weights")


def sklearn_checks() -> Iterator[Any]:
    """Whatever scikit-learn asks of a transformer, but for what `SKIPPED` lists."""
    for check in estimator_checks._yield_all_checks(StandardScaler(), legacy=True):
        name = getattr(check, "func", check).__name__
        if name not in SKIPPED and not name.startswith(OPTIONAL):
            yield pytest.param(check, id=name)


@pytest.mark.parametrize("check", list(sklearn_checks()))
@pytest.mark.parametrize("kind", [*EXTRACTORS, "combined"])
def test_scikit_learn_checks(kind: str, check: Callable[[str, Extractor], None]) -> None:
    check(kind, KINDS[kind]())


def test_skipped_checks_exist_and_replacing_tests_too() -> None:
    for name, reason in SKIPPED.items():
        assert hasattr(estimator_checks, name)
        for word in reason.split():
            assert not word.startswith("test_") or word in globals(), word
