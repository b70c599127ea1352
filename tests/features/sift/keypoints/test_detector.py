import math
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from galfeat.data import simulate
from galfeat.features.sift.keypoints.detector import Found, detect, detect_batch

Images = NDArray[np.float32]

PHOTOGRAPHS = (
    "camera",
    "astronaut",
    "coffee",
    "coins",
    "brick",
    "grass",
    "gravel",
    "moon",
    "text",
    "chelsea",
    "page",
    "rocket",
)


def photographs(n: int, size: int, seed: int = 0) -> NDArray[np.uint8]:
    """Pieces of scikit-image's pictures, at scales of 0.4 to 1."""
    chance = np.random.default_rng(seed)
    pieces = []
    for i in range(n):
        picture = np.asarray(getattr(skimage.data, PHOTOGRAPHS[i % len(PHOTOGRAPHS)])())
        gray = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        least = size / min(gray.shape)
        scale = chance.uniform(max(0.4, least), max(1.0, least))
        shape = [max(size, round(side * scale)) for side in gray.shape]
        small = cv2.resize(gray, (shape[1], shape[0]), interpolation=cv2.INTER_AREA)
        y, x = (chance.integers(side - size + 1) for side in shape)
        pieces.append(np.asarray(small[y : y + size, x : x + size]))
    return np.stack(pieces)


def simulated(n: int, size: int, seed: int = 3) -> NDArray[np.uint8]:
    planes = simulate(n, size=size, bands=("F814W",), depth="deep", seed=seed).pixels[:, 0]
    noise = 1.4826 * np.median(
        np.abs(planes - np.median(planes, axis=(1, 2), keepdims=True)), axis=(1, 2), keepdims=True
    )
    return np.asarray(
        np.clip(np.rint((np.arcsinh(planes / noise) + 2) * 25.5), 0, 255), dtype=np.uint8
    )


def by_opencv(
    image: NDArray[np.uint8], **settings: Any
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    keypoints, descriptors = cv2.SIFT.create(
        enable_precise_upscale=True, **settings
    ).detectAndCompute(image, None)
    where = [
        (*keypoint.pt, keypoint.size, keypoint.angle, keypoint.response * 255)
        for keypoint in keypoints
    ]
    values = np.zeros((0, 128)) if descriptors is None else descriptors
    return np.array(where).reshape(-1, 5), np.asarray(values, dtype=np.float32)


def matched(ours: Any, theirs: Any) -> tuple[int, list[float]]:
    """How many of ours have one of theirs within 0.5 pixels and 10 % in size, and the cosines with
    the one turned most alike.
    """
    cosines = []
    for place, values in zip(*ours, strict=True):
        near = (np.hypot(*(theirs[0][:, :2] - place[:2]).T) <= 0.5) & (
            np.abs(np.log(theirs[0][:, 2] / place[2])) <= math.log(1.1)
        )
        if near.any():
            turn = np.abs((theirs[0][near, 3] - place[3] + 180) % 360 - 180)
            a, b = values.astype(np.float64), theirs[1][near][turn.argmin()].astype(np.float64)
            cosines.append(float(a @ b / math.sqrt((a @ a) * (b @ b))))
    return len(cosines), cosines


def agreement(
    images: NDArray[np.uint8], contrast: float, sigma: float, **settings: Any
) -> tuple[int, float, float, float]:
    """The number of OpenCV's keypoints, the shares of ours and of theirs that the other has, and
    the median cosine.
    """
    theirs = [
        by_opencv(image, contrastThreshold=contrast, sigma=sigma, **settings) for image in images
    ]
    names = {"nOctaveLayers": "octave_layers", "edgeThreshold": "edge_threshold"}
    own: dict[str, Any] = {names[name]: value for name, value in settings.items()}
    ours = detect_batch(images.astype(np.float32), contrast=contrast * 255, sigma=sigma, **own)
    there = [matched(a, b) for a, b in zip(ours, theirs, strict=True)]
    here = [matched(b, a)[0] for a, b in zip(ours, theirs, strict=True)]
    number, found = sum(len(b[0]) for b in theirs), sum(len(a[0]) for a in ours)
    cosines = [cosine for _, each in there for cosine in each]
    return (
        number,
        sum(count for count, _ in there) / max(found, 1),
        sum(here) / max(number, 1),
        float(np.median(cosines)),
    )


def folder_of_photographs(n: int, size: int) -> NDArray[np.uint8]:
    """The first pictures of the folder that GALFEAT_PHOTOGRAPHS names, made as small as that."""
    paths = sorted(Path(os.environ["GALFEAT_PHOTOGRAPHS"]).glob("*.jpg"))[:n]
    pictures = [np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)) for path in paths]
    return np.stack(
        [
            np.asarray(
                cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8
            )
            for picture in pictures
        ]
    )


