"""Conventions of surveys and programs: what images and files beside a galaxy's hold.

The one table of words, keywords and bits; `galfeat.data.fits.ancillary.names` looks them up.

- Words in the names of extensions, columns and files. They count in any part of a name
  (``G_MASK``, ``EUC_MER_MOSAIC-VIS-RMS_TILE1``), only as its first or last part, or only alone
  (``CON``), the likelier they are in the name of a galaxy.
- Keywords by which a header says what its image is: IMAGETYP (Legacy Surveys, NOIRLab), IMTYPE,
  EXTTYPE (Rubin, Hyper Suprime-Cam), HDUNAME, DES_EXT, PRODTYPE (DECam), PRODCATG (ESO), FILETYPE
  (AllWISE), DATATYPE, HDUCLAS2 and HDUCLAS3 (MUSE, MaNGA), and a few units in BUNIT.
- Data-quality bits that make a pixel bad, where a nonzero value need not: some surveys also flag
  pixels of detected objects, or of bright galaxies.

References
----------
JWST, Roman: pipelines' documentation of data products and ``dqflags`` (DO_NOT_USE is the first
bit). HST: instrument handbooks (SCI, ERR, DQ, SAMP, TIME; WHT, CTX). Legacy Surveys: description of
files, DR10, and its cutout service. DES: DESDM (SCI, MSK, WGT). DECam: NOIRLab Community Pipeline
(ooi, ood, oow). Pan-STARRS: IPP, stack products, MSKNAMnn and MSKVALnn. unWISE: Lang 2014,
doi:10.1088/0004-6256/147/5/108. AllWISE: explanatory supplement, section IV.1. KiDS: ESO phase 3.
VISTA: CASU, confidence maps. GALEX: technical documentation, chapter 3. ZTF: Masci et al. 2019,
doi:10.1088/1538-3873/aae8ac. MaNGA: Law et al. 2016, doi:10.3847/0004-6256/152/4/83. SPHEREx:
explanatory supplement. Euclid: data product description. GALFIT: Peng et al. 2010,
doi:10.1088/0004-6256/139/6/2097. SExtractor: CHECKIMAGE_TYPE.
"""

import re
from collections.abc import Mapping
from typing import Literal

__all__ = [
    "ALONE",
    "ANYWHERE",
    "AT_AN_END",
    "CALIBRATIONS",
    "COMPANIONS_ANYWHERE",
    "COMPANIONS_BY_REPLACEMENT",
    "COMPANIONS_OF_FILES",
    "MEANING_KEYWORDS",
    "SCIENCE_FILES",
    "UNITS",
    "VALUES",
    "WEIGHTS",
    "Meaning",
    "Role",
    "Survey",
    "bad_bits_by_convention",
    "survey_of",
]

Role = Literal["sigma", "variance", "ivar", "mask", "flags", "segmentation"]
Meaning = Literal[
    "", "science", "sigma", "variance", "ivar", "mask", "flags", "segmentation", "unused"
]
"""What an image holds: a galaxy, one of the roles, what is not used, or "" where nothing says."""


def _table(**words: str) -> dict[str, Meaning]:
    meanings: tuple[Meaning, ...] = (
        *("science", "sigma", "variance", "ivar", "mask", "flags", "segmentation", "unused"),
    )
    return {word: meaning for meaning in meanings for word in words.get(meaning, "").split()}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ANYWHERE = _table(
    science="sci science sciimg",
    sigma="err errs error errors sigma rms rmsmap unc uncert uncertainty stddev",
    variance="var variance varmap",
    ivar="ivar invvar",
    mask="mask masks msk bpm badpix badpixmap",
    flags="dq flag flags flg dqmask maskbits mskimg",
    segmentation="seg segm segim segmap segmentation",
    unused="wht weight weights weightmap wtmap psf psfs psfim ctx context bkg background objmask "
    "bgmod skybg rrhr residual residuals resid chi2 nexp expmap expwt galdepth psfdepth psfsize "
    "blobmodel apertures",
)
"""Words that count in any part of a name."""

