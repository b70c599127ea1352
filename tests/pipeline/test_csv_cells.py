"""Cells of CSV files that would be formulas, and their way back."""

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from galfeat.data import Failure
from galfeat.pipeline.batch.merge import write_failures
from galfeat.pipeline.batch.retry import _read_failures
from galfeat.pipeline.csv_cells import plain_text, safe_table, safe_text

FORMULAS = [
    *("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''@x", "+", "-"),
    *("=", "-1-1", "+1e5x"),
]
HARMLESS = ["", "NGC 1300", "-1.5", "+12", "-.5e-3", "'quoted'", "a=1", " =1", "1-2", "J1234+5678"]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_marked(text: str) -> None:
    assert safe_text(text) == f"'{text}"
    assert plain_text(safe_text(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_and_numbers_are_not(text: str) -> None:
    assert safe_text(text) == text
    assert plain_text(text) == text


def test_a_table_is_written_as_its_texts_are() -> None:
    texts = [*FORMULAS, *HARMLESS, None]
    table = pa.table(
        {
            "=name": texts,
            "coded": pa.array(texts).dictionary_encode(),
            "large": pa.array(texts, pa.large_string()),
            "number": [-1.5] * len(texts),
        }
    )
    safe = safe_table(table)
    expected = [None if text is None else safe_text(text) for text in texts]
    assert safe.column_names == ["'=name", "coded", "large", "number"]
    for name in ("'=name", "coded", "large"):
        assert safe.column(name).to_pylist() == expected
    assert safe.column("number").to_pylist() == [-1.5] * len(texts)


def test_a_list_of_failures_is_read_as_it_was_written(tmp_path: Path) -> None:
    failures = [Failure(text, f"{text}.fits", "read", f"{text}: is damaged") for text in FORMULAS]
    write_failures(tmp_path / "f.csv", failures)
    assert _read_failures(tmp_path / "f.csv") == failures
    with (tmp_path / "f.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r" and cell]