@pytest.mark.slow
@pytest.mark.parametrize(("contrast", "sigma", "least"), [(0.04, 1.6, 100), (0.01, 1.2, 400)])
@pytest.mark.parametrize(
    "kind",
    ["simulated", "photographs", *(["folder"] if os.environ.get("GALFEAT_PHOTOGRAPHS") else [])],
)
def test_agrees_with_opencv(kind: str, contrast: float, sigma: float, least: int) -> None:
    """30 images of each kind; with ``GALFEAT_THOROUGH=1`` in the environment 100, and each image is
    looked at by itself too.

    ``GALFEAT_PHOTOGRAPHS=FOLDER`` adds those JPEG pictures. The figures: ``pytest -k
    test_agrees_with_opencv -rP``.
    """
    thorough = os.environ.get("GALFEAT_THOROUGH") == "1"
    images = {"simulated": simulated, "photographs": photographs, "folder": folder_of_photographs}[
        kind
    ](100 if thorough else 30, 64)
    number, ours, theirs, cosine = agreement(images, contrast, sigma)
    sys.stdout.write(
        f"{number} keypoints; shares of ours and theirs that the other has {ours:.4f}, "
        f"{theirs:.4f}; cosine {cosine:.6f}\n"
    )
    assert number > least
    assert min(ours, theirs) >= 0.99
    assert cosine >= 0.9999
    if thorough:
        shown = [
            image
            for image in images
            if len(by_opencv(image, contrastThreshold=contrast, sigma=sigma)[0])
        ]
        each = np.array([agreement(image[None], contrast, sigma) for image in shown])
        low, middle = each[:, 1:].min(axis=0).round(4), np.median(each[:, 1:], axis=0).round(6)
        sys.stdout.write(
            f"{len(each)} images with keypoints: medians {middle.tolist()}, minima {low.tolist()}\n"
        )
        assert (middle >= (0.95, 0.95, 0.97)).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"nOctaveLayers": 1},
        {"nOctaveLayers": 2},
        {"nOctaveLayers": 5},
        {"edgeThreshold": 3.0},
        {"edgeThreshold": 100.0},
        {"sigma": 3.0},
    ],
)
def test_agrees_with_opencv_at_other_settings(settings: dict[str, Any]) -> None:
    number, ours, theirs, cosine = agreement(
        photographs(4, 128, seed=1)[:, 9:, :-3], **{"contrast": 0.03, "sigma": 1.6} | settings
    )
    assert number > 30
    assert min(ours, theirs) >= 0.98
    assert cosine >= 0.999


def test_responses_and_angles_are_those_of_opencv() -> None:
    (picture,) = photographs(1, 128, seed=2)
    ours, theirs = detect(picture.astype(np.float32), contrast=0.04 * 255)[0], by_opencv(picture)[0]
    assert len(ours) == len(theirs) > 20
    for place in ours:
        nearest = np.abs(theirs[:, :4] - place[:4]).max(axis=1).argmin()
        assert np.abs(theirs[nearest] - place)[[0, 1, 2, 4]].max() < 1e-3
        assert np.abs(theirs[nearest, 3] - place[3]) < 0.6, "its arc tangent is good to 0.3 degrees"


def spot(sigma: float, x: float, y: float, shape: tuple[int, int] = (80, 96)) -> Images:
    rows, columns = np.indices(shape)
    return np.asarray(
        np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2)), dtype=np.float32
    )


@pytest.mark.parametrize("upsample", [True, False])
@pytest.mark.parametrize("sigma", [2.5, 4.0, 6.0])
def test_a_spot_is_found_by_pencil(sigma: float, upsample: bool) -> None:
    """Between scales t and kt, k = 2^(1/3), a spot of variance s^2 (of which the camera 1/4)
    changes most where kt^2 = s^2 - 1/4.

    There the middle falls by s^2 / (s^2 - 1/4) x (k - 1) / (k + 1) = 0.115.
    """
    k, rest = 2 ** (1 / 3), sigma**2 - 0.25
    keypoints, _ = detect(spot(sigma, 50.3, 38.9), contrast=0.2, upsample=upsample)
    assert len(keypoints)
    assert np.allclose(keypoints[:, :2], (50.3, 38.9), atol=0.05)
    assert np.allclose(keypoints[:, 2], 2 * math.sqrt(rest / k), rtol=0.03)
    assert np.allclose(keypoints[:, 4], sigma**2 / rest * (k - 1) / (k + 1), rtol=0.03)


