"""A program for tests: extraction onto a disk that is too small, and again when it has become
larger.

It is to be run with mounts of its own (``unshare -rm``), for it mounts a small file system in
memory; if that is not allowed it ends with status 77. Its input is JSON: source, folder (empty, for
the disk), sizes (bytes, one after the other), and copy (where the results go). Its output is JSON:
for each size the exit status of the run, what it said, and the files that it left.
"""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path


def resized(folder: Path, size: int) -> bool:
    """Mount the disk, or give it another size."""
    options = f"{'remount,' if folder.is_mount() else ''}size={size}"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, stderr=subprocess.PIPE, check=False).returncode == 0


def main() -> None:
    """Run once for each size."""
    order = json.load(sys.stdin)
    folder = Path(order["folder"])
    out = folder / "F.parquet"
    killed_run = import_module("killed_run")  # beside this file
    told: list[dict[str, object]] = []
    for size in order["sizes"]:
        if not resized(folder, size):
            raise SystemExit(77)
        if not told:
            out.write_bytes(b"an earlier table")
        process = os.fork()
        if not process:
            killed_run.small_shards()
            os._exit(
                killed_run.child(
                    {
                        "source": order["source"],
                        "out": str(out),
                        "note": f"{order['copy']}/note.json",
                    }
                )
            )
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        said = Path(order["copy"]) / "note.said"
        left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
        told.append(
            {
                "status": status,
                "said": said.read_text() if status else "",
                "left": left,
                "table": out.stat().st_size,
            }
        )
    for path in folder.glob("F.*"):
        shutil.copy(path, order["copy"])
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
