"""Mutants of many forms of files against galfeat, and against astropy, Pillow, h5py and others.

Run from the folder of the project, with ``pip install -e '.[hdf5]'``::

    python tests/fuzz/run.py                              # two minutes with a new seed, printed
    python tests/fuzz/run.py --seconds 7200 --keep found  # hours by hand; what fails is kept
    python tests/fuzz/run.py --seed 7 --only 1234         # one mutant of a seed again
    python tests/fuzz/run.py --again found/*.fits         # files that were kept

Mutants are read in separate processes with limits of memory and time, in every way that there is:
alone, in a folder between two good files of its form, by a catalog's ``hdu``, in another layout,
around positions, by ``read_cutouts`` and ``read_cutout``, and at last in a folder of many mutants.
These fail the job:

crash, hang
    The process ended, or would not.
escaped
    An exception that is no `GalfeatError`, or one that was made a failure's reason.
differs
    Pixels, or a catalog's cells, are not those that others read, and no warning was logged.
disagrees
    Two ways to read one file do not give the same galaxies.
neighbors
    A good file is read otherwise because a mutant lies beside it.

Others are counted: "stricter" is refused by galfeat alone, "bolder" by others alone; "said" are
those of which galfeat logged a warning.
"""

import argparse
import json
import random
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # wherever it is run from

import numpy as np
from tests.fuzz.forms import Form, all_forms
from tests.fuzz.mutate import mutate
from tests.fuzz.other_forms import CATALOG_FILES
from tests.fuzz.process import Worker
from tests.fuzz.verdicts import FAILURES, Read, Verdict, is_catalog, judged

__all__ = ["Found", "Settings", "fuzz"]

_LAYOUTS = ("cube", "bands", "galaxies")
_BATCH = 240  # mutants in one folder
_OTHERS = 4  # seconds of the processor that others may take
_SHOWN = 6


@dataclass(frozen=True)
class Settings:
    """What is tried.

    Parameters
    ----------
    seed : int
    seconds : float
        When to stop.
    mutants : int, optional
        How many, at most.
    keep : Path, optional
        Where failing mutants are written.
    forms : tuple of str
        Names of forms; all if there are none.
    cpu, wall : int
        Seconds that a mutant may take, of the processor and by the clock.
    door : str
        Stands in for `galfeat.data.open_source`: ``module:function``.
    """

    seed: int
    seconds: float = 120
    mutants: int | None = None
    keep: Path | None = None
    forms: tuple[str, ...] = ()
    cpu: int = 20
    wall: int = 120
    door: str = ""


@dataclass
class Found:
    """What was found."""

    verdicts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    failures: list[str] = field(default_factory=list)
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    examples: dict[tuple[str, str], int] = field(default_factory=dict)
    slowest: tuple[float, int, str] = (0.0, -1, "")

    @property
    def mutants(self) -> int:
        """How many were read."""
        return sum(sum(counts.values()) for counts in self.verdicts.values())

    def note(self, form: str, number: int, verdict: Verdict, seconds: float) -> None:
        """Count a verdict."""
        self.verdicts[form][verdict.name] += 1
        self.slowest = max(self.slowest, (seconds, number, form))
        if verdict.name not in (*FAILURES, "same", "refused"):
            self._reason(verdict.name, verdict.why, number)

    def warned(self, lines: Sequence[str], number: int) -> None:
        """Count warnings of Python."""
        for line in lines:
            self._reason("warned", line, number)

    def _reason(self, name: str, why: str, number: int) -> None:
        words = re.sub(r"\S*/\S*|'[^']*'", "…", (why.strip().splitlines() or [""])[0])
        words = re.sub(r"[-+]?\d[\d,.]*", "#", words)[:150]
        self.reasons[name][words] += 1
        self.examples.setdefault((name, words), number)


@dataclass(frozen=True)
class _Mutant:
    number: int
    form: Form
    content: bytes
    how: str
    job: dict[str, Any]