def test_contrast_is_the_response_times_the_layers_by_pencil() -> None:
    image = 1000 * spot(4.0, 40, 40)
    (response,) = set(detect(image, contrast=1)[0][:, 4])
    assert len(detect(image, contrast=2.99 * float(response))[0])
    assert not len(detect(image, contrast=3.01 * float(response))[0])
    found = detect_batch(np.stack([image, image]), contrast=[3.01 * float(response), 1])
    assert [len(keypoints) > 0 for keypoints, _ in found] == [False, True]


def test_an_edge_is_no_keypoint() -> None:
    """The curvatures of a spot of axes 2 and 8 differ by about 16."""
    rows, columns = np.indices((80, 80)) - 40.0
    image = np.exp(-(rows**2 / 8 + columns**2 / 128)).astype(np.float32)
    assert not len(detect(image, contrast=0.02)[0])
    assert len(detect(image, contrast=0.02, edge_threshold=50)[0])


@pytest.mark.parametrize("angle", [0, 30, 117, 200, 300])
def test_the_angle_is_where_it_gets_brighter_by_pencil(angle: float) -> None:
    rows, columns = np.indices((80, 80)) - 40.0
    slope = np.cos(np.deg2rad(angle)) * columns + np.sin(np.deg2rad(angle)) * rows
    keypoints, _ = detect(
        (spot(3.0, 40, 40, (80, 80)) + 0.3 * slope).astype(np.float32), contrast=0.2
    )
    inside = np.hypot(*(keypoints[:, :2] - 40).T) < 1
    assert inside.sum() == 1
    assert abs((keypoints[inside, 3] - angle + 180) % 360 - 180) < 3


def test_a_turned_image_turns_the_angles(galaxies: Images) -> None:
    image = mosaic(galaxies)[:80, :80]
    upright, turned = (
        detect(image, contrast=0.3),
        detect(np.ascontiguousarray(np.rot90(image)), contrast=0.3),
    )
    back = turned[0].copy()
    back[:, 0], back[:, 1], back[:, 3] = (
        79 - turned[0][:, 1],
        turned[0][:, 0],
        (turned[0][:, 3] + 90) % 360,
    )
    number, cosines = matched(upright, (back, turned[1]))
    assert len(upright[0]) > 20
    assert number > 0.8 * len(upright[0])
    assert np.median(cosines) > 0.98


def mosaic(galaxies: Images) -> Images:
    """Six galaxies side by side, for more keypoints."""
    return np.ascontiguousarray(
        np.vstack([np.hstack(list(galaxies[:3, 0])), np.hstack(list(galaxies[3:, 0]))])
    )


def same(a: Found, b: Found) -> bool:
    return np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])


@pytest.mark.parametrize("power", [-120, -7, 1, 100])
def test_a_power_of_two_changes_no_bit(galaxies: Images, power: int) -> None:
    image = mosaic(galaxies)
    keypoints, descriptors = detect(image, contrast=0.1, sigma=1.2)
    scaled, same_descriptors = detect(
        np.ldexp(image, power), contrast=math.ldexp(0.1, power), sigma=1.2
    )
    assert len(keypoints) > 20
    assert np.array_equal(scaled[:, :4], keypoints[:, :4])
    assert np.array_equal(scaled[:, 4], np.ldexp(keypoints[:, 4], power))
    assert np.array_equal(same_descriptors, descriptors)


@pytest.mark.parametrize(
    ("factor", "sky"),
    [(1e-12, 0.0), (1e15, 0.0), (1e-30, 0.0), (1e30, 0.0), (-1.0, 0.0), (1.0, 1000.0)],
)
def test_neither_unit_nor_sky_matters(galaxies: Images, factor: float, sky: float) -> None:
    image = mosaic(galaxies)
    before = detect(image, contrast=0.1, sigma=1.2)
    changed = (image.astype(np.float64) * factor + sky).astype(np.float32)
    keypoints, descriptors = detect(changed, contrast=0.1 * abs(factor), sigma=1.2)
    turned = keypoints.copy()
    turned[:, 3] = (keypoints[:, 3] + 180 * (factor < 0)) % 360
    assert len(before[0]) == len(keypoints) > 20
    number, cosines = matched(before, (turned, descriptors))
    assert number == len(keypoints)
    assert min(cosines) > (0.999 if factor > 0 else 0)


