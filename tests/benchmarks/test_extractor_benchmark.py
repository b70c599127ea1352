"""Whether what the benchmark times does the same on both sides: one tiny round, no timing."""

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
pytest.importorskip("mahotas", reason="the extra 'bench' is not installed: no mahotas")
pytest.importorskip(
    "fast_histogram", reason="the extra 'bench' is not installed: no fast-histogram"
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """Return the modules of the benchmark, which import each other as scripts do."""
    sys.path.insert(0, str(FOLDER))
    try:
        import extractor_cases as cases  # type: ignore[import-not-found]
        import extractors  # type: ignore[import-not-found]
        import machine  # type: ignore[import-not-found]
        import threads  # type: ignore[import-not-found]

        yield type(
            "Bench",
            (),
            {"cases": cases, "extractors": extractors, "machine": machine, "threads": threads},
        )
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("extractors", "machine", "extractor_cases", "startup", "threads"):
            sys.modules.pop(name, None)


def sides(bench: Any, number: int, bands: int) -> tuple[Any, list[Any], Any]:
    case = bench.cases.CASES[number]
    images = bench.cases.galaxies(2, bands, 64)
    return case, [case.theirs(case.ready(image)) for image in images], case.ours(case.given(images))


@pytest.mark.filterwarnings("ignore:Applying `local_binary_pattern` to floating-point")
@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("number", range(10))
def test_both_sides_agree(bench: Any, number: int, bands: int) -> None:
    case, theirs, ours = sides(bench, number, bands)
    if case.tolerance is not None:
        expected = np.stack(theirs)
        assert ours.shape == expected.shape
        assert np.abs(ours - expected).max() <= case.tolerance * np.abs(expected).max()
    elif "dense" in case.name:
        expected = np.stack(theirs).astype(np.float64)
        cosine = (
            (expected * ours).sum(axis=-1)
            / np.linalg.norm(expected, axis=-1)
            / np.linalg.norm(ours.astype(np.float64), axis=-1)
        )
        assert np.median(cosine) > 0.97, "the windows differ"
    else:
        for plane, found in zip((plane for image in theirs for plane in image), ours, strict=True):
            product = plane[1].astype(np.float64) @ found.T.astype(np.float64)
            cosine = (
                product
                / np.linalg.norm(plane[1], axis=1)[:, None]
                / np.linalg.norm(found.astype(np.float64), axis=1)
            )
            assert np.median(cosine.max(axis=1)) > 0.97
            assert np.median(cosine.max(axis=0)) > 0.97


def test_every_case_is_tested(bench: Any) -> None:
    assert len(bench.cases.CASES) == 10
    for case in bench.cases.CASES:
        assert {key.removesuffix(", holes") for key in case.required} <= set(bench.cases.SHAPES)


def test_with_holes_sets_pixels_to_nan(bench: Any) -> None:
    images = bench.cases.galaxies(4, 3, 64)
    holes = np.isnan(bench.cases.with_holes(images))
    assert 0.005 < holes.mean() < 0.02
    assert np.isfinite(images).all()
    assert images.dtype == np.float32


def test_a_round_makes_a_table(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.extractors, "LONG_ENOUGH", 1e-9)
    monkeypatch.setattr(bench.threads, "LONG", 1e-9)
    monkeypatch.setattr(bench.threads, "CALL", 1e-9)
    monkeypatch.setitem(bench.cases.SHAPES, "64x64x1", (2, 1, 64))
    case = next(case for case in bench.cases.CASES if case.peer == "numpy.histogram")
    result = bench.extractors.measured(case, "64x64x1", 2)
    assert [
        len(each) for each in (result.ratios, result.with_holes, result.threads, result.rates)
    ] == [2, 2, 2, 2]
    lines = bench.extractors.table([result]).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert "numpy.histogram | 64x64x1" in lines[2]


@pytest.mark.slow
def test_two_threads_speed_up_calls_that_release_the_lock(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.threads, "LONG", 0.2)
    lock = threading.Lock()

    def alone(_images: Any) -> None:
        with lock:
            time.sleep(0.01)

    with ThreadPoolExecutor(2) as pool:
        together = bench.threads.gain(pool, lambda _: time.sleep(0.01), np.zeros(2))
        one_by_one = bench.threads.gain(pool, alone, np.zeros(2))
    assert one_by_one < 1.3 < 1.6 < together


def test_each_call_is_made_once(bench: Any) -> None:
    made: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        bench.threads._together(pool, made.append, [[1, 2, 3], [1, 2, 3]], 7)
    assert sorted(made) == [1, 1, 1, 2, 2, 3, 3]


def test_ratios_below_what_is_required_are_named(bench: Any) -> None:
    case = bench.cases.CASES[0]
    result = bench.extractors.Result(case, "64x64x1", ratios=[90.0, 99.0, 101.0])
    assert result.misses == [
        "HOG, 9 orientations, 8x8, 2x2 against skimage.feature.hog, 64x64x1: 99 of 100"
    ]
    assert not bench.extractors.Result(case, "64x64x1", ratios=[101.0]).misses


def test_a_section_is_replaced(bench: Any, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\nBefore.\n\n<!-- a -->\nold\n<!-- /a -->\n\nAfter.\n")
    bench.machine.write_between("a", "new", page)
    bench.machine.write_between("b", "more", page)
    bench.machine.write_between("a", "newer", page)
    text = page.read_text()
    assert text == (
        "# Page\n\nBefore.\n\n<!-- a -->\n\nnewer\n\n<!-- /a -->\n\nAfter.\n\n<!-- b "
        "-->\n\nmore\n\n<!-- /b -->\n"
    )


def test_the_machine_is_described(bench: Any) -> None:
    said = bench.machine.described(["numpy", "no-such-package"], (0.5, 0.4, 0.3))
    assert f"numpy {np.__version__}" in said
    assert "no-such-package (not installed)" in said
    assert "load average 0.5 before" in said
