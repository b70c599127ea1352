"""Links in a catalog's folder: those that lead out of it are refused unless allowed."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from galfeat.data import open_source
from galfeat.data.sources.base import Shard

PIXELS = np.arange(400, dtype=np.float32).reshape(20, 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files, links to them inside, and links to a file and a folder outside."""
    inside, outside = tmp_path / "in", tmp_path / "in2"  # of one beginning
    for place in (inside / "sub", outside):
        place.mkdir(parents=True)
        fits.writeto(place / "a.fits", PIXELS)
    try:
        (inside / "near.fits").symlink_to("sub/a.fits")
        (inside / "nearby").symlink_to("sub")
        (inside / "far.fits").symlink_to(outside / "a.fits")
        (inside / "faraway").symlink_to(outside)
    except OSError:
        pytest.skip("links cannot be made here")
    return inside


FILES = {
    "sub/a.fits": True,
    "near.fits": True,
    "nearby/a.fits": True,
    "far.fits": False,
    "faraway/a.fits": False,
}


def _catalog(folder: Path) -> None:
    rows = "".join(f"{number},{file}\n" for number, file in enumerate(FILES))
    (folder / "catalog.csv").write_text(f"id,file\n{rows}")


@pytest.mark.parametrize("more", [0, 40])  # read at once by the fast path, and after others
def test_links_that_lead_out_are_failures(folder: Path, more: int) -> None:
    _catalog(folder)
    for number in range(more):
        shutil.copy(folder / "sub" / "a.fits", folder / f"c{number}.fits")
    with (folder / "catalog.csv").open("a") as file:
        file.writelines(f"c{number},c{number}.fits\n" for number in range(more))
    source = open_source(folder)
    for _ in range(2):
        reading = source.read(Shard(0, len(source)))
        assert {failure.file for failure in reading.failures} == {
            file for file, inside in FILES.items() if not inside
        }
        assert all(
            "leads out of the catalog's folder" in each.reason and "--allow-outside" in each.reason
            for each in reading.failures
        )
        assert all(np.array_equal(each.pixels[0], PIXELS) for each in reading.cutouts)


def test_links_are_followed_where_that_is_allowed_or_no_catalog_names_them(folder: Path) -> None:
    assert not open_source(folder).read(Shard(0, 3)).failures  # a folder of links
    _catalog(folder)
    source = open_source(folder, allow_outside=True)
    assert not source.read(Shard(0, len(source))).failures


def test_a_folder_that_is_a_link_itself_is_what_is_meant(folder: Path, tmp_path: Path) -> None:
    _catalog(folder)
    (tmp_path / "link").symlink_to(folder)
    source = open_source(tmp_path / "link")
    assert len(source.read(Shard(0, len(source))).failures) == 2


def test_bands_and_sidecar_files_are_looked_at_too(folder: Path) -> None:
    (folder / "catalog.csv").write_text(
        "id,file_g,file_r\na,sub/a.fits,near.fits\nb,sub/a.fits,far.fits\n"
    )
    reading = open_source(folder).read(Shard(0, 2))
    assert [cutout.id for cutout in reading.cutouts] == ["a"]
    assert "band r: is a link that leads out" in reading.failures[0].reason
    (folder / "catalog.csv").write_text(
        "id,file,mask\na,sub/a.fits,near.fits\nb,sub/a.fits,far.fits\n"
    )
    reading = open_source(folder).read(Shard(0, 2))
    assert [cutout.id for cutout in reading.cutouts] == ["a"]
    assert "far.fits: is a link that leads out" in reading.failures[0].reason