AT_AN_END = _table(
    science="image img data flux input original intensity coadd",
    sigma="noise std",
    unused="exp exptime exposure cov coverage cvg samp samples wei conf confidence model models "
    "depth sky back area template difference diff bitmask nimage skysub",
)
"""Words that count as the first or the last part of a name."""

ALONE = _table(
    science="primary",
    variance="stat",
    ivar="wgt",
    flags="quality",
    unused="con time num frac gain lsf disp predisp wave wavelength specres specresd prespecres "
    "prespecresd zodi d2imarr wcsdvarr wcscorr obsinfo binid snr wisem1 wisem2 "
    "objects filtered identical spheroids disks "
    "gpsf rpsf ipsf zpsf gcorrel rcorrel icorrel zcorrel",
)
"""Words that count only as a whole name."""

# Names of files: further words, which mean something beside another file of the same name only

SCIENCE_FILES = _words(
    "sci science img image images int intensity sciimg ooi opi osi drz drc flt flc i2d cal bgsub "
    "mosaic coadd stack orig original input data flux fpc maic fitim"
)
"""Words in the names of files of galaxies, which the names of their companions lack."""

COMPANIONS_ANYWHERE: dict[str, Meaning] = {
    **{word: meaning for word, meaning in ANYWHERE.items() if meaning != "science"},
    **_table(sigma="noise std", unused="exp exptime cov coverage samp ccds"),
}
"""Words that make a file the companion of files whose names begin with the rest of its own."""

COMPANIONS_OF_FILES = _table(
    sigma="munc refunc",
    ivar="oow opw osw",
    flags="ood opd osd mmsk",
    unused="wt wgt wei num conf con exp expo exposure exptime expmap cov coverage mcov cvg area "
    "time samp gain model models mod res subcomps sky back depth chi2 frames ccds blobs ooe ope "
    "ose rr cnt intbgsub grid refimg refcov diffimg scimrefdiffimg diffimgpsf sciimgdaopsfcent "
    "psfcat objects aper filtered filt check spheroids disks backrms minibackground minibackrms "
    "inibackground bgrms fpm fpbin fpatlas psfield template difference diff",
)
"""Words that make a file a companion of the file that is called so but for that word."""

COMPANIONS_BY_REPLACEMENT = frozenset(("n", "obj"))
"""Words that do only where the other file has a word of `SCIENCE_FILES` instead."""

WEIGHTS = _words("wht weight weights weightmap wtmap wei wgt wt conf confidence")
"""Words for weights, of which nothing tells whether they are inverse variances."""

# What headers say

MEANING_KEYWORDS = (
    *("IMAGETYP", "IMTYPE", "EXTTYPE", "HDUNAME", "DES_EXT"),
    *("PRODTYPE", "PRODCATG", "FILETYPE", "DATATYPE"),
)

VALUES: Mapping[str, Meaning] = {
    **dict.fromkeys(
        ("image", "object", "science", "sci", "data", "flux", "light", "light frame"), "science"
    ),
    **dict.fromkeys(("intensity image", "science.image", "science.mefimage"), "science"),
    # NOIRLab's and DESDM's weights are inverse variances
    **dict.fromkeys(("wtmap", "des_ext weight"), "ivar"),
    **dict.fromkeys(("depth-of-coverage image", "ancillary.image"), "unused"),
    "ancillary.rmsmap": "sigma",
}
"""Values of those keywords in lower case; others go by the words in them."""

CALIBRATIONS = _words("bias dark flat zero domeflat skyflat twiflat flatfield superflat fringe")
"""Words in IMAGETYP of frames that show no sky."""

_FLUX = r"(?:nanomagg(?:y|ies)|nmgy|nmaggy|[munµ]?jy|adu|dn|counts?|electrons?)"
UNITS: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (re.compile(r"s|sec|secs|seconds?"), "unused"),
    (re.compile(rf"1/\(?{_FLUX}\)?(?:\^|\*\*)?2|{_FLUX}(?:\^|\*\*)?\(?-2\)?"), "ivar"),
    (re.compile(rf"\(?{_FLUX}\)?(?:\^|\*\*)?2"), "variance"),
)
"""Values of BUNIT, in lower case and without blanks, that only a companion can have."""


