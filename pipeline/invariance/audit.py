"""Invariance audit: how much each extractor reacts to changes of simulated galaxies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import SimulatedSurvey
from galfeat.features import INVARIANCES, Extractor, make_extractors
from galfeat.features.registry import REGISTRY
from galfeat.pipeline.invariance.images import AMOUNTS, NEW_EXPOSURES, changed_images
from galfeat.pipeline.recipes import FEATURES

__all__ = [
    "Audit",
    "Finding",
    "audit",
    "default_extractors",
    "relative_change",
    "squared_changes",
    "standard_deviations",
]

_RESAMPLES = 1000
_INTERVAL = (2.5, 97.5)  # percent
_ROUNDING = 1e-6  # relative to the largest value: a smaller deviation is a rounding error
_MAX_SQUARE = 2.0  # of a squared relative change: before and after are opposite
_MIN_SIGNAL = 0.01  # of the variance: with less besides the noise, there is nothing to compare with
_COLUMNS = 1024  # features per block, to limit the memory


@dataclass(frozen=True)
class Finding:
    """Reaction of one extractor to one change.

    Parameters
    ----------
    extractor, change, amount : str
        Names of extractor and change, and the amount of the change.
    relative_change : float
        Root-mean-square change of the vectors over the root-mean-square distance between the
        vectors of different galaxies, corrected for noise where a new exposure is needed; see
        `audit`.
    low, high : float
        Its 95 % interval over galaxies, by bootstrap.
    promised, kept : bool
        Whether the extractor promises invariance, and whether the change is within the limit of
        `INVARIANCES`. A promise is broken only if the whole interval is above the limit.
    """

    extractor: str
    change: str
    amount: str
    relative_change: float
    low: float
    high: float
    promised: bool
    kept: bool

    def __str__(self) -> str:
        found = (
            f"relative change {self.relative_change:.2g}, 95 % interval {self.low:.2g} to "
            f"{self.high:.2g}"
        )
        what = f"{self.change} ({self.amount})"
        if not self.promised:
            return f"{self.extractor} does not promise {what}: {found}"
        verb = "keeps" if self.kept else "breaks"
        limit = INVARIANCES[self.change].limit
        return f"{self.extractor} {verb} its promise of {what}: {found}, at most {limit:g} promised"


@dataclass(frozen=True)
class Audit:
    """Findings of an invariance audit.

    Parameters
    ----------
    rows : tuple of Finding
        All extractors and changes, in the order of `INVARIANCES`.
    n : int
        Galaxies.
    """

    rows: tuple[Finding, ...]
    n: int

    @property
    def table(self) -> pa.Table:
        """The findings as a table with the columns of `Finding`."""
        return pa.Table.from_pylist([asdict(row) for row in self.rows])

    @property
    def broken(self) -> tuple[Finding, ...]:
        """Findings in which a promised invariance is broken."""
        return tuple(row for row in self.rows if row.promised and not row.kept)

    @property
    def extractors(self) -> tuple[str, ...]:
        """Names of the extractors, in their order."""
        return tuple(dict.fromkeys(row.extractor for row in self.rows))

    def of(self, extractor: str, change: str) -> Finding:
        """Return the finding on one extractor and one change."""
        return next(row for row in self.rows if (row.extractor, row.change) == (extractor, change))


def default_extractors() -> dict[str, Extractor]:
    """Return the extractors of an audit by default: those of the recipe, and some variants."""
    chosen: dict[str, Extractor] = {}
    for name, each in make_extractors(FEATURES).items():
        chosen[name], kind = each, type(each)
        for variant, settings in REGISTRY[name].variants.items():
            chosen[f"{name}, {variant}"] = kind(**settings)
    return chosen


def audit(
    extractors: Mapping[str, Extractor] | Sequence[str | Extractor] | None = None,
    *,
    n: int = 200,
    size: int = 64,
    bands: Sequence[str] = ("F606W", "F814W", "F160W"),
    depth: str = "wide",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Measure how much extractors react to changes of simulated galaxies.

    The relative change is the root-mean-square difference between a galaxy's vectors before and
    after, divided by the root-mean-square difference between the vectors of different galaxies: 0
    is no change, 1 is the distance to another galaxy, and the square root of 2 is the maximum. Each
    feature is divided by its standard deviation over the galaxies before and after, so that all
    features of an extractor have the same weight, as in a network; constant features are left out.

    Some changes need a new exposure, whose noise changes the vectors too. There the mean square
    effect of a new exposure without any change, measured before and after, is subtracted from both
    the mean square change and the mean square distance.

    Parameters
    ----------
    extractors : mapping of str to Extractor, or sequence of str or Extractor, optional
        Extractors by their names in the result, or a list of extractors and of names, also of those
        of installed packages; by default `default_extractors`. They are fitted on the galaxies
        before the change.
    n : int
        Galaxies; at least 2.
    size, bands, depth, seed
        Settings of the survey; see `galfeat.data.SimulatedSurvey`.
    progress : callable, optional
        Called with the number of simulated galaxies and their total.

    Returns
    -------
    Audit

    Raises
    ------
    UsageError
        If a setting is out of its range, or the images are too small for an extractor.

    Notes
    -----
    Sky (plus one noise sigma), flux (twice), 90 degrees and mirroring are applied to the prepared
    pixel values. A shift (one pixel) is another window of the same exposure. A rotation by
    any angle (another for each galaxy) and an enlargement (15 %, surface brightness kept) need a
    new exposure, the light being moved before it meets the point spread function and the noise. So
    does another camera: noise of the same size without correlation, 1.5 times the seeing, and
    pixels 1.5 times as wide, which show as much more of the sky at the same depth. The noise of the
    survey is correlated; see `galfeat.data.SimulatedSurvey`.

    Examples
    --------
    >>> from galfeat.features import HOG
    >>> from galfeat.pipeline import audit
    >>> found = audit({"hog": HOG()}, n=5, size=32)
    >>> found.of("hog", "sky").kept, found.of("hog", "flip").promised
    (True, False)
    """
    if n < 2:
        raise UsageError(f"an audit compares different galaxies: n must be at least 2; it is {n}")
    chosen = _chosen(extractors)
    images = changed_images(SimulatedSurvey(n, size, tuple(bands), depth, seed), progress)
    rows = []
    for name, extractor in chosen.items():
        before = extractor.fit_transform(images["reference"])
        vectors = {each: extractor.transform(pixels) for each, pixels in images.items()}
        for change in INVARIANCES:
            deviations = standard_deviations(before, vectors[change])
            squares, noise = squared_changes(before, vectors[change], deviations), np.zeros(n)
            # the noise of the galaxy before, and that of the galaxy after
            if change in NEW_EXPOSURES:
                again = (
                    squared_changes(before, vectors["noise"], deviations),
                    squared_changes(vectors[change], vectors[f"{change} again"], deviations),
                )
                noise = (again[0] + again[1]) / 2
            rows.append(_finding(name, change, (squares, noise), change in extractor.promises))
    return Audit(tuple(rows), n)