class _Fuzzer:
    """Two processes, a folder, and what was found."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        every = all_forms(settings.seed)
        self.forms = [form for form in every if not settings.forms or form.name in settings.forms]
        self.found = Found()
        self._ours = Worker("galfeat", settings.door, settings.cpu, settings.wall, folder)
        self._theirs = Worker("others", "", _OTHERS, settings.wall, folder)
        self._whole: dict[str, Read] = {}
        self._images = [form.content for form in every if form.name.startswith("plain")]

    def __enter__(self) -> "_Fuzzer":
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.stop()
        self._theirs.stop()

    def mutant(self, number: int) -> _Mutant:
        """Return a mutant by its number; a negative one is a form without a fault."""
        rng = np.random.default_rng([self.settings.seed, abs(number), number < 0])
        layout = _LAYOUTS[rng.integers(3)] if number < 0 or rng.random() < 0.4 else ""
        more = number < 0 or bool(rng.random() < 0.4)
        job = {"layout": layout, "hdu": int(rng.integers(4)), "more": more}
        if number < 0:
            form = self.forms[-number - 1]
            return _Mutant(number, form, form.content, "as it is", job)
        form = self.forms[number % len(self.forms)]
        donors = [self.forms[rng.integers(len(self.forms))].content for _ in range(2)]
        content, how = mutate(form.content, form.kind, donors, rng)
        return _Mutant(number, form, content, how, job)

    def read(self, mutant: _Mutant) -> tuple[Verdict, Read]:
        """Read a mutant with both processes, and judge."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        job = {**mutant.job, **self._laid_out(mutant, folder)}
        started = time.monotonic()
        self._ours.ask(job)
        self._theirs.ask(job)
        ours = self._ours.answer()
        seconds = time.monotonic() - started
        theirs = self._theirs.answer()
        if mutant.number < 0 and not ours.ended:
            self._whole[mutant.form.name] = ours
        verdict = judged(mutant.form.kind, ours, theirs, self._whole.get(mutant.form.name))
        self.found.note(mutant.form.name, mutant.number, verdict, seconds)
        self.found.warned(ours.warnings, mutant.number)
        if verdict.name in FAILURES:
            self._failed(mutant, verdict)
        shutil.rmtree(folder)
        return verdict, ours

    def _laid_out(self, mutant: _Mutant, folder: Path) -> dict[str, Any]:
        form = mutant.form
        if form.kind == "catalog":
            for name, content in zip(CATALOG_FILES, self._images, strict=False):
                (folder / name).write_bytes(content)
            path = folder / f"table{form.suffix}"
        else:
            path = folder / f"b{form.suffix}"
            if form.kind in ("fits", "picture"):
                for name in "ac":
                    (folder / f"{name}{form.suffix}").write_bytes(form.content)
        path.write_bytes(mutant.content)
        facts = {"kind": form.kind, "sky": "coordinates" in form.name}
        return {**facts, "path": str(path), "folder": str(folder)}

    def batch(self, mutants: Sequence[tuple[_Mutant, Read]]) -> None:
        """Read a folder of many mutants: what each holds is what it holds alone."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        for mutant, _ in mutants:
            (folder / f"{mutant.number:09}{mutant.form.suffix}").write_bytes(mutant.content)
        job = {"batch": True, "kind": "fits", "path": str(folder), "folder": str(folder)}
        self._ours.ask(job)
        ours = self._ours.answer()
        if ours.ended or ours.error("batch"):
            why = ours.stack or str(ours.error("batch"))
            self._said(f"a folder of {len(mutants)} mutants: {ours.ended or 'escaped'}: {why}")
            if self.settings.keep:
                shutil.copytree(folder, self.settings.keep / f"batch-{mutants[0][0].number}")
        else:
            entries: dict[str, list[Any]] = defaultdict(list)
            for entry in ours.entries("batch"):
                entries[entry["file"].partition(".")[0]].append(entry)
            for mutant, alone in mutants:
                verdict = _in_a_batch(entries[f"{mutant.number:09}"], alone)
                if verdict:
                    self._failed(mutant, verdict)
                    self.found.verdicts[mutant.form.name][verdict.name] += 1
        shutil.rmtree(folder)

    def _failed(self, mutant: _Mutant, verdict: Verdict) -> None:
        seed = self.settings.seed
        what = f"{mutant.form.name}, number {mutant.number} ({mutant.how})"
        head = f"{verdict.name}: {what}: {_place(verdict)}"
        forms = f" --forms {shlex.join(self.settings.forms)}" if self.settings.forms else ""
        again = f"python tests/fuzz/run.py --seed {seed}{forms} --only {mutant.number}"
        self._said(f"{head}\n  {again}")
        if self.settings.keep is None:
            return
        self.settings.keep.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W+", "-", f"{verdict.name}-{seed}-{mutant.number}-{mutant.form.name}")
        kept = self.settings.keep / f"{name}{mutant.form.suffix}"
        kept.write_bytes(mutant.content)
        facts = {"form": mutant.form.name, "job": mutant.job, "how": mutant.how, "again": again}
        said = {**facts, "verdict": verdict.name, "why": verdict.why}
        kept.with_name(f"{kept.name}.json").write_text(json.dumps(said, indent=1), encoding="utf-8")

    def _said(self, line: str) -> None:
        self.found.failures.append(line)
        print(line, flush=True)  # noqa: T201


def _place(verdict: Verdict) -> str:
    """Return the first line of a verdict's reason, and the line of galfeat where the stack ends."""
    first, *stack = verdict.why.splitlines() or [""]
    places = [
        re.sub(r'^ *File ".*/(?=galfeat/)', "", line) for line in stack if "/galfeat/" in line
    ]
    if verdict.name == "escaped":
        places.reverse()  # a traceback ends where it was raised, a stack of a crash begins there
    return first + (f" [{places[0]}]" if places else "")


