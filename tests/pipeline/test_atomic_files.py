"""Files appear whole or not at all."""

from pathlib import Path

import pytest

from galfeat import UsageError
from galfeat.pipeline.atomic_files import check_target, replacing


def test_what_was_written_takes_the_place(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "f.txt"
    with replacing(target) as part:
        part.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["f.txt"]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_nothing_written_changes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "f.txt"
    target.write_text("old")
    with replacing(target):
        pass
    assert target.read_text() == "old"


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UsageError, match="cannot write"),
        replacing(tmp_path / "file" / "f.txt") as part,
    ):
        part.write_text("")
    # a folder where a file should be
    with pytest.raises(UsageError, match="cannot write"), replacing(tmp_path) as part:
        part.write_text("")


def test_an_output_may_not_be_an_input_under_any_name(tmp_path: Path) -> None:
    source = tmp_path / "F.parquet"
    source.write_text("")
    (tmp_path / "catalog.csv").write_text("")
    (tmp_path / "link.parquet").symlink_to(source)
    for path, inputs in (
        (source, [source]),
        (tmp_path / "link.parquet", [None, source]),
        (tmp_path / "catalog.csv", [tmp_path]),
    ):
        with pytest.raises(UsageError, match="one of the inputs"):
            check_target(path, inputs)
    check_target(tmp_path / "new.parquet", [source, tmp_path, tmp_path / "absent"], [".parquet"])
    check_target(source, [])


@pytest.mark.parametrize("name", ["", ".", "/dev/null"])
def test_what_is_no_ordinary_file_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"no name of a file|no ordinary file"):
        check_target(Path(name))
