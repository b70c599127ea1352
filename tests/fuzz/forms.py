"""Small files of every form that archives hold, made from a seed: what the fuzz job mutates."""

import gzip
import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from tests.fuzz.other_forms import other_forms

__all__ = ["Form", "all_forms"]

Kind = Literal["fits", "picture", "catalog", "hdf5", "image set"]
Array = NDArray[Any]
_SHAPE = (14, 17)
_GZIP_TIME = re.compile(rb"(\x1f\x8b\x08\x00)....", re.DOTALL)
_BLOCK = 2880
_WCS: dict[str, Any] = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRVAL1": 150.0,
    "CRVAL2": 2.0,
    "CRPIX1": 9.0,
    "CRPIX2": 7.0,
    "CD1_1": -5e-5,
    "CD1_2": 0.0,
    "CD2_1": 0.0,
    "CD2_2": 5e-5,
}


@dataclass(frozen=True)
class Form:
    """One form of file.

    Parameters
    ----------
    name : str
    kind : {"fits", "picture", "catalog", "hdf5", "image set"}
    suffix : str
    content : bytes
        A whole file without a fault.
    """

    name: str
    kind: Kind
    suffix: str
    content: bytes


def all_forms(seed: int) -> list[Form]:
    """Return a file of each form; the same for the same seed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # astropy warns of what is odd, and odd is what is wanted
        groups = (_plain, _scaled, _layouts, _odd, _compressed)
        found = [
            Form(name, "fits", ".fits", content)
            for number, group in enumerate(groups)
            for name, content in group(np.random.default_rng([seed, number]))
        ]
        by_name = {form.name: form.content for form in found}
        found += [Form(*each) for each in _packed(by_name)]
        found += [Form(*each) for each in other_forms(np.random.default_rng([seed, len(groups)]))]
    return found


def _whole(*hdus: Any) -> bytes:
    file = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(file, output_verify="ignore")
    return file.getvalue()


def _image(stored: Array, cards: Mapping[str, Any] | None = None, more: str = "") -> bytes:
    """Return a file of one image by hand, so that nothing but what is asked for stands in it."""
    bitpix = stored.dtype.itemsize * 8 * (-1 if stored.dtype.kind == "f" else 1)
    axes = {f"NAXIS{axis}": size for axis, size in enumerate(stored.shape[::-1], start=1)}
    must = {"SIMPLE": True, "BITPIX": bitpix, "NAXIS": stored.ndim, **axes}
    lines = [_card(*each) for each in {**must, **(cards or {})}.items()]
    text = "".join(lines) + more + "END".ljust(80)
    data = stored.astype(stored.dtype.newbyteorder(">")).tobytes()
    header = text.ljust(-(-len(text) // _BLOCK) * _BLOCK).encode("ascii")
    return header + data + bytes(-len(data) % _BLOCK)


def _card(keyword: str, value: object) -> str:
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        text = f"'{value:<8}'"
    else:
        text = f"{value!r:>20}".upper()
    return f"{keyword:<8}= {text}".ljust(80)[:80]


def _flux(rng: np.random.Generator, *shape: int) -> Array:
    return rng.normal(100, 20, shape or _SHAPE)


def _integers(rng: np.random.Generator, kind: str, *shape: int) -> Array:
    """Return numbers over the whole range of their type."""
    bits = np.iinfo(kind)
    return rng.integers(bits.min, bits.max, shape or _SHAPE, dtype=kind, endpoint=True)


def _plain(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    for kind in ("u1", "i2", "i4", "i8"):
        yield f"plain {kind}", _image(_integers(rng, kind))
    for kind in ("f4", "f8"):
        yield f"plain {kind}", _image(_flux(rng).astype(kind))
    odd = _flux(rng)
    odd[0, :4] = np.nan, np.inf, -np.inf, -0.0
    odd[1, :4] = 1e300, -1e300, 1e-300, 3.5e38
    yield "f8 beyond f4", _image(odd)
    with np.errstate(over="ignore"):
        yield "f4 with NaN and infinity", _image(odd.astype("f4"))
    yield "f4 with coordinates", _image(_flux(rng, 30, 40).astype("f4"), _WCS)
    yield "i2 with coordinates", _image(_integers(rng, "i2", 30, 40), {**_WCS, "BSCALE": 0.5})


def _scaled(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    yield "i2 scaled", _image(_integers(rng, "i2"), {"BSCALE": 0.25, "BZERO": -3.5})
    yield "i4 scaled", _image(_integers(rng, "i4"), {"BSCALE": 1e-3, "BZERO": 1e5})
    yield "u1 scaled", _image(_integers(rng, "u1"), {"BSCALE": -2.0, "BZERO": 100})
    yield "f4 scaled", _image(_flux(rng).astype("f4"), {"BSCALE": 1e-3, "BZERO": 7.0})
    yield "signed bytes", _image(_integers(rng, "u1"), {"BZERO": -128})
    for kind, zero in {"i2": 32768, "i4": 2147483648, "i8": 9223372036854775808}.items():
        yield f"unsigned {kind}", _image(_integers(rng, kind), {"BSCALE": 1, "BZERO": zero})
    for kind, blank in {"u1": 0, "i2": -32768, "i4": 7}.items():
        stored = _integers(rng, kind)
        stored[2:4, 3:9] = blank
        yield f"{kind} with blanks", _image(stored, {"BLANK": blank})
        yield f"{kind} scaled with blanks", _image(stored, {"BSCALE": 0.5, "BLANK": blank})
    stored = _integers(rng, "i2")
    stored[4] = -32768
    yield "unsigned i2 with blanks", _image(stored, {"BZERO": 32768, "BLANK": -32768})


def _layouts(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    names = {f"BAND{number}": name for number, name in enumerate("gri", start=1)}
    yield "cube", _image(_flux(rng, 3, *_SHAPE).astype("f4"), names)
    yield "row of cubes", _image(_integers(rng, "i2", 4, 3, 9, 8))
    yield "leading ones", _image(_flux(rng, 1, 1, *_SHAPE).astype("f4"))
    groups: dict[str, list[dict[str, Any]]] = {
        "bands by name": [{"EXTNAME": band} for band in "gri"],
        "bands by filter": [{"FILTER": band, "EXTNAME": "SCI"} for band in ("F435W", "F814W")],
        "galaxies": [{"EXTNAME": f"A{number}"} for number in range(3)],
        "row of galaxies": [{"EXTNAME": f"NGC{number:04}"} for number in range(20)],
        "row without names": [{}] * 18,
    }
    for name, headers in groups.items():
        hdus = [fits.ImageHDU(_flux(rng).astype("f4"), fits.Header(own)) for own in headers]
        yield name, _whole(fits.PrimaryHDU(), *hdus)
    image = _flux(rng).astype("f4")
    bad = (rng.random(_SHAPE) < 0.1).astype("i2")
    beside = {"ERR": np.abs(image), "DQ": bad, "SEG": bad.astype("i4") * 3}
    hdus = [fits.ImageHDU(values, name=name) for name, values in {"SCI": image, **beside}.items()]
    yield "companions", _whole(fits.PrimaryHDU(), *hdus)
    mask = fits.ImageHDU(bad.astype("i4") * 8, fits.Header({"MP_BAD": 0, "MP_SAT": 3}), "MASK")
    hdus = [fits.ImageHDU(image, name="IMAGE"), mask, fits.ImageHDU(image**2, name="VARIANCE")]
    yield "mask planes", _whole(fits.PrimaryHDU(), *hdus)
    yield (
        "unsigned bands",
        _whole(
            fits.PrimaryHDU(), *[fits.ImageHDU(_integers(rng, "u2"), name=band) for band in "gr"]
        ),
    )


def _odd(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    image = _flux(rng).astype("f4")
    columns = [fits.Column("x", "J", array=[1, 2]), fits.Column("v", "PE()", array=[[1.0], [2.0]])]
    table = fits.BinTableHDU.from_columns(columns)
    yield "table behind", _whole(fits.PrimaryHDU(image), table)
    yield "table between", _whole(fits.PrimaryHDU(), table, fits.ImageHDU(image, name="r"))
    text = fits.TableHDU.from_columns([fits.Column("x", "I5", array=[1, 2])])
    yield "text table behind", _whole(fits.PrimaryHDU(image), text)
    odd = [
        "HIERARCH ESO DET DIT = 2.0",
        "COMMENT = 'no value'",
        "OBJECT  = 'it''s'",
        "",
        "HISTORY x",
    ]
    odd += ["LONG    = 'begun&'", "CONTINUE  ' and ended'", "lower   = 1", "EMPTY   =", "C = 3"]
    more = "".join(line.ljust(80) for line in odd)
    yield "odd cards", _image(image, {"EXTNAME": "a" * 60, "FILTER": "r"}, more)
    yield "long header", _image(image, {f"KEY{number}": number for number in range(80)})
    yield (
        "keywords twice",
        _image(image, {"FILTER": "r"}, _card("FILTER", "g") + _card("NAXIS1", 17)),
    )
    yield "no padding", _image(image)[:_BLOCK] + image.astype(">f4").tobytes()
    yield "rest behind", _image(image) + rng.bytes(700)
    groups = _card("GROUPS", True) + _card("PCOUNT", 0) + _card("GCOUNT", 1)
    line = fits.ImageHDU(np.arange(9.0))
    yield "spectrum and image", _whole(fits.PrimaryHDU(), line, fits.ImageHDU(image))
    yield "groups", _image(np.zeros((14, 17, 0), "f4"), None, groups) + image.tobytes()
    iue = _whole(fits.PrimaryHDU(), fits.ImageHDU(image))
    yield "IUE image", iue.replace(b"'IMAGE   '", b"'IUEIMAGE'")


def _compressed(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    flux = _flux(rng, 20, 24).astype("f4")
    holes = flux.copy()
    holes[3:5, 4:9], holes[0, 0] = 0, np.nan
    whole, small = flux.astype("i4"), np.clip(flux, 0, 255)
    tiles = {"tile_shape": (10, 12)}
    mask = (flux > 110).astype("i2")
    pieces: dict[str, tuple[Array, dict[str, Any]]] = {
        "RICE_1 u1": (small.astype("u1"), {}),
        "RICE_1 i2": (flux.astype("i2"), {}),
        "RICE_1 i4": (whole, tiles),
        "RICE_1 unsigned": (flux.astype("u2"), {}),
        "RICE_1 f4": (flux, {"quantize_method": -1}),
        "RICE_1 f4 dither 1": (holes, {"quantize_method": 1, "dither_seed": 7}),
        "RICE_1 f4 dither 2": (holes, {"quantize_method": 2, "dither_seed": 7, **tiles}),
        "RICE_1 cube": (_flux(rng, 3, 8, 9).astype("i2"), {}),
        "GZIP_1 i4": (whole, {}),
        "GZIP_1 f4 dither 1": (flux, {"quantize_method": 1, "dither_seed": 9}),
        "GZIP_2 i2": (flux.astype("i2"), tiles),
        "GZIP_2 f4 lossless": (holes, {"quantize_level": 0}),
        "GZIP_2 f8": (holes.astype("f8"), {"quantize_method": 2, "dither_seed": 3}),
        "GZIP_1 f8 lossless": (flux.astype("f8"), {"quantize_level": 0}),
        "HCOMPRESS_1 i4": (whole, tiles),
        "HCOMPRESS_1 lossy": (whole, {"hcomp_scale": 4, "tile_shape": (20, 24)}),
        "HCOMPRESS_1 f4": (flux, {"quantize_method": 1, "dither_seed": 5, **tiles}),
        "PLIO_1": (mask, {}),
        "PLIO_1 tiles": (mask.astype("i4") * 300, tiles),
        "NOCOMPRESS": (whole, {}),
    }
    for name, (pixels, options) in pieces.items():
        codec = name.split(" ", maxsplit=1)[0]
        content = _whole(fits.PrimaryHDU(), _tiled(pixels, codec, options))
        yield name, _GZIP_TIME.sub(rb"\1" + bytes(4), content)
    cards = fits.Header({"BSCALE": 0.5, "BZERO": 10.0, "BLANK": -99})
    blanks = whole.copy()
    blanks[2, 3:8] = -99
    hdu = fits.CompImageHDU(blanks, cards, compression_type="RICE_1", do_not_scale_image_data=True)
    yield "RICE_1 scaled with blanks", _whole(fits.PrimaryHDU(), hdu)
    for kind in ("u1", "i2"):
        blanks = small.astype(kind)
        blanks[2, 3:8] = 0
        hdu = fits.CompImageHDU(blanks, fits.Header({"BLANK": 0}), compression_type="RICE_1")
        yield f"RICE_1 {kind} with blanks", _whole(fits.PrimaryHDU(), hdu)
    bands = [_tiled(flux.astype("i2"), "RICE_1", {}, band) for band in "gr"]
    yield "RICE_1 bands", _whole(fits.PrimaryHDU(), *bands)
    both = [_tiled(flux, "RICE_1", {}, "SCI"), _tiled(mask, "PLIO_1", {}, "MASK")]
    yield "RICE_1 with PLIO_1 mask", _whole(fits.PrimaryHDU(), *both)
    header = fits.Header(_WCS)
    hdu = fits.CompImageHDU(_flux(rng, 30, 40).astype("f4"), header, compression_type="RICE_1")
    yield "RICE_1 with coordinates", _whole(fits.PrimaryHDU(), hdu)


def _tiled(pixels: Array, codec: str, options: Mapping[str, Any], name: str = "") -> Any:
    make: Callable[..., Any] = fits.CompImageHDU
    return make(pixels, compression_type=codec, name=name or None, **options)


def _packed(by_name: Mapping[str, bytes]) -> Iterator[tuple[str, Kind, str, bytes]]:
    """Yield some of the forms gzipped."""
    for name in ("plain f4", "unsigned i2", "bands by name", "RICE_1 f4 dither 1"):
        yield f"{name} gzipped", "fits", ".fits.gz", gzip.compress(by_name[name], mtime=0)
    plain = by_name["plain i2"]
    two = gzip.compress(plain[:3000], mtime=0) + gzip.compress(plain[3000:], mtime=0)
    yield "gzipped in two pieces", "fits", ".fits.gz", two
    yield "RICE_1 by its suffix", "fits", ".fits.fz", by_name["RICE_1 i2"]
