"""What a config says of a training run: steps, seeds, and contradictions refused."""

from typing import Any

import pytest

from lstm_jax.training import TrainSettings


def settings(**changes: Any) -> TrainSettings:
    return TrainSettings(**{"batch_size": 8, "max_sequences": 100, "log_every": 5, **changes})


def test_steps_are_whole_batches_within_the_sequences() -> None:
    assert settings().max_steps == 12
    assert settings(max_sequences=8).max_steps == 1


def test_seeds_are_numbered_from_the_first() -> None:
    assert list(settings().seed_numbers) == [0]
    assert list(settings(seeds=3, first_seed=7).seed_numbers) == [7, 8, 9]


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"max_sequences": 7}, "max_sequences=7 must be at least batch_size=8"),
        ({"evaluate_every": 7}, "evaluate_every=7 must be a multiple of log_every=5"),
        ({"evaluate_every": 4}, "evaluate_every=4 must be a multiple of log_every=5"),
        ({"seeds": 0}, "TrainSettings.seeds must be at least 1, got 0"),
        ({"log_every": 0}, "TrainSettings.log_every must be at least 1, got 0"),
        ({"first_seed": -1}, "TrainSettings.first_seed must be at least 0, got -1"),
        ({"first_seed": 2**31}, "TrainSettings.first_seed must be at most"),
        ({"max_sequences": 2**31}, "TrainSettings.max_sequences must be at most 2147483647"),
        ({"shares": 3}, "shares=3 must divide batch_size=8 into equal parts"),
        ({"shares": 16}, "shares=16 must divide batch_size=8 into equal parts"),
        ({"shares": 2, "online": True}, "shares=2 but online is true"),
        ({"shares": 0}, "TrainSettings.shares must be at least 1, got 0"),
        ({"side_by_side": 0}, "TrainSettings.side_by_side must be at least 1, got 0"),
        ({"on_nonfinite": "skp"}, "TrainSettings.on_nonfinite is 'skp'; did you mean 'skip'"),
    ],
)
def test_bad_settings_are_named(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        settings(**changes)


def test_scores_every_call_or_every_few() -> None:
    assert settings(evaluate_every=5).evaluate_every == 5
    assert settings(evaluate_every=15).evaluate_every == 15


def test_no_seed_is_beyond_what_a_key_is_made_of() -> None:
    with pytest.raises(ValueError, match="seed"):
        settings(first_seed=2**31 - 1, seeds=2)
    assert settings(first_seed=2**31 - 2, seeds=2).seed_numbers[-1] == 2**31 - 1


def test_what_is_left_out_shares_nothing_and_stops_at_bad_numbers() -> None:
    left_out = settings()
    assert (left_out.shares, left_out.side_by_side, left_out.on_nonfinite) == (1, None, "stop")


@pytest.mark.parametrize("shares", [1, 2, 4, 8])
def test_shares_are_equal_parts_of_a_batch(shares: int) -> None:
    assert settings(shares=shares).shares == shares
