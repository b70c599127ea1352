"""Test program: extraction that is killed, or fails to write, at a chosen moment.

Each line of its input is JSON: source, out, and the moment. Runs are forked, so that the imports
are paid for once. Moments are system calls and steps of the run; they are counted, and at the
chosen one the process kills itself as ``kill -9`` would, after noting where it was.
"""

import errno
import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from galfeat import UsageError
from galfeat.data import Preparation, SimulatedSurvey, open_source, write_survey
from galfeat.data.sources.files import FileSource
from galfeat.pipeline import classify, extract
from galfeat.pipeline.batch import merge as merging
from galfeat.pipeline.batch import work
from galfeat.pipeline.batch.options import Options
from galfeat.pipeline.batch.parquet import growing_table as growing
from galfeat.pipeline.batch.work_folder import shard_files
from galfeat.pipeline.batch.work_folder.folder import WorkFolder
from galfeat.pipeline.batch.work_folder.journal import Journal
from galfeat.pipeline.extraction import recipe

ENTRIES = 16  # in a shard, so that a small survey has several


def small_shards() -> None:
    """Cut all sources of this process into small shards."""
    work.BatchWork.shard_size = ENTRIES  # type: ignore[assignment, method-assign]


def run(order: dict[str, Any]) -> None:
    """Extract or classify as requested."""
    recipe.FEATURE_VERSION = order.get("version", recipe.FEATURE_VERSION)
    source = open_source(order["source"])
    if "model" in order:
        classify(
            order["model"],
            source,
            order["out"],
            workers=order.get("workers", 2),
            options=Options(**order.get("options", {})),
        )
        return
    extract(
        import_module("poisoned").Poisoned(source, **order["poison"])
        if "poison" in order
        else source,
        order["out"],
        features=order.get("features", ["color", "hog"]),
        preparation=Preparation(size=order.get("size", 32)),
        workers=order.get("workers", 2),
        options=Options(**order.get("options", {})),
    )


class Moments:
    """Counter of the moments, which acts at the chosen one."""

    def __init__(self, name: str, number: int, note: Path, act: Callable[[], None]) -> None:
        self.chosen, self.note, self.act = (name, number), note, act
        self.seen: Counter[str] = Counter()

    def reached(self, name: str) -> None:
        self.seen[name] += 1
        if (name, self.seen[name]) == self.chosen:
            self.note.write_text(json.dumps({"at": f"{name} {self.seen[name]}", "seen": self.seen}))
            self.act()

    def around(self, owner: Any, attribute: str, name: Callable[..., str]) -> None:
        """Count the moments before and after a call."""
        original = getattr(owner, attribute)

        def watched(*args: Any, **kwargs: Any) -> Any:
            what = name(*args)
            self.reached(f"before {what}")
            result = original(*args, **kwargs)
            self.reached(f"after {what}")
            return result

        setattr(owner, attribute, watched)


def what_file(source: Any, target: Any = None) -> str:
    """Return which of the run's files a path or a handle is."""
    path = str(
        target
        or (Path(f"/proc/self/fd/{source}").readlink() if isinstance(source, int) else source)
    )
    if Path(path).is_dir():
        return "folder"
    kinds = {
        "/shards/": "shard",
        "failures.csv": "failures",
        "work.json": "record",
        "F.parquet": "table",
        "P.": "table",
    }
    return next((kind for part, kind in kinds.items() if part in path), "folder")


def watch(moments: Moments) -> None:
    """Count the moments of all system calls and steps that matter."""
    moments.around(os, "fsync", lambda handle: f"sync of {what_file(handle)}")
    moments.around(os, "replace", lambda source, target: f"rename of {what_file(source, target)}")
    moments.around(FileSource, "read", lambda *_: "reading")
    moments.around(shard_files, "_write_group", lambda *_: "writing a shard")
    moments.around(growing, "insert_rows", lambda *_: "copying a shard")
    moments.around(merging, "_write_failures", lambda *_: "writing failures")
    moments.around(Journal, "begin", lambda *_: "begin in the journal")
    moments.around(Journal, "end", lambda *_: "end in the journal")
    moments.around(ThreadPoolExecutor, "shutdown", lambda *_: "the end of the threads")
    moments.around(WorkFolder, "remove", lambda *_: "clearing up")


def kill() -> None:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def no_space() -> None:
    """Do what the system does when a disk is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupt() -> None:
    """Do what Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGINT)


ACTS = {"kill": kill, "no space": no_space, "interrupt": interrupt}


def child(order: dict[str, Any]) -> int:
    """Run as requested, in a process that may be killed."""
    os.environ.update(order.get("environ", {}))
    if "at" in order:
        watch(
            Moments(
                order["at"],
                order.get("number", 1),
                Path(order["note"]),
                ACTS[order.get("act", "kill")],
            )
        )
    try:
        run(order)
    except UsageError as error:
        Path(order["note"]).with_suffix(".said").write_text(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def be_patient() -> None:
    """Let clusters wait for whatever is slow on a busy machine: a test that waits ends when the
    thing is there, not before.
    """
    for kind in ("CONNECT", "TCP"):
        os.environ.setdefault(f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{kind}", "600s")


def main() -> None:
    """Fork a run for each line of the input; answer with its exit status, negative where a signal
    ended it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the shell may let it be ignored
    small_shards()
    be_patient()
    with TemporaryDirectory() as folder:  # imports and kernels are paid for once for all
        source = Path(folder) / "survey"
        write_survey(SimulatedSurvey(2, size=32, depth="deep"), source)
        run({"source": source, "out": Path(folder) / "F.parquet"})
    for line in sys.stdin:
        process = os.fork()
        if not process:
            status = 70
            try:
                status = child(json.loads(line))
            except BaseException:
                traceback.print_exc()
            os._exit(status)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
