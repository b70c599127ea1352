"""Bags of visual words: local descriptors of any number to one vector a galaxy."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted, check_random_state
from threadpoolctl import threadpool_limits

from galfeat import UsageError
from galfeat.features.settings import whole

__all__ = ["BagOfWords"]


class BagOfWords(TransformerMixin, BaseEstimator):
    """How often each visual word occurs among a galaxy's local descriptors.

    Words are the k-means centres of the training galaxies' descriptors, in the Hellinger metric: each descriptor is divided by
    its sum and its values replaced by their square roots. A galaxy's vector holds the square roots of the fractions of its
    descriptors that are nearest to each word, so its length is 1; without descriptors it is zero.

    Parameters
    ----------
    n_words : int, default 64
        Number of words, and the length of the vectors. Where the training galaxies have fewer different descriptors than
        that, each of these is a word and the other features stay zero.
    max_descriptors : int, default 20000
        Most descriptors to learn from; of more, a random part is taken.
    random_state : int, RandomState or None, default 0
        Seed of that part and of k-means.

    Attributes
    ----------
    words_ : array, shape (words, width)
        The words, as rooted descriptors; at most `n_words` of them.
    width_ : int
        Length of a descriptor; 0 if there was none.

    References
    ----------
    Csurka et al. 2004, ECCV workshop on statistical learning in computer vision;
    Arandjelovic and Zisserman 2012, CVPR, doi:10.1109/CVPR.2012.6248018

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import BagOfWords
    >>> up, right = np.array([[1, 0]]), np.array([[0, 1]])
    >>> bags = BagOfWords(n_words=2).fit_transform([up, right, np.concatenate([up, right]), up[:0]])
    >>> (bags**2).sum(axis=1).round(6)
    array([1., 1., 1., 0.], dtype=float32)
    """

    def __init__(self, n_words: int = 64, *, max_descriptors: int = 20_000, random_state: Any = 0) -> None:
        self.n_words = n_words
        self.max_descriptors = max_descriptors
        self.random_state = random_state

    def fit(self, X: Sequence[ArrayLike], y: object = None) -> Self:
        """Learn the words.

        Parameters
        ----------
        X : sequence of arrays, each of shape (descriptors, width)
            Local descriptors of each training galaxy, not negative; of 0 or more.
        y : ignored

        Returns
        -------
        self
        """
        del y
        whole("n_words", self.n_words)
        whole("max_descriptors", self.max_descriptors)
        bags = _as_bags(X)
        self.width_ = next((bag.shape[1] for bag in bags if len(bag)), 0)
        every = np.concatenate([_same_width(bag, self.width_) for bag in bags])
        chance = check_random_state(self.random_state)
        if len(every) > self.max_descriptors:
            every = every[np.sort(chance.choice(len(every), self.max_descriptors, replace=False))]
        self.words_ = self._words(_rooted(every), chance)
        return self

    def transform(self, X: Sequence[ArrayLike]) -> NDArray[np.float32]:
        """Count the words.

        Parameters
        ----------
        X : sequence of arrays, each of shape (descriptors, width)

        Returns
        -------
        array of float32, shape (n, n_words)
        """
        check_is_fitted(self)
        bags = np.zeros((len(X), self.n_words), dtype=np.float32)
        for row, bag in zip(bags, _as_bags(X), strict=True):
            if len(bag) and len(self.words_):
                counts = np.bincount(self._nearest(_rooted(_same_width(bag, self.width_))), minlength=self.n_words)
                row[:] = np.sqrt(counts / len(bag))
        return bags

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return ``word0``, ``word1`` and so on."""
        del input_features
        return np.array([f"word{i}" for i in range(self.n_words)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _words(self, rooted: NDArray[np.float64], chance: np.random.RandomState) -> NDArray[np.float64]:
        different = np.unique(rooted, axis=0)
        if len(different) <= self.n_words:
            return different
        with threadpool_limits(limits=1):  # the sums of several threads would depend on their number
            found = KMeans(self.n_words, n_init=1, max_iter=100, random_state=chance).fit(rooted)
        return np.asarray(found.cluster_centers_)

    def _nearest(self, rooted: NDArray[np.float64]) -> NDArray[np.intp]:
        squares = (self.words_**2).sum(axis=1)
        return np.asarray((squares - 2 * rooted @ self.words_.T).argmin(axis=1))


def _as_bags(X: Sequence[ArrayLike]) -> list[NDArray[np.float64]]:
    if isinstance(X, str) or not hasattr(X, "__len__") or len(X) == 0:
        raise UsageError(f"X must be a list of at least one array of descriptors; it is {type(X).__name__} {X!r:.40}")
    bags = [np.asarray(bag) for bag in X]
    for i, bag in enumerate(bags):
        if bag.ndim != 2 or bag.dtype.kind not in "biuf" or (bag.size and not (np.isfinite(bag).all() and bag.min() >= 0)):
            what = f"its shape is {bag.shape}, its type {bag.dtype}"
            raise UsageError(f"X[{i}] must be an array of descriptors (rows) of finite numbers, 0 or more; {what}")
    return [bag.astype(np.float64) for bag in bags]


def _same_width(bag: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    if len(bag) and bag.shape[1] != width:
        raise UsageError(f"X has descriptors of {bag.shape[1]} values among descriptors of {width}")
    return bag.reshape(len(bag), width)


def _rooted(descriptors: NDArray[np.float64]) -> NDArray[np.float64]:
    """RootSIFT: after it, Euclid's distance is Hellinger's."""
    total = descriptors.sum(axis=1, keepdims=True)
    return np.sqrt(descriptors / np.where(total > 0, total, 1.0))
