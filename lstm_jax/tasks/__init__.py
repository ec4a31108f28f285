"""Problems with long dependencies, one file a family: pure samplers with their scores."""

from lstm_jax.tasks.adding import Adding
from lstm_jax.tasks.base import Batch, HeldOut, SampledTask, Scores, Task, Window
from lstm_jax.tasks.copying import Copying
from lstm_jax.tasks.text import Text

TASKS: dict[str, type[Task]] = {"adding": Adding, "copying": Copying, "text": Text}
"""Every task by the name that configs use."""

__all__ = [
    "TASKS",
    "Adding",
    "Batch",
    "Copying",
    "HeldOut",
    "SampledTask",
    "Scores",
    "Task",
    "Text",
    "Window",
]
