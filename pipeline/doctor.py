"""Self-test of an installation: versions, and whether it measures and learns correctly here.

Kernels are compiled for the processor of each machine, so each machine runs its own code. The
checks compare features with scikit-image, OpenCV, NumPy and reference implementations, files with
astropy, and backpropagation with finite differences.
"""

import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import __version__
from galfeat._private_folders import untrusted_because

__all__ = ["CHECKS", "Check", "blas_kernels", "check_up", "facts", "vector_code"]

_EXTRAS = {
    "hdf5": ("h5py",),
    "onnx": ("onnx", "onnxruntime"),
    "dask": ("distributed",),
    "remote": ("fsspec", "s3fs"),
}
# widest first; by LLVM's names
_VECTOR_SETS = {
    "avx512f": "AVX-512",
    "avx2": "AVX2",
    "sse4.2": "SSE4.2",
    "sse2": "SSE2",
    "sve": "SVE",
    "neon": "NEON",
}
_NAME = re.compile(r"[\w.-]+")  # of a package in a requirement


@dataclass(frozen=True)
class Check:
    """Result of one check.

    Parameters
    ----------
    name : str
        What is checked.
    passed : bool
    found : str
        The measured figure, or what is wrong.
    """

    name: str
    passed: bool
    found: str


def facts() -> dict[str, str]:
    """Return versions of all packages that decide the features, and properties of the machine."""
    found = {"galfeat": __version__, "python": platform.python_version()}
    for requirement in requires("galfeat") or ():
        if "extra ==" not in requirement:
            name = _NAME.match(requirement)
            found[name[0] if name else requirement] = _version(name[0]) if name else ""
    for extra, names in _EXTRAS.items():
        there = [f"{name} {_version(name)}" for name in names if _version(name)]
        found[f"extra {extra}"] = (
            ", ".join(there)
            if len(there) == len(names)
            else f"not installed (pip install 'galfeat[{extra}]')"
        )
    found["system"] = f"{platform.system()} {platform.release()}, {platform.machine()}"
    found["processors"] = _processors()
    found["vector code"] = vector_code()
    found["BLAS kernels"] = blas_kernels()
    found["compiled code"] = _compiled_code_folder()
    found["temporary files"] = (
        f"{tempfile.gettempdir()}, {shutil.disk_usage(tempfile.gettempdir()).free / 2**30:.1f} "
        "GiB free"
    )
    return found


def check_up() -> Iterator[Check]:
    """Run every check of `CHECKS` and yield its result; an exception is a failed check."""
    for name, check in CHECKS.items():
        try:
            found, passed = check()
        except Exception as error:  # a broken installation may raise anything
            found, passed = f"{type(error).__name__}: {error}", False
        yield Check(name, passed, found)


def _hog() -> tuple[str, bool]:
    from skimage.feature import hog

    from galfeat.features import HOG

    images = _galaxies()
    ours = HOG().transform(images).reshape(len(images), images.shape[1], -1)
    theirs = np.array(
        [
            [hog(plane.astype(float) * 2.0**40, cells_per_block=(2, 2)) for plane in image]
            for image in images
        ]
    )
    return _close(ours, theirs, 1e-5)  # a wrong bin differs by far more


def _color() -> tuple[str, bool]:
    from galfeat.features import ColorHistogram

    images = _galaxies()
    ours = (
        ColorHistogram(bins=16, pairs="none")
        .transform(images)
        .reshape(len(images), images.shape[1], 16)
    )
    edges = np.linspace(-2, 8, 17)
    theirs = [
        [np.histogram(np.clip(plane, -2, 8), edges)[0] / plane.size for plane in image]
        for image in images
    ]
    return _close(ours, np.array(theirs), 1e-6)


