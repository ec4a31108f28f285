"""The command line with one more task: adding, where one batch of one seed is not a number.

python -m tests.reliability.poisoned run CONFIG ...
"""

import dataclasses
import sys
from typing import Any

import jax
import jax.numpy as jnp

from lstm_jax.tasks import TASKS, Adding, Batch
from lstm_jax.training.loop import _stream


@dataclasses.dataclass(frozen=True)
class Poisoned(Adding):
    """Adding with bad numbers.

    Args:
        bad_seed: whose batches; -1 for those of all seeds.
        bad_step, bad_steps: the first of them, counted from zero, and how many; none by default.
    """

    bad_seed: int = -1
    bad_step: int = 0
    bad_steps: int = 0

    def batch(self, key: Any, step: Any, rows: Any) -> Batch:
        batch = super().batch(key, step, rows)
        theirs = jax.random.key_data(_stream(jnp.int32(max(self.bad_seed, 0)), "data"))
        bad = (jax.random.key_data(key) == theirs).all() | (self.bad_seed < 0)
        bad &= (step >= self.bad_step) & (step < self.bad_step + self.bad_steps)
        return batch._replace(inputs=jnp.where(bad, jnp.nan, batch.inputs))


if __name__ == "__main__":
    TASKS["poisoned"] = Poisoned  # before the configs' schema is made of them
    from experiments.__main__ import main

    sys.exit(main())
