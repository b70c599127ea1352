"""Files that are no good: each fails with its true reason, quickly, and nothing else happens."""

import contextlib
import gzip
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from galfeat import CutoutError
from galfeat.data import Shard, open_source
from galfeat.data.fits import fast_images
from galfeat.data.fits.file import FitsFile, open_fits
from galfeat.data.fits.headers import read_hdus
from galfeat.data.fits.streams import FileBytes, open_bytes
from galfeat.data.memory import BUDGET


def whole(*hdus: Any) -> bytes:
    file = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(file)
    return file.getvalue()


def pixels(*shape: int) -> np.ndarray[Any, np.dtype[Any]]:
    return np.random.default_rng(0).normal(100, 9, shape or (20, 24)).astype("f4")


def named(*names: str) -> list[Any]:
    return [fits.PrimaryHDU(), *(fits.ImageHDU(pixels(), name=name) for name in names)]


PLAIN = whole(fits.PrimaryHDU(pixels()))
CORPUS = {
    "float": PLAIN,
    "unsigned": whole(fits.PrimaryHDU(pixels().astype("u2"))),
    "cube": whole(fits.PrimaryHDU(pixels(3, 12, 14).astype("f8"))),
    "bands": whole(*named("g", "r", "i")),
    "galaxies": whole(*named("A1", "A2", "A3")),
    "table": whole(
        fits.PrimaryHDU(pixels()),
        fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1, 2])]),
    ),
    "rice": whole(fits.PrimaryHDU(), fits.CompImageHDU(pixels(), compression_type="RICE_1")),
    "rice of integers": whole(
        fits.PrimaryHDU(), fits.CompImageHDU(pixels().astype("i2"), compression_type="RICE_1")
    ),
    "gzip": whole(fits.PrimaryHDU(), fits.CompImageHDU(pixels(), compression_type="GZIP_2")),
    "hcompress": whole(
        fits.PrimaryHDU(),
        fits.CompImageHDU(pixels(), compression_type="HCOMPRESS_1", tile_shape=(10, 12)),
    ),
    "hcompress of integers": whole(
        fits.PrimaryHDU(), fits.CompImageHDU(pixels().astype("i4"), compression_type="HCOMPRESS_1")
    ),
    "pixel lists": whole(
        fits.PrimaryHDU(),
        fits.CompImageHDU((pixels() > 100).astype("i2"), compression_type="PLIO_1"),
    ),
    "companions": whole(*named("SCI", "ERR", "DQ", "SEG")),
    "packed": gzip.compress(PLAIN, mtime=0),
}


def changed(file: bytes, keyword: str, value: str) -> bytes:
    """Return the file with another value in the first card of that keyword."""
    at = file.index(f"{keyword:<8}=".encode())
    return file[: at + 10] + value.rjust(20).encode() + file[at + 30 :]


