"""Known sets: small files in the layouts that are published, the rules by pencil, and EFIGI itself
where it is at hand.
"""

import csv
import pickle
from collections import Counter
from pathlib import Path

import cv2
import h5py
import numpy as np
import pyarrow as pa
import pytest

import galfeat.data
from galfeat import UsageError
from galfeat.data import Preparation, prepare_one, surveys
from galfeat.data.sources.open import CatalogedSource
from galfeat.data.surveys import (
    GALAXY10_DECALS,
    GALAXY10_SDSS,
    GALAXY_MNIST,
    efigi,
    efigi_labels,
    galaxy_zoo2_labels,
)

RNG = np.random.default_rng(7)


def _labels(source: CatalogedSource) -> dict[str, str]:
    table = source.catalog
    return dict(zip(table.column("id").to_pylist(), table.column("label").to_pylist(), strict=True))


def _picture(path: Path, side: int = 24, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[:side, :side] - side / 2
    image = np.clip(
        200 * np.exp(-np.hypot(x, y) / 3)[..., None] + RNG.normal(8 + shade, 2, (side, side, 3)),
        0,
        255,
    )
    cv2.imwrite(str(path), image.astype(np.uint8))


def _all_are_read(source: CatalogedSource) -> None:
    """Read everything, in another process's copy as well, and prepare it."""
    for each in (source, pickle.loads(pickle.dumps(source))):
        readings = [each.read(shard) for shard in each.shards(2)]
        assert not any(reading.failures for reading in readings)
        cutouts = [cutout for reading in readings for cutout in reading.cutouts]
        assert [cutout.id for cutout in cutouts] == source.catalog.column("id").to_pylist()
    assert prepare_one(cutouts[0], Preparation(size=16)).shape == (3, 16, 16)


def test_the_package_is_at_hand_and_costs_nothing_before() -> None:
    assert galfeat.data.surveys is surveys
    assert sorted(surveys.__all__) == surveys.__all__
    assert all(hasattr(surveys, name) for name in surveys.__all__)


# EFIGI


def _attributes(**given: float) -> pa.Table:
    values = {
        "T": 4.0,
        "Arm_Strength": 0.0,
        "Perturbation": 0.0,
        "Hot_Spots": 0.0,
        "Multiplicity": 0.0,
    } | given
    return pa.table({"id": ["PGC0000212"], **{name: [value] for name, value in values.items()}})


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ({}, ""),
        ({"Perturbation": 0.75}, "merger"),
        ({"Perturbation": 0.5}, ""),
        ({"Multiplicity": 0.5}, "merger"),
        ({"Multiplicity": 0.25}, ""),
        ({"arp": 59.0}, "merger"),
        ({"arp": float("nan")}, ""),
        ({"Perturbation": 1.0, "Hot_Spots": 1.0, "Arm_Strength": 1.0}, "merger"),
        ({"Hot_Spots": 0.5}, "clump"),
        ({"Hot_Spots": 0.25}, ""),
        ({"Hot_Spots": 0.5, "Arm_Strength": 1.0}, "clump"),
        ({"Hot_Spots": 0.5, "T": -5.0}, "clump"),
        ({"Arm_Strength": 0.5}, "spiral"),
        ({"Arm_Strength": 0.25}, ""),
        ({"Arm_Strength": 0.5, "T": 0.0}, "spiral"),
        ({"Arm_Strength": 0.5, "T": 9.0}, "spiral"),
        ({"Arm_Strength": 0.5, "T": 10.0}, ""),
        ({"Arm_Strength": 0.5, "T": -1.0}, "q_sf"),
        ({"T": -1.0}, "q_sf"),
        ({"T": 0.0}, ""),
        ({"T": float("nan"), "Arm_Strength": 1.0}, ""),
        ({"T": -5.0, "Perturbation": -1.0, "Hot_Spots": -1.0, "Arm_Strength": -1.0}, "q_sf"),
    ],
)
def test_the_rule_of_efigi(given: dict[str, float], label: str) -> None:
    assert efigi_labels(_attributes(**given)) == [label]
    assert efigi_labels(_attributes(**given), agn=["PGC0000212"]) == ["agn"]


@pytest.mark.parametrize("name", ["PGC0000212", "PGC 212", "212", "pgc212", " PGC000212 "])
def test_names_of_galaxies_have_one_meaning(name: str) -> None:
    assert efigi_labels(_attributes(), agn=[name]) == ["agn"]
    assert efigi_labels(_attributes(), arp=[name]) == ["merger"]
    assert efigi_labels(_attributes(), agn=["PGC0002120", "NGC 212"]) == [""]


