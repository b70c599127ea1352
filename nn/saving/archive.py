"""Settings and arrays in one file: a zip file of one JSON text and plain NumPy arrays.

Reading one runs nothing and trusts nothing.

=====================  =======================================================================================================
in the file            what it is
=====================  =======================================================================================================
``tree.json``          ``{"format": ..., "sha256": ..., "tree": ...}``; ``{"array": "3.npy"}`` in the tree stands for an array
``0.npy``, ``1.npy``…  the arrays, of numbers or words
=====================  =======================================================================================================

Nothing is compressed, so what is read is never larger than the file. The checksum is of the tree
and all arrays: it finds damage and entries that were edited by hand, not forgers, who can write a
new one.
"""  # noqa: E501 - a table

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat._atomic_files import atomic_open

__all__ = ["FORMAT", "pack", "read_file", "unpack", "write_file"]

FORMAT = "galfeat file 1"
_TREE = "tree.json"
_KEY = "array"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's zero: no clock time enters the file
_MAX_TEXT = 1 << 24  # bytes of JSON: as Python objects it takes some twenty times as much
_KINDS = "biufU"
# what flipped bits make of zip, JSON and the array header, found by flipping them
_DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    EOFError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    OverflowError,
    SyntaxError,
)


def pack(tree: Mapping[str, Any]) -> bytes:
    """Return the bytes of a file that holds a tree of JSON values and arrays.

    The same tree gives the same bytes.

    Parameters
    ----------
    tree : mapping
        Nested mappings and lists of JSON values and NumPy arrays of numbers or text.

    Raises
    ------
    TypeError, ValueError
        If something in it is neither.
    """
    arrays: list[NDArray[Any]] = []
    plain = _take_out(dict(tree), arrays)
    members = {f"{number}.npy": _npy(array) for number, array in enumerate(arrays)}
    head = {"format": FORMAT, "sha256": _digest(plain, members), "tree": plain}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            zipfile.ZipInfo(_TREE, _EPOCH),
            json.dumps(head, indent=1, sort_keys=True, allow_nan=False).encode(),
        )
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return file.getvalue()


def unpack(data: bytes, what: str = "the file") -> dict[str, Any]:
    """Return the tree that `pack` made the bytes of.

    Parameters
    ----------
    data : bytes
    what : str
        What to call the file in messages.

    Raises
    ------
    UsageError
        If it is no such file, is damaged, or was changed after it was written.
    """
    try:
        return _unpacked(data)
    except UsageError as error:
        raise UsageError(f"{what} is no galfeat file, or it is damaged: {error}") from None
    except _DAMAGE as error:
        raise UsageError(
            f"{what} is no galfeat file, or it is damaged "
            f"({str(error)[:200] or type(error).__name__})"
        ) from error


def write_file(path: str | Path, tree: Mapping[str, Any]) -> None:
    """Write a tree to a file, which appears whole or not at all; an existing file is replaced.

    Raises
    ------
    UsageError
        If the file cannot be written.
    """
    path, data = Path(path), pack(tree)
    try:
        with atomic_open(path) as file:
            file.write(data)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from error


def read_file(path: str | Path) -> dict[str, Any]:
    """Return the tree that a file holds.

    Raises
    ------
    UsageError
        If the file is missing, is no such file, is damaged, or was changed after it was written.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise UsageError(
                f"cannot read {path}: "
                f"{'it is no ordinary file' if path.exists() else 'No such file'}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    return unpack(data, str(path))


def _unpacked(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = _members(archive, len(data))
    head = json.loads(members.pop(_TREE), parse_constant=_no_number)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise UsageError(
            f"its format is {head.get('format') if isinstance(head, dict) else None!r}; this "
            f"version reads {FORMAT!r}"
        )
    if head["sha256"] != _digest(head["tree"], members):
        raise UsageError(
            "its content does not go with its checksum, so it was changed after it was written"
        )
    arrays = {name: _array(name, content) for name, content in members.items()}
    tree = _put_back(head["tree"], arrays)
    if not isinstance(tree, dict):
        raise UsageError("it holds no settings")
    return tree


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """Return the content of all members, once it is certain that it is no larger than the file."""
    listed = archive.infolist()
    if any(
        member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size
        for member in listed
    ):
        raise UsageError("its members are compressed, which those of a galfeat file never are")
    if sum(member.file_size for member in listed) > size:
        raise UsageError("its members claim to be larger than the file itself")
    names = [member.filename for member in listed]
    if len(set(names)) < len(names) or _TREE not in names:
        raise UsageError(f"it has no member '{_TREE}', or has two of one name")
    if archive.getinfo(_TREE).file_size > _MAX_TEXT:
        raise UsageError(f"its settings take more than {_MAX_TEXT >> 20} MiB")
    return {name: archive.read(name) for name in names}


def _digest(plain: Any, members: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(members):
        digest.update(f"{name} {len(members[name])}\n".encode())
        digest.update(members[name])
    return digest.hexdigest()


def _npy(array: NDArray[Any]) -> bytes:
    if array.dtype.kind not in _KINDS or not array.dtype.itemsize:
        raise TypeError(f"arrays of {array.dtype} cannot be stored")
    file = io.BytesIO()
    npy.write_array(
        file, np.ascontiguousarray(array).reshape(array.shape), version=(1, 0), allow_pickle=False
    )
    return file.getvalue()


def _array(name: str, data: bytes) -> NDArray[Any]:
    """Return the array of an npy text.

    Its header is compared with the bytes that follow before anything is made of it.
    """
    file = io.BytesIO(data)
    if npy.read_magic(file) != (1, 0):
        raise UsageError(f"the array {name} is in another version of the npy format")
    shape, fortran, dtype = npy.read_array_header_1_0(file)
    left = len(data) - file.tell()
    if dtype.kind not in _KINDS or not dtype.itemsize or fortran:
        raise UsageError(
            f"the array {name} is neither of numbers nor of words, or lies column by column"
        )
    count = 1
    for length in shape:
        count *= length
    if any(length < 0 for length in shape) or count * dtype.itemsize != left:
        raise UsageError(
            f"the array {name} claims the shape {str(shape)[:80]} of {dtype}, which its {left} "
            "bytes do not fill"
        )
    return np.frombuffer(data, dtype, offset=file.tell()).reshape(shape).copy()


def _no_number(name: str) -> NoReturn:
    raise UsageError(f"its settings hold {name}, which is no number")


def _take_out(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_KEY: f"{len(arrays) - 1}.npy"}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        if set(value) == {_KEY}:
            raise ValueError(f"a mapping whose only key is '{_KEY}' cannot be stored")
        return {str(key): _take_out(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_take_out(item, arrays) for item in value]
    return value


def _put_back(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_KEY}:
            return arrays[value[_KEY]]
        return {key: _put_back(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_put_back(item, arrays) for item in value]
    return value
