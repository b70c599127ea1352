"""A model on disk: a zip file of one JSON text and plain arrays. Loading runs nothing that the file brings along."""

import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.pipeline.atomic import replacing

__all__ = ["read_archive", "write_archive"]

_TREE = "model.json"
_KEY = "array"  # {"array": "3.npy"} in the JSON stands for that array
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's zero: no clock time enters the file
# what flipped bits make of zip, zlib, JSON and the array header, found by flipping them
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    KeyError,
    TypeError,
    ValueError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    OverflowError,
    SyntaxError,
)
_MAX_BYTES = 1 << 30  # unpacked; a small file that claims more is a zip bomb, not a shallow network


def write_archive(path: Path, tree: dict[str, Any]) -> None:
    """Write a tree of JSON values and arrays; the file appears whole or not at all.

    Parameters
    ----------
    path : Path
        The file to write; an existing one is replaced.
    tree : dict
        Nested dicts and lists of JSON values and NumPy arrays of numbers or text.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    arrays: list[NDArray[Any]] = []
    text = json.dumps(_take_out(tree, arrays), indent=1, sort_keys=True, allow_nan=False)
    with replacing(path) as part, zipfile.ZipFile(part, "w") as archive:
        _add(archive, _TREE, text.encode())
        for number, array in enumerate(arrays):
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            _add(archive, f"{number}.npy", buffer.getvalue())


def read_archive(path: Path) -> dict[str, Any]:
    """Read what `write_archive` wrote.

    Raises
    ------
    UsageError
        If the file is missing, is no such archive, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
                raise UsageError(f"{path} is no galfeat model: it unpacks to more than {_MAX_BYTES >> 30} GiB")
            tree = json.loads(archive.read(_TREE))
            arrays = {name: _array(archive.read(name)) for name in archive.namelist() if name != _TREE}
        restored = _put_back(tree, arrays)
    except OSError as error:
        raise UsageError(f"cannot read the model {path}: {error.strerror or error}") from error
    except UsageError:
        raise
    except _DAMAGE as error:
        raise UsageError(f"{path} is no galfeat model, or it is damaged ({error})") from error
    if not isinstance(restored, dict):
        raise UsageError(f"{path} is no galfeat model: its {_TREE} holds no settings")
    return restored


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)


def _array(data: bytes) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    except ValueError as error:
        raise ValueError("an array in it cannot be read") from error
    return array


def _take_out(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError("arrays of objects cannot be stored")
        arrays.append(value)
        return {_KEY: f"{len(arrays) - 1}.npy"}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {str(key): _take_out(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_take_out(item, arrays) for item in value]
    return value


def _put_back(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_KEY}:
            return arrays[value[_KEY]]
        return {key: _put_back(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_put_back(item, arrays) for item in value]
    return value