def test_attributes_that_are_missing_or_no_numbers_are_said() -> None:
    with pytest.raises(UsageError, match="has no column 'Hot_Spots'; its columns are id, T"):
        efigi_labels(_attributes().drop_columns(["Hot_Spots"]))
    with pytest.raises(UsageError, match="the column 'T' must hold numbers"):
        efigi_labels(_attributes().set_column(1, "T", pa.array(["Sbc"])))


HEAD = (
    "# EFIGI attributes\n#   1 PGC_name\n\nPGC_name T T_inf T_sup Arm_strength Perturbation "
    "Hot_spots Multiplicity\n"
)
ROWS = (
    "PGC0000212 1 1 2 .5 .25 0 0\nPGC0000218 0 0 1 -1 0 0 0\nPGC0000243 -3 -3 -2 0 .25 0 "
    "0\nPGC0000250 5 5 6 0 1 0 0\n"
)


def _efigi(folder: Path, text: str = HEAD + ROWS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "EFIGI_attributes.txt").write_text(text)
    for name in ("PGC0000250", "PGC0000212", "PGC0000243", "PGC0009999"):
        _picture(folder / "png" / f"{name}.png")
    return folder


def test_efigi_as_it_is_published(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = efigi(_efigi(tmp_path), agn=["PGC 218", "PGC 250", "PGC 31"])
    assert _labels(source) == {"PGC0000212": "spiral", "PGC0000243": "q_sf", "PGC0000250": "agn"}
    assert source.catalog.column("state").to_pylist() == ["", "quiescent", ""]
    assert source.catalog.column("file").to_pylist() == [
        f"PGC0000{number}.png" for number in (212, 243, 250)
    ]
    assert source.catalog.column("T_sup").to_pylist() == [2, -2, 6]
    assert "1 of 4 galaxies have no picture" in caplog.text
    _all_are_read(source)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# nothing\n", "must name the columns, and begin with PGC_name"),
        (ROWS, "must name the columns"),
        (HEAD, "holds no galaxies below its 8 columns"),
        (HEAD + ROWS + "PGC0000251 1 2\n", "row 5 has 3 values for 8 columns"),
        (HEAD + ROWS + ROWS, "identifiers appear more than once: 'PGC0000212' in rows 1, 5"),
        (
            HEAD.replace("Hot_spots", "Spots") + ROWS,
            "has no column Hot_Spots; its columns are id, T, T_inf",
        ),
        (
            HEAD + ROWS.replace(".25", "many"),
            "could not convert string to float: 'many' is found where a number is expected",
        ),
        (
            HEAD + "PGC0000001 1 1 2 .5 .25 0 0\n",
            "none of its galaxies has a picture in .*: 'PGC0000001' would be",
        ),
    ],
)
def test_invalid_efigi_tables_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        efigi(_efigi(tmp_path, text))


def test_folders_that_are_not_efigi(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"holds no table of EFIGI: neither catalog.csv nor EFIGI_attributes.txt"
    ):
        efigi(tmp_path)
    with pytest.raises(
        UsageError,
        match="none of the 1 galaxies listed as active is in it; names are like PGC0000212",
    ):
        efigi(_efigi(tmp_path / "efigi"), agn=["NGC 4151"])
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "EFIGI_attributes.txt").write_text(HEAD + ROWS)
    with pytest.raises(UsageError, match="holds no folder of pictures: neither images nor png"):
        efigi(tmp_path / "bare")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "catalog.csv").write_text("id,file,T\na,a.png,1\n")
    with pytest.raises(
        UsageError, match="has no column Arm_Strength, Perturbation, Hot_Spots, Multiplicity"
    ):
        efigi(tmp_path / "other")