def reason(path: Path) -> str:
    with pytest.raises(CutoutError) as caught, open_fits(path) as file:
        for galaxy in file.galaxies():
            file.load(galaxy)
    return str(caught.value)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty (0 bytes)"),
        (
            b"<html>not found</html>",
            "is not a FITS file: it is text that begins with '<html>not found<'",
        ),
        (jpeg(), "is not a FITS file: it is a JPEG picture"),
        (b"\0" * 5000, "is not a FITS file"),
        (b"SIMPLE  =", "no END"),
        (PLAIN[:400], "no END"),
        (PLAIN[: 2880 + 100], "is truncated: its image should have 1,920 bytes and has 100"),
        (PLAIN[:2880], "should have 1,920 bytes and has 0"),
        (gzip.compress(PLAIN, mtime=0)[:-20], "is gzipped and truncated"),
        (
            gzip.compress(PLAIN, mtime=0)[:600] + b"\0" * 60 + gzip.compress(PLAIN, mtime=0)[660:],
            "is gzipped and damaged",
        ),
        (gzip.compress(b"", mtime=0), "is empty: it unpacks to 0 bytes"),
        (gzip.compress(b"text", mtime=0), "is not a FITS file"),
        (changed(PLAIN, "BITPIX", "13"), "BITPIX is 13"),
        (changed(PLAIN, "BITPIX", "'x'"), "BITPIX is 'x', not a whole number"),
        (changed(PLAIN, "NAXIS", "-1"), "NAXIS is -1"),
        (changed(PLAIN, "NAXIS", "3"), "NAXIS3 is missing"),
        (changed(PLAIN, "NAXIS1", "-24"), "negative length"),
        (changed(PLAIN, "NAXIS1", "0"), "has no pixels (20 x 0 pixels)"),
        (changed(PLAIN, "NAXIS1", "1000000000"), "should have 80,000,000,000 bytes and has 2,880"),
        (changed(PLAIN, "NAXIS1", "99999999999999999999"), "is truncated"),
        (PLAIN.replace(b"END     ", b"ENDE    "), "no END"),
        (whole(fits.PrimaryHDU()), "holds no image"),
        (whole(fits.PrimaryHDU(np.zeros(7))), "only 1 one-dimensional array(s)"),
        (
            whole(
                fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1])])
            ),
            "holds no image, only 1 table(s)",
        ),
        (whole(*named("ERR")), "holds no image of a galaxy, only ancillary images (ERR)"),
        (
            changed(PLAIN, "EXTEND", "T").replace(b"EXTEND  =", b"BSCALE  ="),
            "BSCALE is T, not a number",
        ),
    ],
)
def test_a_damaged_file_has_a_specific_reason(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in reason(written(tmp_path / "a.fits", content))


def test_paths_that_are_not_files_are_refused(tmp_path: Path) -> None:
    assert reason(tmp_path / "missing.fits") == "there is no such file"
    assert reason(tmp_path) == "is a folder, not a file"
    assert reason(written(tmp_path / "a.fits", PLAIN) / "b.fits") == "there is no such file"


def test_a_file_without_read_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    (tmp_path / "a.fits").touch()
    assert reason(tmp_path / "a.fits") == "may not be read: permission denied"


def test_a_header_that_claims_terabytes_allocates_kilobytes(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.fits", changed(changed(PLAIN, "NAXIS1", "1000000000"), "NAXIS2", "1000000")
    )
    reason(path)
    tracemalloc.start()
    assert "is truncated" in reason(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_small_file_that_claims_a_thousand_million_pixels_a_row_fails_at_once(
    tmp_path: Path,
) -> None:
    content = changed(PLAIN, "NAXIS1", "1000000000") + bytes(20_000 - len(PLAIN))
    assert len(content) == 20_000
    path = written(tmp_path / "a.fits", content)
    source = open_source(tmp_path)
    source.read(Shard(0, 1))
    tracemalloc.start()
    [failure] = open_source(path).read(Shard(0, 1)).failures
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (
        failure.reason == "is truncated: its image should have 80,000,000,000 bytes and has 17,120"
    )
    # the room that any file is read into, most of it never touched
    assert peak < fast_images._MAX_BYTES + 100_000


def test_a_gzipped_file_that_claims_too_much_is_not_unpacked_to_the_end(
    tmp_path: Path,
) -> None:
    path = written(tmp_path / "a.fits.gz", gzip.compress(bytes(40 << 20)))
    with BUDGET.limited(32 << 20):
        assert "unpacks to 41,943,040 bytes, and 33,554,432 bytes of memory may be used" in reason(
            path
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("ZNAXIS1", "2000000000"), "needs 381,470 MiB of memory"),
        (("ZNAXIS2", "21"), "21 tiles make its image and 20 are there"),
        (("ZTILE1", "0"), "a tile has no pixels"),
        (("ZCMPTYPE", "'HCOMPRESS_1'"), "a tile does not begin with the code of HCOMPRESS"),
        (("ZCMPTYPE", "'BZIP2'"), "is compressed with BZIP2, which cannot be read safely"),
        (("ZVAL1", "0"), "BLOCKSIZE of its compression is 0"),
        (("ZVAL2", "1000"), "BYTEPIX of its compression is 1000"),
        (("TFORM1", "'1QZ(9)'"), "TFORM1 is 1QZ(9)"),
        (("TFIELDS", "0"), "TFIELDS is 0"),
        (("TFIELDS", "2147483648"), "TFIELDS is 2147483648"),
        (("ZBITPIX", "5"), "ZBITPIX is 5"),
    ],
)
def test_an_invalid_compressed_image_never_reaches_the_decoder(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    assert words in reason(written(tmp_path / "a.fits", changed(CORPUS["rice"], *change)))


def test_damaged_tiles_fail(tmp_path: Path) -> None:
    file = bytearray(CORPUS["rice of integers"])
    end = file.rindex(b"END     ")
    data = -(-end // 2880) * 2880
    file[data + 20 * 8 + 10 : data + 20 * 8 + 40] = b"\xff" * 30
    assert "its compressed pixels are damaged" in reason(written(tmp_path / "a.fits", bytes(file)))


def loads(content: bytes) -> list[str]:
    """Read all galaxies of a file; the reason stands in for those that cannot be read."""
    file = FitsFile(FileBytes(content))
    answers = []
    for galaxy in file.galaxies():
        try:
            answers.append(str(file.load(galaxy).pixels.shape))
        except CutoutError as error:
            answers.append(str(error))
    return answers


def test_galaxies_before_the_end_of_a_truncated_file_are_kept() -> None:
    answers = loads(CORPUS["galaxies"][:-2880])
    assert answers[:2] == ["(1, 20, 24)"] * 2
    assert answers[2:] == ["is truncated: its extension 3 should have 1,920 bytes and has 0"]


def test_bands_of_a_truncated_file_are_not_taken_for_fewer_bands() -> None:
    for cut in (-2880, -5000, -8000):
        with pytest.raises(CutoutError, match=r"truncated|no END"):
            loads(CORPUS["bands"][:cut])


@pytest.mark.parametrize("place", [1, 2, 3])
def test_an_extension_whose_first_word_is_damaged_is_missed(place: int) -> None:
    file = CORPUS["bands"]
    at = -1
    for _ in range(place):
        at = file.index(b"XTENSION", at + 1)
    with pytest.raises(CutoutError, match=f"extension {place} does not begin where it should"):
        loads(file[: at + 4] + b"?" + file[at + 5 :])


def test_an_extension_whose_end_is_damaged_does_not_swallow_the_next() -> None:
    file = CORPUS["galaxies"]
    at = file.index(b"END     ", file.index(b"XTENSION"))
    with pytest.raises(CutoutError, match="in extension 1, its header is damaged: its END card"):
        loads(file[: at + 20] + b"?" + file[at + 21 :])
    with pytest.raises(CutoutError, match="in extension 1, its header is damaged: its END card"):
        loads(file[: at + 20] + b"\0" + file[at + 21 :])  # astropy reads on
    with pytest.raises(CutoutError, match="in extension 1, its header is damaged or truncated"):
        loads(file[:at] + b"E?D" + file[at + 3 :])


def test_a_file_that_shrinks_while_it_is_read_fails(tmp_path: Path) -> None:
    path = written(tmp_path / "a", bytes(6 << 20))
    with open_bytes(path) as source:
        with path.open("r+b") as file:
            file.truncate(5 << 20)
        with pytest.raises(CutoutError, match="became shorter"):
            source.read(5 << 20, 1000)


def _flipped(file: bytearray, rng: np.random.Generator) -> bytes:
    for _ in range(rng.integers(1, 30)):
        file[rng.integers(len(file))] = rng.integers(256)
    return bytes(file)


def _cut(file: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(file[: rng.integers(len(file))])


def _missing_piece(file: bytearray, rng: np.random.Generator) -> bytes:
    start = rng.integers(len(file))
    del file[start : start + rng.integers(1, 4000)]
    return bytes(file)


def _other_values(file: bytearray, rng: np.random.Generator) -> bytes:
    cards = [at for at in range(0, len(file), 80) if file[at + 8 : at + 10] == b"= "]
    values = [
        "0",
        "-1",
        "1",
        "3",
        "13",
        "64",
        "99999999999",
        "1E400",
        "-32",
        "'A'",
        "T",
        "NaN",
        "",
        "0.5",
        "1E300",
        "-128",
        "32768",
        "é",
        "\0",
    ]
    for _ in range(rng.integers(1, 4)):
        at = cards[rng.integers(len(cards))] if cards else 0
        file[at + 10 : at + 30] = values[rng.integers(len(values))].rjust(20).encode("latin-1")
    return bytes(file)


def _outcome(path: Path) -> str:
    """Return why a file cannot be read, or nothing if it can."""
    try:
        with open_fits(path) as file:
            assert all(file.load(galaxy).pixels.ndim == 3 for galaxy in file.galaxies())
    except CutoutError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("damage", [_flipped, _cut, _missing_piece, _other_values])
@pytest.mark.parametrize("kind", CORPUS)
def test_damage_ends_in_pixels_or_in_a_reason(
    kind: str, damage: Callable[[bytearray, np.random.Generator], bytes], tmp_path: Path
) -> None:
    """Any other exception, and any warning, fails this test."""
    damaged = [damage(bytearray(CORPUS[kind]), np.random.default_rng(seed)) for seed in range(25)]
    reasons = [_outcome(written(tmp_path / "a.fits", content)) for content in damaged]
    assert any(reasons) or damage is _flipped
    assert all(10 < len(reason) < 300 for reason in reasons if reason)


@given(st.binary(max_size=400), st.integers(0, 35), st.binary(max_size=80))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_made_up_headers_end_in_pixels_or_in_a_reason(card: bytes, place: int, rest: bytes) -> None:
    content = (
        PLAIN[: place * 80]
        + card[:80].ljust(80)
        + PLAIN[place * 80 + 80 : 2880]
        + PLAIN[2880:]
        + rest
    )
    with contextlib.suppress(CutoutError):
        loads(content)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "END"]
            ),
            st.integers(-9, 99),
        )
    )
)
@settings(max_examples=150, deadline=None)
def test_headers_of_any_order_are_read_or_refused(cards: list[tuple[str, int]]) -> None:
    text = "SIMPLE  =                    T".ljust(80) + "".join(
        f"{keyword:<8}= {value:>20}".ljust(80) for keyword, value in cards
    )
    content = text.ljust(-(-len(text) // 2880) * 2880).encode() + bytes(2880)
    try:
        hdus, _ = read_hdus(FileBytes(content))
    except CutoutError:
        return
    assert all(hdu.offset + hdu.size <= len(content) for hdu in hdus)


def test_a_compressed_cube_of_billions_of_planes_is_refused_at_once(tmp_path: Path) -> None:
    """Names of bands are not looked for in as many keywords."""
    path = tmp_path / "a.fits"
    cube = fits.CompImageHDU(np.zeros((3, 8, 9), np.int16), compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), cube]).writeto(path)
    path.write_bytes(changed(path.read_bytes(), "ZNAXIS3", str(1 << 31)))
    assert "has 2,147,483,648 planes" in reason(path)


@pytest.mark.parametrize("word", [-1, -254, -4095, -4096, -32768])
def test_an_instruction_that_pixel_lists_do_not_have_is_refused(tmp_path: Path, word: int) -> None:
    """C decoders take some of these for runs of zeros, and pass over the others."""
    content = CORPUS["pixel lists"]
    # the header of a line list: no pixels of its own length, seven words, version 100
    at = content.index(np.array([0, 7, -100], ">i2").tobytes()) + 2 * 7
    damaged = content[:at] + np.array([word], ">i2").tobytes() + content[at + 2 :]
    assert "there is no such instruction" in reason(written(tmp_path / "a.fits", damaged))