def test_an_exact_sky_changes_no_bit() -> None:
    picture = photographs(1, 64)[0].astype(np.float32)
    assert same(detect(picture, contrast=5), detect(picture + 4096, contrast=5))


@pytest.mark.slow
def test_nothing_outside_an_image_matters(galaxies: Images) -> None:
    planes = galaxies.reshape(-1, *galaxies.shape[2:]).copy()
    planes[4] = 7
    planes[6] *= np.float32(1e25)
    contrasts = np.where(np.arange(len(planes)) == 6, 5e23, 0.05)
    alone = [
        detect(plane, contrast=contrast) for plane, contrast in zip(planes, contrasts, strict=True)
    ]
    planes.flags.writeable = False
    together = detect_batch(planes, contrast=contrasts.tolist())
    assert all(map(same, together, alone))
    assert all(
        map(same, detect_batch(planes[::-1], contrast=contrasts[::-1].tolist()), alone[::-1])
    )
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(
            lambda _: detect_batch(planes, contrast=contrasts.tolist()), range(8)
        ):
            assert all(map(same, found, alone))
    assert len(alone[4][0]) == 0
    assert sum(len(keypoints) for keypoints, _ in alone) > 150, "more than the first room for them"


def test_keypoints_are_sorted_and_none_is_there_twice(galaxies: Images) -> None:
    keypoints, descriptors = detect(np.tile(mosaic(galaxies), (2, 2)), contrast=0.05, sigma=1.2)
    assert keypoints.dtype == np.float32
    assert descriptors.dtype == np.uint8
    assert len(keypoints) == len(descriptors) > 200
    rows = [tuple(row) for row in keypoints[:, :4].tolist()]
    assert all(a < b for a, b in pairwise(rows))
    assert keypoints[:, 3].min() >= 0
    assert keypoints[:, 3].max() < 360


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(16, 16), (16, 61), (77, 17), (33, 128)])
@pytest.mark.parametrize("sigma", [0.5, 1.6, 8.0])
def test_small_and_oblong_images(shape: tuple[int, int], sigma: float) -> None:
    """Blurs that reach beyond the image, and widths that are no whole vectors."""
    image = np.random.default_rng(5).integers(0, 256, shape).astype(np.uint8)
    theirs, ours = (
        by_opencv(image, contrastThreshold=0.001, sigma=sigma),
        detect(image.astype(np.float32), contrast=0.255, sigma=sigma),
    )
    number, cosines = matched(ours, theirs)
    assert number >= 0.95 * len(ours[0])
    assert matched(theirs, ours)[0] >= 0.95 * len(theirs[0])
    assert len(ours[0]) > 3 or sigma > 0.5
    assert np.median([1, *cosines]) > 0.999


def test_a_flat_image_has_none() -> None:
    for value in (0.0, 5.0, -1e38):
        keypoints, descriptors = detect(np.full((20, 24), value, dtype=np.float32), contrast=0.0)
        assert keypoints.shape == (0, 5)
        assert descriptors.shape == (0, 128)
    assert detect_batch(np.zeros((0, 20, 20), dtype=np.float32), contrast=1) == []


def test_extremes_are_measured(galaxies: Images) -> None:
    image = 3e38 * spot(3.0, 30, 40) - 3e38 * spot(3.0, 65, 40)
    image[10, 30] = 1e-45
    keypoints, _ = detect(image.astype(np.float32), contrast=1e37)
    assert np.isfinite(keypoints).all()
    assert {(round(x), round(y)) for x, y, *_ in keypoints.tolist()} == {(30, 40), (65, 40)}
    tiny = np.ldexp(np.rint(galaxies[3, 0] * 64), -149).astype(np.float32)
    assert (
        len(detect(tiny, contrast=math.ldexp(20, -149))[0])
        == len(detect(np.rint(galaxies[3, 0] * 64), contrast=20)[0])
        > 5
    )


def test_what_cannot_be_measured_is_refused() -> None:
    image = np.zeros((2, 20, 20), dtype=np.float32)
    image[1, 3, 4] = np.nan
    with pytest.raises(ValueError, match="image 1 is not"):
        detect_batch(image, contrast=1)
    with pytest.raises(ValueError, match="at least 16x16 pixels; they have 15x20"):
        detect_batch(image[:1, :15], contrast=1)
