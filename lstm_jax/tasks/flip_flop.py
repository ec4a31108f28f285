"""The flip-flop language: a single bit that is written, read, and not to be disturbed.

    input    w  1  i  0  i  1  r  1  w  0  i  1  r  0
    answer                     1                 0

Instructions and bits take turns: w writes the bit behind it, r reads the bit that was last written,
i is to be ignored with its bit. The first instruction is w, the last is r.

Source: Liu et al. 2023, Exposing Attention Glitches with Flip-Flop Language Modeling.
"""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Le
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lstm_jax.checks import MAX, Fraction
from lstm_jax.tasks.base import Batch, HeldOut, SampledTask, Scores, Written
from lstm_jax.tasks.draws import integers
from lstm_jax.tasks.scores import cross_entropy, is_wrong, share_wrong

SYMBOLS = "01wri"
WRITE, READ, IGNORE = 2, 3, 4


@dataclasses.dataclass(frozen=True)
class FlipFlop(Written, SampledTask):
    """Give the bit that was last written, whatever has come in between.

    Args:
        length: steps of a sequence, an even number; 512 in the paper.
        ignore: how often an instruction of a training sequence is to be ignored; the others are w
            as often as r. 0.8 in the paper.
        test_ignore: the same of test sequences; 0.98 (sparse) and 0.1 (dense) in the paper.

    Only the bits that are read count, in the loss too; that the paper trains in this way as well as
    on every token is from memory. Solved when no bit of the test sequences is misread; the paper
    states no criterion, but that its LSTMs err nowhere.

    >>> task = FlipFlop(length=14)
    >>> batch = task.sample(jax.random.key(3), 1)
    >>> "".join(task.symbols[s] for s in batch.inputs[:, 0])
    'w1i0i1r1i1i0r1'
    """

    length: Annotated[int, Ge(4), Le(MAX)] = 512
    ignore: Fraction = 0.8
    test_ignore: Fraction = 0.98

    error_name = "share of reads wrong"
    chance = 0.5
    criterion = HeldOut(max_error=0.0)
    symbols = SYMBOLS
    answers = SYMBOLS[:2]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.length % 2:
            raise ValueError(f"length={self.length} must be even, as each instruction has its bit")

    @property
    def lag(self) -> int:
        return self.length - 2

    def sequence(self, key: PRNGKeyArray) -> Batch:
        key_instructions, key_bits = jax.random.split(key)
        count = self.length // 2
        drawn = jax.random.uniform(key_instructions, (count,))
        used = jnp.where(drawn < (1 + self.ignore) / 2, WRITE, READ)
        instructions = (
            jnp.where(drawn < self.ignore, IGNORE, used).at[0].set(WRITE).at[-1].set(READ)
        )
        bits = integers(key_bits, [2] * count)
        writes = jnp.where(instructions == WRITE, jnp.arange(count), -1)
        reads = instructions == READ
        bits = jnp.where(reads, bits[jax.lax.cummax(writes)], bits)
        nothing = jnp.zeros(count, jnp.int32)
        return Batch(
            inputs=jnp.stack([instructions, bits], axis=1).ravel(),
            targets=jnp.stack([jnp.where(reads, bits, 0), nothing], axis=1).ravel(),
            weights=jnp.stack([reads, jnp.zeros(count, bool)], axis=1).ravel().astype(jnp.float32),
            lengths=None,
        )

    def test_batch(self, key: PRNGKeyArray, step: Int[Array, ""], rows: Int[Array, " B"]) -> Batch:
        """With instructions of the test's distribution."""
        return dataclasses.replace(self, ignore=self.test_ignore).batch(key, step, rows)

    def score(self, outputs: Float[Array, "T B O"], batch: Batch) -> Scores:
        return share_wrong(cross_entropy(outputs, batch), is_wrong(outputs, batch), batch.weights)
