"""Inputs and their encoder: what is learned, and from which rows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from galfeat import UsageError
from galfeat.pipeline.extraction.measure import Block, take_rows
from galfeat.pipeline.models.inputs import INPUTS, Encoder, InputBlock, named_input

SHAPE = (2, 8, 8)


def blocks(n: int = 40, seed: int = 0) -> dict[str, Block]:
    rng = np.random.default_rng(seed)
    words = [rng.integers(0, 255, (rng.integers(0, 9), 128)).astype(np.uint8) for _ in range(n)]
    return {
        "pixels": rng.normal(size=(n, 128)).astype(np.float32),
        "color": rng.normal(5, 3, size=(n, 12)).astype(np.float32),
        "sift": words,
    }


def test_the_inputs_of_the_comparison() -> None:
    # names and their order are part of the command line: a new extractor is added here
    assert list(INPUTS) == [
        "pixels", "pixels_linear", "pixels_small", "pixels_pca", "color", "texture", "hog", "sift",
        "shape", "classic", "features", "features+pixels",
    ]  # fmt: skip
    assert INPUTS["features"].columns == ("color", "texture", "hog", "sift", "shape")
    assert INPUTS["classic"].columns == ("color", "texture", "hog", "sift")
    assert {part.view for part in INPUTS["classic"].parts} == {""}
    for name in ("sift", "features", "features+pixels"):
        assert [part.view for part in INPUTS[name].parts if part.column == "sift"] == ["fisher"]
    assert {part.view for part in INPUTS["features"].parts if part.column != "sift"} == {""}
    assert named_input(["hog", "sift"]).parts == (InputBlock("hog"), InputBlock("sift", "fisher"))
    assert named_input(["hog", "color"]).columns == ("hog", "color")
    assert named_input(["pixels_pca"]) is INPUTS["pixels_pca"]
    assert named_input(["features", "pixels"]).parts == INPUTS["features+pixels"].parts


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["hogg"], "unknown input 'hogg'"),
        (["hog", "hog"], "twice"),
        (["hog", "features"], "twice"),
        (["features", "classic"], "twice"),
        (["pixels_pca", "hog"], "unknown input 'pixels_pca'"),
    ],
)
def test_wrong_inputs_are_named(names: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        named_input(names)


def test_linear_pixels_undo_the_stretch() -> None:
    flux = np.array([[-2.0, 0.0, 3.0, 150.0] * 32] * 2, dtype=np.float32)
    encoder = Encoder([InputBlock("pixels", "linear", None)], SHAPE)
    np.testing.assert_allclose(
        encoder._vectors(encoder.parts[0], np.arcsinh(flux)), flux, rtol=1e-5, atol=1e-5
    )


def test_small_pixels_are_means_of_sixteen() -> None:
    grid = np.zeros((1, 2, 8, 8), dtype=np.float32)
    grid[0, 0, :4, :4] = 2.0
    grid[0, 1, 4:, :4] = np.arange(16).reshape(4, 4)
    encoder = Encoder([InputBlock("pixels", "small", None)], SHAPE)
    small = encoder._vectors(encoder.parts[0], grid.reshape(1, -1))
    assert np.asarray(small).tolist() == [[2, 0, 0, 0, 0, 0, 7.5, 0]]


@pytest.mark.parametrize("name", ["pixels", "color", "sift"])
def test_blocks_come_to_one_scale(name: str) -> None:
    data = blocks()
    encoded = (
        Encoder([InputBlock(name, components=6), InputBlock("color", components=None)], SHAPE)
        .fit(data)
        .transform(data)
    )
    width = encoded.shape[1] - 12
    assert width == 6
    for part in (encoded[:, :width], encoded[:, width:]):
        assert float(np.mean(np.sum(part.astype(np.float64) ** 2, axis=1))) == pytest.approx(
            9.0, rel=1e-4
        )


def test_nothing_is_learned_from_rows_that_fit_does_not_see() -> None:
    data, train = blocks(), np.arange(30)
    other = {**data, **{name: _overwritten(block) for name, block in data.items()}}
    states = []
    for source in (data, other):
        seen = {name: take_rows(block, train) for name, block in source.items()}
        states.append(
            Encoder([InputBlock(name, components=5) for name in data], SHAPE).fit(seen).get_state()
        )
    assert _flat(states[0]) == _flat(states[1])


def _overwritten(block: Block) -> Block:
    """Return the block with other values from row 30 on."""
    if isinstance(block, list):
        return [*block[:30], *(255 - each for each in block[30:])]
    other: NDArray[np.float32] = block.copy()
    other[30:] = 1e6
    return other


@pytest.mark.parametrize("view", ["", "fisher"])
def test_a_state_gives_back_the_same_encoder(view: str) -> None:
    data = blocks()
    encoder = Encoder(
        [InputBlock("pixels"), InputBlock("sift", view), InputBlock("color", components=None)],
        SHAPE,
    ).fit(data)
    assert type(encoder.words_["sift"]).__name__ == ("FisherVector" if view else "BagOfWords")
    widths = {
        name: 0 if isinstance(block, list) else block.shape[1] for name, block in data.items()
    }
    again = Encoder.from_state(encoder.get_state(), widths)
    assert again.transform(data).tobytes() == encoder.transform(data).tobytes()


def _flat(value: object) -> list[bytes]:
    if isinstance(value, dict):
        return [piece for key in sorted(value) for piece in _flat(value[key])]
    if isinstance(value, list | tuple):
        return [piece for item in value for piece in _flat(item)]
    return [value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()]


def test_gaps_are_filled_with_what_the_training_galaxies_tell() -> None:
    block = np.arange(40, dtype=np.float32).reshape(10, 4)
    block[:, 1] = np.nan
    block[7, 2], block[8, 2] = np.nan, 1e30
    train, test = block[:9], np.array([[np.nan, 5.0, np.nan, 3.0]], dtype=np.float32)
    encoder = Encoder([InputBlock("shape", components=None)], SHAPE).fit({"shape": train})
    (fill,) = encoder.fills_
    assert fill is not None
    assert fill.tolist() == [16, 0, 16, 19]  # of 0 … 32; none; 2, 6 … 26 and 1e30; 3 … 35
    complete = np.array([[16, 5.0, 16, 3.0]], dtype=np.float32)
    assert encoder.transform({"shape": test}).tolist() == (
        encoder.transform({"shape": complete}).tolist()
    )
    again = Encoder.from_state(encoder.get_state(), {"shape": 4})
    assert again.transform({"shape": test}).tolist() == encoder.transform({"shape": test}).tolist()


def test_a_gap_that_no_training_galaxy_had_is_filled_with_the_mean() -> None:
    block = np.arange(20, dtype=np.float32).reshape(10, 2)
    encoder = Encoder([InputBlock("shape", components=None)], SHAPE).fit({"shape": block})
    assert encoder.fills_ == [None]
    gap = np.array([[np.nan, 3]], dtype=np.float32)
    assert encoder.transform({"shape": gap})[0, 0] == 0


def test_leading_components_are_those_of_the_whole() -> None:
    data = {"color": blocks()["color"]}
    whole = Encoder([InputBlock("color", components=6)], SHAPE).fit(data)
    part = whole.with_columns(2)
    assert part.transform(data).tobytes() == whole.transform(data)[:, :2].tobytes()
    assert part.parts == (InputBlock("color", components=2),)
    assert whole.with_columns(6) is whole
