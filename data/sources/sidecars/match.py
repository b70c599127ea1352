"""Sidecar files: noise maps, masks and segmentation maps in files beside those of the pixels."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from galfeat.data.fits.ancillary.conventions import WEIGHTS, Role
from galfeat.data.sources.folders import without_suffix
from galfeat.data.sources.sidecars.names import GalaxyFiles, parse_file_name

__all__ = ["SidecarFiles", "match_sidecars", "sort_sidecars"]

# of several noise maps, the last one counts
_ORDER: tuple[Role, ...] = ("ivar", "variance", "sigma", "mask", "flags", "segmentation")
_LOG = logging.getLogger("galfeat")


@dataclass(frozen=True, eq=False)
class SidecarFiles:
    """Sidecar files of one role: one for each row of a catalog.

    Parameters
    ----------
    role : {"ivar", "variance", "sigma", "mask", "flags", "segmentation"}
        What they hold.
    band : str
        Name of the band that they belong to, in lower case; empty: all bands.
    files : pyarrow array of str
        Empty where a galaxy has none.
    """

    role: Role
    band: str
    files: pa.Array | pa.ChunkedArray = field(repr=False)

    def of_row(self, row: int) -> str:
        """Return the sidecar file of a row; empty if there is none."""
        return str(self.files[row].as_py() or "").strip()


def sort_sidecars(sidecars: Sequence[SidecarFiles]) -> tuple[SidecarFiles, ...]:
    """Return sidecar files in the order in which they are applied."""
    return tuple(sorted(sidecars, key=lambda each: _ORDER.index(each.role)))


def match_sidecars(galaxies: Sequence[str], sidecars: Sequence[str]) -> tuple[SidecarFiles, ...]:
    """Match the sidecar files of a folder to its galaxies, by their names.

    Parameters
    ----------
    galaxies, sidecars : sequence of str
        Paths below the folder, as `galfeat.data.sources.folders.list_cutouts` returns them.
    """
    if not sidecars:
        return ()
    rows: dict[str, dict[str, list[int]]] = {}
    for row, file in enumerate(galaxies):
        folder, _, name = file.rpartition("/")
        rows.setdefault(folder, {}).setdefault(without_suffix(name), []).append(row)
    index = {folder: GalaxyFiles(list(stems)) for folder, stems in rows.items()}
    files: dict[Role, list[str]] = {}
    weights: list[str] = []
    for file in sidecars:
        folder, _, name = file.rpartition("/")
        parsed = parse_file_name(without_suffix(name))
        if parsed is None or folder not in index:
            continue
        owners = index[folder].owners(parsed)
        if owners.role is None:
            weights += [file] if owners.word in WEIGHTS else []
            continue
        if not owners.stems:
            _LOG.warning("%s: its name does not say to which galaxy it belongs: not used", file)
        of_role = files.setdefault(owners.role, [""] * len(galaxies))
        for row in (row for owner in owners.stems for row in rows[folder][owner]):
            of_role[row] = of_role[row] or file
    if weights:
        _LOG.warning(
            "%s%s: weights are not used, since nothing says whether they are inverse variances: if "
            "they are, name them in a catalog's column 'ivar'",
            weights[0],
            f" and {len(weights) - 1} more" if len(weights) > 1 else "",
        )
    return sort_sidecars(
        [SidecarFiles(role, "", pa.array(names)) for role, names in files.items() if any(names)]
    )
