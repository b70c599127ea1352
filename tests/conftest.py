"""What several tests share: where the real galaxies lie."""

import logging
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
_FIRST = ("batch/test_memory_peak.py", "shape/test_extractor.py")
"""Files that begin: while one process waits for files that unpack to much, another compiles the
kernels of `Shape`, which takes a minute, and later all find them in the cache."""


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist keep the order below instead of putting files with most tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files with slow tests first, so that no processor waits for a slow file at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def rank(item: pytest.Item) -> int:
        if item.path not in slow:
            return 2
        return 0 if item.path.as_posix().endswith(_FIRST) else 1

    items.sort(key=rank)


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Add one process to those of ``-n auto``: tests often wait for others that they start."""
    return (yield) + 1


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real galaxies, or skip: they are too many to be part of the project."""
    folder = Path(os.environ.get("GALFEAT_TEST_DATA", _BESIDE))
    if not folder.is_dir():
        pytest.skip(
            f"real galaxies not found: set GALFEAT_TEST_DATA to their folder (looked in {folder})"
        )
    return folder


@pytest.fixture
def default_sigint_handler() -> Iterator[None]:
    """Restore the default SIGINT and SIGHUP handlers in this process and its children.

    Shells let programs in the background ignore SIGINT, and nohup SIGHUP.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    hangup = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)
    signal.signal(signal.SIGHUP, hangup)


@pytest.fixture(scope="session")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 90 simulated galaxies, 32 x 32 pixels in three bands, with a catalog."""
    from galfeat.data import SimulatedSurvey, write_survey

    folder = tmp_path_factory.mktemp("survey") / "survey"
    write_survey(SimulatedSurvey(90, size=32, depth="deep", seed=5), folder)
    return folder


@pytest.fixture(scope="session")
def table(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the feature table of `survey`."""
    from galfeat.data import Preparation
    from galfeat.pipeline import extract

    out = tmp_path_factory.mktemp("table") / "F.parquet"
    assert extract(survey, out, preparation=Preparation(size=32)).done == 90
    return out


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    """Start a stand-in for S3 in this process, make it the one that everybody asks, and return
    ``s3://``.
    """
    s3fs = pytest.importorskip("s3fs", reason="object stores need the extra 'remote'")
    server_of = pytest.importorskip(
        "moto.server", reason="needs moto[server], a stand-in for S3"
    ).ThreadedMotoServer
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_of(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "ACCESS_KEY_ID": "key",
            "SECRET_ACCESS_KEY": "secret",
            "DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(f"AWS_{name}", value)
        patch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        s3fs.S3FileSystem.clear_instance_cache()
        yield "s3://"
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()
