"""A limit of one BLAS thread for small matrix products.

BLAS libraries start several threads already for products where synchronization takes longer than
the multiplication, all the more on a busy machine; and several threads round differently from one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

from galfeat.nn.layout import Layout

__all__ = ["one_thread", "threads_for"]

# multiplications in a product from which several threads may help: about half a millisecond of one
_MIN_PARALLEL = 1 << 25


@cache
def _controller() -> ThreadpoolController:
    """Return the thread-pool controller, cached: finding the libraries takes milliseconds."""
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread within the context; the previous number is restored afterwards.

    The limit applies to the whole process, not only to the calling Python thread.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@contextmanager
def threads_for(layout: Layout, rows: int) -> Iterator[None]:
    """Limit BLAS to one thread within the context, unless the network's products are large.

    Parameters
    ----------
    layout : Layout
    rows : int
        Samples per forward pass.
    """
    if rows * max(n_in * n_out for n_in, n_out in layout.shapes) >= _MIN_PARALLEL:
        yield
    else:
        with one_thread():
            yield
