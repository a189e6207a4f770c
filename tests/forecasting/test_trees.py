"""Packed trees answer as scikit-learn does, and the shared work of a fit changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from forecasting.tree_fitting import Growth, QuickPinballLoss, grow
from forecasting.trees import TreeLayoutChanged, pack

LEVELS = np.array([0.1, 0.5, 0.9])


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """scikit-learn's own fits and answers are slow on more."""
    with threadpool_limits(1, user_api="openmp"):
        yield


def data(rows: int = 600, columns: int = 8, seed: int = 0):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(rows, columns))
    targets = np.stack([table[:, 0] * 2 + rng.normal(size=rows), np.round(table[:, 1] ** 2)], axis=1)
    table[rng.random(table.shape) < 0.2] = np.nan
    table[:, 3] = np.round(table[:, 3])
    return table, targets


@pytest.mark.parametrize("seed", range(3))
def test_packed_trees_equal_predict(seed: int):
    table, targets = data(seed=seed)
    models = grow(table, targets, LEVELS, seed=seed, how=Growth())
    every = np.arange(table.shape[1])
    packed = pack([(model, every) for model in models], table.shape[1])
    fresh = np.concatenate([data(60, seed=seed + 10)[0], table[:20], np.full((1, table.shape[1]), np.nan)])
    expected = np.stack([model.predict(fresh) for model in models], axis=1)
    for row, wanted in zip(fresh, expected, strict=True):
        np.testing.assert_allclose(packed.predict(row), wanted, rtol=0, atol=1e-12)


def test_packed_trees_may_read_other_columns_of_a_wider_row():
    table, targets = data()
    model = grow(table[:, :4], targets[:, :1], LEVELS[:1], seed=0, how=Growth())[0]
    columns = np.array([6, 2, 9, 0])
    row = np.random.default_rng(3).normal(size=10)
    row[2] = np.nan
    packed = pack([(model, columns), (model, columns[::-1])], row.size)
    expected = [model.predict(row[columns][None])[0], model.predict(row[columns[::-1]][None])[0]]
    np.testing.assert_allclose(packed.predict(row), expected, rtol=0, atol=1e-12)


def test_shared_bins_and_the_quick_loss_change_nothing():
    table, targets = data()
    how = Growth(iterations=10)
    quick = grow(table, targets, LEVELS, seed=4, how=how)[4]
    plain = HistGradientBoostingRegressor(
        loss="quantile", quantile=0.5, max_iter=10, learning_rate=how.learning_rate, max_leaf_nodes=how.leaves,
        min_samples_leaf=30, l2_regularization=how.l2, max_features=how.max_features, max_bins=how.max_bins,
        early_stopping=False, random_state=4,
    )  # fmt: skip
    np.testing.assert_array_equal(quick.predict(table), plain.fit(table, targets[:, 1]).predict(table))


@pytest.mark.parametrize("level", [0.05, 0.5, 0.77])
@pytest.mark.parametrize("size", [1, 2, 3, 10, 101])
def test_the_quick_quantile_is_numpys(level: float, size: int):
    values = np.random.default_rng(size).normal(size=size)
    quick = QuickPinballLoss(quantile=level).fit_intercept_only(values)
    assert quick == pytest.approx(np.percentile(values, 100 * level), abs=1e-14)


def test_weights_are_refused():
    with pytest.raises(ValueError, match="without weights"):
        QuickPinballLoss(quantile=0.5).fit_intercept_only(np.ones(3), np.ones(3))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (SimpleNamespace(), "no longer keeps its trees"),
        (SimpleNamespace(_predictors=[[]], _baseline_prediction=0.0), "no longer keeps its trees"),
        (
            SimpleNamespace(_predictors=[[SimpleNamespace(nodes=np.zeros(1, [("value", float)]))]],
                            _baseline_prediction=np.zeros((1, 1))),
            "lack feature_idx, num_threshold",
        ),
    ],
)  # fmt: skip
def test_another_layout_of_the_trees_is_said_clearly(model: object, message: str):
    with pytest.raises(TreeLayoutChanged, match=message):
        pack([(model, np.arange(3))], 3)


def test_trees_with_more_leaves_are_refused():
    table, targets = data()
    model = HistGradientBoostingRegressor(max_iter=2, max_leaf_nodes=20).fit(table, targets[:, 0])
    with pytest.raises(TreeLayoutChanged, match="at most 8 leaves"):
        pack([(model, np.arange(8))], 8)
