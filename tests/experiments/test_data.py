"""Tasks whose data is loaded, and those that need none."""

import dataclasses

from experiments.data import Source, loaded
from lstm_jax.tasks import Adding


@dataclasses.dataclass(frozen=True)
class Elsewhere(Source):
    length: int

    def load(self) -> Adding:
        return Adding("bai2018", self.length)


def test_a_source_is_loaded_and_a_task_is_one() -> None:
    task = Adding("bai2018", 30)
    assert loaded(Elsewhere(30)) == task
    assert loaded(task) is task
