"""Trust: what came true decides who is believed, and widths follow coverage."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.conformal import AdaptiveWidth
from forecasting.trust import Trust, pinball

LEVELS = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
STEPS = np.array([1, 4])
SPREAD = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("error", "level", "loss"), [(2.0, 0.9, 1.8), (-2.0, 0.9, 0.2), (0.0, 0.9, 0.0), (-4.0, 0.5, 2.0), (4.0, 0.5, 2.0)]
)
def test_pinball(error: float, level: float, loss: float):
    assert pinball(np.array([error]), np.array([level]))[0] == pytest.approx(loss)


def run(biases: tuple[float, float, float], turns: int = 600, seed: int = 0) -> Trust:
    """Three experts, persistence first, each off by its bias; the truth is noise around 50 nodes."""
    trust = Trust(steps=STEPS, levels=LEVELS, step_s=300, experts=3)
    truth = 50.0 + np.random.default_rng(seed).normal(size=turns)
    for slot in range(turns):
        trust.score(slot, float(truth[slot]))
        experts = [np.tile(50.0 + bias + SPREAD, (STEPS.size, 1)) for bias in biases]
        trust.publish(slot, experts[0], np.stack(experts[1:]))
    return trust


@pytest.mark.parametrize(
    ("name", "biases", "best"),
    [("model better", (3.0, 0.0, 9.0), 1), ("other better", (3.0, 9.0, 0.0), 2), ("neither", (0.0, 3.0, 9.0), 0)],
)
def test_the_better_expert_gets_the_weight(name: str, biases: tuple[float, float, float], best: int):
    weights = run(biases).weights
    assert (weights[:, best] > 0.9).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    assert (weights >= 0).all()


def test_a_bad_model_costs_next_to_nothing():
    for score in run((0.0, 3.0, 9.0), turns=2000).skill():
        assert score.pinball <= 1.01 * score.pinball_persistence


def test_before_anything_came_true_the_weights_are_even():
    trust = Trust(steps=STEPS, levels=LEVELS, step_s=300, experts=3)
    np.testing.assert_allclose(trust.weights, 1 / 3)


def test_persistence_alone_is_published_as_it_is():
    trust = Trust(steps=STEPS, levels=LEVELS, step_s=300, experts=3)
    alone = np.tile(SPREAD + 5, (2, 1))
    np.testing.assert_array_equal(trust.publish(0, alone, None), alone)


def test_skill_counts_what_was_published():
    trust = Trust(steps=STEPS, levels=LEVELS, step_s=300, experts=3)
    alone = np.tile(SPREAD + 5, (2, 1))
    trust.publish(0, alone, None)
    trust.score(1, 6.0)
    trust.score(2, 6.0)  # nothing was forecast for this slot
    trust.score(4, 105.0)
    near, far = trust.skill()
    assert (near.horizon_s, near.scored, near.mae, near.coverage) == (300, 1, 1.0, 1.0)
    assert near.pinball == pytest.approx((0.05 * 3 + 0.25 * 2 + 0.5 + 0.0 + 0.05) / 5)
    assert (far.horizon_s, far.scored, far.mae, far.coverage) == (1200, 1, 100.0, 0.0)
    assert near.coverage_wanted == pytest.approx(0.9)
    assert near.pinball_skill == near.mae_skill == 0.0


def test_skill_before_anything_came_true_is_zero():
    score = Trust(steps=STEPS, levels=LEVELS, step_s=300).skill()[0]
    assert (score.scored, score.pinball_skill, score.mae_skill) == (0, 0.0, 0.0)


def covered(width: float, turns: int = 3000) -> float:
    """How often truth falls into the outermost levels in the end, of quantiles ``width`` times too wide."""
    adaptive = AdaptiveWidth(horizons=1, levels=LEVELS)
    right = np.array([[-1.645, -0.674, 0.0, 0.674, 1.645]])
    due = np.array([True])
    hits = 0
    for turn, truth in enumerate(np.random.default_rng(0).normal(size=2 * turns)):
        published = adaptive.apply(width * right)
        hits += bool(turn >= turns and published[0, 0] <= truth <= published[0, -1])
        adaptive.learn(published, float(truth), due)
    return hits / turns


@pytest.mark.parametrize("width", [0.75, 1.0, 1.4])
def test_widths_adapt_until_they_cover_what_they_promise(width: float):
    assert covered(width) == pytest.approx(0.9, abs=0.02)


def test_the_stretch_is_limited_and_the_median_stays():
    adaptive = AdaptiveWidth(horizons=1, levels=LEVELS)
    for _ in range(5000):
        adaptive.learn(np.tile(SPREAD, (1, 1)), 100.0, np.array([True]))
    assert adaptive.factors.max() == pytest.approx(1.5)
    assert adaptive.factors.min() >= 1 / 1.5 - 1e-12
    assert adaptive.apply(SPREAD[None] + 7)[0, 2] == 7.0
    assert (np.diff(adaptive.apply(SPREAD[None] + 7)) >= 0).all()


def test_horizons_that_are_not_due_do_not_learn():
    adaptive = AdaptiveWidth(horizons=2, levels=LEVELS)
    adaptive.learn(np.tile(SPREAD, (2, 1)), 100.0, np.array([True, False]))
    assert (adaptive.factors[1] == 1.0).all()
    assert (adaptive.factors[0] != 1.0).any()
