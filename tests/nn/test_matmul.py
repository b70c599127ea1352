"""Matrix product with a fixed order of summation, independent of the other rows."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from galfeat.nn.matmul import matmul, pack_panels


def product(X: NDArray[np.floating], W: NDArray[np.floating]) -> NDArray[np.floating]:
    return matmul(X, pack_panels(W), np.empty((len(X), W.shape[1]), dtype=X.dtype))


def one_after_the_other(X: NDArray[np.floating], W: NDArray[np.floating]) -> NDArray[np.floating]:
    """Add the terms k = 0, 1, 2, …; NumPy rounds each product and each sum."""
    total = np.zeros((len(X), W.shape[1]), dtype=X.dtype)
    for k in range(len(W)):
        total += X[:, k : k + 1] * W[k]
    return total


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("rows", "depth", "columns"), [(1, 1, 1), (3, 7, 5), (4, 64, 16), (9, 200, 17), (257, 33, 40)]
)
def test_the_sums_are_in_order(
    rows: int, depth: int, columns: int, dtype: str, rng: np.random.Generator
) -> None:
    X, W = (
        rng.standard_normal((rows, depth)).astype(dtype),
        rng.standard_normal((depth, columns)).astype(dtype),
    )
    assert_array_equal(product(X, W), one_after_the_other(X, W))
    assert np.allclose(
        product(X, W), X.astype("float64") @ W.astype("float64"), rtol=1e-4, atol=1e-4
    )


def test_by_pencil() -> None:
    """In float32 the order shows: 1e8 + 1 is 1e8."""
    W = np.ones((4, 1), dtype=np.float32)
    assert product(np.array([[1, 1e8, -1e8, 1]], dtype=np.float32), W).item() == 1
    assert product(np.array([[1e8, -1e8, 1, 1]], dtype=np.float32), W).item() == 2


def test_sums_are_not_fused() -> None:
    """With one rounding instead of two, (1 + e)^2 - (1 + 2 e) would be e^2."""
    e = np.float64(2.0**-30)
    assert product(np.array([[-1 - 2 * e, 1 + e]]), np.array([[1], [1 + e]])).item() == 0


def test_what_is_not_finite_stays_in_its_row_and_column() -> None:
    X, W = np.ones((5, 3), dtype=np.float32), np.ones((3, 17), dtype=np.float32)
    X[2, 1], W[0, 16] = np.nan, np.inf
    made = product(X, W)
    assert np.isnan(made[2]).all()
    assert np.isinf(made[[0, 1, 3, 4], 16]).all()
    assert (made[[0, 1, 3, 4], :16] == 3).all()


DIGEST = """
import hashlib, numpy as np
from galfeat.nn.matmul import matmul, pack_panels
rng = np.random.default_rng(0)
for dtype in ("float32", "float64"):
    X = rng.standard_normal((61, 203)).astype(dtype)
    W = rng.standard_normal((203, 37)).astype(dtype)
    made = matmul(X, pack_panels(W), np.empty((61, 37), dtype))
    print(hashlib.sha256(made.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_code_for_other_processors_gives_the_same_bits() -> None:
    """Compare code for this processor with code without AVX and fused operations."""
    kinds: tuple[dict[str, str], ...] = (
        {},
        {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "OPENBLAS_CORETYPE": "Nehalem"},
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, **kind},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for kind in kinds
    ]
    assert printed[0] == printed[1]
