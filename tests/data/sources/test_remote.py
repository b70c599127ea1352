"""Cutouts on a server give what they give here; what the server refuses is said."""

import http.server
import pickle
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from tests.data.sources.fake_gs import Objects, fake_store

from galfeat import UsageError
from galfeat.data import (
    Cutout,
    Failure,
    Shard,
    SimulatedSurvey,
    Source,
    open_source,
    write_survey,
)
from galfeat.data.sources.calibrated import calibrated
from galfeat.data.sources.remote import RemoteSource, address_of
from galfeat.pipeline.batch.work_folder.file_stamps import reading_settings

pytest.importorskip("s3fs", reason="reading from servers needs the extra 'remote'")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with twelve galaxies and a catalog, and one with the same galaxies and
    none.
    """
    folder = tmp_path_factory.mktemp("here")
    write_survey(SimulatedSurvey(12, size=32, seed=3), folder / "survey")
    shutil.copytree(folder / "survey", folder / "plain" / "deep")
    for name in ("catalog.csv", "truth.csv"):
        (folder / "plain" / "deep" / name).unlink()
    write_survey(SimulatedSurvey(5, size=32, seed=3), folder / "mef", layout="mef")
    return folder


@pytest.fixture(scope="module")
def bucket(here: Path, object_store: str) -> str:
    """Return the address of a bucket with these folders, on a server in this process."""
    s3fs = pytest.importorskip("s3fs")
    system = s3fs.S3FileSystem()
    system.mkdir("sky")
    for name in ("survey", "plain", "mef"):
        system.put(str(here / name), f"sky/{name}", recursive=True)
    return f"{object_store}sky"


@pytest.fixture
def google(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    """Return what a stand-in for Google's object store holds in this process; it is the one that
    gs:// asks.
    """
    gcsfs = pytest.importorskip("gcsfs", reason="gs:// needs the extra 'remote'")
    objects = {
        f"sky/{path.relative_to(here)}": path.read_bytes()
        for path in here.rglob("*")
        if path.is_file()
    }
    with fake_store(objects) as address:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", address)
        # another interface, which the stand-in has not
        monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        gcsfs.GCSFileSystem.clear_instance_cache()
        yield objects
        gcsfs.GCSFileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def site(here: Path) -> Iterator[str]:
    """Return the address of the same folders on a web server in this process."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(here)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def read(source: Source) -> tuple[list[Cutout], list[Failure]]:
    readings = [source.read(shard) for shard in source.shards(5)]
    return [each for reading in readings for each in reading.cutouts], [
        each for reading in readings for each in reading.failures
    ]


def same(one: Source, other: Source) -> bool:
    (ours, lost), (theirs, lost_too) = read(one), read(other)
    assert lost == lost_too == []
    assert one.bands == other.bands
    return [(a.id, a.bands, a.file, a.row, a.pixels.tobytes()) for a in ours] == [
        (b.id, b.bands, b.file, b.row, b.pixels.tobytes()) for b in theirs
    ]


@pytest.mark.parametrize(
    "name",
    ["survey", "survey/catalog.csv", "plain", "plain/", "mef/catalog.csv", "survey/sim000003.fits"],
)
def test_a_bucket_is_like_a_folder(here: Path, bucket: str, name: str) -> None:
    there = open_source(f"{bucket}/{name}")
    local = open_source(here / name)
    assert same(there, local)
    assert there.catalog.equals(local.catalog)
    assert same(pickle.loads(pickle.dumps(there)), local)


@pytest.mark.parametrize("name", ["survey/catalog.csv", "plain/deep/", "survey/sim000003.fits"])
def test_the_web_is_like_a_folder(here: Path, site: str, name: str) -> None:
    there, local = open_source(f"{site}/{name}"), open_source(here / name)
    assert same(there, local)


@pytest.mark.slow
@pytest.mark.usefixtures("google")
@pytest.mark.parametrize("name", ["survey", "plain/deep/", "survey/sim000003.fits"])
def test_a_google_bucket_is_like_a_folder(here: Path, name: str) -> None:
    assert same(open_source(f"gs://sky/{name}"), open_source(here / name))
    assert same(open_source(f"gcs://sky/{name}"), open_source(here / name))


def test_missing_objects_in_a_google_bucket_are_failures(google: Objects) -> None:
    with pytest.raises(UsageError, match="gs://sky/nothing: there is no such file or folder"):
        open_source("gs://sky/nothing")
    del google["sky/survey/sim000003.fits"]
    cutouts, failures = read(open_source("gs://sky/survey"))
    assert (len(cutouts), [(each.id, each.stage) for each in failures]) == (
        11,
        [("sim000003", "read")],
    )


