"""The look at an installation: it passes here, and it notices what is wrong."""

import re
from collections.abc import Callable

import pytest

from galfeat.features import HOG, SIFT
from galfeat.pipeline import doctor as checkup
from galfeat.scripts.main import app
from galfeat.scripts.running import run


@pytest.mark.slow
def test_this_installation_passes_all_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["doctor"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    lines = captured.out.splitlines()
    assert re.search(r"^numpy +\d+\.\d+", captured.out, re.MULTILINE)
    assert sum(line.startswith("ok ") for line in lines) == len(checkup.CHECKS)
    assert lines[-1] == "all is well"


@pytest.mark.slow
def test_a_wrong_extractor_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right: Callable[..., object] = HOG.transform
    monkeypatch.setattr(HOG, "transform", lambda self, images: right(self, images[..., ::-1]))
    monkeypatch.setattr(SIFT, "describe", lambda _, images: [[] for _ in images])
    assert run(app, ["doctor"]) == 1
    said = capsys.readouterr().out
    assert re.search(r"^WRONG +histograms of gradients", said, re.MULTILINE)
    assert re.search(r"^WRONG +SIFT against OpenCV: 0 keypoints", said, re.MULTILINE)
    assert re.search(r"^WRONG +extraction", said, re.MULTILINE)  # which uses SIFT
    assert said.splitlines()[-1].startswith("3 of the checks failed")


def test_an_exception_counts_as_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> tuple[str, bool]:
        raise ImportError("no such library")

    monkeypatch.setattr(checkup, "CHECKS", {"a thing": broken})
    assert list(checkup.check_up()) == [
        checkup.Check("a thing", False, "ImportError: no such library")
    ]


def test_the_checks_are_listed_and_a_failed_one_gives_the_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = {"sums": lambda: ("exact", True), "products": lambda: ("1 of 3", False)}
    monkeypatch.setattr(checkup, "CHECKS", checks)
    assert run(app, ["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:-1] == ["ok     sums: exact", "WRONG  products: 1 of 3"]
    assert lines[-1].startswith("1 of the checks failed")
    assert any(line.startswith("BLAS kernels ") for line in lines)
