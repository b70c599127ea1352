"""Names and numbers that people's folders and catalogs really hold."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from galfeat import UsageError
from galfeat.data import open_source


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    hdus = [fits.PrimaryHDU()] + [
        fits.ImageHDU(np.full((8, 8 + i), i, np.float32)) for i in range(3)
    ]
    fits.HDUList(hdus).writeto(tmp_path / "stack.fits")
    return tmp_path


@pytest.mark.parametrize(("cell", "row"), [("x", 2), ("1.5", 2), ("100000000000000000000", 2)])
def test_an_extension_that_is_no_whole_number_is_named_with_its_row(
    stack: Path, cell: str, row: int
) -> None:
    (stack / "c.csv").write_text(f"id,file,hdu\na,stack.fits,1\nb,stack.fits,{cell}\n")
    with pytest.raises(UsageError, match=rf"'hdu' must hold whole numbers.*row {row} holds"):
        open_source(stack / "c.csv")


def test_an_empty_cell_means_the_one_galaxy_of_the_file(stack: Path) -> None:
    fits.PrimaryHDU(np.full((8, 8), 5, "f4")).writeto(stack / "one.fits")
    (stack / "c.csv").write_text("id,file,hdu\na,stack.fits,2\nb,stack.fits,\nc,one.fits,\n")
    source = open_source(stack / "c.csv")
    reading = source.read(source.shards()[0])
    assert [cutout.id for cutout in reading.cutouts] == ["a", "c"]
    assert [cutout.pixels[0, 0, 0] for cutout in reading.cutouts] == [1, 5]
    [failure] = reading.failures
    assert "holds 3 galaxies for one row" in failure.reason


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux lets a file have a name that is no text"
)
@pytest.mark.parametrize("name", [b"/bad\xff.fits", b"/f\xe9\xe8/x.fits"])
def test_a_name_that_is_no_text_costs_that_file_alone(stack: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(stack) + name))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((stack / "stack.fits").read_bytes())
    (stack / "ünïcode.fits").write_bytes((stack / "stack.fits").read_bytes())
    source = open_source(stack)
    reading = source.read(source.shards()[0])
    assert {cutout.file for cutout in reading.cutouts} == {"stack.fits", "ünïcode.fits"}
    [failure] = reading.failures
    assert (
        failure.reason == "its name is not UTF-8, so that it cannot be stored in a table: rename it"
    )
    assert failure.file.encode() == name[1:].decode("utf-8", "backslashreplace").encode()
