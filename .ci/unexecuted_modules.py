"""List the modules of galfeat of which the fast tests execute no function.

    python .ci/unexecuted_modules.py [pytest arguments]

Without arguments it runs ``-q -m "not slow"``. A module counts as executed when one of its
functions or methods is called in this process, in Python or as compiled code. Modules without
functions are left out, as are tests that start other processes. Kernels that are inlined into
others, and generators of vector code, run only when code is compiled: give an empty
``NUMBA_CACHE_DIR`` to count them.
"""

import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("data", "features", "nn", "pipeline", "scripts")


class Calls:
    """Record of the files whose functions were called."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self._seen: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> None:
        """Trace function of the interpreter; it traces no lines."""
        del event, arg
        code = frame.f_code
        if code not in self._seen:
            self._seen.add(code)
            if not code.co_name.startswith("<"):  # a module body, lambda or comprehension
                self.files.add(code.co_filename)


def functions_of(path: Path) -> bool:
    """Return whether a module defines functions."""
    return any(line.lstrip().startswith("def ") for line in path.read_text().splitlines())


def compiled_modules() -> set[str]:
    """Return the names of modules with a kernel that was called."""
    from numba.core.dispatcher import Dispatcher

    return {
        each.__module__
        for module in [*sys.modules.values()]
        if getattr(module, "__name__", "").startswith("galfeat.")
        for each in vars(module).values()
        if isinstance(each, Dispatcher) and each.signatures
    }


def main(arguments: list[str]) -> int:
    """Run the tests and list the modules; return 1 if there are any or a test fails."""
    calls = Calls()
    threading.settrace(calls)
    sys.settrace(calls)
    status = int(pytest.main(arguments or ["-q", "-m", "not slow"]))
    sys.settrace(None)
    files = {str(Path(file).resolve()) for file in calls.files if file.endswith(".py")}
    compiled = compiled_modules()
    missing = []
    paths = [*sorted((ROOT / "src" / "galfeat").glob("*.py"))]
    paths += [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    for path in paths:
        inside = path.relative_to(ROOT / "src" if path.parent.name == "galfeat" else ROOT)
        name = ".".join(("galfeat", *inside.with_suffix("").parts[inside.parts[0] == "galfeat" :]))
        called = str(path) in files or name in compiled
        if functions_of(path) and not called:
            missing.append(name)
    sys.stdout.write("\n".join([*missing, f"{len(missing)} module(s) without a fast test"]) + "\n")
    return status or bool(missing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
