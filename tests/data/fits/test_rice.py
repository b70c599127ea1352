"""Rice streams are followed to their last pixel before astropy's decoder, which does not look."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

# the decoder itself has no public name
from astropy.io.fits.hdu.compressed._codecs import Rice1

from galfeat import CutoutError
from galfeat.data.fits.file import open_fits
from galfeat.data.fits.headers import Hdu
from galfeat.data.fits.rice import _is_complete
from galfeat.data.fits.tiles import open_tiles

RNG = np.random.default_rng(5)
TILES = {
    "constant": np.full(100, 7),
    "noise": RNG.normal(50, 4, 333).astype(int),
    "flat with a step": np.repeat([3, 90, 4], 40),
    "too random to pack": RNG.integers(0, 127, 97),
    "one pixel": np.array([5]),
    "long zeros": np.where(RNG.random(200) < 0.02, 120, 0),
}


def complete(stream: bytes, count: int, block: int, width: int) -> bool:
    return bool(_is_complete(np.frombuffer(stream, np.uint8), count, block, width))


def packed(pixels: Any, block: int, width: int) -> bytes:
    codec = Rice1(blocksize=block, bytepix=width, tilesize=len(pixels))
    return bytes(codec.encode(np.asarray(pixels, f"i{width}")))


def decoded(stream: bytes, count: int, block: int, width: int) -> list[int] | None:
    """Return the pixels of a stream, from its bits as text; None if they end too early."""
    bits = "".join(f"{byte:08b}" for byte in stream)
    code_bits, as_they_are = {1: (3, 6), 2: (4, 14), 4: (5, 25)}[width]
    pixels: list[int] = []
    try:
        pixel, at = int(bits[: 8 * width], 2), 8 * width
        while len(pixels) < count:
            code, at = int(bits[at : at + code_bits], 2) - 1, at + code_bits
            for _ in range(min(block, count - len(pixels))):
                change = 0
                if code == as_they_are:
                    change, at = int(bits[at : at + 8 * width], 2), at + 8 * width
                elif code >= 0:
                    one = bits.index("1", at)
                    zeros, at = one - at, one + 1 + code
                    change = (zeros << code) + int("0" + bits[one + 1 : at], 2)
                pixel += -(change >> 1) - 1 if change & 1 else change >> 1
                pixels.append(pixel)
    except ValueError:
        return None
    return pixels if at <= len(bits) else None


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("block", [16, 32])
@pytest.mark.parametrize("name", TILES)
def test_whole_streams_are_complete_and_shorter_ones_are_not(
    name: str, block: int, width: int
) -> None:
    pixels = TILES[name]
    stream = packed(pixels, block, width)
    assert decoded(stream, len(pixels), block, width) == pixels.tolist()
    assert complete(stream, len(pixels), block, width)
    shorter = [complete(stream[:end], len(pixels), block, width) for end in range(len(stream))]
    assert not any(shorter)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_damaged_streams_are_complete_where_all_pixels_have_their_bits(width: int) -> None:
    found = []
    for _ in range(200):
        pixels = list(TILES.values())[RNG.integers(len(TILES))]
        stream = bytearray(packed(pixels, 32, width))
        for _ in range(RNG.integers(1, 4)):
            stream[RNG.integers(len(stream))] = (0, 255, int(RNG.integers(128)))[RNG.integers(3)]
        stream = stream[: len(stream) - RNG.integers(3)] + bytes(RNG.integers(3))
        whole = decoded(bytes(stream), len(pixels), 32, width) is not None
        found.append((whole, complete(bytes(stream), len(pixels), 32, width)))
    # of four bytes there are codes that do not exist: refused, though there may be bits enough
    assert not any(mine and not whole for whole, mine in found)
    assert width == 4 or not any(whole and not mine for whole, mine in found)
    assert 40 < sum(mine for _, mine in found) < 160


def test_codes_that_do_not_exist_are_refused() -> None:
    stream = bytes(4) + bytes([0b11111_000]) + bytes([255]) * 300
    assert not complete(stream, 32, 32, 4)
    assert complete(bytes(4) + bytes([0b11010_000]) + bytes([255]) * 300, 32, 32, 4)


def compressed() -> tuple[bytearray, int]:
    """Return a file with an image in 20 tiles, and where their lengths and offsets begin."""
    pixels = np.random.default_rng(0).integers(1, 250, (20, 24)).astype("i2")
    file = io.BytesIO()
    image = fits.CompImageHDU(pixels, compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(file)
    file.seek(0)
    with fits.open(file, disable_image_compression=True) as opened:
        return bytearray(file.getvalue()), opened[1].fileinfo()["datLoc"]


def damaged(folder: Path) -> Path:
    """Write an image whose thirteenth tile ends in zeros, where a decoder would read on."""
    raw, table = compressed()
    length, offset = np.frombuffer(raw, ">i4", 2, table + 12 * 8)
    end = table + 20 * 8 + offset + length
    raw[end - 20 : end] = bytes(20)
    path = folder / "a.fits"
    path.write_bytes(raw)
    return path


def test_an_image_with_such_a_stream_is_refused_by_its_tile(tmp_path: Path) -> None:
    with open_fits(damaged(tmp_path)) as file, pytest.raises(CutoutError, match="tile 13 ends"):
        file.load(file.galaxies()[0])


def test_a_section_is_refused_where_the_stream_lies_under_it(tmp_path: Path) -> None:
    path = damaged(tmp_path)
    with open_fits(path) as file:
        hdu: Hdu = file.hdus[1]
    with open_tiles(path, hdu) as read:
        assert read(slice(0, 12), slice(0, 24)).shape == (12, 24)
        assert read(slice(13, 20), slice(3, 9)).shape == (7, 6)
        with pytest.raises(CutoutError, match="tile 13 ends"):
            read(slice(12, 13), slice(3, 9))


def test_streams_in_columns_of_other_numbers_are_refused(tmp_path: Path) -> None:
    raw, table = compressed()
    raw[table : table + 20 * 8] = bytes(20 * 8)
    path = tmp_path / "a.fits"
    path.write_bytes(raw.replace(b"'1PB(", b"'1PI(", 1))
    with open_fits(path) as file, pytest.raises(CutoutError, match="a column of the form 1PI"):
        file.load(file.galaxies()[0])