def _in_a_batch(entries: list[Any], alone: Read) -> Verdict | None:
    direct = alone.entries("whole")
    if alone.error("whole") or alone.ended or is_catalog(direct):
        return None
    same = len(entries) == len(direct) and all(
        ("pixels" in one) == ("pixels" in other)
        and ("pixels" not in one or np.array_equal(one["pixels"], other["pixels"], equal_nan=True))
        for one, other in zip(entries, direct, strict=True)
    )
    return None if same else Verdict("disagrees", "alone and in a folder of many mutants")


@contextmanager
def _fuzzer(settings: Settings) -> Iterator[_Fuzzer]:
    with (
        tempfile.TemporaryDirectory(prefix="galfeat-fuzz-") as temporary,
        _Fuzzer(settings, Path(temporary)) as fuzzer,
    ):
        yield fuzzer


def fuzz(settings: Settings) -> Found:
    """Read mutants until the time is over or there are enough of them."""
    with _fuzzer(settings) as fuzzer:
        for number in range(1, len(fuzzer.forms) + 1):
            _read_whole(fuzzer, -number)
        end = time.monotonic() + settings.seconds
        batch: list[tuple[_Mutant, Read]] = []
        for number in count():
            over = (
                number >= settings.mutants
                if settings.mutants is not None
                else time.monotonic() > end
            )
            if batch and (over or len(batch) >= _BATCH):
                fuzzer.batch(batch)
                batch = []
            if over:
                break
            mutant = fuzzer.mutant(number)
            _, ours = fuzzer.read(mutant)
            if mutant.form.kind in ("fits", "picture") and not ours.ended:
                batch.append((mutant, ours))
        return fuzzer.found


