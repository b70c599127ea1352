"""BLAS thread limit for small products, restored afterwards."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from galfeat.nn.layout import Layout
from galfeat.nn.training.blas_threads import one_thread, threads_for


def threads() -> int:
    return max(int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas")


@pytest.fixture(autouse=True)
def two() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        if threads() != 2:
            pytest.skip("this BLAS has one thread")
        yield


def test_nested_and_after_an_error() -> None:
    with one_thread():
        with one_thread():
            assert threads() == 1
        assert threads() == 1
    assert threads() == 2
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert threads() == 2


def test_large_products_keep_their_threads() -> None:
    with threads_for(Layout((500, 64, 5)), 128):
        assert threads() == 1
    with threads_for(Layout((5000, 500, 5)), 1000):
        assert threads() == 2
