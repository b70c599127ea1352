"""GalaxyMNIST: color pictures in four classes, for teaching."""

from pathlib import Path
from typing import Literal

from galfeat import UsageError
from galfeat.data.sources.image_sets.hdf5 import Hdf5Source
from galfeat.data.surveys.classes import name_classes, open_square_images

__all__ = ["GALAXY_MNIST", "galaxy_mnist"]

GALAXY_MNIST = ("smooth_round", "smooth_cigar", "edge_on_disk", "unbarred_spiral")
_SUBFOLDERS = ("", "raw", "GalaxyMNIST/raw", "GalaxyMNISTHighrez/raw")


def galaxy_mnist(path: str | Path, *, part: Literal["train", "test"] = "train") -> Hdf5Source:
    """Open GalaxyMNIST.

    Parameters
    ----------
    path : str or Path
        The file ``train_dataset.hdf5`` or ``test_dataset.hdf5``, decompressed, with the datasets
        ``images``, of shape (n, 64, 64, 3) or (n, 224, 224, 3), and ``labels``; or the folder that
        contains it, or the one that the data set's own program downloads to.
    part : {"train", "test"}
        Which of the two, where `path` is a folder: 8,000 galaxies or the other 2,000, as split by
        its authors.

    Returns
    -------
    Hdf5Source
        Its catalog has ``label``, one of `GALAXY_MNIST`.

    Raises
    ------
    UsageError
        If h5py is not installed, there is no such file, or it is another one.

    Notes
    -----
    Published at https://github.com/mwalmsley/galaxy_mnist; classes, numbers and layout were
    verified with its README and program, the download address of its program was not.

    References
    ----------
    Walmsley, M., et al. 2022, MNRAS 509, 3966, https://doi.org/10.1093/mnras/stab2093 (Galaxy Zoo
    DECaLS)
    """
    if part not in ("train", "test"):
        raise UsageError(f"part must be 'train' or 'test'; it is {part!r}")
    place = Path(path)
    if place.is_dir():
        place = _find_file(place, f"{part}_dataset.hdf5")
    return name_classes(open_square_images(place, {64: "", 224: ""}), "labels", GALAXY_MNIST)


def _find_file(folder: Path, name: str) -> Path:
    found = next(
        (folder / place / name for place in _SUBFOLDERS if (folder / place / name).is_file()), None
    )
    if found is None:
        packed = any((folder / place / f"{name}.gz").is_file() for place in _SUBFOLDERS)
        raise UsageError(
            f"{folder}: holds no {name}"
            + (f"; unpack {name}.gz first: gunzip --keep {name}.gz" if packed else "")
        )
    return found