def _read_whole(fuzzer: _Fuzzer, number: int) -> None:
    """Read a form without a fault: it must be read as others read it."""
    mutant = fuzzer.mutant(number)
    verdict, _ = fuzzer.read(mutant)
    if verdict.name in ("refused", "stricter", "bolder"):
        fuzzer.found.reasons["forms"][f"{mutant.form.name}: {verdict.name} {verdict.why}"] += 1


def again(settings: Settings, numbers: Sequence[int], files: Sequence[Path]) -> Found:
    """Read mutants of a seed, or files that were kept, once more."""
    with _fuzzer(settings) as fuzzer:
        names = [form.name for form in fuzzer.forms]
        mutants = [fuzzer.mutant(number) for number in numbers]
        for file in files:
            facts = json.loads(file.with_name(f"{file.name}.json").read_text(encoding="utf-8"))
            form = fuzzer.forms[names.index(facts["form"])]
            mutants.append(
                _Mutant(len(mutants), form, file.read_bytes(), facts["how"], facts["job"])
            )
        for mutant in mutants:
            _read_whole(fuzzer, -1 - names.index(mutant.form.name))
            verdict, _ = fuzzer.read(mutant)
            head = f"{mutant.form.name}, number {mutant.number}, {mutant.how}"
            print(f"{head}: {verdict.name} {verdict.why}")  # noqa: T201
        return fuzzer.found


def report(found: Found, seconds: float) -> Iterator[str]:
    """Yield the last lines: counts a form and verdict, and the reasons of what is no failure."""
    names = [
        *FAILURES,
        "same",
        "refused",
        "stricter",
        "bolder",
        "bolder, said",
        "differs, said",
        "uncompared",
        "others crash",
    ]
    used = [name for name in names if any(counts[name] for counts in found.verdicts.values())]
    width = max(map(len, found.verdicts), default=0)
    yield " " * width + "  " + "  ".join(used)
    totals: Counter[str] = Counter()
    for form, counts in found.verdicts.items():
        totals.update(counts)
        yield f"{form:<{width}}  " + "  ".join(f"{counts[name]:>{len(name)}}" for name in used)
    yield f"{'all':<{width}}  " + "  ".join(f"{totals[name]:>{len(name)}}" for name in used)
    for name, reasons in found.reasons.items():
        yield f"{name}:"
        for words, times in reasons.most_common(
            _SHOWN * 5 if name in ("bolder", "warned") else _SHOWN
        ):
            yield f"  {times:>5}  {words}  (such as number {found.examples.get((name, words), '')})"
    time_taken, number, form = found.slowest
    yield f"the slowest took {time_taken:.1f} s: {form}, number {number}"
    yield from found.failures  # again: what stood above is far away, and cut from long logs
    yield f"{found.mutants} files in {seconds:.0f} s, {len(found.failures)} failures"


def _settings() -> tuple[Settings, argparse.Namespace]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="when to stop (120)")
    parser.add_argument("--seed", type=int, help="of the mutants; a new one if not given")
    parser.add_argument("--mutants", type=int, help="how many; until the time is over if not given")
    parser.add_argument("--keep", type=Path, help="folder for the mutants that fail")
    parser.add_argument("--forms", nargs="+", default=[], help="names of forms; all if not given")
    parser.add_argument(
        "--only", type=int, nargs="+", default=[], help="numbers of mutants of the seed"
    )
    parser.add_argument("--again", type=Path, nargs="+", default=[], help="files that were kept")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 31) if given.seed is None else given.seed
    return Settings(seed, given.seconds, given.mutants, given.keep, tuple(given.forms)), given


def main() -> int:
    """Run as a command; 1 if something failed."""
    settings, given = _settings()
    print(f"seed {settings.seed}", flush=True)  # noqa: T201
    started = time.monotonic()
    some = given.only or given.again
    found = again(settings, given.only, given.again) if some else fuzz(settings)
    for line in report(found, time.monotonic() - started):
        print(line)  # noqa: T201
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
