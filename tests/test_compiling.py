import ast
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from galfeat import _compiling

ROOT = Path(_compiling.__file__).parent
WINGS = ("data", "features", "nn", "pipeline", "scripts")
USE = """
import logging, sys, numpy as np
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="said: %(message)s")
from galfeat.features.kernels.finite import flawed_rows
from galfeat.features.kernels import finite
print(flawed_rows(np.array([[1, np.nan], [0, 2], [np.inf, 0]], dtype=np.float32)).tolist())
print(len(finite._mark.stats.cache_hits), len(finite._mark.stats.cache_misses))
"""


def python(code: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_compiled_code_is_cached_and_compiling_logged_once(tmp_path: Path) -> None:
    said, found, hits = python(USE, NUMBA_CACHE_DIR=str(tmp_path))
    assert said.startswith("said: compiling for this processor")
    assert (found, hits) == ("[0, 2]", "0 1")
    assert python(USE, NUMBA_CACHE_DIR=str(tmp_path)) == ["[0, 2]", "1 0"]


@pytest.mark.slow
def test_loading_imports_nothing_that_only_compiling_needs(tmp_path: Path) -> None:
    """Where numba has changed so that this no longer works, it shows here."""
    more = USE + (
        "print(*(name in sys.modules for name in ('numba.np.arraymath', "
        "'numba.cpython.unicode', 'scipy.linalg')))"
    )
    assert python(more, NUMBA_CACHE_DIR=str(tmp_path))[-1] == "True True True"
    assert python(more, NUMBA_CACHE_DIR=str(tmp_path)) == ["[0, 2]", "1 0", "False False False"]


@pytest.mark.slow
def test_uncached_kernels_are_compiled_after_cached_ones_load(tmp_path: Path) -> None:
    python(USE, NUMBA_CACHE_DIR=str(tmp_path))
    more = (
        "from galfeat.features.pixels.kernel import box_means\nprint(box_means(np.eye(4, "
        "dtype=np.float32)[None], 2).tolist())"
    )
    loaded, hits, said, means = python(USE + more, NUMBA_CACHE_DIR=str(tmp_path))
    assert (loaded, hits, means) == ("[0, 2]", "1 0", "[[[0.5, 0.0], [0.0, 0.5]]]")
    assert said.startswith("said: compiling")


@pytest.mark.slow
def test_without_a_folder_each_process_compiles_for_itself() -> None:
    nowhere = (
        "from numba.core import caching; caching.FunctionCache._impl_class._locator_classes = []"
    )
    said, found, hits = python(nowhere + USE)
    assert said.startswith("said: compiling")
    assert (found, hits) == ("[0, 2]", "0 1")


@pytest.mark.slow
def test_a_full_disk_is_no_error(tmp_path: Path) -> None:
    full = (
        "from numba.core import caching\ndef full(*_): raise OSError(28, 'no space "
        "left')\ncaching.IndexDataCacheFile.save = full\n"
    )
    assert python(full + USE, NUMBA_CACHE_DIR=str(tmp_path))[1:] == ["[0, 2]", "0 1"]


@pytest.mark.slow
def test_damaged_files_are_compiled_anew(tmp_path: Path) -> None:
    python(USE, NUMBA_CACHE_DIR=str(tmp_path))
    for kept in tmp_path.rglob("*.nbc"):
        kept.write_bytes(kept.read_bytes()[:10])
    assert python(USE, NUMBA_CACHE_DIR=str(tmp_path))[1:] == ["[0, 2]", "0 1"]


@pytest.mark.slow
def test_an_index_that_names_a_class_of_another_version_is_replaced(tmp_path: Path) -> None:
    python(USE, NUMBA_CACHE_DIR=str(tmp_path))
    for index in tmp_path.rglob("*.nbi"):
        with index.open("rb") as file:
            numba_version = pickle.load(file)
        gone = b"cgalfeat.features.kernels.finite\nGone\n."  # a pickle of finite.Gone
        index.write_bytes(pickle.dumps(numba_version) + gone)
    assert python(USE, NUMBA_CACHE_DIR=str(tmp_path))[1:] == ["[0, 2]", "0 1"]
    assert python(USE, NUMBA_CACHE_DIR=str(tmp_path)) == ["[0, 2]", "1 0"]


def test_another_kernel_that_changed_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HOG's loops call those of its cells; nothing of it is in the test for bad pixels."""
    folder = tmp_path / "features"
    shutil.copytree(ROOT / "features", folder)
    monkeypatch.setattr(_compiling, "__file__", str(tmp_path / "_compiling.py"))

    def marks() -> dict[str, str]:
        _compiling._fingerprint.cache_clear()
        return {
            name: _compiling._fingerprint(name)
            for name in (
                "features.hog.kernel",
                "features.hog.kernel_cells",
                "features.kernels.finite",
            )
        }

    before = marks()
    with (folder / "hog" / "kernel_cells.py").open("a") as file:
        file.write("# changed")
    after = marks()
    _compiling._fingerprint.cache_clear()
    assert [name for name in before if before[name] != after[name]] == [
        "features.hog.kernel",
        "features.hog.kernel_cells",
    ]


SOURCES = sorted(path for wing in WINGS for path in (ROOT / wing).rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_of_compiled_code_are_seen_by_the_fingerprint(path: Path) -> None:
    """It reads ``from galfeat.MODULE import``: a kernel's file must not be imported as a name of
    its folder.
    """
    text = path.read_text(encoding="utf-8")
    assert "cache=True" not in text, "numba's own cache loads what others may have written"
    if "compiling import" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("galfeat."):
            module = ROOT / str(node.module).removeprefix("galfeat.").replace(".", "/")
            assert module.with_suffix(".py").is_file(), node.module


@pytest.mark.slow
@pytest.mark.parametrize("how", ["folder", "file", "above"])
def test_code_is_not_loaded_from_where_others_can_write(how: str, tmp_path: Path) -> None:
    """Numba's files are pickles: loading one runs whatever its writer wanted."""
    kept, seen, home = tmp_path / "open" / "kept", tmp_path / "seen", tmp_path / "home"
    places = {"NUMBA_CACHE_DIR": str(kept), "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    kept.mkdir(parents=True)
    python(USE, **places)
    indices = list(kept.rglob("finite*.nbi"))
    assert indices
    planted = pickle.dumps(Planted(seen))
    indices[0].write_bytes(planted)
    python(USE, **places)
    assert seen.exists()  # it is loaded where only this user can write
    seen.unlink()
    for index in indices:
        index.write_bytes(planted)
    for path in {
        "folder": [index.parent for index in indices],
        "file": indices,
        "above": [kept.parent],
    }[how]:
        path.chmod(0o777)
    said = python(USE, **places)
    assert not seen.exists()
    assert any(f"compiled code is not kept in {kept}" in line for line in said)
    assert said[-2] == "[0, 2]"
    assert {index.read_bytes() for index in indices} == {planted}


class Planted:
    """Value whose pickle creates a file when it is loaded."""

    def __init__(self, seen: Path) -> None:
        self.seen = seen

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.seen,)
