"""The exceptions that a user meets."""

import pickle

import pytest

from galfeat import CutoutError, GalfeatError, UsageError


def test_a_batch_names_its_first_rows_and_counts_the_others() -> None:
    error = CutoutError(dict.fromkeys(range(8, 0, -1), "all pixels are bad"))
    assert str(error).startswith("8 cutout(s) cannot be used: row 1: all pixels are bad; row 2: ")
    assert str(error).endswith("; and 3 more")
    assert list(error.reasons) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_single_reason_is_the_whole_sentence() -> None:
    assert str(CutoutError("all pixels are bad")) == "all pixels are bad"
    assert CutoutError("all pixels are bad").reasons == {0: "all pixels are bad"}


@pytest.mark.parametrize(
    "error",
    [
        CutoutError("constant"),
        CutoutError({0: "constant"}),
        CutoutError({3: "a", 4: "b"}),
        UsageError("no"),
    ],
)
def test_errors_travel_between_processes(error: GalfeatError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == str(error)
    assert getattr(back, "reasons", None) == getattr(error, "reasons", None)


def test_all_are_value_errors() -> None:
    assert issubclass(CutoutError, GalfeatError)
    assert issubclass(UsageError, GalfeatError)
    assert issubclass(GalfeatError, ValueError)
