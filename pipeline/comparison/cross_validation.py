"""Who is tested when: repeated stratified folds in which what belongs together stays together."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

__all__ = [
    "families",
    "image_twins",
    "inner_split",
    "labels_twins",
    "nested",
    "position_twins",
    "repeated_folds",
]

_ARCSEC = np.pi / 180 / 3600
_NEAR = 1.0  # arcseconds: two entries that close are one galaxy


def repeated_folds(
    labels: NDArray[np.str_], family: NDArray[np.intp], n_folds: int, n_repeats: int, seed: int
) -> NDArray[np.intp]:
    """Return in which fold each galaxy is tested, shape (repeats, n).

    Every fold has nearly the same mix of classes; galaxies of one family are tested in the same
    fold. Each repeat draws anew.

    Parameters
    ----------
    labels : array of str, shape (n,)
    family : array of int, shape (n,)
        Galaxies with the same number belong together.
    n_folds, n_repeats, seed : int
    """
    folds = np.empty((n_repeats, len(labels)), dtype=np.intp)
    for repeat in range(n_repeats):
        for fold, (_, test) in enumerate(_splits(labels, family, n_folds, seed + 1000 * repeat)):
            folds[repeat, test] = fold
    return folds


def inner_split(
    labels: NDArray[np.str_], family: NDArray[np.intp], seed: int, n_folds: int = 5
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows to learn from and rows to score settings on.

    One of `n_folds` stratified parts, families undivided.
    """
    rare = min(Counter(labels.tolist()).values())
    parts = max(2, min(n_folds, rare, len(np.unique(family))))
    learn, judge = next(_splits(labels, family, parts, seed))
    return learn, judge


def _splits(
    labels: NDArray[np.str_], family: NDArray[np.intp], n_folds: int, seed: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    if len(np.unique(family)) == len(family):
        yield from StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(
            labels[:, None], labels
        )
    else:
        yield from StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(
            labels[:, None], labels, family
        )


def nested(labels: NDArray[np.str_], size: int, seed: int) -> NDArray[np.intp]:
    """Return `size` of the rows, nearly in the mix of the classes and with every class.

    Smaller sets are parts of larger ones.

    Each class is shuffled once and its members stand at even places of a line; the set is the front
    of the line.
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for name in sorted(set(labels.tolist())):
        members = rng.permutation(np.flatnonzero(labels == name))
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
        place[members[0]] = -1.0  # the front of the line holds one of every class
    return np.sort(np.argsort(place, kind="stable")[:size])


def families(n: int, ties: Sequence[NDArray[np.intp]]) -> NDArray[np.intp]:
    """Return a number a galaxy that is the same for all that are tied to each other, directly or by
    others.

    Parameters
    ----------
    n : int
    ties : sequence of array of int, shape (pairs, 2)
        Rows that belong together.

    Examples
    --------
    >>> import numpy as np
    >>> families(5, [np.array([[0, 1], [1, 3]])]).tolist()
    [0, 0, 1, 0, 2]
    """
    pairs = np.concatenate([np.empty((0, 2), dtype=np.intp), *ties])
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    found: NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return found


def labels_twins(groups: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return pairs of rows with the same text; rows without a text are alone."""
    first: dict[str, int] = {}
    pairs = [(first.setdefault(name, row), row) for row, name in enumerate(groups.tolist()) if name]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.intp).reshape(-1, 2)


def image_twins(pixels: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return pairs of rows whose prepared pixels are the same, whatever their names."""
    return labels_twins(
        np.array(
            [hashlib.sha256(np.ascontiguousarray(row).tobytes()).hexdigest() for row in pixels],
            dtype=np.str_,
        )
    )


def position_twins(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return pairs of rows that lie within one arcsecond on the sky.

    Rows without a position are alone.

    Parameters
    ----------
    ra, dec : array, shape (n,)
        Degrees; not finite where unknown.
    """
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90))
    a, d = np.deg2rad(ra[known]), np.deg2rad(dec[known])
    points = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)
    near = (
        cKDTree(points).query_pairs(_NEAR * _ARCSEC, output_type="ndarray")
        if len(known)
        else np.empty((0, 2), dtype=np.intp)
    )
    pairs: NDArray[np.intp] = known[near.astype(np.intp)].reshape(-1, 2)
    return pairs
