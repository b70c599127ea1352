"""The face of the wing."""

import subprocess
import sys

import pytest

import galfeat.data


def test_everything_that_is_promised_is_there() -> None:
    assert sorted(galfeat.data.__all__) == galfeat.data.__all__
    for name in galfeat.data.__all__:
        assert callable(getattr(galfeat.data, name)), name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = galfeat.data.nothing  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", ["galfeat.data.simulation.survey", "galfeat.data.preparation.steps", "galfeat.data"]
)
def test_functions_are_not_hidden_by_modules_of_their_name(first: str) -> None:
    code = (
        f"import {first}; from galfeat.data import prepare, simulate; assert callable(prepare) and "
        "callable(simulate)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_reading_needs_no_astropy_to_begin_with() -> None:
    code = "import sys, galfeat.data; sys.exit('astropy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
