"""What a mutant showed: read as others read it, refused in words, or a fault."""

import builtins
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAILURES", "Read", "Verdict", "is_catalog", "judged"]

FAILURES = ("crash", "hang", "escaped", "differs", "disagrees", "neighbors")
"""Verdicts that fail the job, the gravest first."""

_RAISED = "|".join(name for name in dir(builtins) if re.fullmatch(r"[A-Z]\w+(Error|Warning)", name))
# a bug that was made a reason: by a batch run, or by a reader that catches too much
_UNFORESEEN = re.compile(rf"\bunforeseen \w+ in |\b(?:{_RAISED}|Exception)\b")
_CORNERS = (
    (2, 1),
    (-2, -3),
    (9, 11),
)  # of the positions (4, 5), (0, 1) and (13.4, 11.5): row, column
_SIZE = 6

View = Mapping[str, Any]
Planes = NDArray[Any]


@dataclass(frozen=True)
class Read:
    """What one side found in a file, by view; or how its process ended."""

    views: Mapping[str, View]
    arrays: Sequence[NDArray[Any]]
    ended: str = ""
    stack: str = ""

    def entries(self, view: str) -> list[dict[str, Any]]:
        """Return the entries of a view, with their arrays."""
        found = []
        for entry in self.views.get(view, {}).get("entries", ()):
            arrays = {
                name: self.arrays[entry[name]] for name in ("pixels", "blank") if name in entry
            }
            found.append({**entry, **arrays})
        return found

    def error(self, view: str) -> Mapping[str, Any] | None:
        """Return the exception that a view raised."""
        found: Mapping[str, Any] | None = self.views.get(view, {}).get("error")
        return found

    @property
    def said(self) -> list[str]:
        """What was warned of while the file was read."""
        return [line for view in self.views.values() for line in view["said"]]

    @property
    def warnings(self) -> list[str]:
        """Warnings of Python, which a user cannot do anything about."""
        return sorted({line for view in self.views.values() for line in view["warnings"]})


class Verdict(NamedTuple):
    """A verdict, and what a person needs to see why."""

    name: str
    why: str = ""


def judged(kind: str, ours: Read, theirs: Read, whole: Read | None) -> Verdict:
    """Judge how galfeat read a mutant.

    Parameters
    ----------
    kind : str
        Of its form.
    ours, theirs : Read
        What galfeat found, and what others did.
    whole : Read, optional
        What galfeat found in the file without a fault, which lies beside the mutant in its folder.
    """
    if ours.ended:
        return Verdict(ours.ended, ours.stack)
    for check in (_escaped(ours), _neighbors(ours, whole) if whole else None):
        if check:
            return check
    if kind == "catalog":
        return _columns(ours, theirs)
    compared = (_against_astropy if kind == "fits" else _against_others)(ours, theirs)
    if compared.name == "bolder" and ours.said:
        compared = Verdict("bolder, said", f"{compared.why}: {ours.said[0]}")
    if compared.name == "differs":
        return compared
    return _among_ours(ours) or (_positions(ours) if kind == "fits" else None) or compared


def _escaped(ours: Read) -> Verdict | None:
    for name, view in ours.views.items():
        error = view["error"]
        if error and not error["known"]:
            return Verdict(
                "escaped", f"{name}: {error['type']}: {error['words']}\n{error['stack']}"
            )
        reasons = [entry["reason"] for entry in view["entries"] if "reason" in entry]
        reasons += [error["words"]] if error else []
        for reason in reasons:
            if _UNFORESEEN.search(reason):
                return Verdict("escaped", f"{name}: made a reason: {reason}")
    return None


def _neighbors(ours: Read, whole: Read) -> Verdict | None:
    """The good files beside a mutant are read as they are read alone."""
    for view, alone in (("folder", "whole"), ("folder in layout", "layout")):
        if ours.error(view) or view not in ours.views or not whole.views:
            continue
        entries = ours.entries(view)
        for name in ("a", "c"):
            beside = [each for each in entries if each["file"].split(".")[0] == name]
            if view == "folder" and not _same(beside, whole.entries(alone)):
                return Verdict("neighbors", f"{view}: the good file {name} is read otherwise")
    return None


