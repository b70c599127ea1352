"""What benchmarks share: machine and versions, sections of docs/benchmarks.md, parts of tests."""

import importlib.util
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType

from llvmlite import binding
from numba.core import config

__all__ = ["DOCS", "described", "instruction_set", "module_of", "processor", "write_between"]

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_WIDTHS = {"avx512f": "AVX-512", "avx2": "AVX2", "sse4.2": "SSE4.2", "sve": "SVE", "neon": "NEON"}


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
        f"{processor()}, {os.cpu_count()} processors, code for {instruction_set()}; "
        f"{platform.system()}, "
        f"Python {platform.python_version()}, {versions}. {datetime.now(UTC):%d %B %Y}, "
        f"`{command}`, "
        f"load average {load[0]:.1f} before and {after[0]:.1f} after."
    )


def instruction_set() -> str:
    """Return the widest vectors that numba compiles for here, and the processor's name in LLVM."""
    wanted = config.CPU_FEATURES
    features = (
        {word[1:] for word in wanted.split(",") if word.startswith("+")}
        if wanted
        else _host_features()
    )
    widest = next((title for name, title in _WIDTHS.items() if name in features), "no vectors")
    return f"{widest} ({config.CPU_NAME or binding.get_host_cpu_name()})"


def processor() -> str:
    """Return the model name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )


def write_between(name: str, section: str, page: Path = DOCS) -> None:
    """Replace the text between ``<!-- name -->`` and ``<!-- /name -->`` in a page."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    text = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    if begin not in text:
        text = f"{text.rstrip()}\n\n{begin}\n{end}\n"
    before, rest = text.split(begin)
    page.write_text(
        f"{before}{begin}\n\n{section.strip()}\n\n{end}{rest.split(end)[1]}", encoding="utf-8"
    )


def _host_features() -> set[str]:
    return {name for name, there in binding.get_host_cpu_features().items() if there}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def module_of(path: Path) -> ModuleType:
    """Return a module of the tests, which are no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
