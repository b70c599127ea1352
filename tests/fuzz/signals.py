"""Signals at random moments of `galfeat extract` and `galfeat classify`, and the same bytes after.

Run from the folder of the project, with ``pip install -e '.[dask]'``::

    python tests/fuzz/signals.py --count 60 --seed 7

Each trial starts a command in threads, processes or on a local cluster, sends HUP, INT, TERM, QUIT,
KILL or STOP and CONT at a random moment: to all of its processes, to the command itself, to the
process that does the work, or to a worker. Then the command is given again. Its table and its list
of failures must have the bytes of an undisturbed run, nothing else may lie beside them, no process
may be left, and the command must end by itself.
"""

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galfeat.data import SimulatedSurvey, write_survey
from galfeat.data.sources.files import FileSource
from galfeat.features import make_extractors
from galfeat.pipeline import extract, train
from galfeat.pipeline.batch.work import BatchWork
from galfeat.scripts.main import main as command_line

__all__ = ["Trial", "trials"]

SIGNALS = ("HUP", "INT", "TERM", "QUIT", "KILL", "STOP")
TARGETS = ("group", "command", "work", "worker")
COMMANDS = ("extract", "classify")
MODES: dict[str, tuple[str, ...]] = {
    "threads": (),
    "processes": ("--processes",),
    "cluster": ("--cluster", "local"),
}
ENTRIES = 4  # in a shard, so that a small survey has many
GALAXIES = 48
_PATIENCE = 300.0  # seconds, after which a command hangs


@dataclass(frozen=True)
class Trial:
    """One signal.

    Parameters
    ----------
    command, mode, signal, target : str
    moment : float
        When it is sent, as a share of the time of an undisturbed run.
    """

    command: str
    mode: str
    signal: str
    target: str
    moment: float


