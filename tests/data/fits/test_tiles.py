"""Damaged tables of compressed images: a sentence by either way of reading, and no crash."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import Shard, open_source
from galfeat.data.fits.file import open_fits
from galfeat.data.fits.scaling import apply_scaling
from galfeat.data.fits.tiles import open_tiles

PIXELS = np.random.default_rng(0).integers(1, 250, (20, 24))


def compressed(kind: str = "i4", **options: Any) -> bytearray:
    file = io.BytesIO()
    image = fits.CompImageHDU(PIXELS.astype(kind), compression_type="RICE_1", **options)
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(file)
    return bytearray(file.getvalue())


def with_card(raw: bytearray, card: str, instead_of: str = "EXTNAME") -> bytearray:
    """Put a card in the place of another one."""
    at = raw.index(f"{instead_of:<8}=".encode())
    raw[at : at + 80] = card.encode().ljust(80)
    return raw


def with_tile(raw: bytearray, row: int, length: int, offset: int) -> bytearray:
    """Change the descriptor of a tile."""
    raw[5760 + 8 * row : 5768 + 8 * row] = np.array([length, offset], ">i4").tobytes()
    return raw


def as_whole(path: Path) -> NDArray[Any]:
    with open_fits(path) as file:
        [galaxy] = file.galaxies()
        pixels: NDArray[Any] = file.load(galaxy).pixels[0]
        return pixels


def in_sections(path: Path) -> NDArray[Any]:
    with open_fits(path) as file:
        hdu = file.hdus[1]
    with open_tiles(path, hdu) as read:
        top, rest = (read(rows, slice(0, 24)) for rows in (slice(0, 7), slice(7, 20)))
        return apply_scaling(np.concatenate([top, rest]), hdu)


both = pytest.mark.parametrize("read", [as_whole, in_sections])


@both
@pytest.mark.parametrize(
    ("length", "offset", "words"),
    [
        (369098752, -2030043136, "tile 4 of 20 would have 369098752 values at byte -2030043136"),
        (-5, 0, "tile 4 of 20 would have -5 values"),
        (8, 1 << 30, "tile 4 of 20 would have 8 values at byte 1073741824 of "),
        ((1 << 31) - 1, 0, "tile 4 of 20 would have 2147483647 values"),
    ],
)
def test_a_tile_outside_its_table_is_refused(
    tmp_path: Path, read: Any, length: int, offset: int, words: str
) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(with_tile(compressed("u1"), 3, length, offset))
    with pytest.raises(CutoutError, match=f"compressed pixels are damaged: {words}"):
        read(path)


@both
@pytest.mark.parametrize("tile", [(1, 24), (4, 24), (3, 5)])
@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4"])
def test_good_tiles_are_read_as_by_astropy(
    tmp_path: Path, read: Any, tile: tuple[int, int], kind: str
) -> None:
    path = tmp_path / "a.fits"
    dither = {"quantize_method": 2, "dither_seed": 77} if kind == "f4" else {}
    path.write_bytes(compressed(kind, tile_shape=tile, **dither))
    np.testing.assert_array_equal(read(path), fits.getdata(path, 1).astype("f4"))


@both
@pytest.mark.parametrize("damage", ["tile", "table", "stream"])
def test_what_astropy_cannot_decode_is_refused(tmp_path: Path, read: Any, damage: str) -> None:
    raw = compressed()
    if damage == "tile":
        with_card(raw, "ZTILE1  = 99999999999999999999", "ZTILE1")
    elif damage == "table":
        with_card(raw, "TFORM1  = '1PB(\xa0)'", "TFORM1")
    else:
        raw = with_tile(raw, 3, 2, 0)
    path = tmp_path / "a.fits"
    path.write_bytes(raw)
    if damage == "tile":  # longer than the image: cut to it
        np.testing.assert_array_equal(read(path), PIXELS)
        return
    with pytest.raises(CutoutError, match=r"TFORM1 is|compressed pixels are damaged"):
        read(path)


@both
@pytest.mark.parametrize("keyword", ["BLANK", "ZBLANK"])
@pytest.mark.parametrize(("kind", "blank"), [("u1", -1), ("u1", 256), ("i2", 40000)])
def test_a_blank_outside_the_type_masks_nothing(
    tmp_path: Path, read: Any, keyword: str, kind: str, blank: int
) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(with_card(compressed(kind), f"{keyword:<8}= {blank}"))
    np.testing.assert_array_equal(read(path), PIXELS)


@both
def test_a_blank_is_missing_data(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(with_card(compressed("i2"), f"BLANK   = {PIXELS[3, 4]}"))
    np.testing.assert_array_equal(read(path), np.where(PIXELS[3, 4] == PIXELS, np.nan, PIXELS))


@both
@pytest.mark.parametrize(
    ("keyword", "value"), [("BSCALE", "0"), ("BSCALE", "1E999"), ("BZERO", "-1E999")]
)
def test_a_scale_that_makes_all_pixels_one_is_refused(
    tmp_path: Path, read: Any, keyword: str, value: str
) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(with_card(compressed(), f"{keyword:<8}= {value}"))
    with pytest.raises(CutoutError, match=f"header is damaged: {keyword} is .*: correct {keyword}"):
        read(path)


@both
@pytest.mark.parametrize(
    ("card", "others"), [("ZTILE2  = 2", "1 and 2"), ("ZVAL1   = 16", "32 and 16")]
)
def test_a_second_layout_of_the_tiles_is_refused(
    tmp_path: Path, read: Any, card: str, others: str
) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(with_card(compressed(), card))
    with pytest.raises(CutoutError, match=f"{card[:5]}.* appears more than once, as {others}"):
        read(path)


@both
def test_the_same_layout_of_the_tiles_twice_is_read(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "a.fits"
    path.write_bytes(with_card(compressed(), "ZTILE2  = 1"))
    np.testing.assert_array_equal(read(path), PIXELS)


@pytest.mark.parametrize("first", ["SIMPLE  =", "XTENSION="])
def test_a_repeated_header_is_refused(tmp_path: Path, first: str) -> None:
    file = io.BytesIO()
    fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(np.zeros((60, 60), "f4"))]
        if first == "XTENSION="
        else [fits.PrimaryHDU(np.zeros((60, 60), "f4"))]
    ).writeto(file)
    raw = file.getvalue()
    at = raw.index(first.encode())
    path = tmp_path / "a.fits"
    path.write_bytes(raw[:at] + raw[at : at + 2880] + raw[at:])
    with pytest.raises(CutoutError, match=r"a header is found where the pixels .* should begin"):
        as_whole(path)


def test_a_repeated_header_is_refused_among_good_files(tmp_path: Path) -> None:
    for name in "ab":
        fits.PrimaryHDU(np.ones((60, 60), "f4")).writeto(tmp_path / f"{name}.fits")
    raw = (tmp_path / "b.fits").read_bytes()
    (tmp_path / "b.fits").write_bytes(raw[:2880] + raw[:2880] + raw[2880:-2880])
    source = open_source(tmp_path)
    reading = source.read(Shard(0, 2))
    assert [cutout.id for cutout in reading.cutouts] == ["a"]
    assert "a header is found where the pixels" in reading.failures[0].reason


@pytest.mark.parametrize("value", ["F", "1", "'T'", ""])
def test_simple_other_than_true_is_refused(tmp_path: Path, value: str) -> None:
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.ones((6, 7), "f4")).writeto(path)
    path.write_bytes(with_card(bytearray(path.read_bytes()), f"SIMPLE  = {value}", "SIMPLE"))
    with pytest.raises(CutoutError, match=rf"not standard FITS.*\(SIMPLE is {value or 'missing'}"):
        as_whole(path)
