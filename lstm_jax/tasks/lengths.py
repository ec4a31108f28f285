"""The lengths of Hochreiter & Schmidhuber 1997, experiments 3 to 6: U[T, 1.1 T]."""

from lstm_jax.tasks.base import SampledTask


def longest(length: int) -> int:
    """1.1 T, in whole steps.

    >>> longest(100), longest(105)
    (110, 115)
    """
    return length * 11 // 10


class UnevenTask(SampledTask):
    """Sequences of such lengths, of which the last step asks for something in the first ones."""

    length: int
    """T, the shortest length in steps."""

    @property
    def max_length(self) -> int:
        """The longest sequence, in steps."""
        return longest(self.length)

    @property
    def lag(self) -> int:
        return self.max_length
