"""Pictures to bands red, green and blue."""

import io
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from galfeat import CutoutError
from galfeat.data.sources.pictures import read_picture

COLORS = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)


def save(path: Path, picture: Image.Image, **options: Any) -> Path:
    picture.save(path, **options)
    return path


def bands_first(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.moveaxis(values, -1, 0).astype(np.float32)


def test_colors_are_bands_and_the_first_row_is_the_top_one(tmp_path: Path) -> None:
    found = read_picture(save(tmp_path / "a.png", Image.fromarray(COLORS)))
    assert (found.bands, found.named) == (("red", "green", "blue"), True)
    assert found.pixels.dtype == np.float32
    assert np.array_equal(found.pixels, bands_first(COLORS))


def test_a_jpeg_is_what_opencv_sees(tmp_path: Path) -> None:
    smooth = np.tile(np.arange(0, 240, 10, dtype=np.uint8)[:, None, None], (1, 24, 3))
    smooth[..., 1] = 255 - smooth[..., 1]
    path = save(tmp_path / "a.JPG", Image.fromarray(smooth), quality=95)
    seen = cv2.imread(str(path))
    assert seen is not None
    oracle = bands_first(seen[..., ::-1])
    assert np.abs(read_picture(path).pixels - oracle).max() <= 2


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_gray_pictures_have_one_band_without_a_name(tmp_path: Path, mode: str) -> None:
    gray = Image.fromarray(COLORS).convert(mode)
    found = read_picture(save(tmp_path / "a.png", gray))
    assert (found.bands, found.named) == (("band1",), False)
    assert np.array_equal(found.pixels[0] > 0, np.asarray(gray.convert("L")) > 0)


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (5, 6, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "color.png"), deep[..., ::-1])
    cv2.imwrite(str(tmp_path / "gray.png"), deep[..., 0])
    assert np.array_equal(read_picture(tmp_path / "color.png").pixels, bands_first(deep))
    assert np.array_equal(read_picture(tmp_path / "gray.png").pixels[0], deep[..., 0])


def test_what_is_wholly_transparent_is_a_bad_pixel(tmp_path: Path) -> None:
    alpha = np.full((7, 9, 1), 255, np.uint8)
    alpha[2, 3], alpha[4, 5] = 0, 1
    found = read_picture(
        save(tmp_path / "a.png", Image.fromarray(np.concatenate([COLORS, alpha], axis=-1)))
    )
    assert np.isnan(found.pixels[:, 2, 3]).all()
    assert np.isnan(found.pixels).sum() == 3
    assert found.pixels[:, 4, 5].tolist() == COLORS[4, 5].tolist()


def test_palettes_become_colors(tmp_path: Path) -> None:
    palette = Image.fromarray(COLORS).convert("P")
    assert np.array_equal(
        read_picture(save(tmp_path / "a.png", palette)).pixels,
        bands_first(np.asarray(palette.convert("RGB"))),
    )
    clear = save(tmp_path / "b.png", palette, transparency=int(np.asarray(palette)[0, 0]))
    assert np.isnan(read_picture(clear).pixels[:, 0, 0]).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_damaged_pictures_fail_with_a_reason(tmp_path: Path, kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(COLORS).save(file, kind)
    whole = file.getvalue()
    path = tmp_path / "a.png"
    for cut in (4, 30, len(whole) // 2, len(whole) - 40):
        path.write_bytes(whole[:cut])
        with pytest.raises(CutoutError, match="is a damaged picture"):
            read_picture(path)


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bytes_end_in_pixels_or_in_a_reason(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    file = io.BytesIO()
    Image.fromarray(COLORS).save(file, ("PNG", "JPEG")[seed % 2])
    content = bytearray(file.getvalue())
    for _ in range(5):
        content[rng.integers(2, len(content))] = rng.integers(256)
    (tmp_path / "a.png").write_bytes(content)
    try:
        found = read_picture(tmp_path / "a.png").pixels.ndim
    except CutoutError:
        found = 3
    assert found == 3


def test_a_picture_that_claims_too_much_is_not_given_the_memory(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(COLORS).save(file, "PNG")
    header = b"IHDR" + (30000).to_bytes(4, "big") * 2 + file.getvalue()[24:29]
    claimed = (
        file.getvalue()[:12] + header + zlib.crc32(header).to_bytes(4, "big") + file.getvalue()[33:]
    )
    (tmp_path / "a.png").write_bytes(claimed)
    with pytest.raises(CutoutError, match="claims 30000 x 30000 pixels"):
        read_picture(tmp_path / "a.png")


def test_what_is_no_picture_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"SIMPLE  =                    T")
    with pytest.raises(CutoutError, match="neither a JPEG nor a PNG picture: it is a FITS file"):
        read_picture(path)
    path.write_bytes(b"")
    with pytest.raises(CutoutError, match="is empty"):
        read_picture(path)
    with pytest.raises(CutoutError, match="there is no such file"):
        read_picture(tmp_path / "b.png")
