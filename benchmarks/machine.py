"""What a timing was taken on, and where it is written down."""

import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from galfeat.pipeline.doctor import vector_code

__all__ = ["DOCS", "described", "write_between"]

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def described(packages: Sequence[str], load: tuple[float, float, float]) -> str:
    """Return processor, instruction set, versions, date, command and load as sentences.

    Parameters
    ----------
    packages : sequence of str
        Distributions whose versions matter.
    load : three floats
        The load average before the first timing.
    """
    versions = ", ".join(f"{name} {_version(name)}" for name in packages)
    command = " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])
    after = os.getloadavg()
    return (
        f"{_processor()}, {os.cpu_count()} processors, code for {vector_code()}; "
        f"{platform.system()}, "
        f"Python {platform.python_version()}, {versions}. {datetime.now(UTC):%d %B %Y}, "
        f"`{command}`, "
        f"load average {load[0]:.1f} before and {after[0]:.1f} after."
    )


def write_between(name: str, section: str, page: Path = DOCS) -> None:
    """Put the section between ``<!-- name -->`` and ``<!-- /name -->`` in a page.

    The rest of the page stays.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    if begin not in text:
        text = f"{text.rstrip()}\n\n{begin}\n{end}\n"
    before, rest = text.split(begin)
    page.write_text(
        f"{before}{begin}\n\n{section.strip()}\n\n{end}{rest.split(end)[1]}", encoding="utf-8"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