def _chosen(
    extractors: Mapping[str, Extractor] | Sequence[str | Extractor] | None,
) -> dict[str, Extractor]:
    if extractors is None:
        return default_extractors()
    return dict(extractors) if isinstance(extractors, Mapping) else make_extractors(extractors)


def standard_deviations(
    before: NDArray[np.floating], after: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the standard deviation of each feature before and after a change, shape (k,).

    It is 0 for a feature that is constant up to rounding errors.
    """
    deviations = np.empty(before.shape[1])
    for start in range(0, len(deviations), _COLUMNS):
        part = slice(start, start + _COLUMNS)
        both = np.concatenate([before[:, part], after[:, part]]).astype(np.float64)
        found = both.std(axis=0)
        deviations[part] = np.where(found > _ROUNDING * np.abs(both).max(axis=0), found, 0)
    return deviations


def squared_changes(
    before: NDArray[np.floating], after: NDArray[np.floating], deviations: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the squared relative change of each galaxy.

    Parameters
    ----------
    before, after : arrays, shape (n, k)
        Vectors of the same galaxies.
    deviations : array, shape (k,)
        Scale of the change of each feature; features whose scale is 0 are left out.

    Returns
    -------
    array, shape (n,)
        Their mean is the square of the relative change: 1 if the galaxies were permuted.
    """
    varies = deviations > 0
    total = np.zeros(len(before))
    for start in range(0, len(deviations), _COLUMNS):
        part = np.flatnonzero(varies[start : start + _COLUMNS]) + start
        apart = (after[:, part].astype(np.float64) - before[:, part]) / deviations[part]
        total += (apart**2).sum(
            axis=1
        ) / 2  # the expected squared distance of two galaxies is 2 per feature
    return total / max(int(np.count_nonzero(varies)), 1)


def _finding(
    extractor: str,
    change: str,
    squares: tuple[NDArray[np.float64], NDArray[np.float64]],
    promised: bool,
) -> Finding:
    # the same bootstrap samples for every extractor and change
    rng = np.random.default_rng(0)
    n = len(squares[0])
    drawn = rng.integers(0, n, (_RESAMPLES, n))
    value = float(relative_change(*(each.mean() for each in squares)))
    low, high = np.percentile(
        relative_change(*(each[drawn].mean(axis=1) for each in squares)), _INTERVAL
    )
    kept = bool(low <= INVARIANCES[change].limit)
    return Finding(
        extractor, change, AMOUNTS[change], value, float(low), float(high), promised, kept
    )


def relative_change(change: Any, noise: Any) -> Any:
    """Return the relative change beyond the noise.

    Parameters
    ----------
    change, noise : float or array
        Mean squares over galaxies of the whole change and of the part due to noise. Without noise,
        the result is the square root of the first.
    """
    beyond = np.maximum(change - noise, 0) / np.maximum(1 - noise, _MIN_SIGNAL)
    return np.sqrt(np.minimum(beyond, _MAX_SQUARE))
