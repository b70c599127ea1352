"""Readers with a fault each, by the kind of image: the fuzz job must notice all of them."""

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from galfeat.data import Cutout, Failure, Reading, Shard, open_source

__all__ = ["FAULTS", "faulty"]

FAULTS = {
    "plain u1": "same",
    "plain i2": "differs",
    "plain i4": "escaped",
    "plain i8": "hang",
    "plain f4": "crash",
    "plain f8": "escaped",
    "leading ones": "neighbors",
    "cube": "disagrees",
    "row of cubes": "hang",
}
"""Form of the file to the verdict on what is done to it here."""


class _Faulty:
    """A source whose readings are changed."""

    def __init__(self, source: Any, change: Callable[[Cutout], Cutout | Failure]) -> None:
        self._source, self._change = source, change
        self.catalog = source.catalog

    def shards(self, size: int) -> list[Shard]:
        shards: list[Shard] = self._source.shards(size)
        return shards

    def read(self, shard: Shard) -> Reading:
        changed = [self._change(cutout) for cutout in self._source.read(shard).cutouts]
        failures = [each for each in changed if isinstance(each, Failure)]
        return Reading([each for each in changed if isinstance(each, Cutout)], failures)


def faulty(path: Path, **options: Any) -> Any:
    """Open a source with the fault that its kind of image calls for."""
    file = path if path.is_file() else path / "b.fits"
    header = file.read_bytes()[:2880].decode("latin-1")
    bitpix, axes = (int(found) for found in re.findall(r"(?:BITPIX|NAXIS) +=\s+(-?\d+)", header))
    source = open_source(path, **options)
    if axes == 2 and bitpix == 16:
        return _Faulty(source, _other_pixels)
    if axes == 2 and bitpix == 32:
        raise KeyError("NAXIS1")
    if axes == 2 and bitpix == 64:
        while True:
            pass
    if axes == 2 and bitpix == -32:
        os.kill(os.getpid(), signal.SIGSEGV)
    if axes == 2 and bitpix == -64:
        return _Faulty(source, _unforeseen)
    if axes == 4 and bitpix == -32:
        return _Faulty(source, lambda each: _other_pixels(each) if each.file == "c.fits" else each)
    if axes == 3:
        change = lambda each: _other_pixels(each) if each.file == "b.fits" else each  # noqa: E731
        return _Faulty(source, change) if path.is_dir() and "catalog" not in options else source
    if axes == 4:
        time.sleep(1000)
    return source


def _other_pixels(cutout: Cutout) -> Cutout:
    pixels = cutout.pixels.copy()
    pixels[0, 0, 1] += 1
    return replace(cutout, pixels=pixels)


def _unforeseen(cutout: Cutout) -> Failure:
    reason = "KeyError in headers.py, line 12: 'NAXIS1'"
    return Failure(cutout.id, cutout.file, "read", reason, cutout.row)
