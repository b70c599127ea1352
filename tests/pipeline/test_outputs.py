"""Output paths that must not be written are refused before any work."""

from pathlib import Path

import pytest

from galfeat import UsageError
from galfeat.pipeline.outputs import check_target


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
    with pytest.raises(UsageError, match=r"not the name of a file|not a regular file"):
        check_target(Path(name))
