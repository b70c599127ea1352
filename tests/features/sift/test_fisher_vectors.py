import pickle
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.feature import fisher_vector
from sklearn.base import clone
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.features import FisherVector

Bags = list[NDArray[np.uint8]]


def bags(seed: int = 0, n: int = 12, width: int = 128) -> Bags:
    """Descriptors around five different ones, in parts that differ from bag to bag; the first bag
    is empty.
    """
    chance = np.random.default_rng(seed)
    centers = chance.integers(0, 100, (5, width))
    return [
        np.clip(
            centers[chance.integers(0, 5, 3 * k)] + chance.integers(-9, 10, (3 * k, width)), 0, 255
        ).astype(np.uint8)
        for k in range(n)
    ]


def rooted(bag: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(bag / bag.sum(axis=1, keepdims=True)))


def as_mixture(
    weights: NDArray[np.float64], means: NDArray[np.float64], spreads: NDArray[np.float64]
) -> GaussianMixture:
    mixture = GaussianMixture(len(weights), covariance_type="diag")
    mixture.weights_, mixture.means_, mixture.covariances_ = weights, means, spreads**2
    mixture.precisions_cholesky_ = 1 / spreads
    return mixture


def unpowered(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """Undo the signed square root; the length is lost."""
    squares = np.sign(vector) * vector**2
    return np.asarray(squares / np.linalg.norm(squares))


def test_it_is_the_gradient_of_the_likelihood() -> None:
    """Finite differences of scikit-learn's log-likelihood, times spread / root(weight), and 1 /
    root(2) for the spreads.
    """
    learned = FisherVector(3, reduce=4).fit(bags())
    bag = bags(1)[5]
    points = (rooted(bag) - learned.center_) @ learned.axes_.T
    weights, means, spreads = learned.weights_, learned.means_, np.sqrt(learned.variances_)

    def mean_log_likelihood(means: NDArray[np.float64], spreads: NDArray[np.float64]) -> float:
        return float(as_mixture(weights, means, spreads).score_samples(points).mean())

    gradient = np.empty((2, 3, 4))
    for i, j in np.ndindex(3, 4):
        step = np.zeros((3, 4))
        step[i, j] = 1e-4 * spreads[i, j]
        scale = spreads[i, j] / np.sqrt(weights[i]) / (2 * step[i, j])
        gradient[0, i, j] = scale * (
            mean_log_likelihood(means + step, spreads) - mean_log_likelihood(means - step, spreads)
        )
        gradient[1, i, j] = (
            scale
            / np.sqrt(2)
            * (
                mean_log_likelihood(means, spreads + step)
                - mean_log_likelihood(means, spreads - step)
            )
        )
    vector = learned.transform([bag])[0].astype(np.float64)
    assert np.allclose(unpowered(vector), gradient.ravel() / np.linalg.norm(gradient), atol=1e-5)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_it_is_scikit_images_but_for_their_weights_part() -> None:
    """Theirs begins with the gradient of the weights, normalized together with the others; that of
    the spreads has the wrong sign.
    """
    learned = FisherVector(4, reduce=6).fit(bags())
    mixture = as_mixture(learned.weights_, learned.means_, np.sqrt(learned.variances_))
    for bag in bags(2)[1:]:
        theirs = fisher_vector(  # type: ignore[no-untyped-call]
            (rooted(bag) - learned.center_) @ learned.axes_.T, mixture, improved=True
        )[-2 * 4 * 6 :]
        theirs[24:] *= -1
        ours = learned.transform([bag])[0]
        assert np.allclose(ours, theirs / np.linalg.norm(theirs), atol=2e-5)


def test_one_gaussian_by_pencil() -> None:
    """Rooted descriptors (1, 0) and (0, 1), equally frequent: mean 1/2 and spread 1/2 along both
    axes, as far as the floor lets.

    A bag of (1, 0) alone lies one spread above the first mean and below the second, so the means'
    part is 1 and -1; that of the spreads is (1 - 1) / root 2 = 0. Its length is root 2.
    """
    one, other = np.array([[7, 0]]), np.array([[0, 3]])
    learned = FisherVector(1, reduce=None).fit([one, other])
    assert np.allclose(learned.means_, 0.5)
    assert np.allclose(learned.variances_, 0.25 + 1e-6)
    vector = learned.transform([one])[0]
    assert np.allclose(vector[:2], [0.5**0.5, -(0.5**0.5)], atol=1e-5)
    assert np.allclose(vector[2:], 0, atol=3e-3), "roots of a millionth"


def test_reduction_keeps_the_largest_variances() -> None:
    learned = FisherVector(2, reduce=3).fit(bags())
    every = rooted(np.concatenate(bags()[1:]))
    values = np.linalg.svd(every - every.mean(axis=0), compute_uv=False)
    assert np.allclose(learned.axes_ @ learned.axes_.T, np.eye(3))
    assert np.allclose(
        np.linalg.norm((every - learned.center_) @ learned.axes_.T, axis=0), values[:3]
    )
    assert (learned.axes_[np.arange(3), np.abs(learned.axes_).argmax(axis=1)] > 0).all()


def test_shapes_names_and_the_empty_bag() -> None:
    for reduce, dimensions in ((64, 64), (200, 200), (None, 128), (3, 3)):
        vectors = FisherVector(2, reduce=reduce).fit_transform(bags())
        names = FisherVector(2, reduce=reduce).get_feature_names_out()
        assert vectors.shape == (12, 4 * dimensions) == (12, len(set(names)))
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
        assert not vectors[0].any()
        assert np.allclose((vectors[1:] ** 2).sum(axis=1), 1)
    few = list(FisherVector(2, reduce=3).get_feature_names_out())
    assert few[:4] == ["mean0_0", "mean0_1", "mean0_2", "mean1_0"]
    assert few[6] == "spread0_0"
    assert len(FisherVector(2, reduce=None).fit(bags(width=7)).get_feature_names_out()) == 28


def test_fewer_descriptors_than_gaussians() -> None:
    few = [np.eye(4)[:2], np.eye(4)[1:3], np.zeros((0, 4))]
    learned = FisherVector(10, reduce=5).fit(few)
    assert len(learned.means_) == 3
    vectors = learned.transform(few)
    assert vectors.shape == (3, 100)
    assert np.isfinite(vectors).all()
    parts = vectors.reshape(3, 2, 10, 5)
    assert not parts[:, :, 3:].any(), "Gaussians that are not there"
    assert not parts[..., 2:].any(), "three points lie in a plane"


@pytest.mark.parametrize("reduce", [None, 2])
def test_one_descriptor_or_none(reduce: int | None) -> None:
    one = FisherVector(4, reduce=reduce).fit([np.ones((1, 3))])
    assert np.isfinite(one.transform([np.ones((1, 3)), np.array([[1, 2, 3]])])).all()
    none = FisherVector(4, reduce=reduce).fit([np.zeros((0, 3))] * 2)
    assert not none.transform([np.ones((5, 3)), np.zeros((0, 3))]).any()


def test_the_same_whatever_the_threads_runs_and_companions() -> None:
    first = FisherVector(4).fit(bags())
    with threadpool_limits(limits=1):
        second = FisherVector(4).fit(bags())
    vectors = first.transform(bags(1))
    assert np.array_equal(vectors, second.transform(bags(1)))
    assert np.array_equal(vectors, np.concatenate([first.transform([bag]) for bag in bags(1)]))
    assert np.array_equal(pickle.loads(pickle.dumps(first)).transform(bags(1)), vectors)
    assert np.array_equal(clone(first).fit_transform(bags()), first.transform(bags()))
    assert not np.array_equal(
        vectors, FisherVector(4, random_state=1).fit(bags()).transform(bags(1))
    )


def test_the_scale_of_a_descriptor_does_not_matter() -> None:
    learned = FisherVector(3).fit(bags())
    bag = bags(1)[4].astype(np.float64)
    assert np.allclose(learned.transform([bag]), learned.transform([0.001 * bag]), atol=1e-6)


def test_learning_from_a_part() -> None:
    part = FisherVector(30, max_descriptors=5).fit(bags())
    assert len(part.means_) == 5
    assert np.array_equal(part.means_, FisherVector(30, max_descriptors=5).fit(bags()).means_)


def test_no_warnings_and_no_modified_inputs() -> None:
    given = bags()
    kept = [bag.copy() for bag in given]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FisherVector(16).fit_transform(given)
    assert all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"n_components": 0}, "n_components must be"),
        ({"reduce": 0}, "reduce must be"),
        ({"max_descriptors": 0}, "max_desc"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        FisherVector(**settings).fit(bags())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([], "X must be a list of at least one array of descriptors"),
        ("text", "X must be a list"),
        ([np.zeros(3)], r"X\[0\] must be an array of descriptors .* its shape is \(3,\)"),
        ([np.zeros((1, 3)), np.full((1, 3), -1)], r"X\[1\] must be .* 0 or more"),
        ([np.full((1, 3), np.nan)], "finite numbers"),
        ([np.zeros((1, 3)), np.zeros((1, 4))], "descriptors of 4 values among descriptors of 3"),
    ],
)
def test_invalid_descriptors_are_refused(wrong: list[np.ndarray], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        FisherVector(2).fit(wrong)
    with pytest.raises(UsageError):
        FisherVector(2).fit([np.eye(3)]).transform(wrong)
