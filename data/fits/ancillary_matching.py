"""Which companions in a file go with which of its galaxies.

By name, by version, by order, by place.
"""

from collections.abc import Mapping, Sequence

from galfeat.data.fits.ancillary import NOISE_ROLES
from galfeat.data.fits.ancillary_names import (
    AncillaryName,
    Role,
    is_ancillary,
    parse_ancillary_name,
)
from galfeat.data.fits.layouts import AncillaryImage, GalaxyImages, ImageInfo, name_parts

__all__ = ["match_ancillary"]

_SHARED: tuple[Role, ...] = ("mask", "flags", "segmentation")
_Owned = dict[Role, dict[int, int]]  # role, number of an image, number of its companion


def match_ancillary(
    images: Sequence[ImageInfo], galaxies: Sequence[GalaxyImages]
) -> tuple[list[GalaxyImages], tuple[str, ...]]:
    """Give galaxies the noise maps, masks and segments of their file.

    A companion goes with the image whose name, band or filter its own name has (``ERR_F814W``,
    ``G_MASK``), or whose filter it has in its header. One whose name is nothing but its word goes
    with the image of its version (EXTVER, or the number behind the word) where versions differ;
    with the image in the same place in order where there are as many of both; or with the image
    that it follows. A mask that is the only one goes with all bands of the only galaxy. A companion
    whose name has more that no image is called, such as ``VAR_POISSON``, is part of something else
    and not used.

    Parameters
    ----------
    images : sequence of ImageInfo
        All of the file, in order.
    galaxies : sequence of GalaxyImages
        Some or all of the file.

    Returns
    -------
    list of GalaxyImages
    tuple of str
        Names of companions of which is not clear what they go with.
    """
    named = [image for image in images if is_ancillary(image.name)]
    beside = [
        (image, use) for image in named if (use := parse_ancillary_name(image.name)) is not None
    ]
    if not beside:
        return list(galaxies), ()
    science = [image for image in images if not is_ancillary(image.name)]
    owned, open_ones = _owned(science, beside)
    several = {galaxy.hdus for galaxy in galaxies if not galaxy.problem}
    alone = (
        next(iter(several))
        if len(several) == 1 and len(next(iter(several))) == len(science)
        else ()
    )
    unclear: list[str] = []
    for image, use in open_ones:
        if (
            alone
            and use.role in _SHARED
            and sum(other.role == use.role for _, other in open_ones) == 1
        ):
            owned.setdefault(use.role, {}).update(dict.fromkeys(alone, image.hdu))
        elif not use.rest:
            unclear.append(image.name)
    return [_joined(galaxy, owned) for galaxy in galaxies], tuple(unclear)


def _owned(
    science: Sequence[ImageInfo], beside: Sequence[tuple[ImageInfo, AncillaryName]]
) -> tuple[_Owned, list[tuple[ImageInfo, AncillaryName]]]:
    """Return which image each companion goes with, and those that go with none of them."""
    owners = _by_name(science)
    owned: _Owned = {}
    nameless: dict[Role, list[tuple[ImageInfo, AncillaryName]]] = {}
    rest: list[tuple[ImageInfo, AncillaryName]] = []
    for image, use in beside:
        key = use.rest or image.own_filter.lower()
        owner = owners.get(key) if key else None
        if owner is not None:
            owned.setdefault(use.role, {}).setdefault(owner, image.hdu)
        elif use.rest:
            rest.append((image, use))
        else:
            nameless.setdefault(use.role, []).append((image, use))
    for role, those in nameless.items():
        found = (
            _by_version(science, those) or _by_order(science, those) or _by_place(science, those)
        )
        if found:
            owned.setdefault(role, {}).update(
                {owner: own for owner, own in found.items() if owner not in owned[role]}
            )
        else:
            rest += those
    return owned, rest


def _by_name(science: Sequence[ImageInfo]) -> dict[str, int]:
    """Return the image of each name, filter and part of a name that only one image has."""
    owners: dict[str, set[int]] = {}
    for image in science:
        for key in {image.name.lower(), image.own_filter.lower(), *name_parts(image.name)} - {""}:
            owners.setdefault(key, set()).add(image.hdu)
    return {key: next(iter(those)) for key, those in owners.items() if len(those) == 1}


def _by_version(
    science: Sequence[ImageInfo], beside: Sequence[tuple[ImageInfo, AncillaryName]]
) -> dict[int, int]:
    versions = {image.version: image.hdu for image in science}
    own = {use.version or image.version: image.hdu for image, use in beside}
    if (
        len(science) < 2
        or len(versions) < len(science)
        or len(own) < len(beside)
        or not set(own) <= set(versions)
    ):
        return {}
    return {versions[version]: hdu for version, hdu in own.items()}


def _by_order(
    science: Sequence[ImageInfo], beside: Sequence[tuple[ImageInfo, AncillaryName]]
) -> dict[int, int]:
    if len(science) != len(beside):
        return {}
    return {image.hdu: own.hdu for image, (own, _) in zip(science, beside, strict=True)}


def _by_place(
    science: Sequence[ImageInfo], beside: Sequence[tuple[ImageInfo, AncillaryName]]
) -> dict[int, int]:
    """Return companions that stand behind their image and before the next one.

    Nothing where all stand behind all images.
    """
    numbers = [image.hdu for image in science]
    if not numbers or all(image.hdu > numbers[-1] for image, _ in beside):
        return {}
    before = {
        image.hdu: max((number for number in numbers if number < image.hdu), default=-1)
        for image, _ in beside
    }
    if len(set(before.values())) < len(beside) or -1 in before.values():
        return {}
    return {owner: hdu for hdu, owner in before.items()}


def _joined(galaxy: GalaxyImages, owned: Mapping[Role, Mapping[int, int]]) -> GalaxyImages:
    places: list[int | None] = [None] if len(galaxy.hdus) == 1 else list(range(len(galaxy.hdus)))
    beside: list[AncillaryImage] = []
    noise = next(
        (
            role
            for role in NOISE_ROLES
            if galaxy.hdus and all(hdu in owned.get(role, {}) for hdu in galaxy.hdus)
        ),
        None,
    )
    for role in (*([noise] if noise else []), "mask", "flags", "segmentation"):
        own = owned.get(role, {})
        beside += [
            AncillaryImage(role, place, own[hdu])
            for place, hdu in zip(places, galaxy.hdus, strict=True)
            if hdu in own
        ]
    return galaxy._replace(beside=tuple(beside)) if beside else galaxy
