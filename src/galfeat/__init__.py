"""Hand-crafted features of galaxy cutouts, a shallow network, and a comparison with raw pixels.

Three subpackages that exchange NumPy arrays and do not import each other, one that joins them, and
a command line:

``galfeat.data``
    Cutouts: FITS files and pictures, catalogs, the simulated survey, preparation.
``galfeat.features``
    Extractors: pixels, color histograms, texture, HOG, SIFT.
``galfeat.nn``
    Shallow multilayer perceptron.
``galfeat.pipeline``
    Batch extraction, feature tables, models, the comparison and its report.
``galfeat.scripts``
    Command line, one command per file: ``galfeat NAME``.

Errors that a user can fix are raised as one of::

    ValueError
    └── GalfeatError       one sentence: what, where, and what to do
        ├── CutoutError    some cutouts cannot be read, prepared or measured; see ``reasons``
        └── UsageError     an option, setting, catalog or model file that cannot be used

Pixels that an extractor cannot see, such as values of 0 to 255, raise a `PixelUnitWarning`.
Anything else is a bug: of one cutout, it becomes its failure; otherwise it stops the run.
"""

from collections.abc import Mapping

__version__ = "0.1.0"

__all__ = ["CutoutError", "GalfeatError", "PixelUnitWarning", "UsageError", "__version__"]

_MAX_LISTED = 5  # rows in a message, of possibly ten thousand bad ones


class GalfeatError(ValueError):
    """Base class of errors that a user can fix."""


class CutoutError(GalfeatError):
    """Error of cutouts that cannot be read, prepared or measured.

    Parameters
    ----------
    reasons : mapping of int to str, or str
        Reasons by row of the batch. A plain string is the reason of a single cutout (row 0).

    Attributes
    ----------
    reasons : dict of int to str
        Reasons by row, in order of the rows.
    """

    def __init__(self, reasons: Mapping[int, str] | str) -> None:
        self.reasons: dict[int, str] = (
            {0: reasons} if isinstance(reasons, str) else dict(sorted(reasons.items()))
        )
        super().__init__(reasons if isinstance(reasons, str) else self._message())

    def _message(self) -> str:
        named = [f"row {row}: {reason}" for row, reason in list(self.reasons.items())[:_MAX_LISTED]]
        more = len(self.reasons) - len(named)
        tail = f"; and {more} more" if more else ""
        return f"{len(self.reasons)} cutout(s) cannot be used: " + "; ".join(named) + tail

    def __reduce__(self) -> tuple[type["CutoutError"], tuple[dict[int, str] | str]]:
        single = self.reasons.get(0)
        return type(self), (single if single == str(self) else self.reasons,)


class UsageError(GalfeatError):
    """Error of an option, setting, catalog or model file that cannot be used."""


class PixelUnitWarning(UserWarning):
    """Warning of pixels in a unit of which an extractor sees hardly anything."""