@pytest.mark.slow
def test_a_table_goes_to_google(
    google: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from galfeat.pipeline import extract

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert extract("gs://sky/survey", "gs://sky/out/F.parquet", features=["color"]).done == 12
    assert extract("gs://sky/survey", tmp_path / "F.parquet", features=["color"]).done == 12
    assert google["sky/out/F.parquet"] == (tmp_path / "F.parquet").read_bytes()
    assert google["sky/out/F.failures.csv"] == b"id,file,stage,reason\n"


def test_missing_packages_for_google_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = import_module("fsspec.registry")._registry
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    for name in ("gs", "gcs"):
        monkeypatch.delitem(known, name, raising=False)
    with pytest.raises(
        UsageError,
        match=(
            r"gs://sky/survey: needs another package: .*gcsfs.*; see pip install "
            r"'galfeat\[remote\]'"
        ),
    ):
        open_source("gs://sky/survey")


def test_a_catalog_here_for_files_there(here: Path, bucket: str) -> None:
    there = open_source(
        f"{bucket}/plain/deep", catalog=here / "survey" / "catalog.csv", bands=["F814W"]
    )
    assert same(there, open_source(here / "survey", bands=["F814W"]))
    assert there.catalog.column_names == ["id", "file", "label", "state"]


def test_what_is_not_there_is_a_failure(here: Path, bucket: str, tmp_path: Path) -> None:
    catalog = tmp_path / "c.csv"
    catalog.write_text(
        "id,file\ngone,gone.fits\nthere,sim000001.fits\naway,../mef/sim000001.fits\n"
    )
    cutouts, failures = read(open_source(f"{bucket}/survey", catalog=catalog))
    assert [cutout.id for cutout in cutouts] == ["there"]
    assert {failure.id: failure.reason for failure in failures} == {
        failure.id: failure.reason
        for failure in read(open_source(here / "survey", catalog=catalog))[1]
    }


def test_the_servers_reason_is_told(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(f"{bucket}/survey")
    assert isinstance(source, RemoteSource)
    monkeypatch.setattr("galfeat.data.sources.remote._fetch", fetching_fails)
    cutouts, failures = read(source)
    assert (len(cutouts), len(failures)) == (0, 12)
    assert failures[0].reason == "could not be fetched: PermissionError: not for you"


def fetching_fails(*_: object) -> None:
    raise PermissionError("not for you")


def test_marks_change_with_the_file(here: Path, bucket: str) -> None:
    s3fs = pytest.importorskip("s3fs")
    before = open_source(f"{bucket}/plain")
    system = s3fs.S3FileSystem()
    system.invalidate_cache()
    pixels = bytearray((here / "plain/deep/sim000002.fits").read_bytes())
    pixels[2880] ^= 1
    system.pipe("sky/plain/deep/sim000002.fits", bytes(pixels))
    after = open_source(f"{bucket}/plain")
    assert isinstance(before, RemoteSource)
    assert isinstance(after, RemoteSource)
    shard = after.shards()[0]
    assert after.file_stamps(shard) == [(name, *after.stamps[name]) for name in after.files(shard)]
    listed_nothing = RemoteSource(after.address, after.local)
    assert listed_nothing.file_stamps(shard) == after.file_stamps(shard)
    changed = [name for name, mark in after.stamps.items() if before.stamps[name] != mark]
    assert changed == ["deep/sim000002.fits"]
    system.pipe("sky/plain/deep/sim000002.fits", (here / "plain/deep/sim000002.fits").read_bytes())


def test_a_resumed_run_recognizes_its_remote_source(bucket: str) -> None:
    """What a batch run compares before it goes on: it may name no folder that was made for the
    moment.
    """
    one, other = (
        reading_settings(open_source(f"{bucket}/plain", bands=["F814W"])) for _ in range(2)
    )
    assert one == other
    assert one != reading_settings(open_source(f"{bucket}/plain", bands=["F606W"]))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none", "there is no such file or folder"),
        ("survey/none.fits", "there is no such"),
        ("../nobucket/x", "there is no such|cannot be"),
    ],
)
def test_missing_addresses_are_refused(bucket: str, name: str, reason: str) -> None:
    address = f"{bucket}/{name}" if not name.startswith("..") else "s3://nobucket/x"
    with pytest.raises(UsageError, match=reason) as caught:
        open_source(address)
    assert address in str(caught.value)


def test_a_server_that_does_not_answer() -> None:
    with pytest.raises(
        UsageError, match=r"http://127\.0\.0\.1:9/x: (cannot be reached|there is no such)"
    ):
        open_source("http://127.0.0.1:9/x")


def test_mosaics_are_fetched_first(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"s3://sky/survey/sim000001\.fits: .* download it first"):
        open_source(f"{bucket}/survey/sim000001.fits", positions=tmp_path / "p.csv", size_pixels=10)


def test_addresses_are_distinguished_from_paths() -> None:
    assert address_of("s3://b/c") == address_of(Path("s3://b/c")) == "s3://b/c"
    assert address_of("https://a.org/b?c=d") == "https://a.org/b?c=d"
    assert all(
        address_of(path) is None for path in ("a/b", "/a", "C:/a", "s3:", "file.fits", "~/a")
    )


def test_pixels_are_the_servers(bucket: str) -> None:
    source = open_source(f"{bucket}/survey")
    cutouts, _ = read(source)
    survey = SimulatedSurvey(12, size=32, seed=3)
    drawn = survey.read(survey.shards()[0]).cutouts
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(cutouts, drawn, strict=True))


def test_headers_on_a_server_state_the_same(here: Path, bucket: str) -> None:
    pairs = zip(
        *(
            calibrated(open_source(where)).read(Shard(0, 3)).cutouts
            for where in (here / "survey", f"{bucket}/survey")
        ),
        strict=True,
    )
    for local, remote in pairs:
        assert remote.keywords == local.keywords
        assert remote.keywords[0]["BUNIT"] == "uJy"
        assert remote.grid == local.grid
