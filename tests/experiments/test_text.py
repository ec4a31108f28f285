"""Text from files, with a sentence for each that cannot serve, and the sample a model writes."""

from pathlib import Path
from pydoc_data.topics import topics

import jax
import jax.numpy as jnp
import pytest

from experiments import text
from experiments.text import TextFile, read_text, write_sample
from lstm_jax import LSTM
from lstm_jax.layers import SequenceModel, SequenceModelParams, Stack
from lstm_jax.tasks import Text


def task_of(path: Path | None, **changes: float) -> Text:
    file = None if path is None else str(path)
    return TextFile(
        **{"target_bits": 2.0, "file": file, "window": 4, "held_out": 0.5} | changes
    ).load()


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Zeile 1\r\nnaïve – 数学\n\n".encode())
    assert task_of(path) == Text("Zeile 1\r\nnaïve – 数学\n\n", 4, 0.5, 2.0)


def test_without_a_file_the_text_is_that_of_the_standard_library() -> None:
    task = task_of(None, window=128, held_out=0.1)
    assert task.corpus == "".join(topics.values())
    assert len(task.corpus) > 400_000


@pytest.mark.parametrize(
    "content, complaint",
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b"abc\xff\xfe", "is not UTF-8 text: byte 3 cannot be decoded"),
        (b"abcdefgh", "the training part of the text has 4 characters; a window of 4 needs at"),
    ],
    ids=["missing", "empty", "latin", "short"],
)
def test_a_file_that_cannot_serve_is_named_in_a_sentence(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / "a.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=complaint) as caught:
        task_of(path)
    assert str(caught.value).startswith(f"task.file {str(path)!r}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_cannot_serve(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: Is a directory"):
        read_text(tmp_path)


def test_an_empty_name_is_not_taken_for_none() -> None:
    with pytest.raises(ValueError, match=r"task\.file"):
        TextFile(target_bits=2.0, file="").load()


def always(task: Text, token: int) -> tuple[SequenceModel, SequenceModelParams]:
    """A model, and parameters with which it writes one character for ever."""
    model = SequenceModel(Stack((LSTM(1),)), task.input_size, task.output_size, tokens=True)
    shapes = jax.eval_shape(model.init, jax.random.key(0))
    params = jax.tree.map(lambda shape: jnp.zeros(shape.shape), shapes)
    return model, params._replace(b_out=params.b_out.at[token].set(100.0))


def test_a_sample_is_what_the_model_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "SAMPLE", 7)
    task = Text("naïve – 数学 " * 3, 4, 0.5, 2.0)
    model, params = always(task, task.alphabet.index("数"))
    assert write_sample(task, model, params, tmp_path) == "数" * 7
    assert (tmp_path / "sample.txt").read_bytes().decode() == "数" * 7


def test_a_sample_follows_on_training_text_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = []

    def generate(model: object, params: object, prompt: jax.Array, *_: object) -> jax.Array:
        prompts.append(prompt.tolist())
        return prompt

    monkeypatch.setattr(text, "generate", generate)
    for repeats in (30, 3):
        task = Text("abcdefghijk" * repeats, 4, 0.5, 2.0)
        write_sample(task, None, None, tmp_path)
        before = task.corpus[: task.cut][-text.PROMPT :]
        assert prompts.pop() == [task.alphabet.index(character) for character in before]
