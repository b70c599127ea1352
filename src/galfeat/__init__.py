"""Galaxy cutouts to feature vectors, a shallow network on top, and an honest comparison with raw
pixels.

The package has three wings that do not know each other and talk in NumPy arrays, one that joins
them, and a command line:

``galfeat.data``
    where cutouts come from: FITS and pictures, catalogues, the simulated survey, preparation.
``galfeat.features``
    the classical extractors: pixels, colour histograms, texture, HOG, SIFT.
``galfeat.nn``
    the shallow multilayer perceptron.
``galfeat.pipeline``
    batch extraction, feature tables, models, the comparison and its report.
``galfeat.scripts``
    one command a file; ``galfeat NAME``.

Everything that a user can put right is raised as one of::

    ValueError
    └── GalfeatError       one clear sentence: what, where, and what to do
        ├── CutoutError    some cutouts cannot be read, prepared or measured; ``reasons`` says why
        └── UsageError     an option, setting, catalogue or model file that cannot be used as asked

Anything else is a bug and stops the run.
"""

from collections.abc import Mapping

__version__ = "0.1.0"

__all__ = ["CutoutError", "GalfeatError", "UsageError", "__version__"]

_ROWS_NAMED = 5  # a batch of ten thousand bad rows still makes a message that a person can read


class GalfeatError(ValueError):
    """Anything that a user can put right."""


class CutoutError(GalfeatError):
    """Some cutouts of a batch cannot be read, prepared or measured.

    Parameters
    ----------
    reasons : mapping of int to str, or str
        Row of the batch to the reason why it cannot be used. A plain string is the reason of a
        single cutout (row 0).

    Attributes
    ----------
    reasons : dict of int to str
        The rows, in order, and their reasons.
    """

    def __init__(self, reasons: Mapping[int, str] | str) -> None:
        self.reasons: dict[int, str] = (
            {0: reasons} if isinstance(reasons, str) else dict(sorted(reasons.items()))
        )
        super().__init__(reasons if isinstance(reasons, str) else self._sentence())

    def _sentence(self) -> str:
        named = [f"row {row}: {reason}" for row, reason in list(self.reasons.items())[:_ROWS_NAMED]]
        more = len(self.reasons) - len(named)
        tail = f"; and {more} more" if more else ""
        return f"{len(self.reasons)} cutout(s) cannot be used: " + "; ".join(named) + tail

    def __reduce__(self) -> tuple[type["CutoutError"], tuple[dict[int, str] | str]]:
        single = self.reasons.get(0)
        return type(self), (single if single == str(self) else self.reasons,)


class UsageError(GalfeatError):
    """An option, a setting, a catalogue or a model file that cannot be used as asked."""