def is_catalog(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a mutant alone was read as a catalog: in a folder it is an image file."""
    return any(not each["file"].startswith("b.") for each in entries)


def _among_ours(ours: Read) -> Verdict | None:
    """Every way to read a file gives the same galaxies."""
    direct = ours.entries("whole")
    if is_catalog(direct):
        return None
    for view, like in (("folder", "whole"), ("folder in layout", "layout")):
        if view not in ours.views or ours.error(view) or ours.error(like):
            continue
        beside = [each for each in ours.entries(view) if each["file"].startswith("b.")]
        if not _same(beside, ours.entries(like)):
            return Verdict(
                "disagrees", f"{view} and {like}: {_told(beside)} and {_told(ours.entries(like))}"
            )
    if ours.views.get("folder") and ours.error("folder"):
        return Verdict("disagrees", f"folder: {ours.error('folder')}")
    if _differs_accompanied(ours, direct):
        return Verdict("disagrees", "with and without companions")
    together = ours.entries("cutouts")
    if together and not _same_pixels(together, direct, masked=True):
        return Verdict(
            "disagrees", f"read_cutouts and open_source: {_told(together)} and {_told(direct)}"
        )
    return None


def _differs_accompanied(ours: Read, direct: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether pixels that are good with companions are others without them."""
    if "accompanied" not in ours.views or ours.error("accompanied") or ours.error("whole"):
        return False
    return any(
        "pixels" not in other or not _equal(one["pixels"], other["pixels"], np.isnan(one["pixels"]))
        for one, other in zip(ours.entries("accompanied"), direct, strict=False)
        if "pixels" in one
    )


def _positions(ours: Read) -> Verdict | None:
    """Cutouts around positions are pieces of the image."""
    direct = [each for each in ours.entries("whole") if "pixels" in each]
    entries = ours.entries("positions")
    if ours.error("positions") or len(direct) != 1 or len(ours.entries("whole")) != 1:
        return None
    pixels = direct[0]["pixels"]
    for (top, left), entry in zip(_CORNERS, entries, strict=False):
        if "pixels" not in entry:
            continue
        around = np.full((len(pixels), 64, 64), np.nan, np.float32)
        ny, nx = (min(length, 48) for length in pixels.shape[1:])
        around[:, 8 : 8 + ny, 8 : 8 + nx] = pixels[:, :ny, :nx]
        piece = around[:, 8 + top : 8 + top + _SIZE, 8 + left : 8 + left + _SIZE]
        if not _equal(entry["pixels"], piece):
            return Verdict(
                "disagrees", f"positions and whole: the piece at row {top}, column {left}"
            )
    return None


# others


def _against_astropy(ours: Read, theirs: Read) -> Verdict:
    if theirs.ended:
        return Verdict("others crash", theirs.stack)
    if theirs.error("count"):
        read = any("pixels" in each for each in ours.entries("whole"))
        why = f"{theirs.error('count')}"
        return (
            Verdict("bolder", f"whole: astropy: {_short(theirs, 'count')}")
            if read
            else Verdict("refused", why)
        )
    for check in (_by_hdu(ours, theirs), _in_order(ours, theirs)):
        if check.name == "differs":
            return Verdict("differs, said", f"{check.why}: {ours.said[0]}") if ours.said else check
    first, second = _by_hdu(ours, theirs), _in_order(ours, theirs)
    return first if first.name in ("bolder", "stricter") else second


def _by_hdu(ours: Read, theirs: Read) -> Verdict:
    """Compare what a catalog's column `hdu` chooses."""
    rows: dict[int, list[dict[str, Any]]] = {}
    for entry in ours.entries("hdus"):
        number = int(re.findall(r"\[(\d+)\]", entry["id"])[0])
        rows.setdefault(number, []).append(entry)
    verdict = Verdict("refused")
    for number, entries in rows.items():
        name = f"hdu {number}"
        expected = theirs.entries(name)
        reasons = [each["reason"] for each in entries if "reason" in each]
        found = [each["pixels"] for each in entries if "pixels" in each]
        if reasons and expected and expected[0]["pixels"].size:
            verdict = Verdict("stricter", f"{name}: {reasons[0]}")
        elif found and not expected:
            why = _short(theirs, name) if theirs.error(name) else "no image"
            verdict = Verdict("bolder", f"{name}: astropy: {why}")
        elif found and expected:
            ok, why = _compared(found, expected[0])
            if not ok:
                return Verdict("differs", f"{name}: {why}")
            verdict = Verdict("same") if verdict.name == "refused" else verdict
    return verdict


def _compared(found: Sequence[Planes], expected: Mapping[str, Any]) -> tuple[bool, str]:
    pixels, blank = expected["pixels"], expected["blank"]
    if len({each.shape[1:] for each in found}) > 1 or found[0].shape[1:] != pixels.shape[1:]:
        return False, f"shapes {[each.shape for each in found]} and {pixels.shape}"
    planes = np.concatenate(found)
    if planes.shape != pixels.shape:
        return False, f"{len(planes)} planes and {len(pixels)}"
    return _equal(planes, pixels, blank & np.isnan(planes)), _difference(planes, pixels)


def _in_order(ours: Read, theirs: Read) -> Verdict:
    """All planes that galfeat reads are planes that astropy reads, in their order."""
    names = sorted(
        (name for name in theirs.views if name != "count"), key=lambda name: int(name[4:])
    )
    expected = [
        (plane, blank)
        for name in names
        for entry in theirs.entries(name)
        for plane, blank in zip(entry["pixels"], entry["blank"], strict=True)
    ]
    entries = ours.entries("whole")
    planes = [plane for each in entries if "pixels" in each for plane in each["pixels"]]
    if not planes:
        return Verdict("stricter", _reason(ours)) if expected else Verdict("refused")
    unread = [name for name in names if theirs.error(name)]
    left = iter(expected)
    for number, plane in enumerate(planes):
        if not any(
            plane.shape == one.shape and _equal(plane, one, blank & np.isnan(plane))
            for one, blank in left
        ):
            if unread:
                return Verdict("bolder", f"{unread[0]}: astropy: {_short(theirs, unread[0])}")
            if len(names) >= 40 or not expected:
                return Verdict("bolder", "astropy sees no such image")
            return Verdict(
                "differs", f"whole: plane {number} of {len(planes)} is none of astropy's"
            )
    return Verdict("same")


def _against_others(ours: Read, theirs: Read) -> Verdict:
    """Compare pictures and image sets, galaxy by galaxy."""
    if theirs.ended:
        return Verdict("others crash", theirs.stack)
    found, expected = ours.entries("whole"), theirs.entries("whole")
    read = any("pixels" in each for each in found)
    if theirs.error("whole"):
        name = "uncompared" if "all of it" in _short(theirs, "whole") else "bolder"
        return Verdict(name, _short(theirs, "whole")) if read else Verdict("refused")
    if not read:
        return Verdict("stricter" if expected else "refused", _reason(ours))
    if len(found) != len(expected):
        return Verdict("differs", f"{len(found)} galaxies and {len(expected)}")
    for number, (one, other) in enumerate(zip(found, expected, strict=True)):
        both = "pixels" in one and "pixels" in other
        if both and not _equal(one["pixels"], other["pixels"]):
            return Verdict(
                "differs", f"galaxy {number}: {_difference(one['pixels'], other['pixels'])}"
            )
        if "pixels" in one and "pixels" not in other and "all of it" not in other["reason"]:
            return Verdict("bolder", f"galaxy {number}: {other['reason']}")
    return Verdict("same")


def _columns(ours: Read, theirs: Read) -> Verdict:
    """Compare the columns of catalogs."""
    if theirs.ended:
        return Verdict("others crash", theirs.stack)
    found, expected = ours.entries("columns"), theirs.entries("columns")
    if not found or not expected:
        names = {(False, True): "stricter", (True, False): "bolder", (False, False): "refused"}
        why = _short(theirs, "columns") if found else _reason(ours, "columns")
        return Verdict(names[bool(found), bool(expected)], why)
    mine, other = found[0]["columns"], expected[0]["columns"]
    for name in mine.keys() & other.keys():
        one, two = ([_cell(value) for value in values] for values in (mine[name], other[name]))
        if one != two and name != "file":
            return Verdict("differs", f"column {name}: {one[:4]} and {two[:4]}"[:300])
    return Verdict("same")


def _cell(value: Any) -> str:
    """Return a cell as text: nothing, blanks and NaN are the same."""
    if value is None or value != value:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value)) if abs(value) < 1 << 53 else str(value)
    return str(value).strip()


