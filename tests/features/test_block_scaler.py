import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from galfeat.features import BlockScaler


def table(n: int = 300, k: int = 12) -> NDArray[np.float64]:
    chance = np.random.default_rng(4)
    return np.asarray(
        chance.normal(size=(n, k)) @ chance.normal(size=(k, k)) * 10.0 ** np.arange(k) + 5
    )


@parametrize_with_checks(
    [BlockScaler(), BlockScaler(n_components=1)], expected_failed_checks=lambda _: {}
)
def test_scikit_learn_checks(estimator: BlockScaler, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def test_by_pencil() -> None:
    scaler = BlockScaler().fit(np.array([[0.0, 3.0, 7.0], [2.0, 3.0, 5.0]]))
    assert scaler.mean_.tolist() == [1, 3, 6]
    assert scaler.scale_.tolist() == [1, 0, 1]
    assert scaler.factor_ == pytest.approx(0.5**0.5)
    assert scaler.transform([[3.0, 99.0, 6.0]]) == pytest.approx(np.array([[2 * 0.5**0.5, 0, 0]]))


@pytest.mark.parametrize("components", [None, 3, 40])
def test_rows_have_unit_mean_square(components: int | None) -> None:
    rows = BlockScaler(components).fit_transform(table())
    assert (rows**2).sum(axis=1).mean() == pytest.approx(1)


@pytest.mark.parametrize("shape", [(300, 12), (12, 300)])
def test_components_are_those_of_pca(shape: tuple[int, int]) -> None:
    X = np.clip(table(*shape) if shape[1] == 12 else table(300, 12).T, -1e30, 1e30)
    standard = np.clip(StandardScaler().fit_transform(X), -10, 10)
    theirs = PCA(5, svd_solver="full").fit(standard)
    scaler = BlockScaler(5).fit(X)
    assert scaler.components_ is not None
    assert np.abs((scaler.components_ * theirs.components_).sum(axis=1)) == pytest.approx(
        np.ones(5)
    )
    assert np.abs(scaler.transform(X)) == pytest.approx(
        np.abs(theirs.transform(standard)) * scaler.factor_, rel=1e-6, abs=1e-9
    )


def test_no_more_components_than_there_are() -> None:
    X = table(300, 3)[:, [0, 1, 2, 2]]
    assert BlockScaler(48).fit_transform(X).shape == (300, 3)
    assert BlockScaler(48).fit_transform(table(5, 12)).shape == (5, 4)
    assert BlockScaler(48).fit_transform(np.ones((5, 12))).shape == (5, 0)


def test_outliers_are_cut() -> None:
    scaler = BlockScaler().fit(table())
    odd = np.full((1, 12), 1e30)
    assert np.allclose(scaler.transform(odd), 10 * scaler.factor_)


def test_rounding_errors_do_not_count_as_variance() -> None:
    X = np.stack([np.full(10, 1e6) + 1e-3 * (np.arange(10) % 2), np.arange(10.0)], axis=1)
    assert not BlockScaler().fit_transform(X)[:, 0].any()


@pytest.mark.parametrize("components", [None, 4])
def test_a_row_depends_on_itself_only(components: int | None) -> None:
    X = table(600)
    scaler = BlockScaler(components).fit(X)
    rows = scaler.transform(X)
    assert np.array_equal(rows[7:8], scaler.transform(X[7:8]))
    assert np.array_equal(rows[::-1], scaler.transform(X[::-1]))


def test_threads_do_not_matter() -> None:
    X = table(900, 40)
    with threadpool_limits(limits=1):
        alone = BlockScaler(6).fit_transform(X)
    assert np.array_equal(BlockScaler(6).fit_transform(X), alone)


def test_number_type_is_kept_and_input_left_alone() -> None:
    X = table().astype(np.float32)
    kept = X.copy()
    assert BlockScaler().fit_transform(X).dtype == np.float32
    assert np.array_equal(X, kept)


def test_names() -> None:
    assert BlockScaler().fit(table(9, 2)).get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]
    assert BlockScaler(2).fit(table(9, 3)).get_feature_names_out(["a", "b", "c"]).tolist() == [
        "component0",
        "component1",
    ]
