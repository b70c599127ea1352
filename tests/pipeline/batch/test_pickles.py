"""Pickles run code when they are loaded: none is loaded from where another user can write."""

import ast
import os
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import galfeat
from galfeat.data import open_source
from galfeat.pipeline import extract
from galfeat.pipeline.batch.options import Options
from galfeat.pipeline.batch.work_folder.folder import hold_work_folder

PACKAGE = Path(galfeat.__file__).parent
WINGS = ("data", "features", "nn", "pipeline", "scripts")
ALLOWED = {"pipeline/batch/worker_process.py"}  # through pipes between parent and child
LOADERS = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


class Planted:
    """Value whose pickle creates a file when it is loaded."""

    def __init__(self, seen: Path) -> None:
        self.seen = seen

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.seen,)


def suspects(tree: ast.AST) -> set[str]:
    """Return what could load a pickle: modules imported, and settings that allow it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & LOADERS
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module).split(".")[0]} & LOADERS
        elif isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only"):
            safe = node.arg == "weights_only"
            if not (isinstance(node.value, ast.Constant) and node.value.value is safe):
                found.add(node.arg)
        elif isinstance(node, ast.Constant) and node.value in LOADERS - {"marshal"}:
            found.add(f"{node.value!r}, perhaps for import_module")
    return found


def test_pickles_are_loaded_in_one_module_only() -> None:
    files = [path for wing in WINGS for path in (PACKAGE / wing).rglob("*.py")]
    assert len(files) > 200
    found = {
        path.relative_to(PACKAGE).as_posix(): names
        for path in [*files, *PACKAGE.glob("*.py")]
        if (names := suspects(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert set(found) == ALLOWED, found


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "torch.load(path, weights_only=False)",
        "import_module('dill')",
    ],
)
def test_every_way_to_load_one_is_seen(code: str) -> None:
    assert suspects(ast.parse(code))
    assert not suspects(ast.parse("np.load(path, allow_pickle=False)"))


@pytest.mark.slow
@pytest.mark.parametrize("options", [Options(processes=True), Options(cluster="local", workers=1)])
def test_a_pickle_in_the_work_folder_is_never_loaded(
    options: Options, survey: Path, tmp_path: Path
) -> None:
    if options.cluster:
        pytest.importorskip("distributed", reason="Dask is not installed")
    out, seen = tmp_path / "F.parquet", tmp_path / "seen"
    pickle.loads(pickle.dumps(Planted(seen)))  # it would be seen
    seen.unlink()
    with hold_work_folder(out) as folder:
        folder.make_shards()
        for name in ("work.pickle", "work.pkl", "work", "journal", "work.json"):
            (folder.path / name).write_bytes(pickle.dumps(Planted(seen)))

    def plant(*_: int) -> None:
        for path in (tmp_path / "F.parquet.work").iterdir():
            if path.name.startswith("work"):
                path.write_bytes(pickle.dumps(Planted(seen)))

    plant()
    assert extract(survey, out, features=["color"], options=options, progress=plant).done == 90
    assert not seen.exists()


@pytest.mark.slow
def test_nothing_is_imported_from_the_current_folder(survey: Path, tmp_path: Path) -> None:
    """A command that is given in a folder of others imports no module of theirs."""
    seen = tmp_path / "seen"
    for name in ("pickle", "galfeat", "numpy", "sitecustomize", "threadpoolctl"):
        (tmp_path / f"{name}.py").write_text(f"open({str(seen)!r}, 'w')\nraise SystemExit(3)")
    code = (
        "import sys; from galfeat.pipeline import extract; from galfeat.pipeline.batch.options "
        "import Options\nprint(extract(sys.argv[1], 'F.parquet', features=['color'], "
        "options=Options(workers=1, processes=True)).done)"
    )
    search = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(survey)],
        cwd=tmp_path,
        env={**os.environ, **search},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "90\n", done.stderr
    assert not seen.exists()


@pytest.mark.slow
def test_a_local_cluster_takes_no_work_from_others(survey: Path) -> None:
    """Whoever may connect to a scheduler runs code on its workers."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    clusters = import_module("galfeat.pipeline.batch.dask")
    with clusters._connect("local", 1) as client:
        address = client.scheduler.address
        assert address.startswith("tls://")
        stranger = distributed.Security.temporary()
        for security, at in ((None, address.replace("tls:", "tcp:")), (stranger, address)):
            with pytest.raises((OSError, TimeoutError)):
                distributed.Client(at, security=security, timeout=3)
        assert client.submit(len, "abc").result() == 3
    assert len(open_source(survey)) == 90
