"""Whatever cutout and settings come: prepared pixels of the promised shape, or a reason; never a
warning, never another error.
"""

from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from galfeat import CutoutError
from galfeat.data import Cutout, Preparation, align, prepare_one

SETTINGS = st.fixed_dictionaries(
    {
        "size": st.sampled_from([8, 13, 24]),
        "stretch": st.sampled_from(["asinh", "none"]),
        "border": st.sampled_from([0.01, 0.1, 0.5]),
        "sky": st.sampled_from(["border", "clipped", "none", -3.0]),
        "noise": st.sampled_from(["differences", "mad", "map", "map_if_any"]),
        "neighbors": st.sampled_from(["keep", "mask"]),
        "threshold": st.sampled_from([0.5, 3.0, 20.0]),
        "no_object": st.sampled_from(["fail", "keep"]),
    }
)
WAYS = st.one_of(
    st.fixed_dictionaries(
        {"fit": st.just("crop"), "centering": st.sampled_from(["none", "pixel"])}
    ),
    st.fixed_dictionaries(
        {
            "centering": st.sampled_from(["none", "pixel", "subpixel"]),
            "extent": st.sampled_from([0, 0.05, 0.2, 0.5]),
        }
    ),
)


@st.composite
def cutouts(draw: st.DrawFn) -> Cutout:
    """Blobs anywhere on noise, rounded or not, with holes, lines, extremes, noise maps and
    segments.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.integers(6, 40)), draw(st.integers(6, 40))
    y, x = np.mgrid[: shape[0], : shape[1]]
    pixels = rng.normal(0, draw(st.sampled_from([0.0, 1.0])), (2, *shape))
    for _ in range(draw(st.integers(0, 3))):
        row, column = rng.uniform(-3, 43, 2)
        pixels += rng.exponential(50) * np.exp(
            -((y - row) ** 2 + (x - column) ** 2) / rng.uniform(0.5, 60)
        )
    pixels = np.round(pixels) if draw(st.booleans()) else pixels
    pixels = (pixels + draw(st.sampled_from([0, 100.0]))) * draw(
        st.sampled_from([1.0, 1e-30, 1e30, -1.0])
    )
    pixels[rng.random(pixels.shape) < draw(st.sampled_from([0, 0.1, 0.6]))] = draw(
        st.sampled_from([np.nan, np.inf, -np.inf, 3e38, 0.0])
    )
    pixels[:, : draw(st.sampled_from([0, 2]))] = np.nan
    noise = rng.normal(1, 0.5, pixels.shape).astype(np.float32) if draw(st.booleans()) else None
    segments = rng.integers(0, 3, shape).astype(np.int32) if draw(st.booleans()) else None
    return Cutout("a", pixels.astype(np.float32), ("g", "r"), noise=noise, segmentation=segments)


def _finite_or_bad(prepared: NDArray[np.float32]) -> None:
    assert prepared.dtype == np.float32
    assert not np.isinf(prepared).any()


@given(cutout=cutouts(), first=SETTINGS, second=WAYS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_anything_is_prepared_or_refused(
    cutout: Cutout, first: dict[str, Any], second: dict[str, Any]
) -> None:
    preparation = Preparation(**first, **second)
    before = cutout.pixels.copy()
    try:
        prepared = prepare_one(cutout, preparation)
    except CutoutError:
        return
    assert prepared.shape == (2, preparation.size, preparation.size)
    _finite_or_bad(prepared)
    assert (np.isfinite(prepared).mean(axis=(1, 2)) >= 0.5).all()
    np.testing.assert_array_equal(cutout.pixels, before)
    assert prepared.tobytes() == prepare_one(cutout, preparation).tobytes()
    aligned = align(prepared[None])
    assert aligned.shape == (1, *prepared.shape)
    _finite_or_bad(aligned)
