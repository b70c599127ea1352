"""Work folder of an unfinished run: ``F.parquet.work`` beside ``F.parquet``.

=============  ===========================================================
``lock``       held while a run is on (`lock`)
``work.json``  manifest: settings and catalog of the run (`manifest`)
``work.pickle``  the work, for worker processes (`work_file`)
``journal``    shards in flight (`journal`)
``shards/``    results of finished shards, by key (`shard_files`)
``*.part``     temporary files, of the table too, until they are renamed
=============  ===========================================================
"""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from galfeat._atomic_files import PART
from galfeat.pipeline.batch.disk_errors import explain_disk_errors

__all__ = ["WorkFolder"]


@dataclass(frozen=True)
class WorkFolder:
    """Paths and cleanup of a work folder.

    Parameters
    ----------
    path : Path
    """

    path: Path

    @classmethod
    def of(cls, out: Path) -> "WorkFolder":
        """Return the work folder of an output: ``F.parquet.work`` for ``F.parquet``."""
        return cls(out.with_name(out.name + ".work"))

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.path / "lock"

    @property
    def manifest(self) -> Path:
        """Settings and catalog of the run."""
        return self.path / "work.json"

    @property
    def work(self) -> Path:
        """The work, for worker processes."""
        return self.path / "work.pickle"

    @property
    def journal(self) -> Path:
        """The shards in flight."""
        return self.path / "journal"

    @property
    def shards(self) -> Path:
        """The folder of finished shards."""
        return self.path / "shards"

    def has_shards(self) -> bool:
        """Return whether any shard is finished."""
        return any(self.shards.rglob("*.parquet"))

    def clear(self) -> None:
        """Delete everything but the lock file.

        Raises
        ------
        UsageError
            If the system refuses.
        """
        with explain_disk_errors(self.path):
            for path in self.path.iterdir():
                if path.is_dir():
                    shutil.rmtree(path)
                elif path != self.lock:
                    path.unlink()

    def remove_temporary_files(self) -> None:
        """Delete the temporary files of a run that was killed."""
        for path in self.path.rglob("*" + PART):
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the folder, its lock file last; leave what the system does not let go."""
        with suppress(OSError):
            self.clear()
            self.lock.unlink()
            self.path.rmdir()
