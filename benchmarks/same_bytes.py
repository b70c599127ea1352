"""Byte-for-byte comparison of all that galfeat writes, before and after a change of the code.

For refactorings: record what the code before writes, record what the code after writes, compare::

    PYTHONPATH=/path/to/before/src python benchmarks/same_bytes.py record before.json
    PYTHONPATH=/path/to/after/src python benchmarks/same_bytes.py record after.json
    python benchmarks/same_bytes.py compare before.json after.json

`record` takes six minutes or so on two cores. It runs the commands of the galfeat that Python
finds (``PYTHONPATH`` chooses the checkout) one after the other as processes in a temporary
folder, and writes the size and the SHA-256 of every file that they wrote, with the processor and
the versions. What is run is listed by ``python benchmarks/same_bytes.py work``:

- ``simulate`` in the layouts files, mef and cube; ``extract`` with every extractor, with the
  default and with other settings (``SETTINGS`` of ``same_bytes_runs.py``), on threads and in
  processes; on damaged files, pictures and a mosaic, whose failures count as well; ``train``,
  ``classify``, ``export``, ``show``, ``info``, ``audit``; the help of each command, ``config``,
  and refusals; ``compare --quick`` with its report and its figures;
- of real galaxies EFIGI's first 200 pictures and all FITS cutouts, from the folder that
  ``--data`` or ``GALFEAT_TEST_DATA`` names or that lies in ``../shared/data`` beside the
  checkout. Without it that part is left out, which `record` says.

``said.txt`` beside the files of a command is its exit status and what it said on both streams.
Kernels are compiled anew, so that no code compiled before is measured; ``--kept`` takes what
numba has kept and saves a minute and a half.

Two things are not the same from run to run, both because they are times, and are compared without
them:

- ``report.html`` of ``compare``: the last four columns of the table of costs (processor times)
  and the setting "time" (seconds used and predicted). The rest of the page is compared byte for
  byte.
- ``said.txt``: lines with the progress and the time left, and the one that says that kernels are
  compiled.

A refusal names the temporary folder, in the place of which ``said.txt`` has "FOLDER". All other
files are compared byte for byte; none holds a date or the name of a temporary folder. But the
table of a run with failures holds a sum over the times at which the cutouts' files were last
changed, in the entry ``files`` of the metadata ``galfeat.run``, so the files that are read are
given one time.

`compare` names every file that differs and exits with status 1 if there is one, with 0 if there
is none. Sums are rounded otherwise on other processors and by other libraries, so it refuses,
with status 2, records that were made on different processors, with different versions or from
different files (take one ``same_bytes.py`` for both). It does not refuse those of two versions of
galfeat, but each file that holds the version will differ.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # the files beside this one, wherever it is run from
from machine import instruction_set, processor  # type: ignore[import-not-found]
from same_bytes_inputs import write_inputs  # type: ignore[import-not-found]
from same_bytes_runs import INPUTS, Job, work  # type: ignore[import-not-found]

__all__ = ["RefusedError", "compared", "main", "recorded", "steady"]

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
PACKAGES = (
    "numpy", "scipy", "astropy", "scikit-image", "opencv-python-headless", "pillow",
    "scikit-learn", "threadpoolctl", "numba", "llvmlite", "pyarrow", "typer", "rich",
    "matplotlib", "jinja2", "torch",
)  # fmt: skip
_TIMED = re.compile(r"will take about|\bleft$|a second|compiling the extractors")
_COSTS = re.compile(rb'<table id="table-costs">.*?</table>', re.DOTALL)
_FOUR_CELLS = re.compile(rb"(?:<td>[\d.,]+</td>){4}(?=</tr>)")
_TIME = re.compile(rb"(?<=<dt>time</dt><dd>)[^<]*")
_WHO = """
import json
import galfeat, numpy, scipy.linalg, sklearn.cluster, threadpoolctl
blas = sorted({
    "{} {} ({})".format(one["internal_api"], one["version"], one.get("architecture"))
    for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"
})
found = {"galfeat": galfeat.__version__, "file": galfeat.__file__, "blas": ", ".join(blas)}
print(json.dumps(found))
"""

Record = dict[str, Any]
Done = subprocess.CompletedProcess[str]


class RefusedError(Exception):
    """What was asked for cannot be done; the message says why."""


def recorded(data: Path | None, *, kept: bool = False) -> Record:
    """Run everything, and return what was written, by which code, and where.

    Parameters
    ----------
    data : Path or None
        Folder of real galaxies.
    kept : bool, default False
        Whether to take compiled code that numba has kept.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        environment = _environment(None if kept else folder / "compiled")
        who = json.loads(_run(["-c", _WHO], folder, environment).stdout)
        _say(f"galfeat {who['galfeat']} of {Path(who['file']).parent}")
        written = folder / "work"
        write_inputs(written / INPUTS, data)
        inputs = _digests(written)
        start = time.perf_counter()
        for job in work(real=data is not None):
            _do(job, written, environment)
            _say(f"{time.perf_counter() - start:5.0f} s  {job.name}")
        files = {path: each for path, each in _digests(written).items() if path not in inputs}
    versions = {each: _version(each) for each in PACKAGES}
    return {
        "galfeat": who["galfeat"],
        "processor": f"{processor()}, {instruction_set()}",
        "versions": {"python": platform.python_version(), **versions, "BLAS": who["blas"]},
        "real": data is not None,
        "inputs": hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest(),
        "files": files,
    }


