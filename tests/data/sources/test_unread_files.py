"""Files of a folder that are not read are counted by suffix and reason; bzip2 is unpacked."""

import bz2
import logging
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from tests.data.sources.source_files import catalog, flat, read, reasons, save, values

from galfeat import CutoutError, UsageError
from galfeat.data import open_source, read_cutout, read_cutouts
from galfeat.data.sources.unread_files import describe_unread, suffix_of
from galfeat.scripts.batching import report_unread


def pack(path: Path, *, streams_: int = 1) -> Path:
    """Pack a file with bzip2, in several streams as parallel compressors do."""
    content = path.read_bytes()
    step = -(-len(content) // streams_)
    packed = b"".join(bz2.compress(content[at : at + step]) for at in range(0, len(content), step))
    path.unlink()
    target = path.with_name(path.name + ".bz2")
    target.write_bytes(packed)
    return target


@pytest.mark.parametrize("streams_", [1, 3])
def test_bzip2_is_read_in_a_folder_by_itself_and_from_a_catalog(
    tmp_path: Path, streams_: int
) -> None:
    image = np.arange(320, dtype=np.float32).reshape(20, 16)
    path = pack(save(tmp_path / "frame-i.fits", image), streams_=streams_)
    save(tmp_path / "plain.fits", image + 1)
    rows = catalog(tmp_path / "rows.csv", "id,file\na,frame-i.fits.bz2\n")
    for source in (path, rows):
        np.testing.assert_array_equal(read_cutouts(source).pixels[0, 0], fits.getdata(path))
    np.testing.assert_array_equal(read_cutout(path).pixels[0], image)
    assert values(read(open_source(tmp_path))) == {"frame-i": [0.0], "plain": [1.0]}


def test_a_catalog_and_a_file_with_coordinates_may_be_packed(tmp_path: Path) -> None:
    save(tmp_path / "a.fits", flat(3))
    table = fits.BinTableHDU.from_columns([fits.Column("file", "6A", array=["a.fits"])])
    table.writeto(tmp_path / "rows.fits")
    assert len(open_source(pack(tmp_path / "rows.fits"))) == 1
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0})
    fits.writeto(tmp_path / "w.fits", flat(3), header)
    assert read_cutout(pack(tmp_path / "w.fits")).wcs is not None


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda packed: packed[:-30], "bzip2 and truncated"),
        (lambda packed: packed[:40] + b"\0" * 20 + packed[60:], "bzip2 and damaged"),
        (lambda _: bz2.compress(b""), "unpacks to 0 bytes"),
        (lambda _: bz2.compress(b"no FITS"), "is not a FITS file"),
    ],
)
def test_damaged_bzip2_is_a_failure(tmp_path: Path, damage: object, words: str) -> None:
    path = pack(save(tmp_path / "a.fits", flat(3, (40, 40))))
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    assert words in reasons(read(open_source(tmp_path)))["a"]


def test_bzip2_bombs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.fits.bz2").write_bytes(bz2.compress(bytes(20_000_000)))
    source = open_source(tmp_path, memory=16_777_216)
    assert "unpacks to more than 16,777,216 bytes" in reasons(read(source))["a"]


def test_unread_files_are_counted_by_suffix_and_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "a.fits", flat(1))
    save(tmp_path / "a_mask.fits", flat(0))
    for name in ("b.fits.xz", "c.FITS.XZ", "d.tif", "notes.txt", "README", ".a.fits", "sub/e.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    source = open_source(tmp_path)
    assert dict(source.unread) == {
        ".fits.xz": 2,
        ".tif": 1,
        ".webp": 1,
        ".fits": 1,
        ".txt": 1,
        "without suffix": 1,
    }
    with caplog.at_level(logging.INFO, logger="galfeat"):
        report_unread(source)
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    text = record.getMessage()
    assert "2 .fits.xz (not read: unpack with unxz)" in text
    assert "1 .tif (not read: convert to FITS or PNG)" in text
    assert "1 .fits (hidden: its name begins with a dot)" in text
    assert "1 .txt (no image)" in text
    assert "1 .fits (no galaxies of their own" in text


def test_files_that_are_no_images_are_no_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(tmp_path / "a.fits", flat(1))
    with caplog.at_level(logging.INFO, logger="galfeat"):
        report_unread(open_source(tmp_path))
        assert not caplog.records
        (tmp_path / "notes.txt").touch()
        report_unread(open_source(tmp_path))
    assert [record.levelno for record in caplog.records] == [logging.INFO]


@pytest.mark.parametrize(
    ("suffix", "remedy"),
    [
        (".fits.xz", "unpack with unxz"),
        (".fits.Z", "unpack with uncompress"),
        (".zip", "unpack with unzip"),
        (".asdf", "save the image as FITS"),
        (".tif", "convert to FITS or PNG"),
        (".webp", "convert to FITS or PNG"),
    ],
)
def test_formats_that_are_not_read_are_named(tmp_path: Path, suffix: str, remedy: str) -> None:
    file = tmp_path / f"a{suffix}"
    file.write_bytes(b"\xfd7zXZ")
    for source in (tmp_path, file):
        with pytest.raises(UsageError, match=remedy):
            open_source(source)
    rows = catalog(tmp_path / "rows.csv", f"id,file\na,a{suffix}\n")
    with pytest.raises(CutoutError, match="packed with xz; unpack it first"):
        read_cutouts(rows)


def test_suffixes() -> None:
    names = ["a.FITS.xz", "a.b.tif", "a", ".hidden", "v1.2.fits.zip", "x.csv"]
    assert [suffix_of(name) for name in names] == [
        ".fits.xz",
        ".tif",
        "without suffix",
        "without suffix",
        ".fits.zip",
        ".csv",
    ]
    assert describe_unread({}) == ""
