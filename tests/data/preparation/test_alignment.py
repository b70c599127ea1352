"""Aligned galaxies: where their light comes to lie, what may not matter, and what stays as it
is.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.data import align

SIZE = 64
NOISE = 0.1  # of the measured unit: low, so that what is expected can be told from it


def _galaxy(
    center: tuple[float, float] = (31.5, 31.5),
    angle: float = 0.0,
    scale: float = 4.0,
    ratio: float = 0.5,
    tail: float = 0.3,
) -> NDArray[np.float32]:
    """Return two bands of an exponential disk with a tail of light toward its `angle` (from x
    toward y), on a little noise.
    """
    y, x = np.mgrid[:SIZE, :SIZE]
    dy, dx = y - center[0], x - center[1]
    u, v = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    disc = 40 * np.exp(-np.hypot(u, v / ratio) / scale)
    lump = tail * 40 * np.exp(-((u - 2 * scale) ** 2 + v**2) / 8)
    noise = np.random.default_rng(4).normal(0, NOISE, (2, SIZE, SIZE))
    galaxy: NDArray[np.float32] = np.arcsinh(disc + lump + noise).astype(np.float32)
    return galaxy


def _moments(image: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Return center (y, x), major axis (radians) and third moment along the rows of the light that
    stands out.
    """
    light = np.where(image > 0.35, image, 0).astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    total = light.sum()
    dy, dx = y - (light * y).sum() / total, x - (light * x).sum() / total
    angle = 0.5 * np.arctan2(2 * (light * dx * dy).sum(), (light * (dx**2 - dy**2)).sum())
    return (
        (light * y).sum() / total,
        (light * x).sum() / total,
        float(angle),
        float((light * dx**3).sum()),
    )


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.3, 2.0, -0.7, 3.0, -2.5])
@pytest.mark.parametrize("center", [(31.5, 31.5), (34.2, 27.7)])
def test_the_light_comes_to_the_middle_and_along_the_rows(
    angle: float, center: tuple[float, float]
) -> None:
    aligned = align(_galaxy(center, angle)[None], normalize=False)[0].mean(axis=0)
    y, x, major, skew = _moments(aligned)
    assert y == pytest.approx(31.5, abs=0.25)
    assert x == pytest.approx(31.5, abs=0.25)
    assert major == pytest.approx(0, abs=0.05)
    assert skew > 0  # the tail points toward higher columns


def test_aligned_galaxies_of_different_sizes_agree() -> None:
    """Disks of two sizes differ by their noise and their grid only, once both are brought to one
    extent.
    """
    small, large = (align(_galaxy(scale=scale, tail=0)[None])[0, 0] for scale in (4.0, 6.5))
    apart = align(
        np.stack([_galaxy(scale=scale, tail=0) for scale in (4.0, 6.5)]), normalize=False
    )[:, 0]
    core = np.s_[16:48, 16:48]
    assert np.abs(small - large)[core].mean() < 0.3 * np.abs(apart[0] - apart[1])[core].mean()


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("normalize", [True, False])
def test_turning_the_input_by_right_angles_changes_nothing(turns: int, normalize: bool) -> None:
    galaxy = _galaxy((33.0, 29.0), 0.6)
    galaxy[:, 20:23, 40] = np.nan
    expected = align(galaxy[None], normalize=normalize)
    found = align(np.rot90(galaxy, turns, axes=(1, 2))[None], normalize=normalize)
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("shift", [(3, 0), (-2, 5)])
def test_shifting_the_input_changes_nothing(shift: tuple[int, int]) -> None:
    """The noise moves along with the galaxy here, so only what comes in at the edge of the frame
    differs.
    """
    galaxy = _galaxy(angle=0.6)
    moved = np.roll(galaxy, shift, axis=(1, 2))
    inner = np.s_[:, 12:-12, 12:-12]
    np.testing.assert_allclose(
        align(moved[None])[0][inner], align(galaxy[None])[0][inner], atol=0.02
    )


def test_without_turning_the_galaxy_keeps_its_direction() -> None:
    _, _, major, _ = _moments(
        align(_galaxy((34, 28), 0.7, tail=0)[None], rotate=False)[0].mean(axis=0)
    )
    assert major == pytest.approx(0.7, abs=0.05)


def test_a_galaxy_does_not_depend_on_its_batch_and_is_not_written_to() -> None:
    batch = np.stack([_galaxy((30, 33), angle) for angle in (0.1, 1.0, 2.0)])
    before = batch.copy()
    together = align(batch)
    assert np.array_equal(batch, before)
    for row in range(3):
        assert align(batch[row : row + 1])[0].tobytes() == together[row].tobytes()
    assert together.dtype == np.float32


def test_without_an_object_alignment_changes_nothing() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (1, 2, SIZE, SIZE)).astype(np.float32)
    noise[0, 0, 5, 5] = np.nan
    assert align(noise).tobytes() == noise.tobytes()
    bad = np.full_like(noise, np.nan)
    assert np.isnan(align(bad)).all()
    # split over the corners: nothing near the center
    corner = noise + np.roll(_galaxy(), (-28, -28), axis=(1, 2))
    assert align(corner).tobytes() == corner.tobytes()


def test_what_lies_beyond_the_frame_is_sky_or_bad() -> None:
    galaxy = _galaxy((36, 26), 0.8)[None]
    sky, bad = align(galaxy, normalize=False), align(galaxy, normalize=False, beyond=np.nan)
    outside = np.isnan(bad)
    assert 0.05 < outside.mean() < 0.4
    assert (sky[outside] == 0).all()
    assert np.array_equal(sky[~outside], bad[~outside])


def test_bad_pixels_stay_bad_and_never_count() -> None:
    galaxy = _galaxy((33, 30), 0.5)
    hole = np.zeros_like(galaxy, dtype=bool)
    hole[1, 30:34, 30:34] = True
    results = [
        align(np.where(hole, np.float32(value), galaxy)[None], normalize=False).tobytes()
        for value in (np.nan, np.inf, -np.inf)
    ]
    assert len(set(results)) == 1
    holes = np.isnan(np.frombuffer(results[0], np.float32).reshape(galaxy.shape))
    assert not holes[0].any()
    assert 13 <= holes[1].sum() <= 19  # sixteen pixels, turned
    good = np.isfinite(galaxy) & ~hole
    # nothing is invented
    assert np.nanmax(np.frombuffer(results[0], np.float32)) <= galaxy[good].max()


@pytest.mark.parametrize("shape", [(64, 64), (3, 64, 64), (1, 3, 64, 60)])
def test_other_axes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(
        UsageError, match=r"must have the axes \(n, bands, size, size\); their shape is"
    ):
        align(np.zeros(shape, np.float32))


def test_an_empty_batch_stays_empty() -> None:
    assert align(np.empty((0, 3, 32, 32), np.float32)).shape == (0, 3, 32, 32)
