import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.features import BagOfWords


def bags(seed: int = 0, n: int = 20) -> list[np.ndarray]:
    """Descriptors around three different ones, in parts that differ from bag to bag."""
    chance = np.random.default_rng(seed)
    centers = chance.integers(0, 100, (3, 128))
    return [
        np.clip(
            centers[chance.integers(0, 3, k)] + chance.integers(-3, 4, (k, 128)), 0, 255
        ).astype(np.uint8)
        for k in range(n)
    ]


def test_by_pencil() -> None:
    a, b = [4, 0], [0, 9]
    learned = BagOfWords(n_words=2).fit([np.array([a, b, a])])
    vectors = learned.transform([np.array([a, a, a, b]), np.array([[1, 0]]), np.zeros((0, 2))])
    one = int(vectors[1].argmax())
    assert vectors[0, one] == np.float32(0.75**0.5), (
        "the root of three in four; only the direction of a descriptor counts"
    )
    assert vectors[0, 1 - one] == 0.5
    assert vectors[2].tolist() == [0, 0]


def test_words_are_rooted_by_pencil() -> None:
    assert BagOfWords(n_words=1).fit([np.array([[1, 3]])]).words_.tolist() == [[0.5, 0.75**0.5]]


def test_three_clusters_are_three_words() -> None:
    vectors = BagOfWords(n_words=3).fit_transform(bags())
    assert vectors.dtype == np.float32
    assert np.allclose((vectors**2).sum(axis=1), [0] + [1] * 19)
    centers = np.random.default_rng(0).integers(0, 100, (3, 128))
    assert (
        len(
            {
                int(BagOfWords(n_words=3).fit(bags()).transform([c[None]])[0].argmax())
                for c in centers
            }
        )
        == 3
    )


def test_fewer_descriptors_than_words() -> None:
    few = [np.eye(4)[:2], np.eye(4)[1:3], np.zeros((0, 4))]
    learned = BagOfWords(n_words=10).fit(few)
    assert learned.words_.shape == (3, 4)
    vectors = learned.transform(few)
    assert vectors.shape == (3, 10)
    assert not vectors[:, 3:].any()


def test_no_descriptors_at_all() -> None:
    learned = BagOfWords(n_words=4).fit([np.zeros((0, 128), dtype=np.uint8)] * 3)
    assert not learned.transform([np.ones((5, 128)), np.zeros((0, 128))])[1].any()


def test_a_zero_descriptor_is_a_word_like_others() -> None:
    assert BagOfWords(n_words=2).fit_transform([np.array([[0, 0], [1, 1]])]).tolist() == [
        [np.float32(0.5**0.5)] * 2
    ]


def test_the_same_words_whatever_the_threads_and_runs() -> None:
    first = BagOfWords(n_words=8, random_state=3).fit(bags())
    with threadpool_limits(limits=1):
        second = BagOfWords(n_words=8, random_state=3).fit(bags())
    assert np.array_equal(first.words_, second.words_)
    assert not np.array_equal(
        first.words_, BagOfWords(n_words=8, random_state=4).fit(bags()).words_
    )


def test_a_bag_depends_on_itself_only() -> None:
    learned = BagOfWords(n_words=8).fit(bags())
    together = learned.transform(bags(1))
    alone = np.concatenate([learned.transform([bag]) for bag in bags(1)])
    assert np.array_equal(together, alone)


def test_learning_from_a_part() -> None:
    learned = BagOfWords(n_words=30, max_descriptors=5).fit(bags())
    assert len(learned.words_) == 5
    assert np.array_equal(
        learned.words_, BagOfWords(n_words=30, max_descriptors=5).fit(bags()).words_
    )


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
        BagOfWords(n_words=2).fit(wrong)


def test_names() -> None:
    assert BagOfWords(n_words=2).get_feature_names_out().tolist() == ["word0", "word1"]
