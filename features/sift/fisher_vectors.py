"""Fisher vector encoding of local descriptors."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from galfeat.features.settings import whole
from galfeat.features.sift.encoder import BagEncoder

__all__ = ["FisherVector"]

_WIDTH = 128  # of SIFT's descriptors: for feature names before `fit`
_LEAST_VARIANCE = 1e-6  # of RootSIFT descriptors, whose length is 1


class FisherVector(BagEncoder):
    """Gradient of the log-likelihood of a galaxy's descriptors under a Gaussian mixture.

    It says in which direction each Gaussian should move to fit them better. A mixture of Gaussians
    with diagonal covariances is fitted to the training galaxies' descriptors, in the Hellinger
    metric (divided by their sum, then rooted). A galaxy's vector is the gradient of the mean
    log-likelihood of its descriptors with respect to the Gaussians' means and standard deviations,
    each divided by the root of its Fisher information; then the improved Fisher vector's
    normalization: signed square roots, and length 1. Without descriptors it is zero.

    Parameters
    ----------
    n_components : int, default 16
        Number of Gaussians. Where the training galaxies have fewer different descriptors than that,
        there are only so many, and the other features stay zero.
    reduce : int or None, default 64
        Principal components of the rooted descriptors to keep, since the Gaussians have no
        covariances; where there are fewer, the other features stay zero. None keeps the descriptors
        as they are.
    max_descriptors : int, default 20000
        Most descriptors to learn from; of more, a random part is taken.
    random_state : int, RandomState or None, default 0
        Seed of that part and of the mixture's start.

    Attributes
    ----------
    weights_ : array, shape (components,)
    means_, variances_ : arrays, shape (components, dimensions)
        The Gaussians; at most `n_components` of them.
    center_ : array, shape (width,)
        The mean descriptor, which is taken off; zero without `reduce`.
    axes_ : array, shape (dimensions, width)
        Principal axes, by falling variance; the largest entry of each is positive. The identity
        without `reduce`.
    width_ : int
        Length of a descriptor; 0 if there was none.

    Notes
    -----
    The vector holds the means' part, Gaussian by Gaussian, then that of the standard deviations.
    Variances are at least 1e-6, where the rooted descriptors have the length 1. The gradient with
    respect to the weights is left out: it adds little (Sanchez et al.). scikit-image's
    ``fisher_vector`` has that part in front, and that of the standard deviations with the opposite
    sign.

    References
    ----------
    Perronnin, Sanchez and Mensink 2010, ECCV, doi:10.1007/978-3-642-15561-1_11;
    Sanchez et al. 2013, Int. J. Computer Vision 105, 222, doi:10.1007/s11263-013-0636-x

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import FisherVector
    >>> bags = list(np.random.default_rng(0).integers(0, 255, (5, 30, 128)))
    >>> FisherVector(n_components=2).fit_transform(bags).shape
    (5, 256)
    """

    def __init__(
        self,
        n_components: int = 16,
        *,
        reduce: int | None = 64,
        max_descriptors: int = 20_000,
        random_state: Any = 0,
    ) -> None:
        self.n_components = n_components
        self.reduce = reduce
        self.max_descriptors = max_descriptors
        self.random_state = random_state

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return ``mean0_0``, … for each Gaussian and dimension, then ``spread0_0``, …."""
        del input_features
        places = [f"{i}_{j}" for i in range(self.n_components) for j in range(self._dimensions())]
        return np.array(
            [f"{what}{place}" for what in ("mean", "spread") for place in places], dtype=object
        )

    def _dimensions(self) -> int:
        return self.reduce if self.reduce is not None else getattr(self, "width_", 0) or _WIDTH

    def _settings(self) -> None:
        whole("n_components", self.n_components)
        if self.reduce is not None:
            whole("reduce", self.reduce)

    def _learn(self, rooted: NDArray[np.float64], chance: np.random.RandomState) -> None:
        self.center_, self.axes_ = _principal(rooted, self.reduce)
        points = (rooted - self.center_) @ self.axes_.T
        count = min(self.n_components, len(np.unique(points, axis=0)))
        self.weights_ = np.zeros(0)
        self.means_ = self.variances_ = np.zeros((0, points.shape[1]))
        if count:
            mixture = _mixture(points, count, chance)
            self.weights_, self.means_, self.variances_ = (
                mixture.weights_,
                mixture.means_,
                mixture.covariances_,
            )

    def _encode(self, rooted: NDArray[np.float64]) -> NDArray[np.float64]:
        points = (rooted - self.center_) @ self.axes_.T
        vector = np.zeros((2, self.n_components, self._dimensions()))
        vector[:, : len(self.means_), : points.shape[1]] = _gradients(
            points, self.weights_, self.means_, self.variances_
        )
        signed = np.sign(vector) * np.sqrt(np.abs(vector))
        return np.asarray(signed / (np.sqrt((signed**2).sum()) or 1.0)).ravel()


def _principal(
    rooted: NDArray[np.float64], count: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return center and principal axes; axes without variance are left out, but for the first."""
    width = rooted.shape[1]
    if count is None or not len(rooted):
        return np.zeros(width), np.eye(width)
    center = rooted.mean(axis=0)
    values, vectors = np.linalg.eigh((rooted - center).T @ (rooted - center))
    kept = np.argsort(-values, kind="stable")[:count]
    kept = kept[(values[kept] > 1e-10 * values[-1]) | (np.arange(len(kept)) == 0)]
    axes = vectors[:, kept].T
    return center, axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]


def _mixture(
    points: NDArray[np.float64], count: int, chance: np.random.RandomState
) -> GaussianMixture:
    if len(points) == 1:
        points = np.repeat(points, 2, axis=0)  # scikit-learn needs two samples
    mixture = GaussianMixture(
        count, covariance_type="diag", reg_covar=_LEAST_VARIANCE, random_state=chance
    )
    with warnings.catch_warnings():
        # a hundred iterations suffice, converged or not
        warnings.simplefilter("ignore", ConvergenceWarning)
        return mixture.fit(points)


def _gradients(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the normalized gradients for means and standard deviations.

    Their shape is (2, Gaussians, dimensions): equations 17 and 18 of Sanchez et al.
    """
    shares = _posteriors(points, weights, means, variances)
    none, one, two = shares.sum(axis=0)[:, None], shares.T @ points, shares.T @ points**2
    root = np.sqrt(weights)[:, None]
    of_means = (one - none * means) / (np.sqrt(variances) * root)
    of_spreads = (two - 2 * means * one + (means**2 - variances) * none) / (
        variances * root * np.sqrt(2)
    )
    return np.stack([of_means, of_spreads]) / len(points)


def _posteriors(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    means: NDArray[np.float64],
    variances: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the posterior probability of each Gaussian for each point, (points, Gaussians)."""
    distance = (
        points**2 @ (1 / variances).T
        - 2 * points @ (means / variances).T
        + (means**2 / variances).sum(axis=1)
    )
    logs = np.log(weights) - 0.5 * (distance + np.log(variances).sum(axis=1))
    parts = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(parts / parts.sum(axis=1, keepdims=True))
