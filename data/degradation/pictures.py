"""Pictures of 8 bits and JPEG compression, with the pixels back in their own unit."""

import io

import numpy as np
from numpy.typing import NDArray

from galfeat.data.preparation.sky_noise import SkyNoise

__all__ = ["as_jpeg", "round_to_8_bits"]

_SKY, _BRIGHTEST = 20.0, 250.0  # levels of a picture
_LINEAR = 2.0  # noise sigmas up to which the asinh stretch of a picture is about linear


def round_to_8_bits(image: NDArray[np.floating], sky: SkyNoise) -> NDArray[np.float64]:
    """Return an image (ny, nx) with the rounding of a picture of 8 bits.

    Whole numbers from 0 to 255 are left as they are. Other images are stretched by asinh, as color
    pictures of surveys are (Lupton et al. 2004, PASP 116, 133): the sky lies at level 20, the
    brightest pixel at 250; after rounding they are brought back.

    Parameters
    ----------
    image : array, shape (ny, nx)
        Bad pixels, not finite, stay bad.
    sky : SkyNoise
        Of the image: see `galfeat.data.degradation.exposure.sky_of`.
    """
    return _through_picture(image, sky, None)


def as_jpeg(image: NDArray[np.floating], sky: SkyNoise, quality: int) -> NDArray[np.float64]:
    """Return an image (ny, nx) as it comes out of a gray JPEG picture.

    Parameters
    ----------
    image, sky
        As for `round_to_8_bits`.
    quality : int
        Of the compression, 1 to 95.
    """
    return _through_picture(image, sky, quality)


def _through_picture(
    image: NDArray[np.floating], sky: SkyNoise, quality: int | None
) -> NDArray[np.float64]:
    good = np.isfinite(image)
    if not good.any():
        return np.asarray(image, dtype=float)
    filled = np.where(good, image, sky.sky).astype(float)
    is_picture = bool((filled == np.clip(np.rint(filled), 0, 255)).all())
    unit = _LINEAR * sky.sigma or 1.0
    peak = np.arcsinh(max(float(filled.max()) - sky.sky, unit) / unit)
    if is_picture:
        levels = filled
    else:
        stretched = np.arcsinh((filled - sky.sky) / unit) / peak
        levels = _SKY + (_BRIGHTEST - _SKY) * stretched
    whole = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    if quality is not None:
        whole = _compressed(whole, quality)
    after = whole.astype(float)
    if not is_picture:
        after = sky.sky + unit * np.sinh((after - _SKY) / (_BRIGHTEST - _SKY) * peak)
    return np.where(good, after, np.nan)


def _compressed(levels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    from PIL import Image  # imported late: only pictures need it

    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file), dtype=np.uint8)
