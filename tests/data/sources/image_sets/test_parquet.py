"""Image sets in Parquet: pictures in a column, as on Hugging Face."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from galfeat import UsageError
from galfeat.data import Shard, open_source, read_cutouts


def picture(value: int, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((6, 5, 3), (value, value + 1, value + 2), np.uint8)).save(file, form)
    return file.getvalue()


def save(path: Path, columns: dict[str, Any], metadata: dict[str, Any] | None = None) -> Path:
    table = pa.table(columns)
    if metadata is not None:
        table = table.replace_schema_metadata(
            {key: json.dumps(value) for key, value in metadata.items()}
        )
    pq.write_table(table, path, row_group_size=3)
    return path


def structs(count: int) -> list[dict[str, Any]]:
    return [{"bytes": picture(10 * number), "path": f"{number}.png"} for number in range(count)]


def test_pictures_and_labels_by_name(tmp_path: Path) -> None:
    remark = {
        "huggingface": {
            "info": {
                "features": {"image": {"_type": "Image"}, "label": {"names": ["round", "disk"]}}
            }
        }
    }
    path = save(
        tmp_path / "train.parquet",
        {"image": structs(8), "label": [0, 1, 1, 0, 1, 0, 1, None]},
        remark,
    )
    source = open_source(path)
    assert source.bands == ("red", "green", "blue")
    assert source.catalog.column("label").to_pylist() == [
        "round",
        "disk",
        "disk",
        "round",
        "disk",
        "round",
        "disk",
        None,
    ]
    for start, stop in ((0, 8), (2, 4), (3, 6), (7, 8)):
        cutouts = source.read(Shard(start, stop)).cutouts
        assert [float(cutout.pixels[1, 0, 0]) for cutout in cutouts] == [
            10 * row + 1 for row in range(start, stop)
        ]
        assert (cutouts[0].id, cutouts[0].row, cutouts[0].file) == (
            f"train[{start}]",
            start,
            "train.parquet",
        )
    sent = pickle.loads(pickle.dumps(source))
    assert len(sent.read(Shard(0, 8)).cutouts) == 8
    assert read_cutouts(path, bands=["green"]).pixels.shape == (8, 1, 6, 5)


def test_plain_bytes_under_any_name_and_own_identifiers(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.parquet",
        {
            "dr7objid": [5, 6],
            "id": [1237648702966988820, 7],
            "jpeg": [picture(1, "JPEG"), picture(9)],
        },
    )
    source = open_source(path)
    assert source.catalog.column("id").to_pylist() == ["1237648702966988820", "7"]
    assert len(source.read(Shard(0, 2)).cutouts) == 2


def test_numbers_as_labels_stay(tmp_path: Path) -> None:
    assert read_cutouts(
        save(tmp_path / "a.parquet", {"image": structs(2), "label": [4, 2]})
    ).labels.tolist() == ["4", "2"]


def test_a_bad_picture_fails_alone(tmp_path: Path) -> None:
    good = picture(3)
    path = save(
        tmp_path / "a.parquet",
        {"image": pa.array([good, b"text", None, good[:40], good], pa.binary())},
    )
    reading = open_source(path).read(Shard(0, 5))
    assert [cutout.row for cutout in reading.cutouts] == [0, 4]
    assert [failure.row for failure in reading.failures] == [1, 2, 3]
    assert reading.failures[0].reason == "is neither a JPEG nor a PNG picture"
    assert reading.failures[1].reason == "there is no picture in its row"


def test_a_file_that_is_gone_or_shrunk_fails_picture_by_picture(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", {"image": structs(5)})
    source = open_source(path)
    save(path, {"image": structs(2)})
    assert [failure.row for failure in source.read(Shard(0, 5)).failures] == [2, 3, 4]
    assert [failure.row for failure in source.read(Shard(3, 5)).failures] == [3, 4]
    path.unlink()
    assert [failure.row for failure in source.read(Shard(0, 5)).failures] == [0, 1, 2, 3, 4]


def test_a_feature_table_is_refused_and_a_catalog_is_one(tmp_path: Path) -> None:
    table = save(tmp_path / "F.parquet", {"id": ["a"], "image": [b"x"]}, {"galfeat": {}})
    with pytest.raises(
        UsageError, match="is a feature table, not cutouts: they are measured already"
    ):
        open_source(table)
    Image.fromarray(np.zeros((6, 5), np.uint8)).save(tmp_path / "a.png")
    listed = save(tmp_path / "c.parquet", {"id": ["x"], "file": ["a.png"], "thumbnail": [b"y"]})
    assert [cutout.id for cutout in open_source(listed).read(Shard(0, 1)).cutouts] == ["x"]
    with pytest.raises(UsageError, match="needs a column 'file'"):
        open_source(save(tmp_path / "n.parquet", {"id": ["x"], "value": [1.0]}))
    with pytest.raises(UsageError, match="has no rows"):
        open_source(save(tmp_path / "e.parquet", {"image": pa.array([], pa.binary())}))


def test_columns_of_other_lengths_than_the_file_says_are_damage(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", {"image": [picture(1), picture(2)], "label": [0, 1]})
    content = bytearray(path.read_bytes())
    page = pq.read_metadata(path).row_group(0).column(1).data_page_offset
    content[page + 1] ^= 2  # the kind of a page of labels: an index, which readers pass over
    path.write_bytes(content)
    with pytest.raises(
        UsageError, match=r"a\.parquet: is damaged: it says that it has 2 rows and holds 0"
    ):
        open_source(path)


def test_names_of_columns_that_are_no_text_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": [b"\x89PNG"], "label": ["spiral"]}), path)
    path.write_bytes(path.read_bytes().replace(b"label", b"l\xa1bel"))
    with pytest.raises(UsageError, match="cannot be read as a catalog"):
        open_source(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"imagf", "it has no column 'image'"),
        (b"ima\xf5e", "the name of a column is not text in UTF-8"),
    ],
)
def test_a_row_group_without_the_column_of_pictures_fails_picture_by_picture(
    name: bytes, reason: str, tmp_path: Path
) -> None:
    """The path of a column stands in the schema and in each row group."""
    path = save(tmp_path / "a.parquet", {"image": [picture(1), picture(2)], "label": [0, 1]})
    content = path.read_bytes()
    at = content.rindex(b"\x19\x18\x05image") + 3
    path.write_bytes(content[:at] + name + content[at + 5 :])
    reading = open_source(path).read(Shard(0, 2))
    assert [failure.reason for failure in reading.failures] == [
        f"row group 0 of its file is damaged: {reason}"
    ] * 2