def trials(count: int, seed: int) -> Iterator[Trial]:
    """Yield trials: all signals, modes, commands and targets in turn, at random moments."""
    draw = random.Random(seed)
    for number in range(count):
        yield Trial(
            COMMANDS[number // 3 % 2],
            tuple(MODES)[number % 3],
            SIGNALS[(number + number // 6) % 6],
            draw.choice(TARGETS),
            draw.uniform(0, 1.1),
        )


class Bench:
    """Survey, model and undisturbed results.

    Parameters
    ----------
    folder : Path
        Empty.
    modes : sequence of str
    """

    def __init__(self, folder: Path, modes: Sequence[str]) -> None:
        self.folder, self.source = folder, folder / "survey"
        write_survey(SimulatedSurvey(GALAXIES, size=32, depth="deep", seed=5), self.source)
        extract(self.source, folder / "train.parquet", features=["color"])
        train(folder / "train.parquet", folder / "M.galfeat", inputs=["color"])
        for number in (20, 30):  # two failures
            (self.source / f"sim{number:06d}.fits").write_bytes(b"")
        self.seconds: dict[tuple[str, str], float] = {}
        self.right: dict[str, dict[str, bytes]] = {}
        for command in COMMANDS:
            for mode in modes:
                out = folder / f"{command}-{mode}" / "F.parquet"
                out.parent.mkdir()
                begun = time.monotonic()
                status, _ = wait(self.start(command, mode, out))
                self.seconds[command, mode] = time.monotonic() - begun
                assert status == 0, (command, mode, (out.parent.parent / "said").read_text())
                self.right.setdefault(command, contents(out.parent))
                assert contents(out.parent) == self.right[command]

    def start(self, command: str, mode: str, out: Path) -> int:
        """Start a command in a session of its own, and return its process."""
        model = [str(self.folder / "M.galfeat")] if command == "classify" else []
        more = ["--features", "color"] if command == "extract" else []
        arguments = [command, *model, str(self.source), "--out", str(out), *more, *MODES[mode]]
        with (self.folder / "said").open("wb") as said:
            return in_session([*arguments, "--workers", "2"], said.fileno())

    def judge(self, trial: Trial, number: int) -> tuple[list[str], int]:
        """Return what is wrong after a signal, and the status of the disturbed command."""
        out = self.folder / f"trial{number}" / "F.parquet"
        out.parent.mkdir()
        wrong: list[str] = []
        process = self.start(trial.command, trial.mode, out)
        status, ended = wait(
            process,
            lambda: send(trial, process),
            trial.moment * self.seconds[trial.command, trial.mode],
        )
        wrong += [] if ended else ["it hung"]
        if status == 0 and contents(out.parent) != self.right[trial.command]:
            wrong.append("it said that all was well, and the bytes are others")
        again, ended = wait(self.start(trial.command, trial.mode, out))
        said = (self.folder / "said").read_text(errors="replace").strip()
        if again or not ended:
            wrong.append(f"the second run ended with status {again}: {said[-300:]}")
        found = contents(out.parent)
        if found != self.right[trial.command]:
            wrong.append(f"other bytes in {', '.join(found)}")
        return wrong, status


def in_session(arguments: Sequence[str], said: int) -> int:
    """Fork a command into a session of its own: imports and kernels are paid for once."""
    process = os.fork()
    if process:
        return process
    status = 70
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        os.dup2(said, 2)
        sys.argv = ["galfeat", *arguments]
        command_line()
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def wait(
    process: int, act: Callable[[], None] | None = None, after: float = 0.0
) -> tuple[int, bool]:
    """Wait for a command and all of its processes, and act after some seconds.

    Returns
    -------
    int
        Its exit status, negative for a signal.
    bool
        Whether it ended by itself; otherwise it was killed.
    """
    begun, status = time.monotonic(), None
    while time.monotonic() - begun < _PATIENCE:
        if act is not None and time.monotonic() - begun >= after:
            act()
            act = None
        if status is None:
            pid, code = os.waitpid(process, os.WNOHANG)
            status = os.waitstatus_to_exitcode(code) if pid else None
        if status is not None and not members(process):
            return status, True
        time.sleep(0.01)
    for member in members(process):
        deliver(member, signal.SIGKILL)
    if status is None:
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return status, False


def send(trial: Trial, process: int) -> None:
    """Send the signal of a trial; a stopped process goes on after a while."""
    number = getattr(signal, f"SIG{trial.signal}")
    targets = choose(trial.target, process)
    for target in targets:
        deliver(target, number)
    if trial.signal == "STOP":
        time.sleep(0.3)
        for target in targets:
            deliver(target, signal.SIGCONT)


def choose(target: str, process: int) -> list[int]:
    """Return the processes that a target means; the command itself where there is no other yet."""
    found = members(process)
    work = [member for member, parent in found.items() if parent == process]
    others = [member for member in found if member not in (process, *work)]
    chosen = {"group": list(found), "command": [process], "work": work, "worker": others[-1:]}
    return chosen[target] or work or [process]


def deliver(process: int, number: int) -> None:
    """Send a signal; a process that has ended is no error."""
    with suppress(ProcessLookupError):
        os.kill(process, number)


def members(session: int) -> dict[int, int]:
    """Return the processes of a session that have not ended, with their parents."""
    found: dict[int, int] = {}
    for path in Path("/proc").iterdir():
        if not path.name.isdigit():
            continue
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found[int(path.name)] = int(fields[1])
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def be_small_and_slow(seconds: float = 0.05) -> None:
    """Cut sources into small shards that take some time each, in this process and its children."""
    BatchWork.shard_size = ENTRIES  # type: ignore[assignment, method-assign]
    read = FileSource.read

    def slow(self: FileSource, shard: object) -> object:
        time.sleep(seconds)
        return read(self, shard)  # type: ignore[arg-type]

    FileSource.read = slow  # type: ignore[assignment, method-assign]


def run(count: int, seed: int, modes: Sequence[str] = tuple(MODES)) -> tuple[Counter[str], int]:
    """Make trials, print each, and return how often each signal was sent, and the failed trials."""
    be_small_and_slow()
    for extractor in make_extractors(["color"]).values():  # kernels are loaded once
        extractor.transform((np.arange(3072, dtype=np.float32) % 8).reshape(1, 3, 32, 32))
    sent: Counter[str] = Counter()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="galfeat-") as folder:
        bench = Bench(Path(folder), modes)
        for number, trial in enumerate(trials(count, seed)):
            if trial.mode not in modes:
                continue
            wrong, status = bench.judge(trial, number)
            sent[trial.signal] += 1
            failed += bool(wrong)
            say(
                f"{number:3} {trial.command:8} {trial.mode:9} {trial.signal:4} to the "
                f"{trial.target:7} at {trial.moment:.2f}: status {status:4}; "
                f"{'; '.join(wrong) or 'same bytes'}"
            )
    return sent, failed


def say(line: str) -> None:
    """Write a line to standard output at once, also before the next fork."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Run from the command line."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--count", type=int, default=60)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options.add_argument("--modes", default=",".join(MODES))
    given = options.parse_args()
    say(f"seed {given.seed}")
    sent, failed = run(given.count, given.seed, given.modes.split(","))
    say(f"{sum(sent.values())} signals ({dict(sent)}), {failed} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
