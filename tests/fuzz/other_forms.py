"""Small pictures, catalogs and image sets of every form that is read."""

import csv
import io
import zlib
from collections.abc import Iterator
from typing import Any, Literal

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.table import Table
from numpy.typing import NDArray
from PIL import Image

__all__ = ["CATALOG_FILES", "other_forms"]

CATALOG_FILES = ("a.fits", "b.fits", "c.fits")
"""Images that the catalogs name."""

_Other = tuple[str, Literal["picture", "catalog", "hdf5", "image set"], str, bytes]


def other_forms(rng: np.random.Generator) -> Iterator[_Other]:
    """Yield name, kind, suffix and content of each."""
    yield from _pictures(rng)
    yield from _catalogs(rng)
    yield from _hdf5(rng)
    yield from _image_sets(rng)


def _bytes(rng: np.random.Generator, *shape: int) -> NDArray[np.uint8]:
    return rng.integers(0, 256, shape, dtype=np.uint8)


def _encoded(pixels: NDArray[Any], form: str, mode: str = "", **options: Any) -> bytes:
    image = Image.fromarray(pixels)
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, form, **options)
    return file.getvalue()


def _pictures(rng: np.random.Generator) -> Iterator[_Other]:
    colors, gray = _bytes(rng, 11, 13, 3), _bytes(rng, 11, 13)
    deep = rng.integers(0, 65536, (11, 13), dtype=np.uint16)
    yield "JPEG", "picture", ".jpg", _encoded(colors, "JPEG")
    yield "JPEG progressive", "picture", ".jpeg", _encoded(colors, "JPEG", progressive=True)
    yield "JPEG gray", "picture", ".jpg", _encoded(gray, "JPEG")
    yield "JPEG CMYK", "picture", ".jpg", _encoded(colors, "JPEG", "CMYK")
    yield "PNG", "picture", ".png", _encoded(colors, "PNG")
    yield "PNG gray", "picture", ".png", _encoded(gray, "PNG")
    yield "PNG gray 16 bits", "picture", ".png", _encoded(deep, "PNG")
    see_through = np.concatenate([colors, (gray > 90).astype(np.uint8)[..., None] * 255], -1)
    yield "PNG transparent", "picture", ".png", _encoded(see_through, "PNG")
    yield "PNG palette", "picture", ".png", _encoded(colors, "PNG", "P")
    yield "PNG one bit", "picture", ".png", _encoded(gray, "PNG", "1")
    yield "PNG colors 16 bits", "picture", ".png", _png(rng.bytes(11 * (1 + 13 * 6)))


def _png(lines: bytes) -> bytes:
    """Return a PNG of 13 x 11 pixels with 16 bits a color, which Pillow does not write."""
    head = b"\0\0\0\x0d\0\0\0\x0b\x10\x02\0\0\0"
    step = 1 + 13 * 6
    rows = b"".join(b"\0" + lines[at + 1 : at + step] for at in range(0, len(lines), step))
    pieces = {b"IHDR": head, b"IDAT": zlib.compress(rows), b"IEND": b""}
    chunks = [
        len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
        for name, data in pieces.items()
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _catalogs(rng: np.random.Generator) -> Iterator[_Other]:
    rows = len(CATALOG_FILES)
    columns: dict[str, list[Any]] = {
        "id": ["0017", "NGC 1300", "587722981736120347"],
        "file": list(CATALOG_FILES),
        "label": ["spiral", "", "elliptical"],
        "x": rng.uniform(3, 9, rows).round(3).tolist(),
        "y": rng.uniform(3, 9, rows).round(3).tolist(),
        "ra": rng.uniform(149.999, 150.001, rows).round(6).tolist(),
        "dec": rng.uniform(1.999, 2.001, rows).round(6).tolist(),
    }
    yield "CSV", "catalog", ".csv", _csv(columns)
    bands = {"id": columns["id"], "file_g": columns["file"], "file_r": columns["file"][::-1]}
    yield "CSV of bands", "catalog", ".csv", _csv(bands)
    hdus = {**columns, "hdu": [0, 0, 0]}
    yield "CSV with hdu", "catalog", ".csv", _csv(hdus)
    table = Table(columns)
    for name, form, suffix in (
        ("ECSV", "ascii.ecsv", ".ecsv"),
        ("VOTable", "votable", ".vot"),
        ("FITS table", "fits", ".fits"),
    ):
        file: Any = io.StringIO() if suffix == ".ecsv" else io.BytesIO()
        table.write(file, format=form)
        text = file.getvalue()
        yield name, "catalog", suffix, text.encode() if isinstance(text, str) else text
    yield "Parquet", "catalog", ".parquet", _parquet(pa.table(columns))
    many = {name: values * 60 for name, values in columns.items()}
    many["id"] = [str(number) for number in range(rows * 60)]
    yield "Parquet in pieces", "catalog", ".parquet", _parquet(pa.table(many), row_group_size=50)


def _csv(columns: dict[str, list[Any]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return file.getvalue().encode()


def _parquet(table: pa.Table, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def _hdf5(rng: np.random.Generator) -> Iterator[_Other]:
    colors = _bytes(rng, 5, 8, 9, 3)
    flux = rng.normal(100, 20, (5, 2, 8, 9)).astype("f4")
    deep = rng.integers(-30000, 30000, (5, 8, 9)).astype(">i2")
    for name, images, options in (
        ("HDF5 colors", colors, {}),
        ("HDF5 packed", flux, {"chunks": (2, 1, 8, 9), "compression": "gzip", "shuffle": True}),
        ("HDF5 checked", deep, {"chunks": (1, 8, 9), "fletcher32": True}),
    ):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file.create_dataset("images", data=images, **options)
            file["ans"] = np.arange(5) % 3
            file["ra"] = np.linspace(149, 151, 5)
        yield name, "hdf5", ".h5", buffer.getvalue()


def _image_sets(rng: np.random.Generator) -> Iterator[_Other]:
    pictures = [_encoded(_bytes(rng, 7, 8, 3), form) for form in ("JPEG", "PNG", "PNG", "JPEG")]
    labels = pa.array([0, 1, 1, 0])
    both = [{"bytes": data, "path": None} for data in pictures]
    plain = pa.table({"image": pa.array(pictures, pa.binary()), "label": labels})
    yield "Parquet pictures", "image set", ".parquet", _parquet(plain, row_group_size=3)
    yield (
        "Parquet pictures with paths",
        "image set",
        ".parquet",
        _parquet(pa.table({"image": both, "label": labels}), compression="none"),
    )
