"""Conversion of scikit-learn's `random_state` to a NumPy random generator."""

import numpy as np

__all__ = ["RandomState", "as_generator"]

RandomState = int | np.random.Generator | np.random.RandomState | None


def as_generator(random_state: RandomState) -> np.random.Generator:
    """Convert a `random_state` to a random generator.

    Parameters
    ----------
    random_state : int, numpy.random.Generator, numpy.random.RandomState or None
        An int always gives the same sequence; a generator is used itself, which advances it; None
        takes a fresh seed from the operating system, never NumPy's global state.
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**31, size=4))
    return np.random.default_rng(random_state)
