"""Batch extraction: one row a galaxy, one line a failure, the same bytes every time."""

import csv
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from galfeat import UsageError
from galfeat.data import Preparation, Reading, Shard, Source, open_source, read_cutouts
from galfeat.features import HOG, ColorHistogram, Shape
from galfeat.pipeline import extract, load_features
from galfeat.pipeline.extraction.feature_table import read_metadata

SMALL = Preparation(size=32)
MIRRORED = HOG(rotation="mirrored")


def failures(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_table_holds_what_the_extractors_give(survey: Path, table: Path) -> None:
    features = load_features(table)
    cutouts = read_cutouts(survey, preparation=SMALL)
    assert features.ids.tolist() == list(cutouts.ids)
    assert features.labels.tolist() == cutouts.labels.tolist()
    np.testing.assert_array_equal(features.blocks["hog"], MIRRORED.fit_transform(cutouts.pixels))
    np.testing.assert_array_equal(
        features.blocks["color"], ColorHistogram().fit_transform(cutouts.pixels)
    )
    np.testing.assert_array_equal(
        np.asarray(features.blocks["pixels"]).reshape(cutouts.pixels.shape), cutouts.pixels
    )
    assert all(each.shape[1] == 128 and each.dtype == np.uint8 for each in features.blocks["sift"])
    assert features.columns["hog"] == MIRRORED.feature_names(cutouts.bands, (32, 32))


def test_column_types_are_those_of_the_format(table: Path) -> None:
    schema = pq.read_schema(table)
    # columns and their order are part of the format: a new extractor is added here
    bands = ("F606W", "F814W", "F160W")
    measured = [f"shape_{each.name}" for each in Shape().scalars(bands)]
    sky = [f"sky_{band}_{each}" for band in bands for each in ("sigma", "rho_x", "rho_y")]
    assert schema.names == [
        "id",
        "file",
        "label",
        "state",
        "pixels",
        "color",
        "texture",
        "hog",
        "sift",
        *measured,
        *sky,
    ]
    assert str(schema.field("pixels").type).startswith("fixed_size_list<")
    assert schema.field("pixels").type.list_size == 3 * 32 * 32
    assert str(schema.field("pixels").type.value_type) == "float"
    assert str(schema.field("sift").type.value_type) == "uint8"
    about = read_metadata(table)
    assert about["bands"] == ["F606W", "F814W", "F160W"]
    assert about["preparation"]["size"] == 32
    assert len(about["columns"]["pixels"]) == 3 * 32 * 32
    assert len(about["fingerprint"]) == 16


def test_same_bytes_whatever_the_workers_the_folder_and_the_day(
    survey: Path, table: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(survey, elsewhere)
    for workers in (1, 3):
        extract(elsewhere, tmp_path / "again.parquet", preparation=SMALL, workers=workers)
        assert (tmp_path / "again.parquet").read_bytes() == table.read_bytes()


class InSmallShards:
    """A source cut into shards of seven entries."""

    def __init__(self, source: Source) -> None:
        self.source, self.bands, self.catalog = source, source.bands, source.catalog

    def __len__(self) -> int:
        return len(self.source)

    def shards(self, size: int = 256) -> Sequence[Shard]:
        return self.source.shards(min(size, 7))

    def read(self, shard: Shard) -> Reading:
        return self.source.read(shard)


def test_rows_keep_their_order_over_many_shards_and_threads(
    survey: Path, table: Path, tmp_path: Path
) -> None:
    source = InSmallShards(open_source(survey))
    seen: list[int] = []
    extract(
        source,
        tmp_path / "F.parquet",
        preparation=SMALL,
        workers=3,
        progress=lambda done, *_: seen.append(done),
    )
    one, many = load_features(table), load_features(tmp_path / "F.parquet")
    assert many.ids.tolist() == one.ids.tolist()
    np.testing.assert_array_equal(many.blocks["hog"], one.blocks["hog"])
    assert [each.tobytes() for each in many.blocks["sift"]] == [
        each.tobytes() for each in one.blocks["sift"]
    ]
    assert (len(seen), seen[-1]) == (13, 90)
    assert seen == sorted(seen)


def test_only_what_is_asked_for_is_read(table: Path) -> None:
    features = load_features(table, inputs=["hog", "color"])
    assert list(features.blocks) == ["hog", "color"]
    assert features.X.shape == (90, sum(len(features.columns[name]) for name in ("hog", "color")))
    with pytest.raises(UsageError, match="no column 'photometry'"):
        load_features(table, inputs=["photometry"])
    with pytest.raises(UsageError, match="no fixed length"):
        _ = load_features(table, inputs=["sift"]).X


def _write(path: Path, pixels: Any) -> None:
    fits.PrimaryHDU(np.asarray(pixels)).writeto(path)


def bad_folder(folder: Path) -> Path:
    """Return a folder with two good images and one of each kind of bad file."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:40, :40] - 19.5
    galaxy = (200 * np.exp(-np.hypot(x, y) / 4) + rng.normal(size=(40, 40))).astype(np.float32)
    _write(folder / "a_good.fits", galaxy)
    _write(folder / "z_good.fits", galaxy.T.astype(">f8"))
    _write(folder / "all_nan.fits", np.full((40, 40), np.nan, dtype=np.float32))
    _write(folder / "constant.fits", np.full((40, 40), 7, dtype=np.int16))
    _write(folder / "small.fits", galaxy[:5, :5])
    fits.BinTableHDU.from_columns([fits.Column("x", "E", array=np.zeros(3))]).writeto(
        folder / "table.fits"
    )
    (folder / "empty.fits").write_bytes(b"")
    (folder / "text.fits").write_text("this is no image\n" * 300)
    (folder / "truncated.fits").write_bytes((folder / "a_good.fits").read_bytes()[:5000])
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    return folder


REASONS: Sequence[tuple[str, str, str]] = [
    ("all_nan.fits", "prepare", "no good pixel"),
    ("constant.fits", "prepare", "constant"),
    ("small.fits", "prepare", "5 x 5"),
    ("table.fits", "read", "no image"),
    ("empty.fits", "read", "empty"),
    ("text.fits", "read", "not FITS|not a FITS|no FITS"),
    ("truncated.fits", "read", "truncated|shorter|cut off|missing"),
    ("broken.png", "read", "picture|image|PNG"),
]


def test_every_bad_file_is_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    summary = extract(bad_folder(tmp_path / "bad"), tmp_path / "F.parquet", preparation=SMALL)
    lines = {line["file"]: line for line in failures(tmp_path / "F.failures.csv")}
    assert summary.done == 2
    assert summary.failed == len(lines) == len(REASONS)
    assert load_features(tmp_path / "F.parquet").ids.tolist() == ["a_good", "z_good"]
    for file, stage, words in REASONS:
        assert lines[file]["stage"] == stage, lines[file]
        assert re.search(words, lines[file]["reason"], re.IGNORECASE), lines[file]
        assert "Error" not in lines[file]["reason"]


def test_where_all_fail_nothing_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "empty.fits").write_bytes(b"")
    summary = extract(folder, tmp_path / "F.parquet")
    assert (summary.done, summary.failed) == (0, 1)
    assert not (tmp_path / "F.parquet").exists()
    assert "nothing was written" in summary.ends("measured")


def test_odd_names_in_a_catalog_cost_only_their_rows(survey: Path, tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    shutil.copytree(survey, folder)
    good = next(iter(survey.rglob("*.fits"))).relative_to(survey).as_posix()
    odd = ["", ".", "..", "/", "../outside.fits", "absent.fits"]
    (folder / "catalog.csv").write_text(
        "id,file\ngood," + good + "\n" + "".join(f"bad{i},{each}\n" for i, each in enumerate(odd))
    )
    summary = extract(folder, tmp_path / "F.parquet", features=["hog"], preparation=SMALL)
    assert (summary.done, summary.failed) == (1, len(odd))


def test_a_damaged_table_says_what_is_missing(table: Path, tmp_path: Path) -> None:
    whole = pq.read_table(table)
    pq.write_table(whole.drop_columns(["hog"]), tmp_path / "F.parquet")
    with pytest.raises(UsageError, match="its column 'hog' is missing"):
        load_features(tmp_path / "F.parquet")
    pq.write_table(whole.replace_schema_metadata({b"galfeat": b"[1"}), tmp_path / "F.parquet")
    with pytest.raises(UsageError, match="does not say how it was made"):
        load_features(tmp_path / "F.parquet")


def test_unknown_extractor_and_no_workers_are_usage_errors(survey: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hogg"):
        extract(survey, tmp_path / "F.parquet", features=["hogg"])
    with pytest.raises(UsageError, match="workers"):
        extract(survey, tmp_path / "F.parquet", workers=0)
    assert list(tmp_path.iterdir()) == []


def test_a_catalog_column_may_not_be_called_like_a_feature(survey: Path, tmp_path: Path) -> None:
    folder = tmp_path / "survey"
    shutil.copytree(survey, folder)
    text = (folder / "catalog.csv").read_text().replace("label", "hog", 1)
    (folder / "catalog.csv").write_text(text)
    with pytest.raises(UsageError, match=r"'hog'.*rename"):
        extract(folder, tmp_path / "F.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1 no, not really"], ids=["empty", "junk"])
def test_a_file_that_is_no_feature_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "F.parquet"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"F\.parquet"):
        load_features(path)


def test_another_parquet_file_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "F.parquet")
    with pytest.raises(UsageError, match="not a feature table"):
        load_features(tmp_path / "F.parquet")
