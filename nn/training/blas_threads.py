"""One BLAS thread where more would not help.

A BLAS splits a product among threads from a size on at which they take longer to find each other
than to multiply, all the more so on a machine that does other things as well; and the sums of
several threads round differently from those of one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

from galfeat.nn.layout import Layout

__all__ = ["one_thread", "threads_for"]

# multiplications in a product, about half a millisecond of one thread, from which others may help
_LARGE = 1 << 25


@cache
def _controller() -> ThreadpoolController:
    """Return what sets the number of threads.

    To find the libraries takes milliseconds, to set the number microseconds.
    """
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Do products on one thread; afterwards the number is as before.

    The number belongs to the whole process: where several Python threads ask at the same time, it
    is the first one's to set.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@contextmanager
def threads_for(layout: Layout, rows: int) -> Iterator[None]:
    """Do the products of so many rows through such a network on one thread, unless they are large.

    Parameters
    ----------
    layout : Layout
    rows : int
        Samples that go through the network at a time.
    """
    if rows * max(n_in * n_out for n_in, n_out in layout.shapes) >= _LARGE:
        yield
    else:
        with one_thread():
            yield
