"""Runs of `same_bytes`: the commands whose output is compared, and their settings."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["COMMANDS", "INPUTS", "SETTINGS", "Job", "work"]

INPUTS = "inputs"  # folder of what the commands read and galfeat does not write itself
COMMANDS = (
    "simulate", "extract", "train", "classify", "compare", "export", "info", "show", "audit",
    "config", "doctor",
)  # fmt: skip

SETTINGS: Mapping[str, str] = {
    "averaged": """
[preparation]
fit = "crop"
sky = "clipped"
noise = "mad"
neighbors = "mask"
centering = "pixel"
no_object = "keep"
[features.pixels]
downsample = 2
[features.color]
bins = 16
pairs = "all"
[features.texture]
levels = 16
distances = [1, 3]
patterns = "fourier"
[features.hog]
orientations = 8
channel = "strongest"
rotation = "averaged"
block_norm = "L2"
[features.sift]
keypoints = "dense"
encoding = "fisher"
n_words = 16
""",
    "mirrored": """
[preparation]
size = 48
stretch = "none"
sky = "none"
noise = "map_if_any"
centering = "subpixel"
extent = 0.3
no_object = "keep"
[features.pixels]
size = 24
[features.color]
pairs = "none"
[features.texture]
radii = [1, 4]
patterns = "directed"
[features.hog]
rotation = "mirrored"
block_norm = "L1-sqrt"
[features.sift]
encoding = "fisher"
n_words = 8
contrast_threshold = 0.05
octave_layers = 2
""",
}
"""Settings other than the defaults, the contents of files for ``--config``."""


@dataclass(frozen=True)
class Job:
    """One run of a command.

    Parameters
    ----------
    name : str
        The folder of its files.
    arguments : tuple of str
        Of the command line; ``{}`` is the job's own folder.
    status : int, default 0
        The exit status that it must have.
    """

    name: str
    arguments: tuple[str, ...]
    status: int = 0


def work(*, real: bool) -> tuple[Job, ...]:
    """Return all runs, in order.

    Parameters
    ----------
    real : bool
        Whether real galaxies are there.
    """
    return (*_simulated(), *_made(), *_words(), *(_real() if real else ()), *_comparison())


def _job(name: str, line: str, status: int = 0) -> Job:
    return Job(name, tuple(line.split()), status)


def _extract(name: str, source: str, line: str = "") -> Job:
    return _job(f"extract-{name}", f"extract {source} --out {{}}/F.parquet {line}")


def _simulated() -> list[Job]:
    files, mef, cube = (f"simulate-{layout}/survey" for layout in ("files", "mef", "cube"))
    table, model = "extract-files/F.parquet", "train/M.galfeat"
    return [
        _job("simulate-files", "simulate {}/survey --n 300 --layout files"),
        _job(
            "simulate-mef",
            "simulate {}/survey --n 120 --size 32 --depth deep --layout mef --seed 3",
        ),
        _job(
            "simulate-cube",
            "simulate {}/survey --n 24 --size 80 --bands g,r,i,z --depth shallow "
            "--noise white --realistic --seed 1 --contact-sheet {}/sheet.png",
        ),
        _extract("files", files),
        *(_extract(f"files-{name}", files, f"--config {INPUTS}/{name}.toml") for name in SETTINGS),
        _extract("processes", files, "--processes --workers 2 --features hog,texture"),
        _extract("mef", mef, "--size 32 --workers 1"),
        _extract("cube", cube, "--bands r,g,z --size 40 --features color,sift"),
        _job("train", f"train {table} --out {{}}/M.galfeat"),
        _job(
            "train-averaged",
            "train extract-files-averaged/F.parquet --out {}/M.galfeat --hidden 32,16 --seed 7",
        ),
        _job("train-pixels", f"train {table} --out {{}}/M.galfeat --inputs pixels_pca"),
        _job("classify-parquet", f"classify {model} {files} --out {{}}/P.parquet"),
        _job("classify-csv", f"classify {model} {files} --out {{}}/P.csv"),
        _job("classify-averaged", f"classify train-averaged/M.galfeat {files} --out {{}}/P.csv"),
        _job("export-fits", f"export {table} {{}}/F.fits"),
        _job("export-csv", f"export {table} {{}}/F.csv"),
        _job("info-table", f"info {table}"),
        _job("info-model", f"info {model}"),
        _job("show", f"show {cube} --id sim000003 --out {{}}/figure.png"),
        _job("audit", "audit --out {} --n 10"),
    ]


def _made() -> list[Job]:
    positions = f"--positions {INPUTS}/positions.csv --size-pixels 64"
    return [
        _extract("damaged", f"{INPUTS}/damaged"),
        _extract("pictures", f"{INPUTS}/pictures"),
        _extract("mosaic", f"{INPUTS}/mosaic.fits", positions),
    ]


def _words() -> list[Job]:
    return [
        *(_job(f"help-{name}", f"{name} --help") for name in COMMANDS),
        _job("config", "config"),
        *(_job(f"config-{name}", f"config {INPUTS}/{name}.toml") for name in SETTINGS),
        _job("refused-source", "extract nowhere --out {}/F.parquet", 2),
        _job(
            "refused-extractor",
            f"extract {INPUTS}/pictures --out {{}}/F.parquet --features wavelets",
            2,
        ),
        _job("refused-label", "train extract-files/F.parquet --out {}/M.galfeat --label color", 2),
    ]


def _real() -> list[Job]:
    efigi, kids = f"{INPUTS}/efigi", f"{INPUTS}/fits/kids_sdss"
    return [
        _extract("efigi", efigi),
        _extract("efigi-averaged", efigi, f"--config {INPUTS}/averaged.toml"),
        *(_extract(name, f"{INPUTS}/fits/{name}") for name in ("decam", "hst", "kids_sdss")),
        _extract("kids_sdss-mirrored", kids, f"--config {INPUTS}/mirrored.toml"),
        _extract("kids_sdss-alone", kids, "--no-companions --features pixels,hog"),
    ]


def _comparison() -> list[Job]:
    line = "compare simulate-mef/survey --quick --size 32 --workers 2 --out {}/report"
    return [_job("compare", line)]
