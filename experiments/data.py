"""Tasks whose data `lstm_jax` does not touch: what a config says of one, and how it is loaded."""

import abc
import dataclasses

from lstm_jax.checks import Settings
from lstm_jax.tasks import Task


@dataclasses.dataclass(frozen=True)
class Source(Settings, abc.ABC):
    """A task without its data; its fields are what a config may say of it."""

    @abc.abstractmethod
    def load(self) -> Task:
        """The task with its data; ValueError, in a sentence, for data that cannot serve."""


def loaded(task: Task | Source) -> Task:
    """The task with its data; ValueError for data that cannot serve."""
    return task.load() if isinstance(task, Source) else task
