"""Bag-of-visual-words encoding: local descriptors of any number to one vector a galaxy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from galfeat.features.settings import whole
from galfeat.features.sift.encoder import BagEncoder

__all__ = ["BagOfWords"]


class BagOfWords(BagEncoder):
    """Histogram of visual words among the local descriptors of a galaxy.

    Words are the k-means centers of the training galaxies' descriptors, in the Hellinger metric:
    each descriptor is divided by its sum and its values replaced by their square roots. A galaxy's
    vector holds the square roots of the fractions of its descriptors that are nearest to each word,
    so its length is 1; without descriptors it is zero.

    Parameters
    ----------
    n_words : int, default 64
        Number of words, and the length of the vectors. Where the training galaxies have fewer
        different descriptors than that, each of these is a word and the other features stay zero.
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

    def __init__(
        self, n_words: int = 64, *, max_descriptors: int = 20_000, random_state: Any = 0
    ) -> None:
        self.n_words = n_words
        self.max_descriptors = max_descriptors
        self.random_state = random_state

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return ``word0``, ``word1`` and so on."""
        del input_features
        return np.array([f"word{i}" for i in range(self.n_words)], dtype=object)

    def _settings(self) -> None:
        whole("n_words", self.n_words)

    def _learn(self, rooted: NDArray[np.float64], chance: np.random.RandomState) -> None:
        different = np.unique(rooted, axis=0)
        if len(different) <= self.n_words:
            self.words_ = different
        else:
            self.words_ = np.asarray(
                KMeans(self.n_words, n_init=1, max_iter=100, random_state=chance)
                .fit(rooted)
                .cluster_centers_
            )

    def _encode(self, rooted: NDArray[np.float64]) -> NDArray[np.float64]:
        squares = (self.words_**2).sum(axis=1)
        nearest = (squares - 2 * rooted @ self.words_.T).argmin(axis=1)
        return np.asarray(np.sqrt(np.bincount(nearest, minlength=self.n_words) / len(rooted)))
