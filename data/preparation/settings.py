"""Settings of the preparation, recorded with every table."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import wraps
from numbers import Integral, Real
from typing import Any, Literal, TypeVar

from galfeat import UsageError

__all__ = ["LARGEST", "MOST_ENLARGED", "RENAMED", "SMALLEST", "Preparation"]

SMALLEST = 8  # pixels: a smaller image has no border and interior
LARGEST = 4096  # pixels: a batch of larger images would not fit into memory
MOST_ENLARGED = 4  # times: beyond, the image would be mostly repeated pixels

_CHOICES = {
    "fit": ("resample", "crop"),
    "stretch": ("asinh", "none"),
    "noise": ("sky", "differences", "mad", "map", "map_if_any"),
    "neighbors": ("keep", "mask"),
    "centering": ("none", "pixel", "subpixel"),
    "no_object": ("fail", "keep"),
}
_SKIES = ("border", "clipped", "none")
RENAMED = {"neighbours": "neighbors", "centring": "centering"}
"""Settings that had another name in version 1 of the features, and their names now."""

Kind = TypeVar("Kind", bound=type)


def _refuse_renamed(names: Iterable[str]) -> None:
    for name in names:
        if name in RENAMED:
            raise UsageError(f"the setting '{name}' is now called '{RENAMED[name]}'")


def _with_names_checked(kind: Kind) -> Kind:
    """Make a class refuse settings by their former names, and name the present ones."""
    initialize = kind.__init__  # type: ignore[misc]

    @wraps(initialize)
    def checked(self: Any, *values: Any, **settings: Any) -> None:
        _refuse_renamed(settings)
        initialize(self, *values, **settings)

    kind.__init__ = checked  # type: ignore[misc]
    return kind


@_with_names_checked
@dataclass(frozen=True)
class Preparation:
    """Settings that bring cutouts to one grid and one scale.

    Parameters
    ----------
    size : int
        Side of the prepared image, pixels; at least 8.
    fit : {"resample", "crop"}
        "resample" takes the central square of the cutout and averages it onto `size` pixels by
        area; "crop" cuts out the central `size` pixels and changes no value.
    stretch : {"asinh", "none"}
        "asinh" gives asinh(flux / noise), "none" gives flux / noise; ``sinh`` of the first is the
        second.
    border : float
        Width of the border in which sky and noise are measured, in sides of the image; in (0, 0.5].
    sky : {"border", "clipped", "none"} or float
        Sky background that is subtracted: the median of the border; the median of the border after
        clipping outliers beyond 3 sigma; nothing; or this level, in the unit of the pixels, the
        same in all bands.
    noise : {"sky", "differences", "mad", "map", "map_if_any"}
        Noise by which the light is divided: the standard deviation of the sky, right for correlated
        noise too (`galfeat.data.preparation.sky_noise`); from differences of nearby pixels of the
        border, which is too small for correlated noise; from the median absolute deviation of the
        border; or the median, in the border, of the cutout's noise map. A cutout without one is a
        failure with "map", and is measured as with "sky" with "map_if_any".
    neighbors : {"keep", "mask"}
        "mask" marks the pixels of all objects but the central one as bad. Objects are those of the
        cutout's own segmentation map, if it has one, and else of
        `galfeat.data.preparation.segmentation.segment`.
    centering : {"none", "pixel", "subpixel"}
        Whether the center of light of the central object becomes the center of the image: shifted
        by whole pixels of the cutout, which leaves the noise of adjacent pixels independent but the
        center up to half such a pixel off; or by fractions of them, in the one step that also
        resamples. "crop" allows whole pixels only.
    extent : float
        Half-light radius of the central object after scaling, in sides of the image, in (0, 0.5]; 0
        leaves the scale alone. The window is never larger than the shorter side of the cutout, nor
        enlarged more than four times: a galaxy that would need more comes as close as it can.
    threshold : float
        Detection threshold of the central object above the smoothed sky, in standard deviations of
        it; above 0.
    no_object : {"fail", "keep"}
        Where centering or extent is asked for and nothing is detected within a quarter of the
        shorter side around the center: "fail" makes that a failure; "keep" neither moves nor scales
        the cutout.

    Raises
    ------
    UsageError
        If a setting is outside its range, or two exclude each other.

    Examples
    --------
    >>> Preparation(size=32, centering="pixel").as_dict()["centering"]
    'pixel'
    """

    size: int = 64
    fit: Literal["resample", "crop"] = "resample"
    stretch: Literal["asinh", "none"] = "asinh"
    border: float = 0.1
    sky: Literal["border", "clipped", "none"] | float = field(default="border", kw_only=True)
    noise: Literal["sky", "differences", "mad", "map", "map_if_any"] = field(
        default="sky", kw_only=True
    )
    neighbors: Literal["keep", "mask"] = field(default="keep", kw_only=True)
    centering: Literal["none", "pixel", "subpixel"] = field(default="none", kw_only=True)
    extent: float = field(default=0.0, kw_only=True)
    threshold: float = field(default=3.0, kw_only=True)
    no_object: Literal["fail", "keep"] = field(default="fail", kw_only=True)

    def __post_init__(self) -> None:
        if (
            not isinstance(self.size, Integral)
            or isinstance(self.size, bool)
            or not SMALLEST <= self.size <= LARGEST
        ):
            raise UsageError(
                f"size must be a whole number of pixels from {SMALLEST} to {LARGEST}; it is "
                f"{self.size!r}"
            )
        for name, allowed in _CHOICES.items():
            if (value := getattr(self, name)) not in allowed:
                raise UsageError(f"{name} must be {_join_or(allowed)}; it is {value!r}")
        if not _is_number(self.border) or not 0 < self.border <= 0.5:
            raise UsageError(
                f"border must be a number above 0 and at most 0.5; it is {self.border!r}"
            )
        if self.sky not in _SKIES and not _is_number(self.sky):
            raise UsageError(
                f"sky must be {', '.join(map(repr, _SKIES))} or a number, the level; it is "
                f"{self.sky!r}"
            )
        if not _is_number(self.extent) or not 0 <= self.extent <= 0.5:
            raise UsageError(
                "extent must be a number above 0 and at most 0.5, or 0 for none; it is "
                f"{self.extent!r}"
            )
        if not _is_number(self.threshold) or not self.threshold > 0:
            raise UsageError(f"threshold must be a number above 0; it is {self.threshold!r}")
        self._check_combinations()
        object.__setattr__(self, "size", int(self.size))
        for name in ("border", "extent", "threshold"):
            object.__setattr__(self, name, float(getattr(self, name)))
        if self.sky not in _SKIES:
            object.__setattr__(self, "sky", float(self.sky))

    def _check_combinations(self) -> None:
        if self.fit == "crop" and self.centering == "subpixel":
            raise UsageError(
                "fit 'crop' keeps pixel values, so it cannot shift by fractions of a pixel: "
                "centering must be 'pixel' or 'none'"
            )
        if self.fit == "crop" and self.extent:
            raise UsageError(
                "fit 'crop' keeps pixel values, so it cannot change the scale: extent must be 0"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for a file's header."""
        return asdict(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "Preparation":
        """Return the preparation of settings written by `as_dict`.

        Settings from `sky` on may be missing, as in files of earlier versions; they take their
        defaults.

        Raises
        ------
        UsageError
            If a setting is unknown, has its former name, is missing or outside its range.
        """
        _refuse_renamed(settings)
        names = [each.name for each in fields(cls)]
        unknown = [str(name) for name in settings if name not in names]
        missing = [
            each.name
            for each in fields(cls)
            if not each.kw_only and each.default is not MISSING and each.name not in settings
        ]
        if unknown or missing:
            said = [f"unknown {', '.join(unknown)}"] * bool(unknown) + [
                f"missing {', '.join(missing)}"
            ] * bool(missing)
            raise UsageError(
                f"settings of the preparation: {'; '.join(said)}; they are {', '.join(names)}"
            )
        return cls(**settings)

    @property
    def frame_width(self) -> int:
        """Width of the border in which sky and noise are measured, pixels."""
        return max(1, round(self.border * self.size))

    @property
    def moves(self) -> bool:
        """Whether the window depends on the central object."""
        return self.centering != "none" or self.extent > 0


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _join_or(allowed: tuple[str, ...]) -> str:
    *most, last = map(repr, allowed)
    return f"{', '.join(most)} or {last}"
