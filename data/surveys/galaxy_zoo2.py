"""Galaxy Zoo 2: color pictures of SDSS with volunteers' votes, and classes derived from them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from galfeat import UsageError
from galfeat.data.sources.catalogs.catalog import check_ids
from galfeat.data.sources.files import FileSource
from galfeat.data.surveys.classes import join_table, open_pictures, set_text_column

__all__ = ["galaxy_zoo2", "galaxy_zoo2_labels"]

_ANSWERS = (
    "smooth",
    "featured",
    "edge_on",
    "not_edge_on",
    "spiral",
    "no_spiral",
    "round",
    "in_between",
    "cigar",
)
_HART_COLUMNS = {
    "smooth": "t01_smooth_or_features_a01_smooth_debiased",
    "featured": "t01_smooth_or_features_a02_features_or_disk_debiased",
    "edge_on": "t02_edgeon_a04_yes_debiased",
    "not_edge_on": "t02_edgeon_a05_no_debiased",
    "spiral": "t04_spiral_a08_spiral_debiased",
    "no_spiral": "t04_spiral_a09_no_spiral_debiased",
    "round": "t07_rounded_a16_completely_round_debiased",
    "in_between": "t07_rounded_a17_in_between_debiased",
    "cigar": "t07_rounded_a18_cigar_shaped_debiased",
}
# In the challenge's table the answers to a question add up to the fraction of voters that reached
# it.
_KAGGLE_COLUMNS = {
    "smooth": "Class1.1",
    "featured": "Class1.2",
    "edge_on": "Class2.1",
    "not_edge_on": "Class2.2",
    "spiral": "Class4.1",
    "no_spiral": "Class4.2",
    "round": "Class7.1",
    "in_between": "Class7.2",
    "cigar": "Class7.3",
}
_QUESTIONS = (("edge_on", "not_edge_on"), ("spiral", "no_spiral"), ("round", "in_between", "cigar"))
_CLASSES = {
    "smooth_round": ("smooth", "round"),
    "smooth_in_between": ("smooth", "in_between"),
    "smooth_cigar": ("smooth", "cigar"),
    "edge_on_disc": ("featured", "edge_on"),
    "spiral": ("featured", "not_edge_on", "spiral"),
    "disc_without_spiral": ("featured", "not_edge_on", "no_spiral"),
}
_HART_FILES = ("gz2_hart16.csv", "gz2_filename_mapping.csv")
_HART_PICTURES = ("images_gz2/images", "images_gz2", "images")
_KAGGLE_FILES = (
    "training_solutions_rev1.csv",
    "training_solutions_rev1/training_solutions_rev1.csv",
)
_KAGGLE_PICTURES = ("images_training_rev1", "images_training")


def galaxy_zoo2_labels(votes: Mapping[str, Sequence[float]], agreement: float = 0.6) -> list[str]:
    """Derive six classes from the votes of Galaxy Zoo 2.

    A galaxy belongs to a class if, at every question on the path to it, at least `agreement` of the
    voters gave the answer that leads there: ``smooth_round``, ``smooth_in_between`` and
    ``smooth_cigar`` (smooth, and how round); ``edge_on_disc`` (featured, edge-on); ``spiral`` and
    ``disc_without_spiral`` (featured, not edge-on, and whether there are arms).

    Parameters
    ----------
    votes : mapping of str to sequence of float
        For each galaxy the fraction of the votes at its question, 0 to 1, of ``smooth``,
        ``featured``, ``edge_on``, ``not_edge_on``, ``spiral``, ``no_spiral``, ``round``,
        ``in_between`` and ``cigar``; NaN where there were no votes.
    agreement : float
        Above 0.5, so that no galaxy belongs to two classes, and at most 1.

    Returns
    -------
    list of str
        One class a galaxy; "" where there is no such agreement.

    Raises
    ------
    UsageError
        If votes are missing or `agreement` is out of range.

    Notes
    -----
    This is this package's own rule. Willett et al. (2013) give a threshold for each question
    instead; the catalog keeps the votes for other rules.

    Examples
    --------
    >>> votes = {"smooth": [0.9], "featured": [0.1], "edge_on": [0.0], "not_edge_on": [1.0]}
    >>> votes |= {"spiral": [0.5], "no_spiral": [0.5]}
    >>> galaxy_zoo2_labels({**votes, "round": [0.8], "in_between": [0.2], "cigar": [0.0]})
    ['smooth_round']
    """
    if not 0.5 < agreement <= 1:
        raise UsageError(f"agreement must be above 0.5 and at most 1; it is {agreement!r}")
    missing = [name for name in _ANSWERS if name not in votes]
    if missing:
        raise UsageError(f"votes are missing for {', '.join(missing)}")
    rows = zip(*(votes[name] for name in _ANSWERS), strict=True)
    agreed = (
        {
            name
            for name, part in zip(_ANSWERS, row, strict=True)
            if part is not None and part >= agreement
        }
        for row in rows
    )
    return [
        next((name for name, way in _CLASSES.items() if answers.issuperset(way)), "")
        for answers in agreed
    ]


def galaxy_zoo2(folder: str | Path, *, agreement: float = 0.6) -> FileSource:
    """Open Galaxy Zoo 2.

    Parameters
    ----------
    folder : str or Path
        Either with ``gz2_hart16.csv`` (votes, debiased by Hart et al. 2016),
        ``gz2_filename_mapping.csv`` (pictures of the galaxies) and the pictures in
        ``images_gz2/images``, ``images_gz2`` or ``images``; or, of the Kaggle challenge, with
        ``training_solutions_rev1.csv`` and the pictures in ``images_training_rev1``. All
        decompressed.
    agreement : float
        See `galaxy_zoo2_labels`, which makes ``label``.

    Returns
    -------
    FileSource
        One entry for each galaxy that has votes and a picture. ``id`` is its number in SDSS DR7, or
        the challenge's own. The catalog has the votes that `label` is derived from, as fractions at
        their question; and ``ra``, ``dec`` and ``gz2_class`` where the table has them.

    Raises
    ------
    UsageError
        If files or columns are missing, or no galaxy has a picture.

    Notes
    -----
    Pictures and mapping are Zenodo record 3565489, https://doi.org/10.5281/zenodo.3565489, and the
    votes are Table 1 of Hart et al. at https://data.galaxyzoo.org (both cited by programs that read
    them, and not opened); the challenge is
    https://www.kaggle.com/c/galaxy-zoo-the-galaxy-challenge. In its table the answers to a question
    add up to the fraction of voters that reached it, and are divided by their sum here.

    References
    ----------
    Willett, K. W., et al. 2013, MNRAS 435, 2835, https://doi.org/10.1093/mnras/stt1458;
    Hart, R. E., et al. 2016, MNRAS 461, 3663, https://doi.org/10.1093/mnras/stw1588
    """
    place = Path(folder).expanduser().absolute()
    if (place / _HART_FILES[0]).is_file():
        return _open_hart(place, agreement)
    path = next((place / name for name in _KAGGLE_FILES if (place / name).is_file()), None)
    if path is None:
        raise UsageError(
            f"{folder}: holds no votes of Galaxy Zoo 2: neither {_HART_FILES[0]} nor "
            f"{_KAGGLE_FILES[0]}, unpacked"
        )
    return _open_kaggle(place, path, agreement)


def _open_hart(place: Path, agreement: float) -> FileSource:
    path, mapping = (place / name for name in _HART_FILES)
    table = _read_columns(
        path, ["dr7objid", *_HART_COLUMNS.values()], optional=["ra", "dec", "gz2_class"]
    )
    pairs = _read_columns(mapping, ["objid", "asset_id"])
    pictures = dict(
        zip(pairs.column("objid").to_pylist(), pairs.column("asset_id").to_pylist(), strict=True)
    )
    ids = table.column("dr7objid").to_pylist()
    votes = {answer: table.column(column) for answer, column in _HART_COLUMNS.items()}
    others = {
        name: table.column(name)
        for name in ("ra", "dec", "gz2_class")
        if name in table.column_names
    }
    names = [pictures.get(name, "") for name in ids]
    return _with_labels(
        pa.table({"id": ids, **others, **votes}),
        names,
        (path, _find_folder(place, _HART_PICTURES)),
        agreement,
    )


def _open_kaggle(place: Path, path: Path, agreement: float) -> FileSource:
    table = _read_columns(path, ["GalaxyID", *_KAGGLE_COLUMNS.values()])
    ids = table.column("GalaxyID").to_pylist()
    votes = {answer: table.column(column).to_pylist() for answer, column in _KAGGLE_COLUMNS.items()}
    for answers in _QUESTIONS:
        asked = [sum(parts) for parts in zip(*(votes[answer] for answer in answers), strict=True)]
        for answer in answers:
            votes[answer] = [
                part / all_ if all_ > 0 else float("nan")
                for part, all_ in zip(votes[answer], asked, strict=True)
            ]
    return _with_labels(
        pa.table({"id": ids, **votes}),
        ids,
        (path, _find_folder(place, _KAGGLE_PICTURES)),
        agreement,
    )


def _with_labels(
    table: pa.Table, names: Sequence[str], places: tuple[Path, Path], agreement: float
) -> FileSource:
    path, pictures = places
    check_ids(table.column("id").to_pylist(), path)
    labels = galaxy_zoo2_labels(
        {answer: table.column(answer).to_pylist() for answer in _ANSWERS}, agreement
    )
    return join_table(open_pictures(pictures), set_text_column(table, "label", labels), names, path)


def _read_columns(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> pa.Table:
    """Read columns of a CSV file, ids and names as text."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such table")
    with pyarrow.csv.open_csv(path) as opened:
        there = opened.schema.names
    missing = [name for name in needed if name not in there]
    if missing:
        raise UsageError(
            f"{path}: has no column {', '.join(missing)}; its columns are "
            f"{', '.join(there[:20])}{', …' * (len(there) > 20)}"
        )
    texts = {
        name: pa.string() for name in ("dr7objid", "objid", "asset_id", "GalaxyID", "gz2_class")
    }
    votes = {name: pa.float64() for name in needed if name not in texts}
    kept = [*needed, *(name for name in optional if name in there)]
    try:
        return pyarrow.csv.read_csv(
            path,
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=kept, column_types=texts | votes
            ),
        )
    except pa.ArrowException as error:
        raise UsageError(f"{path}: cannot be read: {str(error).strip().splitlines()[0]}") from error


def _find_folder(place: Path, names: Sequence[str]) -> Path:
    found = next((place / name for name in names if (place / name).is_dir()), None)
    if found is None:
        raise UsageError(f"{place}: holds no folder of pictures: neither {' nor '.join(names)}")
    return found
