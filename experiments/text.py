"""Text in and out: the file a config names, which `lstm_jax` does not touch, and the sample that a
trained model writes.
"""

import dataclasses
from pathlib import Path
from pydoc_data.topics import topics
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from annotated_types import Gt

from experiments.data import Source
from lstm_jax.checks import Fraction, Size
from lstm_jax.layers import SequenceModel, generate
from lstm_jax.tasks import Text

PROMPT = 200
SAMPLE = 500
TEMPERATURE = 0.7
"""A sample is 500 characters after 200 of the text; probable characters are preferred a little."""


@dataclasses.dataclass(frozen=True)
class TextFile(Source):
    """Predict the next character of a text file.

    Args:
        file: a UTF-8 text; left out, the help topics of Python's standard library.
        window: characters per training step and stream, through which gradients flow.
        held_out: share of the text, at its end, that is kept out of training.
        target_bits: solved when the held-out text costs at most this many bits per character.
    """

    target_bits: Annotated[float, Gt(0.0)]
    file: str | None = None
    window: Size = 128
    held_out: Annotated[Fraction, Gt(0.0)] = 0.1

    def load(self) -> Text:
        """The task with its text; ValueError, naming the file, where it cannot serve."""
        name = "pydoc_data.topics" if self.file is None else repr(self.file)
        try:
            corpus = "".join(topics.values()) if self.file is None else read_text(self.file)
            return Text(corpus, self.window, self.held_out, self.target_bits)
        except ValueError as error:
            raise ValueError(f"task.file {name}: {error}") from None


def read_text(file: str) -> str:
    """The text of a file; ValueError where there is none."""
    try:
        text = Path(file).read_bytes().decode()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text: byte {error.start} cannot be decoded") from None
    if not text:
        raise ValueError("is empty")
    return text


def write_sample(task: Text, model: SequenceModel, params: Any, run: Path) -> str:
    """Let a model write on where its training text ends; saved as `sample.txt` and returned."""
    prompt = jnp.asarray(task.codes[max(0, task.cut - PROMPT) : task.cut])
    tokens = generate(model, params, prompt, SAMPLE, jax.random.key(0), TEMPERATURE)
    sample = task.decode(tokens)
    (run / "sample.txt").write_text(sample, encoding="utf-8")
    return sample