def _texture() -> tuple[str, bool]:
    from galfeat.features import Texture
    from galfeat.features.texture.haralick_reference import glcm_features
    from galfeat.features.texture.lbp.reference import pattern_fractions

    planes = _galaxies()[:, 0]
    ours = Texture(distances=(1,), radii=(1,)).transform(planes[:, None])
    theirs = np.hstack(
        [
            glcm_features(planes, 32, (-2.0, 8.0), (1,)).reshape(len(planes), -1),
            pattern_fractions(planes, 1),
        ]
    )
    return _close(ours, theirs, 1e-5, relative=True)


def _sift() -> tuple[str, bool]:
    import cv2

    from galfeat.features import SIFT

    bright = np.clip(_galaxies() * 25 + 60, 0, 255).astype(np.uint8)[:, :1]
    found = sum(
        len(each)
        for each in SIFT(noise=1.0, contrast_threshold=0.04 * 255, sigma=1.6).describe(bright)
    )
    # OpenCV's default shifts the image by half a pixel when doubling it
    detector = cv2.SIFT.create(0, 3, 0.04, 10.0, 1.6, enable_precise_upscale=True)
    expected = sum(len(detector.detect(image[0])) for image in bright)
    return f"{found} keypoints, OpenCV {expected}", abs(found - expected) <= 0.1 * expected


def _files() -> tuple[str, bool]:
    from astropy.io import fits

    from galfeat.data import SimulatedSurvey, open_source, write_survey

    with tempfile.TemporaryDirectory() as folder:
        write_survey(SimulatedSurvey(5, size=32), Path(folder) / "survey")
        source = open_source(Path(folder) / "survey")
        cutouts = [cutout for shard in source.shards() for cutout in source.read(shard).cutouts]
        same = [
            np.array_equal(cutout.pixels, fits.getdata(Path(folder) / "survey" / cutout.file))
            for cutout in cutouts
        ]
    return f"{sum(same)} of 5 files as astropy reads them", same == [True] * 5


def _network() -> tuple[str, bool]:
    from galfeat.nn import MLPClassifier, check_gradient
    from galfeat.nn.losses import CrossEntropy
    from galfeat.nn.network import initialized
    from galfeat.nn.training.batches import Samples
    from galfeat.nn.training.objective import Objective

    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (400, 2))
    labels = np.where(X[:, 0] * X[:, 1] > 0, "same", "opposite")
    network = initialized((2, 5, 2), "tanh", "identity", rng)
    error = check_gradient(
        Objective(network, CrossEntropy()), Samples(X[:5], np.eye(2)[[0, 1, 1, 0, 1]])
    ).error
    score = float(
        (
            MLPClassifier(
                (16,),
                batch_size=50,
                learning_rate_init=0.02,
                max_iter=100,
                tol=None,
                random_state=0,
            )
            .fit(X, labels)
            .predict(X)
            == labels
        ).mean()
    )
    return (
        f"gradient to {error:.0e}, {100 * score:.0f} % of a checkerboard learned",
        error < 1e-6 and score > 0.9,
    )


def _pipeline() -> tuple[str, bool]:
    from galfeat.data import Preparation, SimulatedSurvey
    from galfeat.pipeline.extraction.extract import extract

    with tempfile.TemporaryDirectory() as folder:
        tables = [Path(folder) / f"{workers}.parquet" for workers in (1, 2)]
        for workers, table in enumerate(tables, start=1):
            extract(
                SimulatedSurvey(20, size=32),
                table,
                preparation=Preparation(size=32),
                workers=workers,
            )
        same = tables[0].read_bytes() == tables[1].read_bytes()
    return (
        "the same bytes with one thread and with two"
        if same
        else "one thread and two give different tables",
        same,
    )


