"""What a user installs: the wheel holds the package and nothing else."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import galfeat

ROOT = Path(__file__).resolve().parents[1]
WINGS = {"data", "features", "nn", "pipeline", "scripts"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(out),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(out.glob("*.whl"))) as archive:
        return archive.namelist()


def test_the_wheel_holds_one_package_with_five_sub_packages(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert tops == {"galfeat", f"galfeat-{galfeat.__version__}.dist-info"}
    subs = {
        name.split("/")[1] for name in wheel if name.startswith("galfeat/") and name.count("/") > 1
    }
    assert subs == WINGS
    assert {name for name in wheel if name.startswith("galfeat/") and name.count("/") == 1} == {
        f"galfeat/{path.name}" for path in (ROOT / "src" / "galfeat").iterdir() if path.is_file()
    }


def test_the_wheel_holds_every_module_and_the_templates(wheel: list[str]) -> None:
    here = {
        f"galfeat/{path.relative_to(ROOT).as_posix()}"
        for wing in WINGS
        for path in (ROOT / wing).rglob("*.py")
    }
    assert here <= set(wheel)
    page = {
        f"galfeat/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "pipeline" / "reporting" / "page").iterdir()
    }
    assert len(page) > 3
    assert page <= set(wheel)
    assert not [name for name in wheel if "__pycache__" in name or "tests" in name]


def test_the_links_lead_to_the_folders() -> None:
    for wing in WINGS:
        link = ROOT / "src" / "galfeat" / wing
        assert link.is_symlink()
        assert link.resolve() == ROOT / wing


def test_nothing_ignores_the_data_package() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert not [line for line in ignored if line.strip("/ ").startswith("data")]


def test_the_version_and_the_citation_agree() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["tool"]["hatch"]["version"]["path"] == "src/galfeat/__init__.py"
    assert f"version: {galfeat.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"## {galfeat.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
