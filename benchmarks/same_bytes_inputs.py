"""Inputs of `same_bytes`: FITS files, pictures and positions that galfeat does not write itself."""

import csv
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from PIL import Image
from same_bytes_runs import SETTINGS  # type: ignore[import-not-found]

__all__ = ["write_inputs"]

PICTURES = 200  # of EFIGI, the first of its catalog
CHANGED = 1_700_000_000  # seconds since 1970, when all that is read was last changed


def write_inputs(folder: Path, data: Path | None) -> None:
    """Write the inputs into a new folder.

    Parameters
    ----------
    folder : Path
    data : Path or None
        Folder of real galaxies, of which EFIGI's first and all FITS files are copied.
    """
    folder.mkdir(parents=True)
    for name, settings in SETTINGS.items():
        (folder / f"{name}.toml").write_text(settings, encoding="utf-8")
    chance = np.random.default_rng(0)
    _damage(folder / "damaged", chance)
    _draw(folder / "pictures", chance)
    fits.PrimaryHDU(_sky(chance, 200, 300)).writeto(folder / "mosaic.fits")
    places = {"inside": (100, 100), "other": (220, 90), "edge": (290, 100)}
    places |= {"corner": (3, 195), "outside": (900, 900)}
    _write(folder / "positions.csv", ["id", "x", "y"], [(name, *at) for name, at in places.items()])
    if data is not None:
        _copy(folder, data)
    for path in folder.rglob("*"):
        os.utime(path, (CHANGED, CHANGED))


def _sky(chance: np.random.Generator, ny: int, nx: int) -> Any:
    """Return an image of round blobs on noise, one of them in the middle."""
    y, x = np.mgrid[:ny, :nx]
    image = chance.normal(10, 1, (ny, nx))
    for cy, cx in [(ny / 2, nx / 2), *chance.uniform(0, 1, (ny * nx // 4000, 2)) * (ny, nx)]:
        image += 40 * np.exp(-np.hypot(y - cy, x - cx) / chance.uniform(2, 6))
    return image.astype(np.float32)


def _damage(folder: Path, chance: np.random.Generator) -> None:
    """Write files that can be read, some with bad pixels, and files that cannot."""
    folder.mkdir()
    for number in range(4):
        image = _sky(chance, 64, 64)
        image[chance.random(image.shape) < 0.02 * number] = np.nan
        fits.PrimaryHDU(image).writeto(folder / f"good{number}.fits")
    whole = (folder / "good0.fits").read_bytes()
    broken = {"cut": whole[:5000], "header": whole[:2000], "empty": b""}
    for name, content in (broken | {"text": b"no image\n" * 400}).items():
        (folder / f"{name}.fits").write_bytes(content)
    fits.PrimaryHDU(np.full((64, 64), np.nan, np.float32)).writeto(folder / "blank.fits")
    fits.PrimaryHDU(np.zeros((64, 64), np.int16)).writeto(folder / "zeros.fits")
    fits.PrimaryHDU(_sky(chance, 8, 8)).writeto(folder / "tiny.fits")


def _draw(folder: Path, chance: np.random.Generator) -> None:
    """Write pictures, and one that is cut short."""
    folder.mkdir()
    for number, (ny, nx) in enumerate([(64, 64), (100, 100), (70, 120), (64, 64)]):
        bands = np.stack([_sky(chance, ny, nx) for _ in range(3)], axis=-1)
        picture = Image.fromarray(np.clip(bands * 4, 0, 255).astype(np.uint8))
        picture.save(folder / f"picture{number}.{'png' if number % 2 else 'jpg'}")
    whole = (folder / "picture1.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])


def _copy(folder: Path, data: Path) -> None:
    """Copy the real galaxies, so that their place is in no path."""
    shutil.copytree(data / "fits", folder / "fits")
    with (data / "efigi" / "catalog.csv").open(newline="", encoding="utf-8") as handle:
        names, *rows = csv.reader(handle)
    for row in rows[:PICTURES]:
        target = folder / "efigi" / row[names.index("file")]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / "efigi" / row[names.index("file")], target)
    _write(folder / "efigi" / "catalog.csv", names, rows[:PICTURES])


def _write(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([names, *rows])
