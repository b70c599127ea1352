"""The shapes of galaxies as a table: values, which of them were measured, and flags."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.features.scalars import Scalar
from galfeat.features.shape.quantities import BAD, COLORS, FLAGS, INDEX, NAMES, NOTES, QUANTITIES

__all__ = ["ShapeTable", "all_scalars"]


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
    pairs : tuple of str
        Adjacent bands, such as ``g_r``.
    colors : array of float64, shape (n, pairs, colors)
        In the order of `galfeat.features.shape.quantities.COLORS`; 0 where one was not measured.
    colored : array of bool, shape (n, pairs, colors)
        Whether a color was measured.

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
    pairs: tuple[str, ...]
    colors: NDArray[np.float64]
    colored: NDArray[np.bool_]

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
        suspect = (self.flags & ~np.uint32(NOTES)) != 0
        return np.where(bad, 2, np.where(suspect, 1, 0)).astype(np.uint8)

    def matrix(self) -> NDArray[np.float64]:
        """Return all columns of `all_scalars`, shape (n, columns), NaN where not measured."""
        n = len(self.values)
        of_planes = np.concatenate(
            [
                np.where(self.valid, self.values, np.nan),
                self.flags[:, :, None],
                self.quality[:, :, None],
            ],
            axis=2,
        )
        colors = np.where(self.colored, self.colors, np.nan)
        return np.concatenate([of_planes.reshape(n, -1), colors.reshape(n, -1)], axis=1)

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

    def all_reasons(self, row: int) -> tuple[str, ...]:
        """Return what is wrong with each plane of a galaxy, as ``plane: reason``."""
        return tuple(
            f"{plane}: {reason}" for plane in self.planes for reason in self.reasons(row, plane)
        )


def all_scalars(planes: tuple[str, ...], pairs: tuple[str, ...]) -> tuple[Scalar, ...]:
    """Return every column that can be measured, in the order of `ShapeTable.matrix`."""
    found = []
    for plane in planes:
        found += [
            Scalar(f"{plane}_{each.name}", each.unit, each.ucd, each.definition, each.feature)
            for each in QUANTITIES
        ]
        bits = ", ".join(f"{1 << bit} {flag.name}" for bit, flag in enumerate(FLAGS))
        found.append(Scalar(f"{plane}_flags", "", "meta.code", bits, False, False))
        about = "0 good, 1 suspect, 2 bad"
        found.append(Scalar(f"{plane}_quality", "", "meta.code.qual", about, True, False))
    for pair in pairs:
        found += [
            Scalar(f"{pair}_{each.name}", each.unit, each.ucd, each.definition, each.feature)
            for each in COLORS
        ]
    return tuple(found)
