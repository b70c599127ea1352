"""Time of compiling from an empty cache, and of a process with a warm one for its first cutout."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from statistics import median

__all__ = ["startup_section"]

_FIRST_CUTOUT = """
import json, sys, time
start = time.perf_counter()
import numpy as np
from galfeat.features import EXTRACTORS
took = {"imports": time.perf_counter() - start}
image = np.arcsinh(np.random.default_rng(0).normal(0, 1, (1, 3, 64, 64)) + 5).astype(np.float32)
for name, kind in EXTRACTORS.items():
    before = time.perf_counter()
    extractor = kind()
    (extractor.describe if hasattr(extractor, "describe") else extractor.transform)(image)
    took[name] = time.perf_counter() - before
print(json.dumps(took))
"""
_SKLEARN_ONLY = "import sklearn.base; print('{}')"  # what every estimator needs
_LISTED = 8  # packages named
_ROUNDS = 11


def startup_section() -> str:
    """Measure, and return Markdown."""
    with tempfile.TemporaryDirectory() as cache:
        cold, compiled, _ = _timed_process(cache, _FIRST_CUTOUT)
        bare, warm = zip(
            *[
                (_timed_process(cache, _SKLEARN_ONLY)[0], _timed_process(cache, _FIRST_CUTOUT))
                for _ in range(_ROUNDS)
            ],
            strict=True,
        )
        shares = _import_seconds(_timed_process(cache, _FIRST_CUTOUT, "-X", "importtime")[2])
    whole, parts, _ = sorted(warm, key=lambda each: each[0])[_ROUNDS // 2]
    rows = [f"| {name} | {compiled[name]:.2f} | {parts[name]:.3f} |" for name in parts]
    listed = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in shares.most_common(_LISTED))
    return "\n".join(
        [
            "| seconds | empty cache | warm cache |",
            "| --- | ---: | ---: |",
            *rows,
            f"| **whole process** | **{cold:.1f}** | **{whole:.2f}** |",
            "",
            "The process imports the extractors and measures one cutout of 64x64 pixels in three "
            "bands with each of them; the warm one is "
            f"the median of {_ROUNDS}. A process that only imports `sklearn.base`, which every "
            f"estimator needs, takes {median(bare):.2f} s "
            "(median, interleaved). By package, the imports cost, with Python's clock on, which "
            f"slows them: {listed}.",
        ]
    )


def _timed_process(cache: str, code: str, *flags: str) -> tuple[float, Mapping[str, float], str]:
    """Return the seconds of a whole process, those of its parts, and what it wrote to stderr."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache, "OPENBLAS_NUM_THREADS": "1"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *flags, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return time.perf_counter() - start, json.loads(done.stdout), done.stderr


def _import_seconds(log: str) -> Counter[str]:
    """Return the seconds that each package's own modules took, of the log of ``-X importtime``."""
    shares: Counter[str] = Counter()
    for line in log.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if line.startswith("import time:") and own.strip().isdigit():
            shares[rest.rpartition("|")[2].strip().split(".")[0]] += int(own) / 1e6  # type: ignore[assignment]
    return shares
