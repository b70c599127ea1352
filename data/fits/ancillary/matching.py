"""Matching of ancillary images to the galaxies of a file: by name, version, order, position."""

from collections.abc import Mapping, Sequence

from galfeat.data.fits.ancillary.apply import NOISE_ROLES
from galfeat.data.fits.ancillary.names import AncillaryName, Role, words_of
from galfeat.data.fits.layouts import AncillaryImage, GalaxyImages, ImageInfo

__all__ = ["match_ancillary"]

_SHARED: tuple[Role, ...] = ("mask", "flags", "segmentation")
_Assignments = dict[Role, dict[int, int]]  # role, HDU of an image, HDU of its ancillary image


def match_ancillary(
    images: Sequence[ImageInfo], galaxies: Sequence[GalaxyImages]
) -> tuple[list[GalaxyImages], tuple[str, ...]]:
    """Attach the noise maps, masks and segmentation maps of a file to its galaxies.

    An ancillary image belongs to the image whose name, band or filter is part of its own name
    (``ERR_F814W``, ``G_MASK``), or whose filter is in its header. If its name is the ancillary word
    alone, it belongs to the image of its version (EXTVER, or the number behind the word) where
    versions differ; to the image of the same rank where there are as many of both; or to the image
    before it. A mask that is the only one belongs to all bands of the only galaxy. Names with
    another part that matches no image, such as ``VAR_POISSON``, are not used.

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
        Names of the ancillary images that cannot be matched.
    """
    chosen = {hdu for galaxy in galaxies for hdu in galaxy.hdus}
    ancillary = [
        (image, use)
        for image in images
        if image.hdu not in chosen and (use := image.use) is not None
    ]
    if not ancillary:
        return list(galaxies), ()
    science = _science_of(images, chosen)
    assigned, unmatched = _assign(science, ancillary)
    groups = {galaxy.hdus for galaxy in galaxies if not galaxy.problem}
    only_galaxy = (
        next(iter(groups)) if len(groups) == 1 and len(next(iter(groups))) == len(science) else ()
    )
    unclear: list[str] = []
    for image, use in unmatched:
        if (
            only_galaxy
            and use.role in _SHARED
            and sum(other.role == use.role for _, other in unmatched) == 1
        ):
            assigned.setdefault(use.role, {}).update(dict.fromkeys(only_galaxy, image.hdu))
        elif not use.rest:
            unclear.append(image.name or image.meaning.word)
    return [_attach(galaxy, assigned) for galaxy in galaxies], tuple(unclear)


def _science_of(images: Sequence[ImageInfo], chosen: set[int]) -> list[ImageInfo]:
    """Return the images that ancillary ones can belong to, the galaxies among them."""
    science = [image for image in images if not image.is_companion]
    called = [image for image in science if image.meaning.meaning == "science"]
    return called if called and chosen <= {image.hdu for image in called} else science


def _assign(
    science: Sequence[ImageInfo], ancillary: Sequence[tuple[ImageInfo, AncillaryName]]
) -> tuple[_Assignments, list[tuple[ImageInfo, AncillaryName]]]:
    """Return which image each ancillary image belongs to, and those that were not matched."""
    owners = _by_name(science)
    owned: _Assignments = {}
    nameless: dict[Role, list[tuple[ImageInfo, AncillaryName]]] = {}
    rest: list[tuple[ImageInfo, AncillaryName]] = []
    for image, use in ancillary:
        key = use.rest or image.own_filter.lower()
        owner = owners.get(key) if key else None
        if owner is not None:
            owned.setdefault(use.role, {}).setdefault(owner, image.hdu)
        elif use.rest:
            rest.append((image, use))
        else:
            nameless.setdefault(use.role, []).append((image, use))
    for role, entries in nameless.items():
        found = (
            _by_version(science, entries)
            or _by_order(science, entries)
            or _by_position(science, entries)
        )
        if found:
            owned.setdefault(role, {}).update(
                {owner: own for owner, own in found.items() if owner not in owned[role]}
            )
        else:
            rest += entries
    return owned, rest


def _by_name(science: Sequence[ImageInfo]) -> dict[str, int]:
    """Return the image of each name, filter and part of a name that only one image has."""
    owners: dict[str, set[int]] = {}
    for image in science:
        for key in {image.name.lower(), image.own_filter.lower(), *words_of(image.name)} - {""}:
            owners.setdefault(key, set()).add(image.hdu)
    return {key: next(iter(entries)) for key, entries in owners.items() if len(entries) == 1}


def _by_version(
    science: Sequence[ImageInfo], ancillary: Sequence[tuple[ImageInfo, AncillaryName]]
) -> dict[int, int]:
    versions = {image.version: image.hdu for image in science}
    own = {use.version or image.version: image.hdu for image, use in ancillary}
    if (
        len(science) < 2
        or len(versions) < len(science)
        or len(own) < len(ancillary)
        or not set(own) <= set(versions)
    ):
        return {}
    return {versions[version]: hdu for version, hdu in own.items()}


def _by_order(
    science: Sequence[ImageInfo], ancillary: Sequence[tuple[ImageInfo, AncillaryName]]
) -> dict[int, int]:
    if len(science) != len(ancillary):
        return {}
    return {image.hdu: own.hdu for image, (own, _) in zip(science, ancillary, strict=True)}


def _by_position(
    science: Sequence[ImageInfo], ancillary: Sequence[tuple[ImageInfo, AncillaryName]]
) -> dict[int, int]:
    """Return ancillary images that follow their image and precede the next one.

    Nothing where all of them follow all images.
    """
    numbers = [image.hdu for image in science]
    if not numbers or all(image.hdu > numbers[-1] for image, _ in ancillary):
        return {}
    before = {
        image.hdu: max((number for number in numbers if number < image.hdu), default=-1)
        for image, _ in ancillary
    }
    if len(set(before.values())) < len(ancillary) or -1 in before.values():
        return {}
    return {owner: hdu for hdu, owner in before.items()}


def _attach(galaxy: GalaxyImages, owned: Mapping[Role, Mapping[int, int]]) -> GalaxyImages:
    places: list[int | None] = [None] if len(galaxy.hdus) == 1 else list(range(len(galaxy.hdus)))
    found: list[AncillaryImage] = []
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
        found += [
            AncillaryImage(role, place, own[hdu])
            for place, hdu in zip(places, galaxy.hdus, strict=True)
            if hdu in own
        ]
    return galaxy._replace(ancillary=tuple(found)) if found else galaxy
