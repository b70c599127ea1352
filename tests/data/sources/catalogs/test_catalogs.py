"""Five formats of catalogs to one table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from galfeat import UsageError
from galfeat.data.sources.catalogs.catalog import Catalog
from galfeat.data.sources.catalogs.formats import is_catalog

IDS = ["007", "1237648702966988820"]


def csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def astropy_table(ids: Any) -> Table:
    table = Table(
        {"id": ids, "file": ["a.fits", "b.fits"], "z": [0.5, 1.5], "label": ["spiral", "agn"]}
    )
    table["n"] = MaskedColumn([1, 2], mask=[True, False])
    return table


def write_csv(path: Path, ids: Any) -> None:
    csv(path, f"id,file,z,label,n\n{ids[0]},a.fits,.5,spiral,\n{ids[1]},b.fits,1.5,agn,2\n")


def write_parquet(path: Path, ids: Any) -> None:
    columns = {"id": pa.array(ids), "file": ["a.fits", "b.fits"], "z": [0.5, 1.5]}
    labels = pa.array(["spiral", "agn"]).dictionary_encode()
    pyarrow.parquet.write_table(pa.table({**columns, "label": labels, "n": [None, 2]}), path)


WRITERS: dict[str, Callable[[Path, Any], None]] = {
    "c.csv": write_csv,
    "c.ecsv": lambda path, ids: astropy_table(ids).write(path, format="ascii.ecsv"),
    "c.fits": lambda path, ids: astropy_table(ids).write(path, format="fits"),
    "c.fits.gz": lambda path, ids: astropy_table(ids).write(path, format="fits"),
    "c.vot": lambda path, ids: astropy_table(ids).write(path, format="votable"),
    "c.xml": lambda path, ids: astropy_table(ids).write(path, format="votable"),
    "c.parquet": write_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("ids", [IDS, [7, 1237648702966988820]])
def test_every_format_gives_the_same_table(tmp_path: Path, name: str, ids: list[Any]) -> None:
    WRITERS[name](tmp_path / name, ids)
    found = Catalog.read(tmp_path / name)
    table = found.table
    assert found.left_out_columns == ()
    assert table.to_pydict() == {
        "id": [str(each) for each in ids],
        "file": ["a.fits", "b.fits"],
        "z": [0.5, 1.5],
        "label": ["spiral", "agn"],
        "n": [None, 2],
    }
    assert table.schema.types[:4] == [pa.string(), pa.string(), pa.float64(), pa.string()]
    assert table.schema.metadata is None


def test_names_of_files_are_text_even_if_they_look_like_numbers(tmp_path: Path) -> None:
    table = Catalog.read(csv(tmp_path / "c.csv", "id,file_g,file_r\n1,007,\n2, 08 ,9\n")).table
    assert table.to_pydict() == {"id": ["1", "2"], "file_g": ["007", "08"], "file_r": ["", "9"]}


@pytest.mark.slow
def test_types_do_not_depend_on_where_the_file_is_cut(tmp_path: Path) -> None:
    rows = "".join(f"g{row},{row}\n" for row in range(200_000))
    table = Catalog.read(csv(tmp_path / "c.csv", "id,x\n" + rows + "last,not a number\n")).table
    assert table.schema.field("x").type == pa.string()
    assert table.column("x")[0].as_py() == "0"


def test_words_that_other_readers_take_for_nothing_are_names(tmp_path: Path) -> None:
    table = Catalog.read(csv(tmp_path / "c.csv", "id,file\nNA,null\nnan,NaN\n")).table
    assert table.to_pydict() == {"id": ["NA", "nan"], "file": ["null", "NaN"]}


def test_byte_order_marks_blanks_and_empty_names_do_no_harm(tmp_path: Path) -> None:
    table = Catalog.read(csv(tmp_path / "c.csv", "\ufeffid, file ,\r\n1,a,\r\n")).table
    assert table.to_pydict() == {"id": ["1"], "file": ["a"], "column3": [None]}


def test_columns_of_a_votable_go_by_their_names(tmp_path: Path) -> None:
    astropy_table(IDS).write(tmp_path / "c.vot", format="votable")
    text = (tmp_path / "c.vot").read_text()
    (tmp_path / "c.vot").write_text(text.replace('ID="file"', 'ID="col_2"'))
    assert "file" in Catalog.read(tmp_path / "c.vot").table.column_names


def test_columns_without_a_single_value_a_row_are_left_out_and_named(tmp_path: Path) -> None:
    table = astropy_table(IDS)
    table["cov"] = np.zeros((2, 3))
    table.write(tmp_path / "c.fits")
    found = Catalog.read(tmp_path / "c.fits")
    assert found.left_out_columns == ("cov",)
    assert "cov" not in found.table.column_names
    pyarrow.parquet.write_table(
        pa.table({"id": ["a"], "flux": [[1.0, 2.0]]}), tmp_path / "c.parquet"
    )
    assert Catalog.read(tmp_path / "c.parquet").left_out_columns == ("flux",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read as a catalog"),
        ("id,file\n", "has no rows"),
        ("id,file\na,b,c\n", "Expected 2 columns, got 3"),
        ("id,file,file\na,b,c\n", "more than one column is named 'file'"),
        (
            "id,file\na,1\nb,2\na,3\nb,4\nc,5\n",
            "'a' in rows 1, 3; 'b' in rows 2, 4 (the first row below the names is 1)",
        ),
        ("id,file\na,1\n,2\n", "there is no id in row 2"),
    ],
)
def test_a_catalog_that_cannot_be_used_says_why(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        Catalog.read(csv(tmp_path / "c.csv", text))
    assert words in str(caught.value)
    assert str(tmp_path / "c.csv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_many_double_identifiers_make_a_short_sentence(tmp_path: Path) -> None:
    text = "id\n" + "".join(f"g{row % 100}\n" for row in range(1000))
    with pytest.raises(UsageError, match=r"'g0' in rows 1, 101, 201, 301, 401, …;.* and 95 more"):
        Catalog.read(csv(tmp_path / "c.csv", text))


def test_identifiers_with_a_decimal_point_are_refused(tmp_path: Path) -> None:
    astropy_table([1.5e18, 2.0]).write(tmp_path / "c.fits")
    with pytest.raises(UsageError, match="'id' holds numbers with a decimal point"):
        Catalog.read(tmp_path / "c.fits")


def test_a_feature_table_is_no_catalog(tmp_path: Path) -> None:
    table = pa.table({"id": ["a"], "file": ["a.fits"]}).replace_schema_metadata({"galfeat": "{}"})
    pyarrow.parquet.write_table(table, tmp_path / "f.parquet")
    with pytest.raises(UsageError, match="is a feature table"):
        Catalog.read(tmp_path / "f.parquet")


def test_only_catalogs_are_catalogs(tmp_path: Path) -> None:
    assert is_catalog(Path("a.CSV"))
    assert not is_catalog(Path("a.fits"))
    with pytest.raises(UsageError, match="a catalog is a CSV, ECSV, FITS, VOTable or Parquet file"):
        Catalog.read(csv(tmp_path / "c.txt", "id\n1\n"))
    with pytest.raises(UsageError, match="there is no such catalog"):
        Catalog.read(tmp_path / "c.csv")


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_catalogs_are_read_or_refused(tmp_path: Path, name: str) -> None:
    """Any other exception, and any warning, fails this test."""
    WRITERS[name](tmp_path / name, IDS)
    whole = (tmp_path / name).read_bytes()
    refused = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        content = bytearray(whole[: rng.integers(len(whole))] if seed % 2 else whole)
        for _ in range(3 if content else 0):
            content[rng.integers(len(content))] = rng.integers(32, 127)
        (tmp_path / name).write_bytes(content)
        try:
            Catalog.read(tmp_path / name)
        except UsageError:
            refused += 1
    assert refused


def test_cells_that_astropy_masked_in_parquet_are_empty(tmp_path: Path) -> None:
    table = Table({"id": ["a", "b", "c"], "file": ["a.fits", "b.fits", "c.fits"]})
    table["label"] = MaskedColumn(["x", "y", "z"], mask=[False, True, False])
    table["v"] = MaskedColumn([1.5, 2.5, 3.5], mask=[False, False, True])
    table["file"] = MaskedColumn(table["file"], mask=[True, False, False])
    table.write(tmp_path / "c.parquet")
    read = Catalog.read(tmp_path / "c.parquet").table
    assert sorted(read.column_names) == ["file", "id", "label", "v"]
    assert read.column("label").to_pylist() == ["x", None, "z"]
    assert read.column("v").to_pylist() == [1.5, 2.5, None]
    assert read.column("file").to_pylist() == ["", "b.fits", "c.fits"]


@pytest.mark.parametrize(
    "text",
    ["id,file,n\na,b.fits,caf\xe9\n", "id,file\ncaf\xe9,b.fits\n", "id,file,caf\xe9\na,b.fits,1\n"],
)
def test_text_in_another_encoding_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"is not text in UTF-8 .*: save it as UTF-8"):
        Catalog.read(path)


def test_a_fits_table_whose_names_are_numbers_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "t.fits"
    Table({"id": ["a", "b"], "file": ["a.fits", "b.fits"]}).write(path)
    path.write_bytes(
        path.read_bytes().replace(
            b"TTYPE1  = 'id      '          ", b"TTYPE1  =  9223372036854775807"
        )
    )
    with pytest.raises(
        UsageError, match="cannot be read as a catalog: Column name must be a string"
    ):
        Catalog.read(path)


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("NAXIS1", -64, "an axis of its image has a negative length"),
        ("TFIELDS", 1 << 31, "TFIELDS is 2147483648"),
    ],
)
def test_a_damaged_extension_behind_the_table_is_never_read(
    tmp_path: Path, keyword: str, value: int, words: str
) -> None:
    """Astropy would read it for ever."""
    path = tmp_path / "t.fits"
    first = fits.BinTableHDU(Table({"id": ["a", "b"], "file": ["a.fits", "b.fits"]}))
    other = fits.BinTableHDU(Table({"n": [1, 2]}), name="OTHER")
    fits.HDUList([fits.PrimaryHDU(), first, other]).writeto(path)
    content = path.read_bytes()
    at = content.index(f"{keyword:<8}=".encode(), content.rindex(b"XTENSION"))
    path.write_bytes(content[:at] + f"{keyword:<8}= {value:>20}".encode() + content[at + 30 :])
    with pytest.raises(UsageError, match=words):
        Catalog.read(path)


def test_text_in_parquet_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    table = pa.table({"id": ["a"], "file": ["a.fits"], "note": ["other"]})
    pyarrow.parquet.write_table(table, path, compression="none", use_dictionary=False)
    path.write_bytes(path.read_bytes().replace(b"other", b"\xffther"))
    with pytest.raises(UsageError, match=r"cannot be read as a catalog: .*UTF8"):
        Catalog.read(path)