def test_the_galaxies_of_efigi_themselves(real_data: Path) -> None:
    """The folder's own table was labeled by this rule by others: its classes, and its list of
    active galaxies, are the oracle.
    """
    with (real_data / "efigi" / "catalog.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    agn = [row["id"] for row in rows if row["label"] == "agn"]
    source = efigi(real_data / "efigi", agn=agn)
    theirs = {row["id"]: row["label"].replace("quiescent", "q_sf") for row in rows}
    assert _labels(source) == theirs
    assert Counter(theirs.values()) == {
        "": 1480,
        "spiral": 751,
        "q_sf": 547,
        "merger": 306,
        "clump": 206,
        "agn": 53,
    }
    assert Counter(source.catalog.column("state").to_pylist()) == {"": 2796, "quiescent": 547}
    reading = source.read(source.shards(40)[11])
    assert not reading.failures
    assert {cutout.pixels.shape for cutout in reading.cutouts} == {(3, 88, 88)}
    assert "agn" not in _labels(efigi(real_data / "efigi")).values()


# Galaxy10 and GalaxyMNIST


def _hdf5(
    path: Path,
    side: int,
    answers: list[int] | None = None,
    name: str = "ans",
    **others: list[float],
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    answers = list(range(10)) if answers is None else answers
    with h5py.File(path, "w") as file:
        file["images"] = RNG.integers(0, 255, (len(answers), side, side, 3), dtype=np.uint8)
        file[name] = np.array(answers, dtype=np.uint8)
        for key, values in others.items():
            file[key] = np.array(values)
    return path


def test_galaxy10(tmp_path: Path) -> None:
    sdss = surveys.galaxy10_sdss(_hdf5(tmp_path / "Galaxy10.h5", 69, [9, 0, 5, 1]))
    assert list(_labels(sdss).values()) == [
        "Disk, Face-on, Loose Spiral",
        "Disk, Face-on, No Spiral",
        "Disk, Edge-on, Boxy Bulge",
        "Smooth, Completely round",
    ]
    assert sdss.bands == ("red", "green", "blue")
    _all_are_read(sdss)
    decals = surveys.galaxy10_decals(
        _hdf5(
            tmp_path / "Galaxy10_DECals.h5",
            256,
            [4, 1, 9],
            redshift=[0.1, 0.2, 0.3],
            pxscale=[0.262] * 3,
        )
    )
    assert list(_labels(decals).values()) == [
        "Cigar Shaped Smooth Galaxies",
        "Merging Galaxies",
        "Edge-on Galaxies with Bulge",
    ]
    assert decals.catalog.column("redshift").to_pylist() == [0.1, 0.2, 0.3]
    _all_are_read(decals)
    assert len(set(GALAXY10_SDSS)) == len(set(GALAXY10_DECALS)) == 10


def test_one_galaxy10_is_not_taken_for_the_other(tmp_path: Path) -> None:
    sdss, decals = _hdf5(tmp_path / "a.h5", 69), _hdf5(tmp_path / "b.h5", 256, [0, 1])
    with pytest.raises(
        UsageError,
        match=r"256 x 256 pixels, where 69 x 69 are expected: that is the size of Galaxy10 DECaLS",
    ):
        surveys.galaxy10_sdss(decals)
    with pytest.raises(
        UsageError,
        match=r"69 x 69 pixels, where 256 x 256 are expected: that is the size of Galaxy10 SDSS",
    ):
        surveys.galaxy10_decals(sdss)
    with pytest.raises(
        UsageError, match=r"its images have 64 x 64 pixels, where 69 x 69 are expected$"
    ):
        surveys.galaxy10_sdss(_hdf5(tmp_path / "c.h5", 64))
    with pytest.raises(
        UsageError, match="'11' is not a class of this set: they are numbered from 0 to 9"
    ):
        surveys.galaxy10_sdss(_hdf5(tmp_path / "d.h5", 69, [0, 11]))
    with pytest.raises(UsageError, match="holds images but no classes"):
        surveys.galaxy10_sdss(_hdf5(tmp_path / "e.h5", 69, [0, 1], name="classes"))
    _picture(tmp_path / "f.png")
    with pytest.raises(UsageError, match="is no HDF5 file"):
        surveys.galaxy10_sdss(tmp_path / "f.png")
    with pytest.raises(UsageError, match="there is no such file"):
        surveys.galaxy10_sdss(tmp_path / "g.h5")


@pytest.mark.parametrize("place", ["", "raw", "GalaxyMNIST/raw", "GalaxyMNISTHighrez/raw"])
def test_galaxy_mnist(tmp_path: Path, place: str) -> None:
    side = 224 if "Highrez" in place else 64
    train = _hdf5(tmp_path / place / "train_dataset.hdf5", side, [3, 0, 2, 1, 1], name="labels")
    _hdf5(tmp_path / place / "test_dataset.hdf5", side, [2], name="labels")
    for source in (surveys.galaxy_mnist(tmp_path), surveys.galaxy_mnist(train)):
        assert list(_labels(source).values()) == [
            "unbarred_spiral",
            "smooth_round",
            "edge_on_disk",
            "smooth_cigar",
            "smooth_cigar",
        ]
        assert "labels" not in source.catalog.column_names
    assert list(_labels(surveys.galaxy_mnist(tmp_path, part="test")).values()) == ["edge_on_disk"]
    _all_are_read(surveys.galaxy_mnist(train))
    assert len(GALAXY_MNIST) == 4


def test_galaxy_mnist_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no train_dataset.hdf5$"):
        surveys.galaxy_mnist(tmp_path)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "test_dataset.hdf5.gz").write_bytes(b"")
    with pytest.raises(
        UsageError, match=r"holds no test_dataset.hdf5; unpack test_dataset.hdf5.gz first"
    ):
        surveys.galaxy_mnist(tmp_path, part="test")
    with pytest.raises(UsageError, match="part must be 'train' or 'test'; it is 'all'"):
        surveys.galaxy_mnist(tmp_path, part="all")  # type: ignore[arg-type]


# Galaxy Zoo 2

VOTES = {
    "smooth": 0.1,
    "featured": 0.9,
    "edge_on": 0.1,
    "not_edge_on": 0.9,
    "spiral": 0.7,
    "no_spiral": 0.3,
}
ROUND = {"round": 0.1, "in_between": 0.2, "cigar": 0.7}


@pytest.mark.parametrize(
    ("given", "label"),
    [
        ({}, "spiral"),
        ({"spiral": 0.59, "no_spiral": 0.41}, ""),
        ({"spiral": 0.6, "no_spiral": 0.4}, "spiral"),
        ({"spiral": 0.2, "no_spiral": 0.8}, "disc_without_spiral"),
        ({"edge_on": 0.8, "not_edge_on": 0.2}, "edge_on_disc"),
        ({"edge_on": 0.5, "not_edge_on": 0.5}, ""),
        ({"featured": 0.3, "smooth": 0.6}, "smooth_cigar"),
        ({"featured": 0.3, "smooth": 0.6, "cigar": 0.0, "round": 0.9}, "smooth_round"),
        ({"featured": 0.3, "smooth": 0.6, "cigar": 0.0, "in_between": 0.9}, "smooth_in_between"),
        ({"featured": 0.3, "smooth": 0.6, "cigar": float("nan")}, ""),
        ({"featured": 0.1, "smooth": 0.1}, ""),
    ],
)
def test_the_rule_of_galaxy_zoo(given: dict[str, float], label: str) -> None:
    votes = {name: [value] for name, value in (VOTES | ROUND | given).items()}
    assert galaxy_zoo2_labels(votes) == [label]
    if label:
        assert galaxy_zoo2_labels(votes, agreement=0.95) == [""]


def test_the_rule_of_galaxy_zoo_has_bounds() -> None:
    votes = {name: [value] for name, value in (VOTES | ROUND).items()}
    for agreement in (0.5, 1.1):
        with pytest.raises(UsageError, match=r"agreement must be above 0.5 and at most 1"):
            galaxy_zoo2_labels(votes, agreement)
    with pytest.raises(UsageError, match="votes are missing for cigar"):
        galaxy_zoo2_labels({name: values for name, values in votes.items() if name != "cigar"})


HART = {
    "t01_smooth_or_features_a01_smooth": "smooth",
    "t01_smooth_or_features_a02_features_or_disk": "featured",
    "t02_edgeon_a04_yes": "edge_on",
    "t02_edgeon_a05_no": "not_edge_on",
    "t04_spiral_a08_spiral": "spiral",
    "t04_spiral_a09_no_spiral": "no_spiral",
    "t07_rounded_a16_completely_round": "round",
    "t07_rounded_a17_in_between": "in_between",
    "t07_rounded_a18_cigar_shaped": "cigar",
}


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _hart(folder: Path) -> Path:
    galaxies = [587722981741363294, 587722981741363323, 587722981741559888]
    changes: list[dict[str, float]] = [
        {},
        {"smooth": 0.9, "featured": 0.1},
        {"spiral": 0.5, "no_spiral": 0.5},
    ]
    rows: list[dict[str, object]] = []
    for number, change in zip(galaxies, changes, strict=True):
        votes = {
            f"{name}_debiased": (VOTES | ROUND | change)[answer] for name, answer in HART.items()
        }
        counts = {f"{name}_count": 40 for name in HART}
        rows.append(
            {
                "dr7objid": number,
                "ra": 160.99,
                "dec": 0.5,
                "rastring": "10:43",
                "gz2_class": "Sc?t",
                **counts,
                **votes,
            }
        )
    _write(folder / "gz2_hart16.csv", rows)
    pairs = [
        {"objid": number, "sample": "original", "asset_id": asset}
        for asset, number in enumerate([1, *galaxies[::-1]], start=58)
    ]
    _write(folder / "gz2_filename_mapping.csv", pairs)
    return folder


@pytest.mark.parametrize("pictures", ["images_gz2/images", "images_gz2", "images"])
def test_galaxy_zoo_with_the_votes_of_hart(tmp_path: Path, pictures: str) -> None:
    for asset in (61, 60, 59, 58):
        _picture(_hart(tmp_path) / pictures / f"{asset}.jpg")
    source = surveys.galaxy_zoo2(tmp_path)
    assert _labels(source) == {
        "587722981741363294": "spiral",
        "587722981741363323": "smooth_cigar",
        "587722981741559888": "",
    }
    assert source.catalog.column("file").to_pylist() == ["61.jpg", "60.jpg", "59.jpg"]
    assert source.catalog.column("spiral").to_pylist() == [0.7, 0.7, 0.5]
    assert source.catalog.column("gz2_class").to_pylist() == ["Sc?t"] * 3
    assert list(_labels(surveys.galaxy_zoo2(tmp_path, agreement=0.8)).values()) == ["", "", ""]
    _all_are_read(source)


def _kaggle(folder: Path, table: str = "training_solutions_rev1.csv") -> Path:
    """Write two galaxies: of the 0.8 that said featured, 0.2 said edge-on and 0.6 not, and of these
    0.45 saw arms and 0.15 none.
    """
    names = {
        "Class1.1": 0.2,
        "Class1.2": 0.8,
        "Class1.3": 0.0,
        "Class2.1": 0.2,
        "Class2.2": 0.6,
        "Class4.1": 0.45,
        "Class4.2": 0.15,
    }
    rounds = {"Class7.1": 0.05, "Class7.2": 0.15, "Class7.3": 0.0}
    smooth = dict.fromkeys(names, 0.0) | {"Class1.1": 1.0}
    rows: list[dict[str, object]] = [
        {"GalaxyID": 100008, **names, **rounds},
        {"GalaxyID": 100023, **smooth, "Class7.1": 0.7, "Class7.2": 0.2, "Class7.3": 0.1},
    ]
    _write(folder / table, rows)
    return folder


@pytest.mark.parametrize(
    "table", ["training_solutions_rev1.csv", "training_solutions_rev1/training_solutions_rev1.csv"]
)
def test_galaxy_zoo_of_the_challenge(tmp_path: Path, table: str) -> None:
    for galaxy in (100008, 100023, 100053):
        _picture(_kaggle(tmp_path, table) / "images_training_rev1" / f"{galaxy}.jpg")
    source = surveys.galaxy_zoo2(tmp_path)
    assert _labels(source) == {"100008": "spiral", "100023": "smooth_round"}
    np.testing.assert_allclose(source.catalog.column("not_edge_on").to_pylist(), [0.75, np.nan])
    np.testing.assert_allclose(source.catalog.column("in_between").to_pylist(), [0.75, 0.2])
    _all_are_read(source)
    assert _labels(surveys.galaxy_zoo2(tmp_path, agreement=0.76)) == {"100008": "", "100023": ""}


def test_folders_that_are_not_galaxy_zoo(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError,
        match=(
            r"holds no votes of Galaxy Zoo 2: neither gz2_hart16.csv nor "
            r"training_solutions_rev1.csv"
        ),
    ):
        surveys.galaxy_zoo2(tmp_path)
    with pytest.raises(
        UsageError,
        match="holds no folder of pictures: neither images_training_rev1 nor images_training",
    ):
        surveys.galaxy_zoo2(_kaggle(tmp_path / "kaggle"))
    hart = _hart(tmp_path / "hart")
    _picture(hart / "images" / "1.jpg")
    with pytest.raises(
        UsageError,
        match=r"gz2_hart16.csv: none of its galaxies has a picture in .*images: '61' would be",
    ):
        surveys.galaxy_zoo2(hart)
    (hart / "gz2_filename_mapping.csv").unlink()
    with pytest.raises(UsageError, match=r"gz2_filename_mapping.csv: there is no such table"):
        surveys.galaxy_zoo2(hart)
    _write(tmp_path / "odd" / "gz2_hart16.csv", [{"dr7objid": 1, "ra": 2}])
    with pytest.raises(
        UsageError,
        match=(
            r"has no column t01_smooth_or_features_a01_smooth_debiased, .*; its columns are "
            r"dr7objid, ra"
        ),
    ):
        surveys.galaxy_zoo2(tmp_path / "odd")
