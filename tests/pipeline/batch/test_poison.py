"""A galaxy that ends the process costs itself and no other."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from astropy.io import fits

from galfeat.pipeline import load_features

Run = Callable[..., int]


def failures(out: Path) -> list[dict[str, str]]:
    with out.with_name("F.failures.csv").open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def in_flight(out: Path) -> set[str]:
    lines = (out.with_name("F.parquet.work") / "journal").read_text().split()
    return {line[1:] for line in lines if line[0] == "+"} - {
        line[1:] for line in lines if line[0] == "-"
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "words", "rows"),
    [("SIGSEGV", "segmentation fault", [21, 40]), ("SIGKILL", "memory runs out", [21])],
    ids=["twice", "once"],
)
def test_after_a_crash_the_galaxy_that_caused_it_is_left_out(
    how: str, words: str, rows: list[int], survey: Path, tmp_path: Path, server: Run
) -> None:
    out = tmp_path / "F.parquet"
    for _ in rows:  # each in another shard
        assert server(survey, out, workers=1, poison={"rows": rows, "how": how}) < 0
    assert server(survey, out, workers=1, poison={"rows": rows, "how": how}) == 0
    found = failures(out)
    assert [(line["id"], line["stage"]) for line in found] == [
        (f"sim{row:06d}", "crash") for row in rows
    ]
    assert all(words in line["reason"] for line in found)
    assert load_features(out).ids.tolist() == [
        f"sim{row:06d}" for row in range(90) if row not in rows
    ]


def test_a_shard_that_waits_for_its_turn_is_no_suspect(
    survey: Path, tmp_path: Path, server: Run
) -> None:
    out = tmp_path / "F.parquet"
    # in each shard: whichever takes the turn first, none before it can be unrecorded
    poison = {"rows": list(range(90)), "how": "SIGKILL"}
    assert server(survey, out, workers=1, poison=poison) < 0
    assert len(in_flight(out)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGSEGV", "SIGKILL", "memory"])
def test_with_processes_the_same_run_survives(
    how: str, survey: Path, tmp_path: Path, server: Run
) -> None:
    out, whole = tmp_path / "F.parquet", tmp_path / "whole" / "F.parquet"
    harmless = tmp_path / "harmless"
    poison = {"rows": [21], "how": how, "unless": str(harmless)}
    assert server(survey, out, poison=poison, options={"processes": True}) == 0
    assert [(line["id"], line["stage"]) for line in failures(out)] == [("sim000021", "crash")]
    harmless.touch()
    assert server(survey, out, poison=poison, options={"retry_failed": True}) == 0
    assert server(survey, whole, poison=poison) == 0
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_a_lack_of_memory_in_a_thread_costs_the_one_that_needs_it(
    survey: Path, tmp_path: Path, server: Run
) -> None:
    out = tmp_path / "F.parquet"
    assert server(survey, out, poison={"rows": [5], "how": "memory"}) == 0
    assert [(line["id"], line["stage"]) for line in failures(out)] == [("sim000005", "crash")]
    assert "memory" in failures(out)[0]["reason"]


@pytest.mark.slow
def test_processes_give_the_same_bytes(
    damaged: Path, tmp_path: Path, server: Run, undisturbed: tuple[bytes, bytes]
) -> None:
    out = tmp_path / "F.parquet"
    assert server(damaged, out, options={"processes": True}) == 0
    assert (out.read_bytes(), out.with_name("F.failures.csv").read_bytes()) == undisturbed


@pytest.mark.slow
def test_of_a_file_of_many_galaxies_the_one_is_found(
    survey: Path, tmp_path: Path, server: Run
) -> None:
    folder, out = tmp_path / "many", tmp_path / "F.parquet"
    folder.mkdir()
    cubes = [fits.getdata(survey / f"sim{number:06d}.fits") for number in range(7)]
    images = [fits.ImageHDU(cube) for cube in cubes]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(folder / "many.fits")
    fits.PrimaryHDU(cubes[0]).writeto(folder / "one.fits")
    assert (
        server(folder, out, options={"processes": True}, poison={"rows": [], "ids": ["many[5]"]})
        == 0
    )
    assert [(line["id"], line["stage"]) for line in failures(out)] == [("many[5]", "crash")]
    assert load_features(out).ids.tolist() == [
        *(f"many[{number}]" for number in (0, 1, 2, 3, 4, 6)),
        "one",
    ]
