"""Image sets in HDF5: Galaxy10 and what looks like it."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import Shard, open_source, read_cutouts


def save(path: Path, attributes: dict[str, Any] | None = None, **datasets: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
        for name, value in (attributes or {}).items():
            file["ans"].attrs[name] = value
    return path


def colors(count: int = 5, size: int = 6) -> NDArray[np.uint8]:
    """Pixels that say where they are: 40 times the galaxy, 4 times the row, and the color."""
    galaxy, y, _, color = np.indices((count, size, size, 3))
    return np.asarray(40 * galaxy + 4 * y + color, dtype=np.uint8)


def test_galaxy10_is_a_source(tmp_path: Path) -> None:
    answers = np.array([3, 0, 9, 0, 1], np.uint8)
    path = save(
        tmp_path / "Galaxy10.h5",
        images=colors(),
        ans=answers,
        ra=np.arange(5.0),
        pxscale=np.full(5, 0.262),
    )
    source = open_source(path)
    assert source.bands == ("red", "green", "blue")
    assert source.catalog.column("label").to_pylist() == ["3", "0", "9", "0", "1"]
    assert source.catalog.column("id").to_pylist()[:2] == ["Galaxy10[0]", "Galaxy10[1]"]
    assert source.catalog.column("ra").to_pylist() == [0, 1, 2, 3, 4]
    reading = source.read(Shard(1, 4))
    assert [cutout.row for cutout in reading.cutouts] == [1, 2, 3]
    assert not reading.failures
    pixels = reading.cutouts[1].pixels
    assert pixels.shape == (3, 6, 6)
    assert pixels.dtype == np.float32
    assert pixels[2, 4, 0] == 40 * 2 + 4 * 4 + 2
    batch = read_cutouts(path, bands=["blue", "red"])
    assert batch.labels.tolist() == ["3", "0", "9", "0", "1"]
    assert np.array_equal(batch.pixels, np.moveaxis(colors(), -1, 1)[:, [2, 0]])


@pytest.mark.parametrize("where", ["dataset", "attribute", "themselves"])
def test_classes_by_name_where_there_are_names(tmp_path: Path, where: str) -> None:
    names = ["smooth", "disk"]
    path = tmp_path / "a.hdf5"
    if where == "dataset":
        save(path, images=colors(3), ans=[1, 0, 1], class_names=names)
    elif where == "attribute":
        save(path, {"classes": names}, images=colors(3), ans=[1, 0, 1])
    else:
        save(path, images=colors(3), ans=["disk", "smooth", "disk"])
    assert open_source(path).catalog.column("label").to_pylist() == ["disk", "smooth", "disk"]


@pytest.mark.parametrize(
    ("shape", "bands"),
    [
        ((4, 5, 8, 7), 5),
        ((4, 8, 7, 2), 2),
        ((4, 8, 7), 1),
        ((4, 1, 8, 7), 1),
        ((4, 8, 7, 1), 1),
        ((4, 3, 3, 3), 3),
    ],
)
def test_bands_first_or_last_or_none(tmp_path: Path, shape: tuple[int, ...], bands: int) -> None:
    images = np.random.default_rng(0).normal(size=shape)
    source = open_source(save(tmp_path / "a.h5", images=images))
    assert source.bands == tuple(f"band{number + 1}" for number in range(bands))
    last = len(shape) == 4 and shape[3] == bands and shape[1] != bands
    expected = (
        images.reshape(4, 1, 8, 7) if bands == 1 else np.moveaxis(images, -1, 1) if last else images
    )
    found = np.stack(
        [cutout.pixels for shard in source.shards(3) for cutout in source.read(shard).cutouts]
    )
    assert np.array_equal(found, expected.astype(np.float32))
    assert "label" not in source.catalog.column_names


def test_a_catalog_beside_it_and_another_process(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", images=colors(2))
    (tmp_path / "c.csv").write_text("label\nspiral\nagn\n")
    source = pickle.loads(pickle.dumps(open_source(path, catalog=tmp_path / "c.csv")))
    assert source.catalog.to_pydict() == {
        "id": ["a[0]", "a[1]"],
        "file": ["a.h5"] * 2,
        "label": ["spiral", "agn"],
    }
    assert len(source.read(Shard(0, 2)).cutouts) == 2
    (tmp_path / "d.csv").write_text("label\nspiral\n")
    with pytest.raises(UsageError, match=r"has 1 rows for the 2 galaxies of a\.h5"):
        open_source(path, catalog=tmp_path / "d.csv")


def test_missing_datasets_are_reported_with_those_present(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError,
        match=r"no dataset 'images', only inside/pictures \(2 x 6 x 6 x 3, uint8\), labels",
    ):
        open_source(
            save(tmp_path / "a.h5", None, **{"inside/pictures": colors(2), "labels": np.arange(2)})
        )
    with pytest.raises(
        UsageError, match=r"must hold numbers with the axes .* there is images \(7, float64\)"
    ):
        open_source(save(tmp_path / "b.h5", images=np.zeros(7)))
    with pytest.raises(UsageError, match="must hold a class for each of the 2 galaxies"):
        open_source(save(tmp_path / "c.h5", images=colors(2), ans=np.zeros((2, 10))))
    (tmp_path / "d.h5").write_bytes(b"text")
    with pytest.raises(UsageError, match="cannot be read as an HDF5 file"):
        open_source(tmp_path / "d.h5")


def test_datasets_that_are_not_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError,
        match=(
            r"its 'images' is a group, not a dataset; the file holds images/g \(2 x 6 x 6, "
            r"float64\); rename"
        ),
    ):
        open_source(save(tmp_path / "a.h5", None, **{"images/g": np.zeros((2, 6, 6))}))
    with pytest.raises(
        UsageError, match=r"b\.h5: its 'images' is a link to '/gone', which does not exist$"
    ):
        open_source(save(tmp_path / "b.h5", images=h5py.SoftLink("/gone")))
    with pytest.raises(
        UsageError, match=r"its 'images' is a link to '/images' of 'gone\.h5', which does not exist"
    ):
        open_source(save(tmp_path / "c.h5", images=h5py.ExternalLink("gone.h5", "/images")))
    with pytest.raises(UsageError, match="holds no galaxies: its dataset 'images' has 0 images"):
        open_source(save(tmp_path / "d.h5", images=colors(0)))
    with pytest.raises(UsageError, match="holds no galaxies: its 'images' is empty"):
        open_source(save(tmp_path / "f.h5", images=h5py.Empty("f4")))
    with pytest.raises(UsageError, match="must hold a class for each of the 2 galaxies"):
        open_source(
            save(tmp_path / "e.h5", None, **{"images": colors(2), "ans/inside": np.zeros(2)})
        )


def test_more_pixels_than_a_file_can_hold_are_refused_and_compressed_ones_are_not(
    tmp_path: Path,
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", (10**7, 64, 64, 3), "u1", chunks=(1, 64, 64, 3))
    with pytest.raises(
        UsageError,
        match=r"claims 10000000 x 64 x 64 x 3, uint8, which a file of [\d,]+ bytes cannot hold",
    ):
        open_source(tmp_path / "a.h5")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset(
            "images", data=np.zeros((2000, 64, 64), "u1"), compression="gzip", compression_opts=9
        )
    assert len(open_source(tmp_path / "b.h5")) == 2000


def test_a_file_that_is_gone_or_shrunk_fails_galaxy_by_galaxy(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", images=colors(3))
    source = open_source(path)
    save(path, images=colors(2))
    assert {failure.reason for failure in source.read(Shard(0, 3)).failures} == {
        "its file holds fewer galaxies than before"
    }
    path.unlink()
    assert [failure.id for failure in source.read(Shard(0, 3)).failures] == ["a[0]", "a[1]", "a[2]"]


def test_a_damaged_piece_costs_its_own_galaxies_only(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", data=colors(4), chunks=(1, 6, 6, 3), fletcher32=True)
        at = images.id.get_chunk_info(2).byte_offset
    content = bytearray(path.read_bytes())
    content[at + 5] ^= 255
    path.write_bytes(content)
    reading = open_source(path).read(Shard(0, 4))
    assert [cutout.row for cutout in reading.cutouts] == [0, 1, 3]
    assert [(failure.row, failure.reason[:23]) for failure in reading.failures] == [
        (2, "its pixels are damaged:")
    ]


def test_without_h5py_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "a.h5", images=colors(2))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UsageError, match=r"needs the package h5py: pip install 'galfeat\[hdf5\]'"):
        open_source(path)


@pytest.mark.slow
def test_h5py_is_imported_only_when_needed() -> None:
    subprocess.run(
        [sys.executable, "-c", "import sys, galfeat.data; sys.exit('h5py' in sys.modules)"],
        check=True,
    )


def _damaged_link(path: Path) -> None:
    save(path, images=colors(), ra=np.arange(5.0))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"TREE", b"TRXE"))


def _damaged_type(path: Path) -> None:
    """A dataset whose numbers have a size that NumPy does not know."""
    with h5py.File(path, "w") as file:
        kind = h5py.h5t.IEEE_F32LE.copy()
        kind.set_size(16)
        kind.set_precision(128)
        kind.set_fields(127, 90, 30, 0, 90)
        file["images"] = colors()
        h5py.h5d.create(file.id, b"z", kind, h5py.h5s.create_simple((5,)))


@pytest.mark.parametrize("damage", [_damaged_link, _damaged_type])
def test_what_h5py_cannot_open_is_one_sentence(tmp_path: Path, damage: Any) -> None:
    damage(tmp_path / "a.h5")
    with pytest.raises(UsageError, match=r"a\.h5: cannot be read as an HDF5 file: \w+"):
        open_source(tmp_path / "a.h5")


@pytest.mark.parametrize("error", [KeyError, RuntimeError, ValueError, TypeError, MemoryError])
def test_what_h5py_raises_for_pixels_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    source = open_source(save(tmp_path / "a.h5", images=colors()))
    read = h5py.Dataset.__getitem__

    def broken(dataset: Any, rows: slice) -> Any:
        if rows.start <= 2 < rows.stop:
            raise error("cannot inflate")
        return read(dataset, rows)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", broken)
    reading = source.read(Shard(0, 5))
    assert [cutout.row for cutout in reading.cutouts] == [0, 1, 3, 4]
    assert [failure.row for failure in reading.failures] == [2]
    assert reading.failures[0].reason == "its pixels are damaged: cannot inflate"
