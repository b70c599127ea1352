"""The training domain: distances are Mahalanobis's, and a twentieth of galaxies like those of
training is outside.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import mahalanobis

from galfeat import UsageError
from galfeat.pipeline.transfer.domain import TrainingDomain
from galfeat.pipeline.transfer.domain_summary import DomainSummary

COVARIANCE = np.array([[4.0, 1.2, 0.0], [1.2, 1.0, 0.1], [0.0, 0.1, 0.25]])


def normal(n: int, seed: int, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).multivariate_normal([mean] * 3, COVARIANCE, n)


def fitted(n: int = 4000) -> TrainingDomain:
    other = np.random.default_rng(5).normal(size=(n, 2))
    domain = TrainingDomain.fit({"noise": normal(n, 0, 3.0), "color": other}, {"g": np.ones(n)})
    assert domain is not None
    return domain


def test_distances_are_those_of_scipy() -> None:
    rows = normal(20, 1, 3.0)
    domain = fitted(100_000)
    distances, furthest = domain.distances({"noise": rows, "color": np.zeros((20, 2))})
    inverse = np.linalg.inv(COVARIANCE)
    expected = np.array([mahalanobis(row, [3.0] * 3, inverse) for row in rows])
    far = np.array(furthest) == "noise"
    assert far.sum() > 15
    ratio = distances[far] / expected[far]
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=0.03)
    # 95 % of both quantities together: the larger of a chi of 3 and of one of 2 degrees
    steps = np.linspace(0.001, 0.05, 500)
    limits = stats.chi.isf(steps, 3), stats.chi.isf(steps, 2)
    both = 1 - stats.chi.cdf(limits[0], 3) * stats.chi.cdf(limits[1], 2)
    assert ratio.mean() == pytest.approx(1 / np.interp(0.05, both, limits[0]), rel=0.03)


def test_one_in_twenty_galaxies_like_those_of_training_is_outside() -> None:
    domain = fitted()
    rng = np.random.default_rng(7)
    new = {"noise": normal(20_000, 8, 3.0), "color": rng.normal(size=(20_000, 2))}
    distances, _ = domain.distances(new)
    assert 0.04 < np.mean(distances > 1) < 0.06
    assert domain.expected == pytest.approx(0.05)
    assert domain.ranks(distances).mean() == pytest.approx(0.5, abs=0.02)
    shifted, _ = domain.distances({**new, "noise": new["noise"] + 10})
    assert domain.ranks(shifted).mean() > 0.95


def test_few_training_galaxies_do_not_make_a_narrow_domain() -> None:
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        domain = TrainingDomain.fit({"many": rng.normal(size=(18, 8))})
        assert domain is not None
        distances, _ = domain.distances({"many": rng.normal(size=(200, 8))})
        shares.append(np.mean(distances > 1))
        assert domain.expected == pytest.approx(1 / 19)
    assert 0.01 < np.mean(shares) < 0.1
    assert TrainingDomain.fit({"many": np.zeros((5, 2))}) is None


def test_the_quantity_that_changed_is_named_and_gaps_change_nothing() -> None:
    domain = fitted()
    numbers = {"noise": np.array([[3.0, 3.0, 3.0], [3.0, 3.0, 9.0]]), "color": np.zeros((2, 2))}
    distances, furthest = domain.distances(numbers)
    assert distances[0] < 0.1
    assert distances[1] > 1.5
    assert furthest[1] == "noise"
    gaps = {"noise": np.full((1, 3), np.nan), "color": np.zeros((1, 2))}
    assert domain.distances(gaps)[0][0] < 0.1


def test_a_number_that_never_changes_is_no_error() -> None:
    domain = TrainingDomain.fit({"flat": np.full((50, 2), 7.0)})
    assert domain is not None
    distances, _ = domain.distances({"flat": np.array([[7.0, 7.0], [7.0, 8.0]])})
    assert distances[0] == 0
    assert distances[1] > 1


def test_a_row_does_not_depend_on_the_others_and_the_state_comes_back() -> None:
    domain = fitted(300)
    widths = {"noise": 3, "color": 2}
    again = TrainingDomain.from_state(domain.get_state(), widths)
    numbers = {"noise": normal(50, 3), "color": normal(50, 4)[:, :2]}
    whole, names = domain.distances(numbers)
    for row in (0, 17, 49):
        part = {name: rows[row : row + 1] for name, rows in numbers.items()}
        found, quantity = again.distances(part)
        assert found.tobytes() == whole[row : row + 1].tobytes()
        assert quantity == [names[row]]
    with pytest.raises(UsageError, match="of no model"):
        TrainingDomain.from_state(domain.get_state(), {"noise": 3})
    state = domain.get_state()
    state["quantities"]["noise"]["center"] = np.zeros(2)
    with pytest.raises(UsageError, match="center of the quantity noise"):
        TrainingDomain.from_state(state, widths)


@pytest.mark.parametrize(
    ("count", "further", "another"),
    [(1000, 0.53, False), (1000, 0.95, True), (2, 0.9, False), (6, 0.95, True), (9, 0.7, False)],
)
def test_another_domain_is_clearly_further(count: int, further: float, another: bool) -> None:
    assert DomainSummary(count, 0, further).is_another == another
    # the mean of uniform ranks: by chance in less than one of a thousand such sets
    mean = np.random.default_rng(0).random((20_000, count if count < 10 else 10)).mean(axis=1)
    if another:
        assert np.mean(mean >= further) < 1e-3


def test_the_sentence() -> None:
    summary = DomainSummary(200, 90, 0.91, {"noise correlation": 90, "size": 10})
    assert summary.sentence == (
        "45% of 200 cutouts lie outside the training domain (5% of galaxies like those of training "
        "do), and 91% (50%) are further from it than a training galaxy; what differs most: noise "
        "correlation 90%, size 10%"
    )
    assert "does not describe" in DomainSummary(0).sentence


def test_a_person_can_read_what_the_training_galaxies_are_like() -> None:
    sizes, levels = np.arange(1.0, 102.0)[:, None], np.arange(101.0)
    domain = TrainingDomain.fit({"size": sizes}, {"g": levels})
    assert domain is not None
    assert domain.about == {
        "galaxies": "101",
        "size": "6 to 96",
        "noise of g": "5 to 95, median 50",
    }
