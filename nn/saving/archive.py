"""File format of saved networks: a zip archive of one JSON document and NumPy arrays.

Reading executes no code from the file, and every header is checked against the file's size.

=====================  =====================================================================
member                 content
=====================  =====================================================================
``tree.json``          ``{"format": ..., "sha256": ..., "tree": ...}``, with
                       ``{"array": "3.npy"}`` in the tree as the reference to an array
``0.npy``, ``1.npy``…  the arrays, of numbers or strings
=====================  =====================================================================

Nothing is compressed, so the arrays read are never larger than the file. The checksum covers the
tree and all arrays: it detects damage and manual edits, but does not protect against forgery.
"""

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
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date of the zip format: files are reproducible
_MAX_TEXT = 1 << 24  # bytes of JSON: it takes about twenty times as much as Python objects
_KINDS = "biufU"
# exceptions that flipped bits in the zip, JSON and npy headers raise, found by flipping bits
_CORRUPTION_ERRORS = (
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
    """Serialize a tree of JSON values and arrays; equal trees give equal bytes.

    Parameters
    ----------
    tree : mapping
        Nested mappings and lists of JSON values and NumPy arrays of numbers or strings.

    Returns
    -------
    bytes
        The content of the file.

    Raises
    ------
    TypeError, ValueError
        If the tree contains anything else.
    """
    arrays: list[NDArray[Any]] = []
    plain = _extract_arrays(dict(tree), arrays)
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
    """Deserialize the tree from the result of `pack`.

    Parameters
    ----------
    data : bytes
    what : str
        Name of the file in messages.

    Raises
    ------
    UsageError
        If the file has another format, is damaged, or was modified.
    """
    try:
        return _parse(data)
    except UsageError as error:
        raise UsageError(f"{what} is not a galfeat file, or it is damaged: {error}") from None
    except _CORRUPTION_ERRORS as error:
        raise UsageError(
            f"{what} is not a galfeat file, or it is damaged "
            f"({str(error)[:200] or type(error).__name__})"
        ) from error


def write_file(path: str | Path, tree: Mapping[str, Any]) -> None:
    """Write a tree to a file atomically, replacing an existing file.

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
    """Read the tree from a file.

    Raises
    ------
    UsageError
        If the file is missing, has another format, is damaged, or was modified.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise UsageError(
                f"cannot read {path}: "
                f"{'it is not a regular file' if path.exists() else 'No such file'}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    return unpack(data, str(path))


def _parse(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = _members(archive, len(data))
    head = json.loads(members.pop(_TREE), parse_constant=_reject_constant)
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise UsageError(
            f"its format is {head.get('format') if isinstance(head, dict) else None!r}; this "
            f"version reads {FORMAT!r}"
        )
    if head["sha256"] != _digest(head["tree"], members):
        raise UsageError(
            "its content does not match its checksum: it was changed after it was written"
        )
    arrays = {name: _array(name, content) for name, content in members.items()}
    tree = _insert_arrays(head["tree"], arrays)
    if not isinstance(tree, dict):
        raise UsageError("it holds no settings")
    return tree


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, bytes]:
    """Return the content of all members, once it is certain that it is not larger than the file."""
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
    """Parse an npy member; its header is checked against its size before the array is created."""
    file = io.BytesIO(data)
    if npy.read_magic(file) != (1, 0):
        raise UsageError(f"the array {name} is in another version of the npy format")
    shape, fortran, dtype = npy.read_array_header_1_0(file)
    left = len(data) - file.tell()
    if dtype.kind not in _KINDS or not dtype.itemsize or fortran:
        raise UsageError(f"the array {name} holds neither numbers nor text, or is in Fortran order")
    count = 1
    for length in shape:
        count *= length
    if any(length < 0 for length in shape) or count * dtype.itemsize != left:
        raise UsageError(
            f"the array {name} claims the shape {str(shape)[:80]} of {dtype}, which its {left} "
            "bytes do not fill"
        )
    return np.frombuffer(data, dtype, offset=file.tell()).reshape(shape).copy()


def _reject_constant(name: str) -> NoReturn:
    raise UsageError(f"its settings hold {name}, which is not a number")


def _extract_arrays(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {_KEY: f"{len(arrays) - 1}.npy"}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        if set(value) == {_KEY}:
            raise ValueError(f"a mapping whose only key is '{_KEY}' cannot be stored")
        return {str(key): _extract_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_extract_arrays(item, arrays) for item in value]
    return value


def _insert_arrays(value: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_KEY}:
            return arrays[value[_KEY]]
        return {key: _insert_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_insert_arrays(item, arrays) for item in value]
    return value
