"""Groups of galaxies that must stay on one side of every split: duplicates and related ones."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galfeat.pipeline.evaluation.cross_validation import (
    close_positions,
    connected_groups,
    identical_images,
    identical_texts,
)
from galfeat.pipeline.extraction.feature_table import column_text

__all__ = ["coordinates", "galaxy_groups"]

_COORDINATES = (
    ("ra", "dec"),
    ("RA", "DEC"),
    ("RAJ2000", "DEJ2000"),
    ("ALPHA_J2000", "DELTA_J2000"),
    ("_RAJ2000", "_DEJ2000"),
)


def galaxy_groups(
    catalog: pa.Table, labels: NDArray[np.str_], vectors: NDArray[np.float32] | None
) -> tuple[NDArray[np.intp], list[str]]:
    """Group the galaxies that must stay on one side of every split.

    Parameters
    ----------
    catalog : pyarrow.Table
        One row per galaxy.
    labels : array of str, shape (n,)
    vectors : array, shape (n, k), or None
        Pixels or features; galaxies whose rows are identical show the same image. Rows with values
        that are not finite are compared with none.

    Returns
    -------
    groups : array of int, shape (n,)
        The same number for duplicates (by position or image) and for equal entries in the catalog
        column ``group``.
    notes : list of str
        Sentences for the report.
    """
    pairs, notes = [], []
    if vectors is not None:
        rows = np.flatnonzero(np.isfinite(vectors).all(axis=1))
        pairs.append(rows[identical_images(vectors[rows])])
    found = coordinates(catalog)
    if found is not None:
        pairs.append(close_positions(*found))
    duplicates = connected_groups(len(labels), pairs)
    repeated = len(duplicates) - len(np.unique(duplicates))
    if repeated:
        labeled = set(zip(duplicates.tolist(), labels.tolist(), strict=True))
        contradictions = len(labeled) - len(np.unique(duplicates))
        notes.append(
            f"{repeated} entries repeat a galaxy that is in the catalog already (the same position "
            "or image); always in one fold."
            + (f" {contradictions} of them have another class in it." if contradictions else "")
        )
    if "group" in catalog.column_names:
        pairs.append(identical_texts(column_text(catalog, "group")))
        notes.append(
            "Galaxies with the same entry in the catalog's column 'group' are always in one fold."
        )
    return connected_groups(len(labels), pairs), notes


def coordinates(catalog: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return right ascension and declination in degrees, NaN where unknown.

    None if the catalog has no such columns.
    """
    for names in _COORDINATES:
        if set(names) <= set(catalog.column_names):
            ra, dec = (_numbers(catalog, name) for name in names)
            return ra, dec
    return None


def _numbers(catalog: pa.Table, name: str) -> NDArray[np.float64]:
    found = []
    for text in column_text(catalog, name).tolist():
        try:
            found.append(float(text))
        except ValueError:
            found.append(np.nan)
    return np.array(found, dtype=np.float64)
