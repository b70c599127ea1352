"""Imports point one way: scripts -> pipeline -> data, features, nn; the three wings do not know
each other.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {
    "data": set(),
    "features": set(),
    "nn": set(),
    "pipeline": {"data", "features", "nn"},
    "scripts": {"pipeline", "data"},
}
ASTROPY = {"data": True, "features": False, "nn": False, "pipeline": True, "scripts": False}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (
                f"{node.module}.{alias.name}" if node.module == "galfeat" else str(node.module)
                for alias in node.names
            )


def modules() -> list[tuple[str, Path]]:
    return [(wing, path) for wing in ALLOWED for path in sorted((ROOT / wing).rglob("*.py"))]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wing", "path"),
    modules(),
    ids=lambda value: str(value.relative_to(ROOT)) if isinstance(value, Path) else "",
)
def test_modules_import_only_allowed_packages(wing: str, path: Path) -> None:
    for name in imported(path):
        top, _, rest = name.partition(".")
        assert top not in ALLOWED, f"{path.name} imports '{name}'; write galfeat.{name}"
        if top == "astropy":
            assert ASTROPY[wing], f"{wing} must not know astropy"
        wings = {rest.split(".")[0]} & set(ALLOWED) if top == "galfeat" else set()
        assert wings <= ALLOWED[wing] | {wing}, f"{path.name} imports {name}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "src" / "galfeat").glob("*.py")), ids=lambda p: p.name
)
def test_modules_at_the_root_import_only_the_standard_library(path: Path) -> None:
    for name in imported(path):
        top = name.partition(".")[0]
        # what several wings share, each of which imports NumPy or numba itself
        shared = {"_arrays.py": "numpy", "_compiling.py": "numba"}.get(path.name) == top
        beside = name in ("galfeat.UsageError", "galfeat._private_folders")
        assert shared or beside or top in sys.stdlib_module_names, name


def test_the_face_imports_nothing_heavy() -> None:
    code = (
        "import sys, galfeat; print(sorted({m.split('.')[0] for m in sys.modules} & {'numpy', "
        "'astropy', 'sklearn', 'cv2', 'numba'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


HELP = """
import sys
sys.argv = ["galfeat", "--help"]
from galfeat.scripts.main import main
try:
    main()
except SystemExit:
    pass
heavy = {"numpy", "astropy", "sklearn", "cv2", "numba", "pyarrow", "matplotlib", "scipy"}
print(sorted({name.split(".")[0] for name in sys.modules} & heavy))
"""


def test_help_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    assert "extract" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("wing", ALLOWED)
def test_each_package_has_a_docstring_and_all_its_public_names(wing: str) -> None:
    module = __import__(f"galfeat.{wing}", fromlist=["*"])
    assert len((module.__doc__ or "").split()) > 10
    for name in module.__all__:
        assert getattr(module, name) is not None


ALL = """
from importlib import import_module
from inspect import ismodule
from pkgutil import walk_packages
import galfeat
for module in walk_packages(galfeat.__path__, "galfeat."):
    import_module(module.name)
for face in ("data", "features", "nn", "pipeline"):
    wing = import_module(f"galfeat.{face}")
    for name in wing.__all__:
        assert not ismodule(getattr(wing, name)), f"a module hides galfeat.{face}.{name}"
"""


@pytest.mark.slow
def test_no_name_of_a_face_is_hidden_by_a_module() -> None:
    subprocess.run([sys.executable, "-c", ALL], check=True)
