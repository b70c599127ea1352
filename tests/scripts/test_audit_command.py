"""``galfeat audit``: the table on the standard output, the rest on stderr, status 1 for a broken
promise.
"""

from pathlib import Path

import pytest

from galfeat.features import INVARIANCES, Pixels
from galfeat.scripts.main import app
from galfeat.scripts.running import run


class Liar(Pixels):
    """Promises what pixels cannot keep."""

    @property
    def promises(self) -> frozenset[str]:
        return frozenset({"shift"})


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "galfeat.pipeline.invariance.audit.default_extractors", lambda: {"pixels": Pixels()}
    )


def test_the_table_is_the_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["audit", "--n", "4", "--size", "32", "--out", str(tmp_path / "audit")]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("extractor  change")
    assert len(out.splitlines()) == 1 + len(INVARIANCES)
    assert err == f"audit: {tmp_path / 'audit'}\n"
    assert {path.name for path in (tmp_path / "audit").iterdir()} == {"audit.csv", "audit.png"}


def test_a_broken_promise_is_status_1_and_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "galfeat.pipeline.invariance.audit.default_extractors", lambda: {"pixels": Liar()}
    )
    assert run(app, ["audit", "--n", "4", "--size", "32"]) == 1
    out, err = capsys.readouterr()
    assert "BROKEN" in out
    assert err.startswith("audit: pixels breaks its promise of shift (1 pixel): relative change 0.")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "wrong", [["--n", "1"], ["--size", "8"], ["--seed", "-1"], ["--n", "many"]]
)
def test_wrong_settings_are_one_sentence_and_status_2(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(app, ["audit", *wrong]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert wrong[0] in err


def test_a_folder_that_cannot_be_one_is_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run(app, ["audit", "--n", "2", "--size", "32", "--out", str(tmp_path / "file")]) == 2
    assert "cannot write" in capsys.readouterr().err