class Survey:
    """File names of one survey, and the words that mean something else in them."""

    def __init__(self, pattern: str, **words: str) -> None:
        self.pattern = re.compile(pattern, re.IGNORECASE)
        self.words = _table(**words)


_SURVEYS = (
    # ``wt`` is the variance
    Survey(r"\.(?:stk|wrp)\.|skycell", variance="wt"),
    # ``std`` is the scatter of the exposures, not the error of their mean
    Survey(r"unwise", unused="std msk mask n"),
    # the flags have larger pixels
    Survey(r"-[nfx]d-", unused="flags wt objmask"),
)
_ANY_SURVEY = re.compile("|".join(each.pattern.pattern for each in _SURVEYS), re.IGNORECASE)


def survey_of(stem: str) -> Survey | None:
    """Return the survey whose convention a file's name follows."""
    if not _ANY_SURVEY.search(stem):  # nearly all names
        return None
    return next((each for each in _SURVEYS if each.pattern.search(stem)), None)


# Bits

_PLANES = (  # names of bits that make a pixel bad
    *("BAD", "SAT", "EDGE", "NO_DATA"),  # Rubin, Hyper Suprime-Cam
    # SPHEREx, which also flags known sources and full sampling
    *("TRANSIENT", "OVERFLOW", "SUR_ERROR", "NONFUNC", "MISSING_DATA"),
    *("HOT", "COLD", "NONLINEAR", "PERSIST"),
)
# Pan-STARRS; its other ones are "suspect": spikes, ghosts, cores of stars, poor convolution
_PAN_STARRS = ("DETECTOR", "FLAT", "DARK", "BLANK", "CTE", "SAT", "LOW", "CR", "CONV.BAD")
_PAN_STARRS_VALUE = 8575  # the sum of these, MASK.VALUE in the headers

_LEGACY = sum(1 << bit for bit in (2, 3, 4, 5, 6, 7, 14, 15))
_ZTF = 6141  # all but "object detected" (1) and "halo" (11)

_BITS_OF_WORDS = {
    "maskbits": _LEGACY,  # SATUR_* and ALLMASK_*, not bright stars, galaxies and neighbor bricks
    "mskimg": _ZTF,
}
_BITS_OF_TELESCOPES = (
    (re.compile(r"JWST|ROMAN"), ("flags",), 1),  # DO_NOT_USE
    (re.compile(r"EUCLID"), ("flags", "mask"), 1),  # INVALID
    (re.compile(r"ZTF"), ("flags", "mask"), _ZTF),
    (re.compile(r"PS1|GPC1"), ("flags", "mask"), _PAN_STARRS_VALUE),
)


def bad_bits_by_convention(
    role: Role, words: frozenset[str], telescopes: str, bits: Mapping[str, int]
) -> int | None:
    """Return the bits that make a pixel bad; None where any nonzero value does.

    Parameters
    ----------
    role : {"mask", "flags"}
    words : frozenset of str
        Words of the names and keywords of the map.
    telescopes : str
        TELESCOP and INSTRUME of its file, in capitals.
    bits : mapping of str to int
        Values of the bits that its header names: by ``MP_BAD`` (Rubin, SPHEREx), or by MSKNAMnn
        and MSKVALnn (Pan-STARRS).
    """
    if "MASK.VALUE" in bits:
        return bits["MASK.VALUE"]
    named = [bits[name] for name in (*_PLANES, *_PAN_STARRS) if name in bits]
    if bits:
        return _union(named)
    for word, value in _BITS_OF_WORDS.items():
        if word in words:
            return value
    for pattern, roles, value in _BITS_OF_TELESCOPES:
        if role in roles and pattern.search(telescopes):
            return value
    return None


def _union(values: list[int]) -> int:
    total = 0
    for value in values:
        total |= value
    return total
