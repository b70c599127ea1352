"""What tests of sources share: small files that say which they are, and what reading them gave."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from galfeat.data import Reading, Source

__all__ = ["catalog", "flat", "read", "reasons", "save", "values"]


def flat(value: float, shape: tuple[int, ...] = (8, 6)) -> NDArray[np.float32]:
    return np.full(shape, value, np.float32)


def save(path: Path, *planes: NDArray[Any], names: str = "", filters: str = "") -> Path:
    """Write one image, or an extension each for several."""
    hdus: list[Any] = (
        [fits.PrimaryHDU(planes[0])]
        if len(planes) == 1
        else [fits.PrimaryHDU(), *(fits.ImageHDU(each) for each in planes)]
    )
    images = [hdu for hdu in hdus if hdu.data is not None]
    for keyword, words in (("EXTNAME", names.split()), ("FILTER", filters.split())):
        for hdu, word in zip(images, words, strict=False):
            hdu.header[keyword] = word
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList(hdus).writeto(path)
    return path


def catalog(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def read(source: Source) -> Reading:
    parts = [source.read(shard) for shard in source.shards(2)]
    return Reading(
        [each for part in parts for each in part.cutouts],
        [each for part in parts for each in part.failures],
    )


def values(reading: Reading) -> dict[str, list[float]]:
    return {
        cutout.id: [float(band) for band in cutout.pixels[:, 0, 0]] for cutout in reading.cutouts
    }


def reasons(reading: Reading) -> dict[str, str]:
    assert {failure.stage for failure in reading.failures} <= {"read"}
    return {failure.id: failure.reason for failure in reading.failures}
