"""Named scalar measurements: names, units, UCDs, values with a mask of undefined ones, errors."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError

__all__ = ["MaskedColumn", "Scalar", "ScalarTable", "unmeasured"]

MaskedColumn = np.ma.MaskedArray[tuple[int, ...], np.dtype[np.float64]]
"""Numbers of galaxies, masked where a quantity could not be measured."""


class Scalar(NamedTuple):
    """One column of a table of measurements.

    Parameters
    ----------
    name : str
    unit : str
        In the form of `astropy.units`; empty for a pure number.
    ucd : str
        Unified Content Descriptor, version 1+, of the IVOA.
    description : str
    feature : bool
        Whether it is part of the feature vector.
    error : bool
        Whether it has an error: flags have none.
    """

    name: str
    unit: str
    ucd: str
    description: str
    feature: bool = True
    error: bool = True


@dataclass(frozen=True, eq=False)
class ScalarTable:
    """Measurements of galaxies as columns, with their errors and the reasons for gaps.

    Parameters
    ----------
    scalars : tuple of Scalar, length k
    values : masked array of float64, shape (n, k)
        Masked where a quantity could not be measured; 0 beneath the mask, never NaN.
    errors : masked array of float64, shape (n, k), or None
        One standard deviation; masked where there is none. None where errors were not asked for.
    reasons : tuple of tuple of str, length n
        In words, what is wrong with a galaxy's measurement or why it has gaps.
    """

    scalars: tuple[Scalar, ...]
    values: MaskedColumn
    errors: MaskedColumn | None
    reasons: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(scalar.name for scalar in self.scalars)

    @property
    def units(self) -> tuple[str, ...]:
        """The units of the columns."""
        return tuple(scalar.unit for scalar in self.scalars)

    @property
    def ucds(self) -> tuple[str, ...]:
        """The UCDs of the columns."""
        return tuple(scalar.ucd for scalar in self.scalars)

    def column(self, name: str) -> MaskedColumn:
        """Return one column, shape (n,).

        Raises
        ------
        UsageError
            If there is no such column.
        """
        return self.values[:, self._place(name)]

    def error(self, name: str) -> MaskedColumn:
        """Return the errors of one column, shape (n,).

        Raises
        ------
        UsageError
            If there is no such column, or errors were not measured.
        """
        if self.errors is None:
            raise UsageError("errors were not measured; ask for them with errors=True")
        return self.errors[:, self._place(name)]

    def _place(self, name: str) -> int:
        names = self.names
        if name not in names:
            raise UsageError(f"there is no column '{name}'; there are {', '.join(names)}")
        return names.index(name)


def unmeasured(values: NDArray[np.floating]) -> MaskedColumn:
    """Return numbers masked where they are not finite, with 0 beneath the mask."""
    good = np.isfinite(values)
    masked: MaskedColumn = np.ma.MaskedArray(
        np.where(good, values, 0.0).astype(np.float64), mask=~good
    )
    return masked
