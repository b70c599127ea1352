"""Closed kernels: copies of their own of what they call."""

from typing import Any

import numpy as np
import pytest

from galfeat.features.kernels import compiling

CALLING = """
def called(x):
    total = 0.0
    for _ in range(3):
        for i in range(len(x)):
            total += x[i] * x[i] + abs(x[i])
        for i in range(1, len(x)):
            total -= x[i] * x[i - 1] / (1 + abs(total))
        for i in range(2, len(x)):
            total += np.sqrt(abs(x[i] - x[i - 2])) * np.exp(-abs(total))
    return total

def calling(x):
    return called(x) + called(x[::2]) + called(x[1:])
"""


@pytest.mark.parametrize("closed", [False, True])
def test_a_closed_kernel_shares_no_code_with_what_it_calls(closed: bool) -> None:
    # functions without a file are not cached, and so their code can be looked at
    names: dict[str, Any] = {"np": np}
    exec(CALLING, names)
    called = names["called"] = compiling.kernel()(names["called"])
    calling = compiling.kernel(closed=closed)(names["calling"])
    x = np.linspace(-1, 2, 50)
    assert calling(x) == pytest.approx(called(x) + called(x[::2]) + called(x[1:]), rel=1e-12)

    def defined(dispatcher: Any) -> set[str]:
        libraries = [each.library for each in dispatcher.overloads.values()]
        return {each.name for library in libraries for each in library.get_defined_functions()}

    assert bool(defined(calling) & defined(called)) is not closed
