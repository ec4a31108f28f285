"""What a config says of a training run."""

import dataclasses
from typing import Annotated

from annotated_types import Ge, Le

from lstm_jax.checks import MAX, Settings, Size
from lstm_jax.training.nonfinite import Policy


@dataclasses.dataclass(frozen=True)
class TrainSettings(Settings):
    """How long, on how much at once, with how many seeds.

    Args:
        seeds: how many seeds train at once, numbered from `first_seed`.
        batch_size: sequences per step and seed.
        max_sequences: a seed that has not solved its task by then stops.
        log_every: steps to a line of metrics.
        shares: parts of each batch whose gradients are computed apart and averaged, which several
            devices can share; results depend on it, and not on the devices.
        side_by_side: seeds that run in lock-step on a device, which makes many seeds of a small
            model faster, and one alone slower; results depend on it by rounding. Left out, by the
            size of the model and the batch.
        on_nonfinite: what a seed does with a step whose loss, gradient or result is not finite:
            stop, skip the batch, or roll back to what it had learnt at the last line of metrics.
        online: whether an update follows every step of time at which a prediction counts, by
            real-time recurrent learning, rather than every batch.
        evaluate_every: steps between scores on test sequences, a multiple of `log_every`; without
            it only the end of the run is scored.
    """

    batch_size: Size
    max_sequences: Size
    log_every: Size
    seeds: Annotated[Size, Le(1_000_000)] = 1
    first_seed: Annotated[int, Ge(0), Le(MAX)] = 0
    shares: Size = 1
    side_by_side: Size | None = None
    on_nonfinite: Policy = "stop"
    online: bool = False
    evaluate_every: Size | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.evaluate_every is not None and self.evaluate_every % self.log_every:
            raise ValueError(
                f"evaluate_every={self.evaluate_every} must be a multiple of "
                f"log_every={self.log_every}"
            )
        if self.batch_size % self.shares:
            raise ValueError(
                f"shares={self.shares} must divide batch_size={self.batch_size} into equal parts"
            )
        if self.online and self.shares > 1:
            raise ValueError(
                f"shares={self.shares} but online is true; a batch that is learnt from step by "
                "step is not shared"
            )
        if self.seed_numbers[-1] > MAX:
            raise ValueError(f"the last seed is {self.seed_numbers[-1]}; it must be at most {MAX}")
        if self.max_sequences < self.batch_size:
            raise ValueError(
                f"max_sequences={self.max_sequences} must be at least batch_size={self.batch_size}"
            )

    @property
    def max_steps(self) -> int:
        """Training steps of a seed that never solves its task."""
        return self.max_sequences // self.batch_size

    @property
    def seed_numbers(self) -> range:
        """The seeds of the run."""
        return range(self.first_seed, self.first_seed + self.seeds)