def _environment(compiled: Path | None) -> dict[str, str]:
    """Return the environment of the commands: this one, with the same code in another folder."""
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    more = {
        "PYTHONPATH": os.pathsep.join(str(Path(path).resolve()) for path in paths),
        "PYTHONSAFEPATH": "1",
        "COLUMNS": "80",
        "TERM": "dumb",
        "NO_COLOR": "1",
    }
    if compiled is not None:
        more["NUMBA_CACHE_DIR"] = str(compiled)
    return {**os.environ, **more}


def _run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Done:
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and arguments[0] == "-c":
        raise RefusedError(f"galfeat cannot be imported: {done.stderr.strip()}")
    return done


def _do(job: Job, folder: Path, environment: Mapping[str, str]) -> None:
    """Run a command, and write its output and exit status beside its files."""
    (folder / job.name).mkdir(parents=True)
    arguments = [each.replace("{}", job.name) for each in job.arguments]
    done = _run(["-m", "galfeat.scripts.main", *arguments], folder, environment)
    if done.returncode != job.status:
        status = f"exited with status {done.returncode}, not {job.status}"
        raise RefusedError(f"'galfeat {' '.join(arguments)}' {status}: {done.stderr.strip()}")
    said = [line for line in done.stderr.splitlines() if not _TIMED.search(line)]
    text = "\n".join([f"status {done.returncode}", *said, "", done.stdout])
    said_in = folder / job.name / "said.txt"
    said_in.write_text(text.replace(str(folder), "FOLDER"), encoding="utf-8")