def _rows_alone() -> tuple[str, bool]:
    """Check that features and probabilities do not depend on batch size and order, bit by bit."""
    from threadpoolctl import threadpool_limits

    from galfeat.features import HOG, BlockScaler, Texture
    from galfeat.nn import MLPClassifier

    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 200))
    model = {
        kind: MLPClassifier((64,), dtype=kind, max_iter=1, tol=None, random_state=0).fit(
            X, np.arange(300) % 5
        )
        for kind in ("float32", "float64")
    }
    scaler, images = BlockScaler(16).fit(X), _galaxies()
    functions: dict[str, tuple[Callable[[Any], Any], NDArray[Any]]] = {
        "probabilities": (model["float32"].predict_proba, X),
        "probabilities in float64": (model["float64"].predict_proba, X),
        "principal components": (scaler.transform, X),
        "histograms of gradients": (HOG().transform, images),
        "texture": (Texture().transform, images),
    }
    different = []
    for name, (function, rows) in functions.items():
        with threadpool_limits(limits=1):
            together = function(rows)
        alone = [
            np.concatenate([function(rows[k : k + size]) for k in range(0, len(rows), size)])
            for size in (1, 7)
        ]
        if not all(np.array_equal(together, each) for each in [*alone, function(rows[::-1])[::-1]]):
            different.append(name)
    return (
        f"{', '.join(different)} depend on the batch"
        if different
        else "the same bits alone, in batches and in any order",
        not different,
    )


CHECKS: dict[str, Callable[[], tuple[str, bool]]] = {
    "histograms of gradients against scikit-image": _hog,
    "histograms of color against NumPy": _color,
    "texture against its definition": _texture,
    "SIFT against OpenCV": _sift,
    "FITS files against astropy": _files,
    "the network": _network,
    "a row's result is independent of other rows": _rows_alone,
    "extraction": _pipeline,
}
"""Checks by name: functions that return the figure found, and whether it is right."""


def _galaxies() -> NDArray[np.float32]:
    from galfeat.data import Preparation, prepare, simulate

    return prepare(simulate(8, size=64, seed=1), Preparation()).pixels


def _close(
    ours: NDArray[np.float32], theirs: NDArray[np.float64], most: float, *, relative: bool = False
) -> tuple[str, bool]:
    apart = float(
        (np.abs(ours - theirs) / np.maximum(1.0, np.abs(theirs) if relative else 1.0)).max()
    )
    return f"largest difference {apart:.0e}", apart < most


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _processors() -> str:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{usable} of {os.cpu_count()}" if usable != os.cpu_count() else f"{usable}"


def vector_code() -> str:
    """Return the widest vector instruction set that numba compiles for, and the processor name."""
    from llvmlite import binding
    from numba.core import config as numba_config

    config: Any = numba_config  # its attributes are set at import
    chosen = config.CPU_FEATURES
    features = (
        {name for name, there in binding.get_host_cpu_features().items() if there}
        if chosen is None
        else set(chosen.replace("+", "").split(","))
    )
    widest = next(
        (title for name, title in _VECTOR_SETS.items() if name in features),
        "no vector instructions known here",
    )
    return f"{widest} ({config.CPU_NAME or binding.get_host_cpu_name()})"


def blas_kernels() -> str:
    """Return the loaded BLAS libraries, their versions, and the processor of their kernels."""
    import scipy.linalg  # loads a BLAS library of its own
    from threadpoolctl import threadpool_info

    del scipy
    found = [each for each in threadpool_info() if each["user_api"] == "blas"]
    named = sorted(
        {
            f"{each['internal_api']} {each['version'] or ''} "
            f"({each.get('architecture') or 'kernels not named'})"
            for each in found
        }
    )
    return ", ".join(named) or "an unknown library"


def _compiled_code_folder() -> str:
    """Return where numba keeps compiled kernels: by default beside the module of each kernel."""
    from galfeat.features.kernels.finite import flawed_rows

    del flawed_rows
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(__file__).parents[1] / "features"
    there = folder if folder.exists() else folder.parent
    if not os.access(there, os.W_OK):
        return f"{folder} cannot be written: see NUMBA_CACHE_DIR"
    if reason := untrusted_because(there):
        return f"{folder} is not used: {reason}; see NUMBA_CACHE_DIR"
    return f"{folder}" if chosen else f"the __pycache__ folders below {folder}"
