"""Repeated stratified group k-fold, the inner split, and groups of duplicate galaxies."""

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
    "close_positions",
    "connected_groups",
    "identical_images",
    "identical_texts",
    "inner_split",
    "nested_subset",
    "repeated_folds",
]

_ARCSEC = np.pi / 180 / 3600
_MATCH_RADIUS = 1.0  # arcseconds: two entries this close are one galaxy


def repeated_folds(
    labels: NDArray[np.str_], groups: NDArray[np.intp], n_folds: int, n_repeats: int, seed: int
) -> NDArray[np.intp]:
    """Return in which fold each galaxy is tested, shape (repeats, n).

    Folds are stratified by class, and galaxies of one group are in the same fold. Each repeat is
    another random partition.

    Parameters
    ----------
    labels : array of str, shape (n,)
    groups : array of int, shape (n,)
        Galaxies with the same number are in one group.
    n_folds, n_repeats, seed : int
    """
    folds = np.empty((n_repeats, len(labels)), dtype=np.intp)
    for repeat in range(n_repeats):
        for fold, (_, test) in enumerate(_splits(labels, groups, n_folds, seed + 1000 * repeat)):
            folds[repeat, test] = fold
    return folds


def inner_split(
    labels: NDArray[np.str_], groups: NDArray[np.intp], seed: int, n_folds: int = 5
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of the inner training part and of the validation part.

    The only galaxy of a class is always in the training part; the validation part is empty where
    there is nothing to set aside.

    Parameters
    ----------
    labels : array of str, shape (n,)
    groups : array of int, shape (n,)
        Galaxies with the same number stay on one side.
    seed : int
    n_folds : int
        The validation part is one of this many stratified parts; of fewer if a class is rare.
    """
    counts = Counter(labels.tolist())
    alone = np.isin(labels, [name for name, count in counts.items() if count < 2])
    rest = np.flatnonzero(~alone)
    n_groups = len(np.unique(groups[rest]))
    if n_groups < 2:
        return np.arange(len(labels)), rest[:0]
    rare = min(counts[name] for name in set(labels[rest].tolist()))
    parts = max(2, min(n_folds, rare, n_groups))
    train, validation = next(_splits(labels[rest], groups[rest], parts, seed))
    return np.sort(np.concatenate([rest[train], np.flatnonzero(alone)])), rest[validation]


def _splits(
    labels: NDArray[np.str_], groups: NDArray[np.intp], n_folds: int, seed: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    if len(np.unique(groups)) == len(groups):
        yield from StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(
            labels[:, None], labels
        )
    else:
        yield from StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(
            labels[:, None], labels, groups
        )


def nested_subset(labels: NDArray[np.str_], size: int, seed: int) -> NDArray[np.intp]:
    """Return a stratified subset of the rows; smaller subsets are contained in larger ones.

    The members of each class are shuffled and spread evenly over [0, 1); the subset has the lowest
    `size` places. Every class is in it.

    Parameters
    ----------
    labels : array of str, shape (n,)
    size : int
        Number of rows.
    seed : int
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for name in sorted(set(labels.tolist())):
        members = rng.permutation(np.flatnonzero(labels == name))
        place[members] = (np.arange(len(members)) + rng.random()) / len(members)
        place[members[0]] = -1.0  # one galaxy of every class comes first
    return np.sort(np.argsort(place, kind="stable")[:size])


def connected_groups(n: int, pairs: Sequence[NDArray[np.intp]]) -> NDArray[np.intp]:
    """Return group numbers: the connected components of the graph of all pairs.

    Parameters
    ----------
    n : int
        Galaxies.
    pairs : sequence of array of int, shape (pairs, 2)
        Rows that belong to one group.

    Examples
    --------
    >>> import numpy as np
    >>> connected_groups(5, [np.array([[0, 1], [1, 3]])]).tolist()
    [0, 0, 1, 0, 2]
    """
    edges = np.concatenate([np.empty((0, 2), dtype=np.intp), *pairs])
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n))
    found: NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return found


def identical_texts(groups: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return pairs of rows with the same text, shape (pairs, 2); empty texts are not paired."""
    first: dict[str, int] = {}
    pairs = [(first.setdefault(name, row), row) for row, name in enumerate(groups.tolist()) if name]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.intp).reshape(-1, 2)


def identical_images(pixels: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return pairs of rows whose prepared pixels are identical, shape (pairs, 2)."""
    return identical_texts(
        np.array(
            [hashlib.sha256(np.ascontiguousarray(row).tobytes()).hexdigest() for row in pixels],
            dtype=np.str_,
        )
    )


def close_positions(ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return pairs of rows within one arcsecond on the sky, shape (pairs, 2).

    Rows without a position are not paired.

    Parameters
    ----------
    ra, dec : array, shape (n,)
        Degrees; not finite where unknown.
    """
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90))
    a, d = np.deg2rad(ra[known]), np.deg2rad(dec[known])
    points = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)
    near = (
        cKDTree(points).query_pairs(_MATCH_RADIUS * _ARCSEC, output_type="ndarray")
        if len(known)
        else np.empty((0, 2), dtype=np.intp)
    )
    pairs: NDArray[np.intp] = known[near.astype(np.intp)].reshape(-1, 2)
    return pairs