# arrays


def _equal(one: Planes, other: Planes, either: Planes | None = None) -> bool:
    if one.shape != other.shape:
        return False
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    return bool((same if either is None else same | either).all())


def _difference(one: Planes, other: Planes) -> str:
    if one.shape != other.shape:
        return f"shapes {one.shape} and {other.shape}"
    apart = ~((one == other) | (np.isnan(one) & np.isnan(other)))
    if not apart.any():
        return ""
    place = tuple(int(each) for each in np.argwhere(apart)[0])
    with np.errstate(all="ignore"):
        near = np.allclose(one[apart], other[apart], rtol=1e-5)
    how = " (rounding)" if near else ""
    values = f"{one[place]!r} and {other[place]!r}"
    return f"{apart.sum()} of {one.size} pixels, first at {place}: {values}{how}"


def _same(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether the same galaxies are read, with the same bands, and as many fail."""
    if len(one) != len(other) or [("pixels" in each) for each in one] != [
        ("pixels" in each) for each in other
    ]:
        return False
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if "pixels" in a]
    return all(a["bands"] == b["bands"] and _equal(a["pixels"], b["pixels"]) for a, b in pairs)


def _same_pixels(one: Sequence[View], other: Sequence[View], *, masked: bool) -> bool:
    pairs = list(_pixels_of(one, other))
    return len(one) == len(other) and all(
        a.shape == b.shape and _equal(a, b, ~np.isfinite(a) if masked else None) for a, b in pairs
    )


def _pixels_of(one: Sequence[View], other: Sequence[View]) -> Iterator[tuple[Planes, Planes]]:
    for a, b in zip(one, other, strict=False):
        if "pixels" in a and "pixels" in b:
            yield a["pixels"], b["pixels"]


def _told(entries: Sequence[View]) -> str:
    shown = [
        str(each["pixels"].shape) if "pixels" in each else each["reason"] for each in entries[:4]
    ]
    return f"{len(entries)} ({'; '.join(shown)})"


def _reason(ours: Read, view: str = "whole") -> str:
    error = ours.error(view)
    if error:
        return str(error["words"])
    return next((str(each["reason"]) for each in ours.entries(view) if "reason" in each), "")


def _short(theirs: Read, view: str) -> str:
    error = theirs.error(view)
    return f"{error['type']}: {error['words'][:120]}" if error else ""