def _digests(folder: Path) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of every file, without the times that some hold."""
    found = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = steady(path.name, path.read_bytes())
        mark = hashlib.sha256(content).hexdigest()
        found[path.relative_to(folder).as_posix()] = {"bytes": len(content), "sha256": mark}
    return found


def steady(name: str, content: bytes) -> bytes:
    """Return the content of a file without what differs from run to run.

    Parameters
    ----------
    name : str
        Of the file.
    content : bytes
    """
    if name != "report.html":
        return content
    return _TIME.sub(b"", _COSTS.sub(lambda table: _FOUR_CELLS.sub(b"", table.group()), content))


def compared(before: Record, after: Record) -> tuple[list[str], list[str]]:
    """Return the lines of a table, a line a run, and a line for each file that differs.

    Parameters
    ----------
    before, after : dict
        As `recorded` returns them.

    Raises
    ------
    RefusedError
        If they say nothing about the code, since more than the code differs.
    """
    _check(before, after)
    old, new = before["files"], after["files"]
    different, of_run = [], dict[str, list[int]]()
    for path in sorted({*old, *new}):
        counts = of_run.setdefault(path.split("/")[0], [0, 0, 0])
        same = old.get(path) == new.get(path)
        counts[0] += 1
        counts[1] += old.get(path, {"bytes": 0})["bytes"]
        counts[2] += not same
        if not same:
            sizes = f"{_size(old, path)} before, {_size(new, path)} after"
            different.append(f"differs: {path} ({sizes})")
    width = max(len(run) for run in (*of_run, "run"))
    lines = [f"{'run':<{width}}  {'files':>6}  {'bytes':>11}  different"]
    for run, (n, size, bad) in of_run.items():
        lines.append(f"{run:<{width}}  {n:>6,}  {size:>11,}  {bad or 'none'}")
    return lines, different


def _size(files: Mapping[str, Any], path: str) -> str:
    return f"{files[path]['bytes']:,} bytes" if path in files else "absent"


def _check(before: Record, after: Record) -> None:
    if before["processor"] != after["processor"]:
        both = f"{before['processor']} before, {after['processor']} after"
        raise RefusedError(f"the records are of different processors, which round unlike: {both}")
    old, new = before["versions"], after["versions"]
    changed = [each for each in {**old, **new} if old.get(each) != new.get(each)]
    if changed:
        said = [f"{each} {old.get(each)} before, {new.get(each)} after" for each in changed]
        raise RefusedError(f"the records are of different versions: {'; '.join(said)}")
    if before["real"] != after["real"]:
        raise RefusedError("one record is without real galaxies: record both with the same --data")
    if before["inputs"] != after["inputs"]:
        both = "record both with one same_bytes.py and the same --data"
        raise RefusedError(f"the commands read other files: {both}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _data(given: Path | None) -> Path | None:
    """Return the folder of real galaxies, if there is one."""
    named = given or os.environ.get("GALFEAT_TEST_DATA")
    folder = Path(named or BESIDE).resolve()
    if all((folder / part).exists() for part in ("efigi/catalog.csv", "fits")):
        return folder
    if named:
        needed = "it must hold efigi/catalog.csv and the folder fits"
        raise RefusedError(f"no real galaxies in {folder}: {needed}")
    _say("real galaxies are left out: none found; name their folder with --data")
    return None


def _read(path: Path) -> Record:
    try:
        record: Record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RefusedError(f"{path} is not a record: {error}") from error
    return record


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Record or compare, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    record = kinds.add_parser("record", help="run everything and write what came out")
    record.add_argument("out", type=Path)
    record.add_argument("--data", type=Path, help="folder of real galaxies, with efigi and fits")
    record.add_argument("--kept", action="store_true", help="take code that numba has kept")
    compare = kinds.add_parser("compare", help="compare two records; status 1 if a file differs")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    kinds.add_parser("work", help="list what is run")
    asked = parser.parse_args(arguments)
    try:
        if asked.kind == "record":
            found = recorded(_data(asked.data), kept=asked.kept)
            asked.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            _say(f"{len(found['files']):,} files recorded in {asked.out}")
        elif asked.kind == "compare":
            lines, different = compared(_read(asked.before), _read(asked.after))
            verdict = "all the same, to the last byte"
            if different:
                verdict = f"{len(different):,} file(s) differ"
            sys.stdout.write("\n".join([*lines, "", *different, verdict]) + "\n")
            return int(bool(different))
        else:
            for job in work(real=True):
                line = " ".join(job.arguments).replace("{}", job.name)
                sys.stdout.write(f"{job.name:<26} galfeat {line}\n")
    except RefusedError as refusal:
        _say(f"same_bytes: {refusal}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
