"""Read files that are asked for, in a process of its own: with galfeat, or with others.

A request is one line of JSON on the standard input; an answer is one line of JSON, and the arrays
that it names, on the standard output, which nothing else in the process reaches. A request that
takes too long, or a decoder that writes where it may not, ends this process and no other; the stack
is then on the standard error.
"""

import faulthandler
import importlib
import json
import logging
import os
import re
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from numpy.typing import NDArray

from galfeat import GalfeatError
from galfeat.data import Cutout, Failure, Shard, open_source, read_cutout, read_cutouts

__all__ = ["HDUS", "SIZE"]

HDUS = 5
"""HDUs of a file that are read one by one."""

SIZE = 6
"""Side of the cutouts around positions, in pixels."""

_MEMORY = 3 << 30
_MOST_PIXELS = 1 << 22
_COLUMNS = ("id", "file", "label", "x", "ra")

Answer = dict[str, Any]
Open = Callable[..., Any]


class _Said(logging.Handler):
    """What galfeat warns of."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class _Answers:
    """Answers of several views of a file, and their arrays."""

    def __init__(self) -> None:
        self.views: dict[str, Answer] = {}
        self.arrays: list[NDArray[Any]] = []
        self._said = _Said()
        logging.getLogger("galfeat").addHandler(self._said)

    def view(self, name: str, look: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        """Note what a view shows: galaxies or failures, or the exception that it raises."""
        self._said.lines = []
        answer: Answer = {"entries": [], "error": None}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                answer["entries"] = [self._kept(entry) for entry in look()]
            except BaseException as error:
                known = isinstance(error, GalfeatError)
                stack = "" if known else traceback.format_exc()
                answer["error"] = {
                    "type": type(error).__name__,
                    "words": str(error)[:500],
                    "known": known,
                    "stack": stack[-3000:],
                }
        answer["said"] = self._said.lines
        answer["warnings"] = sorted(
            {f"{each.category.__name__}: {each.message}" for each in caught}
        )
        self.views[name] = answer

    def _kept(self, entry: Mapping[str, Any]) -> Answer:
        kept = dict(entry)
        for name in ("pixels", "blank"):
            if isinstance(kept.get(name), np.ndarray):
                self.arrays.append(np.ascontiguousarray(kept[name]))
                kept[name] = len(self.arrays) - 1
        return kept

    def send(self, out: BinaryIO) -> None:
        """Write the answer."""
        kinds = [(array.dtype.str, array.shape) for array in self.arrays]
        head = json.dumps({"views": self.views, "arrays": kinds}, default=str)
        out.write(head.encode() + b"\n" + b"".join(array.tobytes() for array in self.arrays))
        out.flush()


def _entries(source: Any) -> Iterable[Mapping[str, Any]]:
    """Read a source to its end: galaxies and failures in their order."""
    found: list[Cutout | Failure] = []
    for shard in source.shards(64):
        reading = source.read(shard)
        found += [*reading.cutouts, *reading.failures]
    for each in sorted(found, key=_order):
        if isinstance(each, Failure):
            yield {"id": each.id, "file": each.file, "reason": each.reason}
        else:
            yield _shown(each)


def _order(one: Cutout | Failure) -> tuple[int, int]:
    """Return the row, and behind it the number that an entry of many galaxies gives to each."""
    number = re.search(r"\[(\d+)\]$", one.id)
    return one.row or 0, int(number[1]) if number else 0


def _shown(cutout: Cutout) -> Mapping[str, Any]:
    facts = {"id": cutout.id, "file": cutout.file, "bands": cutout.bands, "row": cutout.row}
    return {**facts, "pixels": cutout.pixels}


# galfeat


def _pixels_of_all(path: Path) -> list[Mapping[str, Any]]:
    return [{"pixels": each} for each in read_cutouts(path, missing_data="keep").pixels]


def _by_galfeat(job: Mapping[str, Any], answers: _Answers, door: Open) -> None:
    path, folder = Path(job["path"]), Path(job["folder"])
    # others do not know which pixels are no data
    door = partial(door, missing_data="keep")
    if job["kind"] == "catalog":
        _catalog_views(job, answers, door)
        return
    if "batch" in job:
        answers.view("batch", lambda: _entries(door(folder, companions=False)))
        return
    answers.view("whole", lambda: _entries(door(path, companions=False)))
    if job["more"]:
        answers.view("cutouts", lambda: _pixels_of_all(path))
    if job["kind"] in ("fits", "picture"):
        answers.view("folder", lambda: _entries(door(folder, companions=False)))
    if job["kind"] != "fits":
        return
    answers.view("accompanied", lambda: _entries(door(path)))
    layout = job["layout"]
    if layout:
        how = {"layout": layout, "companions": False}
        answers.view("layout", lambda: _entries(door(path, **how)))
        answers.view("folder in layout", lambda: _entries(door(folder, **how)))
    rows = "".join(f"{path.name}[{hdu}],{path.name},{hdu}\n" for hdu in range(HDUS))
    hdus = _written(folder / "hdus.csv", "id,file,hdu\n" + rows)
    answers.view("hdus", lambda: _entries(door(folder, catalog=hdus, companions=False)))
    if job["more"]:
        answers.view(
            "single", lambda: [_shown(read_cutout(path, hdu=job["hdu"], missing_data="keep"))]
        )
    places = _written(folder / "places.csv", "x,y\n4,5\n0,1\n13.4,11.5\n9000,9000\n")
    around: dict[str, Any] = {"size_pixels": SIZE, "companions": False}
    answers.view("positions", lambda: _entries(door(path, positions=places, **around)))
    if job["sky"]:
        sky = _written(folder / "sky.csv", "ra,dec\n150.0,2.0\n150.0003,1.9998\n10,-80\n")
        answers.view("sky", lambda: _entries(door(path, positions=sky, size_pixels=SIZE)))
        answers.view("arcsec", lambda: _entries(door(path, positions=sky, size_arcsec=1.2)))


def _catalog_views(job: Mapping[str, Any], answers: _Answers, door: Open) -> None:
    path, folder = Path(job["path"]), Path(job["folder"])

    def columns() -> Iterable[Mapping[str, Any]]:
        table = door(folder, catalog=path).catalog
        names = [name for name in _COLUMNS if name in table.column_names]
        return [{"columns": {name: table.column(name).to_pylist() for name in names}}]

    answers.view("columns", columns)
    answers.view("whole", lambda: _entries(door(folder, catalog=path)))
    answers.view("alone", lambda: _entries(door(path)))
    mosaic = folder / "a.fits"
    answers.view("positions", lambda: _entries(door(mosaic, positions=path, size_pixels=SIZE)))


def _written(path: Path, text: str) -> Path:
    if not path.exists():
        path.write_text(text, encoding="utf-8")
    return path


# others


def _by_others(job: Mapping[str, Any], answers: _Answers, door: Open) -> None:  # noqa: ARG001
    path = Path(job["path"])
    if "batch" in job:
        return
    if job["kind"] == "fits":
        _fits_views(path, answers)
    elif job["kind"] == "picture":
        answers.view("whole", lambda: [{"pixels": _picture(path)}])
    elif job["kind"] == "hdf5":
        answers.view("whole", lambda: [{"pixels": each} for each in _hdf5(path)])
    elif job["kind"] == "image set":
        answers.view("whole", lambda: _image_set(path))
    else:
        answers.view("columns", lambda: [{"columns": _columns(path)}])


def _fits_views(path: Path, answers: _Answers) -> None:
    from astropy.io import fits

    def count() -> Iterable[Mapping[str, Any]]:
        with fits.open(path, memmap=False) as file:
            return [{"hdus": len(file)}]

    answers.view("count", count)
    found = answers.views["count"]["entries"]
    for number in range(min(found[0]["hdus"], 40) if found else 0):
        answers.view(f"hdu {number}", partial(_hdu, path, number))


def _hdu(path: Path, number: int) -> Iterable[Mapping[str, Any]]:
    """Read an image as astropy does, and where its stored numbers are BLANK."""
    from astropy.io import fits

    marked: Any = False
    with np.errstate(all="ignore"):
        with fits.open(path, memmap=False) as file:
            hdu = file[number]
            if not hdu.is_image or len(hdu.shape) < 2:
                return []
            blank = hdu.header.get("BLANK", hdu.header.get("ZBLANK"))
            if np.prod(hdu.shape, dtype=float) > _MOST_PIXELS:
                raise ValueError("more pixels than are compared")
            if hdu.data is None:
                return []
            pixels = hdu.data.astype(np.float32)
        if isinstance(blank, int):
            with fits.open(path, memmap=False, do_not_scale_image_data=True) as file:
                stored = file[number].data
                marked = stored == blank if stored.dtype.kind in "iu" else False
    shape = (-1, *pixels.shape[-2:]) if pixels.size else (0, *pixels.shape[-2:])
    return [
        {
            "pixels": pixels.reshape(shape),
            "blank": np.broadcast_to(marked, pixels.shape).reshape(shape),
        }
    ]


def _picture(path: Any) -> NDArray[np.float32]:
    from PIL import Image

    with Image.open(path) as image:
        deep = image.format == "PNG" and any(str(tile[3]).endswith(";16B") for tile in image.tile)
        image.load()
        if image.mode in ("1", "L", "I", "I;16"):
            return np.asarray(image, dtype=np.float32)[None]
        if deep or image.mode in ("LA", "La"):
            raise ValueError("Pillow does not read all of it")
        see_through = "transparency" in image.info or image.mode in ("RGBA", "PA", "RGBa")
        values = np.asarray(image.convert("RGBA" if see_through else "RGB"))
    colors = np.moveaxis(values[..., :3], -1, 0).astype(np.float32)
    if see_through:
        colors[:, values[..., 3] == 0] = np.nan
    return np.asarray(colors, np.float32)


def _hdf5(path: Path) -> NDArray[np.float32]:
    import h5py

    with h5py.File(path, "r") as file, np.errstate(all="ignore"):
        images = file["images"]
        if images.size > _MOST_PIXELS:
            raise ValueError("more pixels than are compared")
        pixels: NDArray[np.float32] = images[:].astype(np.float32)
    if pixels.ndim == 3:
        return pixels[:, None]
    return np.moveaxis(pixels, -1, 1) if pixels.shape[3] < pixels.shape[1] else pixels


def _image_set(path: Path) -> Iterable[Mapping[str, Any]]:
    import io

    import pyarrow.parquet as pq

    for value in pq.read_table(path).column("image").to_pylist():
        data = value["bytes"] if isinstance(value, dict) else value
        try:
            yield {"pixels": _picture(io.BytesIO(data))}
        except Exception as error:
            yield {"reason": str(error)}


def _columns(path: Path) -> Mapping[str, Any]:
    if path.suffix == ".csv":
        import csv

        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, strict=True) if row]
        names = [name.strip() for name in rows[0]]
        columns = {name: [row[at] for row in rows[1:]] for at, name in enumerate(names)}
        return {name: columns[name] for name in ("id", "file") if name in columns}
    from astropy.table import Table

    form = {".ecsv": "ascii.ecsv", ".vot": "votable", ".fits": "fits", ".parquet": "parquet"}
    table = Table.read(path, format=form[path.suffix])
    table.convert_bytestring_to_unicode()
    names = [name for name in _COLUMNS if name in table.colnames]
    return {name: table[name].tolist() for name in names}


def main(side: str, door: str, seconds: int) -> None:
    """Answer requests until there are no more."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    faulthandler.register(signal.SIGXCPU, chain=True)
    opened: Open = open_source
    if door:
        module, name = door.split(":")
        opened = getattr(importlib.import_module(module), name)
    read = {"galfeat": _by_galfeat, "others": _by_others}[side]
    _warm(side)
    out.write(b"\n")
    out.flush()
    for line in sys.stdin.buffer:
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        answers = _Answers()
        with warnings.catch_warnings():
            read(json.loads(line), answers, opened)
        answers.send(out)


def _warm(side: str) -> None:
    """Import what is imported late, so that no file pays for it."""
    import astropy.io.fits
    import astropy.wcs
    import h5py
    import pyarrow.parquet

    if side == "galfeat":
        assert all((astropy.io.fits, astropy.wcs, h5py, pyarrow.parquet, Shard))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
