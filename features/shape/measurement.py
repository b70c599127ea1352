"""The shapes of galaxies as a table: values, which of them were measured, and flags."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features.shape.quantities import BAD, FLAGS, INDEX, NAMES, QUANTITIES

__all__ = ["ShapeTable"]


@dataclass(frozen=True, eq=False)
class ShapeTable:
    """Shapes of galaxies, as `galfeat.features.Shape.measure` returns them.

    Parameters
    ----------
    planes : tuple of str
        ``detection``, the mean of the bands, and the bands; of one band, that band alone.
    values : array of float64, shape (n, planes, quantities)
        In the order of `names`; 0 where a quantity was not measured.
    valid : array of bool, shape (n, planes, quantities)
        Whether a quantity was measured.
    flags : array of uint32, shape (n, planes)
        One bit for each of `galfeat.features.shape.quantities.FLAGS`.
    segments : array of uint8, shape (n, ny, nx)
        0 is sky, 1 the source and 2 other sources.

    Examples
    --------
    >>> import numpy as np
    >>> from galfeat.features import Shape
    >>> y, x = np.indices((64, 64)) - 31.5
    >>> table = Shape(stretch="linear").measure(100 * np.exp(-np.hypot(x, y) / 4)[None, None])
    >>> print(round(float(table.column("band1", "r_petro_circ")[0]), 1), table.quality[0, 0])
    14.5 0
    """

    planes: tuple[str, ...]
    values: NDArray[np.float64]
    valid: NDArray[np.bool_]
    flags: NDArray[np.uint32]
    segments: NDArray[np.uint8]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the quantities."""
        return NAMES

    @property
    def units(self) -> tuple[str, ...]:
        """The units of the quantities, as `astropy.units` writes them."""
        return tuple(quantity.unit for quantity in QUANTITIES)

    @property
    def quality(self) -> NDArray[np.uint8]:
        """0 where a measurement is good, 1 where it is suspect, 2 where it is bad; (n, planes)."""
        bad = (self.flags & np.uint32(BAD)) != 0
        return np.where(bad, 2, np.where(self.flags != 0, 1, 0)).astype(np.uint8)

    def column(self, plane: str, name: str) -> np.ma.MaskedArray[tuple[int], np.dtype[np.float64]]:
        """Return one quantity of one plane, shape (n,), masked where it was not measured.

        Raises
        ------
        UsageError
            If there is no such plane or quantity.
        """
        if plane not in self.planes:
            raise UsageError(f"there is no plane '{plane}'; there are {', '.join(self.planes)}")
        if name not in INDEX:
            raise UsageError(f"there is no quantity '{name}'; there are {', '.join(NAMES)}")
        place = self.planes.index(plane), INDEX[name]
        column: np.ma.MaskedArray[tuple[int], np.dtype[np.float64]] = np.ma.MaskedArray(
            self.values[:, place[0], place[1]], mask=~self.valid[:, place[0], place[1]]
        )
        return column

    def columns(self) -> dict[str, np.ma.MaskedArray[tuple[int], np.dtype[np.float64]]]:
        """Return every quantity of every plane under its name, such as ``detection_gini``."""
        return {
            f"{plane}_{name}": self.column(plane, name) for plane in self.planes for name in NAMES
        }

    def reasons(self, row: int, plane: str) -> list[str]:
        """Return in words what is wrong with a measurement; nothing if it is good."""
        if plane not in self.planes:
            raise UsageError(f"there is no plane '{plane}'; there are {', '.join(self.planes)}")
        bits = int(self.flags[row, self.planes.index(plane)])
        return [flag.reason for bit, flag in enumerate(FLAGS) if bits >> bit & 1]
