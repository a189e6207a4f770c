"""Boosted trees packed into flat arrays, so that all models of a side answer one row at once.

scikit-learn's ``predict`` costs about two milliseconds per model and row; a forecast asks forty models about one row.
The packed form is QuickScorer's (Lucchese et al., SIGIR 2015): every inner node of every tree is compared at once; a
node that sends the row to the right rules out the leaves to its left, a bit mask; the lowest bit left is the leaf.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAVES_MAX = 8
_INNER_MAX = LEAVES_MAX - 1
_FIELDS = ("value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf", "is_categorical")
_LOWEST_BIT = np.array([(mask & -mask).bit_length() - 1 if mask else 0 for mask in range(256)], dtype=np.int64)


class TreeLayoutChanged(RuntimeError):
    """The installed scikit-learn keeps its trees in another form than the one that is packed here."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedTrees:
    """The trees of M models over one set of F features.

    ``thresholds`` (7, T), ``features`` (7, T), ``masks`` (7, T) describe the inner nodes; ``leaves`` (T, 8) the values;
    T = sum of trees over all models; model m owns the trees from ``starts[m]`` on; ``baselines`` has shape (M,).
    A feature index of F or above reads the row with NaN replaced by minus infinity: there, missing goes left.
    """

    thresholds: NDArray[np.float64]
    features: NDArray[np.int64]
    masks: NDArray[np.uint8]
    leaves: NDArray[np.float64]
    starts: NDArray[np.int64]
    baselines: NDArray[np.float64]

    def predict(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """Every model's answer to one row of shape (F,), NaN allowed; shape (M,)."""
        both = np.concatenate([row, np.where(np.isnan(row), -np.inf, row)])
        goes_left = both[self.features] <= self.thresholds
        open_leaves = np.bitwise_and.reduce(self.masks | (-goes_left.view(np.int8)).view(np.uint8), axis=0)
        values = self.leaves.ravel()[_LOWEST_BIT[open_leaves] + np.arange(0, self.leaves.size, LEAVES_MAX)]
        return np.add.reduceat(values, self.starts) + self.baselines


def pack(models: Sequence[tuple[Any, NDArray[np.int64]]], width: int) -> PackedTrees:
    """Pack fitted ``HistGradientBoostingRegressor`` models of at most 8 leaves per tree and no categories.

    Each comes with the columns (K,) of a row of ``width`` features that it was fitted on; one model may come several
    times, with other columns. Raises ``TreeLayoutChanged`` when the installed scikit-learn keeps its trees differently.
    """
    grown = [(*_trees_of(model), columns) for model, columns in models]
    counts = [len(trees) for trees, _, _ in grown]
    total = sum(counts)
    thresholds = np.full((_INNER_MAX, total), np.inf)
    index = np.full((_INNER_MAX, total), width, dtype=np.int64)
    masks = np.full((_INNER_MAX, total), 0xFF, dtype=np.uint8)
    leaves = np.zeros((total, LEAVES_MAX))
    tree = 0
    for trees, _, columns in grown:
        for nodes in trees:
            places = columns[nodes["feature_idx"]] + width * nodes["missing_go_to_left"]
            _pack_tree(nodes, places, thresholds[:, tree], index[:, tree], masks[:, tree], leaves[tree])
            tree += 1
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    return PackedTrees(thresholds, index, masks, leaves, starts, np.array([baseline for _, baseline, _ in grown]))


def _trees_of(model: Any) -> tuple[list[NDArray[Any]], float]:
    """A fitted model's trees as structured arrays, and the value they start from: all that is private is read here."""
    try:
        trees = [iteration[0].nodes for iteration in model._predictors]
        baseline = float(np.asarray(model._baseline_prediction).reshape(-1)[0])
    except (AttributeError, IndexError, TypeError) as cause:
        raise TreeLayoutChanged("scikit-learn no longer keeps its trees in _predictors[i][0].nodes") from cause
    for nodes in trees:
        missing = [name for name in _FIELDS if name not in (nodes.dtype.names or ())]
        if missing:
            raise TreeLayoutChanged(f"scikit-learn's tree nodes lack {', '.join(missing)}")
        if nodes["is_categorical"].any() or int(nodes["is_leaf"].sum()) > LEAVES_MAX:
            raise TreeLayoutChanged(f"only numeric trees of at most {LEAVES_MAX} leaves can be packed")
    return trees, baseline


def _pack_tree(
    nodes: NDArray[Any],
    places: NDArray[np.int64],
    thresholds: NDArray[np.float64],
    index: NDArray[np.int64],
    masks: NDArray[np.uint8],
    leaves: NDArray[np.float64],
) -> None:
    """Write one tree: its leaves from left to right, and per inner node which leaves stay open when going right."""
    inner = leaf = 0

    def write(at: int) -> int:
        """Write the subtree at node ``at``; the mask of its leaves."""
        nonlocal inner, leaf
        node = nodes[at]
        if node["is_leaf"]:
            leaves[leaf] = node["value"]
            leaf += 1
            return 1 << (leaf - 1)
        place, inner = inner, inner + 1
        left = write(int(node["left"]))
        right = write(int(node["right"]))
        thresholds[place] = node["num_threshold"]
        index[place] = places[at]
        masks[place] = 0xFF & ~left
        return left | right

    write(0)
