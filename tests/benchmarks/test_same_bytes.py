"""What the record of all bytes runs, and how two records are compared; nothing is run here."""

import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def same_bytes() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import same_bytes  # type: ignore[import-not-found]

        yield same_bytes
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
        for name in ("same_bytes", "same_bytes_inputs", "same_bytes_runs", "machine"):
            sys.modules.pop(name, None)


def runs() -> Any:
    """Return the module of the runs, which `same_bytes` imports."""
    return sys.modules["same_bytes_runs"]


def a_record() -> dict[str, Any]:
    return {
        "galfeat": "0.1.0",
        "processor": "a processor",
        "versions": {"python": "3.11", "numpy": "2.4", "BLAS": "openblas"},
        "real": False,
        "inputs": "ff",
        "files": {
            "train/M.galfeat": {"bytes": 2000, "sha256": "aa"},
            "extract/F.parquet": {"bytes": 10, "sha256": "bb"},
            "extract/F.failures.csv": {"bytes": 5, "sha256": "cc"},
        },
    }


def left_with(same_bytes: Any, folder: Path, before: dict[str, Any], after: dict[str, Any]) -> int:
    paths = [folder / "before.json", folder / "after.json"]
    for path, record in zip(paths, (before, after), strict=True):
        path.write_text(json.dumps(record))
    status: int = same_bytes.main(["compare", *map(str, paths)])
    return status


def test_equal_records_are_the_same(
    same_bytes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert left_with(same_bytes, tmp_path, a_record(), a_record()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:3]] == [
        ["extract", "2", "15", "none"],
        ["train", "1", "2,000", "none"],
    ]
    assert lines[-1] == "all the same, to the last byte"


def test_every_file_that_differs_is_named(
    same_bytes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    after = copy.deepcopy(a_record())
    after["files"]["extract/F.parquet"]["sha256"] = "b0"
    del after["files"]["train/M.galfeat"]
    after["files"]["train/more.csv"] = {"bytes": 3, "sha256": "dd"}
    assert left_with(same_bytes, tmp_path, a_record(), after) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:3]] == [
        ["extract", "2", "15", "1"],
        ["train", "2", "2,000", "2"],
    ]
    assert lines[-4:] == [
        "differs: extract/F.parquet (10 bytes before, 10 bytes after)",
        "differs: train/M.galfeat (2,000 bytes before, absent after)",
        "differs: train/more.csv (absent before, 3 bytes after)",
        "3 file(s) differ",
    ]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("processor", "another", "different processors"),
        (
            "versions",
            {"python": "3.11", "numpy": "2.5", "BLAS": "openblas"},
            "numpy 2.4 before, 2.5 after",
        ),
        ("real", True, "without real galaxies"),
        ("inputs", "ee", "read other files"),
    ],
)
def test_records_of_different_conditions_are_refused(
    same_bytes: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    key: str,
    value: Any,
    said: str,
) -> None:
    assert left_with(same_bytes, tmp_path, a_record(), {**a_record(), key: value}) == 2
    assert said in capsys.readouterr().err


def test_every_command_is_run_into_a_folder_of_its_own(same_bytes: Any) -> None:
    from galfeat.scripts.main import app

    commands = {
        each.name or (each.callback.__name__ if each.callback else "")
        for each in app.registered_commands
    }
    jobs = same_bytes.work(real=True)
    names = [job.name for job in jobs]
    assert len({*names}) == len(names)
    assert commands == {*runs().COMMANDS}
    assert {job.arguments[0] for job in jobs} == commands
    assert {f"help-{name}" for name in commands} <= {*names}
    made: set[str] = {"inputs"}
    for job in jobs:
        read = [
            each.split("/")[0] for each in job.arguments[1:] if "/" in each and "{}" not in each
        ]
        assert {*read} <= made, f"{job.name} reads what no run before it wrote"
        made.add(job.name)
    without = {job.name for job in same_bytes.work(real=False)}
    assert {name for name in names if "efigi" in name or "kids" in name}.isdisjoint(without)


@pytest.mark.usefixtures("same_bytes")
def test_settings_files_differ_from_the_defaults(tmp_path: Path) -> None:
    from galfeat.scripts.configuring import extractor_settings, preparation

    for name, text in runs().SETTINGS.items():
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        assert preparation(path, 64) != preparation(None, 64)
        assert len(extractor_settings(path)) == 5


def test_only_times_are_excluded_from_the_comparison(same_bytes: Any) -> None:
    row = b'<tr><th scope="row">hog</th><td>243</td><td>48</td><td>5,765</td><td>972</td>%b</tr>'
    page = (
        b'<table id="table-costs">'
        + row
        + b"</table><table>"
        + row
        + b"</table><dl><dt>time</dt><dd>%b</dd></dl>"
    )
    one = page % (
        b"<td>0.15</td><td>0.10</td><td>1.1</td><td>21.7</td>",
        b"<td>1</td>",
        b"46 s used, 79 s predicted",
    )
    two = page % (
        b"<td>0.16</td><td>0.11</td><td>1.2</td><td>9.7</td>",
        b"<td>1</td>",
        b"47 s used, 80 s predicted",
    )
    assert same_bytes.steady("report.html", one) == same_bytes.steady("report.html", two) != one
    assert b"<td>972</td></tr>" in same_bytes.steady("report.html", one)
    assert same_bytes.steady("F.csv", one) == one
    other = two.replace(b"5,765", b"5,766")
    assert same_bytes.steady("report.html", other) != same_bytes.steady("report.html", one)


def test_inputs_are_reproducible(same_bytes: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        same_bytes.write_inputs(tmp_path / name, None)
    paths = sorted((tmp_path / "one").rglob("*"))
    assert len(paths) > 15
    for path in paths:
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.is_dir() or path.read_bytes() == other.read_bytes()
        assert path.stat().st_mtime_ns == other.stat().st_mtime_ns  # tables with failures hold it


def test_folders_without_galaxies_are_refused(
    same_bytes: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert same_bytes.main(["record", str(tmp_path / "out.json"), "--data", str(tmp_path)]) == 2
    assert "no real galaxies in" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
