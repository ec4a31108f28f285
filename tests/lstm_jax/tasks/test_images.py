"""Images as sequences: every pixel once and in its place, and none of a test image in training."""

import collections
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks import Batch, HeldOut, Images
from lstm_jax.tasks.images import LabelledImages
from tests.lstm_jax.tasks.odds import assert_distributed, draw, even, grade
from tests.lstm_jax.tasks.pictures import CLASSES, drawn

IMAGES = drawn(90, 3, 4)
PIXELS, LABELS = IMAGES.pixels, IMAGES.labels
ORDERS = ("rows", "pixels", "permuted")
COUNT = 3000


@functools.cache
def task_of(order: str) -> Images:
    return Images(order, held_out=0.3, images=IMAGES)


def split(labels: np.ndarray, share: float) -> tuple[list[int], list[int]]:
    """The places to train on and those held out, by counting each class down from its end."""
    ahead = collections.Counter(labels.tolist())
    training = {label: int(count * (1 - share)) for label, count in ahead.items()}
    seen: collections.Counter[int] = collections.Counter()
    parts: tuple[list[int], list[int]] = ([], [])
    for place, label in enumerate(labels.tolist()):
        parts[seen[label] >= training[label]].append(place)
        seen[label] += 1
    return parts


TRAINING, TESTING = split(LABELS, 0.3)


def as_tested(task: Images, rows: int) -> Batch:
    batch = jax.jit(task.test_batch)(jax.random.key(7), jnp.int32(2), jnp.arange(rows))
    return jax.tree.map(np.asarray, batch)


def test_rows_come_from_the_top() -> None:
    batch = as_tested(task_of("rows"), len(TESTING))
    assert batch.inputs.shape == (3, len(TESTING), 4)
    for row, place in enumerate(TESTING):
        for step in range(3):
            assert batch.inputs[step, row].tolist() == PIXELS[place, step].tolist()


def test_pixels_come_row_by_row() -> None:
    batch = as_tested(task_of("pixels"), len(TESTING))
    assert batch.inputs.shape == (12, len(TESTING), 1)
    for row, place in enumerate(TESTING):
        expected = [PIXELS[place, step // 4, step % 4] for step in range(12)]
        assert batch.inputs[:, row, 0].tolist() == expected


def test_permuted_pixels_are_in_one_order_for_all_images() -> None:
    plain, permuted = (
        as_tested(task_of(order), len(TESTING)).inputs[..., 0] for order in ORDERS[1:]
    )
    order = [plain[:, 0].tolist().index(pixel) for pixel in permuted[:, 0].tolist()]
    assert sorted(order) == [*range(12)]
    assert order != [*range(12)]
    assert (plain[order] == permuted).all()


def test_an_order_is_that_of_its_seed() -> None:
    """The numbers are NumPy's for ever, so that a run of today is compared with one of then."""
    counted = np.tile(np.arange(64, dtype=np.float32).reshape(8, 8), (2, 1, 1))
    images = LabelledImages(counted, np.int32([0, 0]))
    for seed, expected in [(0, [45, 29, 43, 61, 34, 33]), (1, [24, 39, 52, 27, 44, 2])]:
        task = Images("permuted", seed, held_out=0.5, images=images)
        assert task.steps[0, :6, 0].tolist() == expected


@pytest.mark.parametrize("order", ORDERS)
def test_the_class_is_asked_for_at_the_last_step(order: str) -> None:
    batch = as_tested(task_of(order), len(TESTING))
    assert batch.lengths is None
    assert (batch.weights[:-1] == 0).all()
    assert (batch.weights[-1] == 1).all()
    assert batch.targets[-1].tolist() == LABELS[TESTING].tolist()


def test_the_last_images_of_every_class_are_held_out() -> None:
    task = task_of("rows")
    assert task.training.tolist() == TRAINING
    assert task.testing.tolist() == TESTING
    assert task.test_size == len(TESTING)
    assert sorted([*TRAINING, *TESTING]) == [*range(90)]
    for label in range(CLASSES):
        held_out = (LABELS[TESTING] == label).mean()
        assert held_out == pytest.approx((label == LABELS).mean(), abs=0.03)


def test_training_draws_its_images_evenly_and_never_a_held_out_one() -> None:
    batch = draw(task_of("rows"), COUNT)
    place = {PIXELS[n].tobytes(): n for n in range(90)}
    inputs = np.ascontiguousarray(batch.inputs.swapaxes(0, 1))
    found = [place[image.tobytes()] for image in inputs]
    assert_distributed(collections.Counter(found), even(TRAINING))
    assert (batch.targets[-1] == LABELS[found]).all()


def test_rows_beyond_the_last_test_image_repeat_it() -> None:
    batch = as_tested(task_of("rows"), len(TESTING) + 3)
    assert (batch.inputs[:, -3:] == PIXELS[TESTING[-1]][:, None]).all()


def test_chance_names_the_commonest_class_of_training() -> None:
    (commonest, _), *_ = collections.Counter(LABELS[TRAINING].tolist()).most_common()
    wrong = [label != commonest for label in LABELS[TESTING].tolist()]
    assert task_of("rows").chance == pytest.approx(sum(wrong) / len(wrong))


def test_scores_are_those_of_the_last_step_alone() -> None:
    task = task_of("rows")
    batch = jax.tree.map(jnp.asarray, as_tested(task, 4))
    right = np.eye(CLASSES, dtype=np.float32)[LABELS[TESTING[:4]]]
    wrong = np.roll(right, 1, axis=-1)
    outputs = np.random.default_rng(0).normal(size=(3, 4, CLASSES)).astype(np.float32)
    outputs[-1] = 3 * right
    outputs[-1, 2] = 3 * wrong[2]
    scores = grade(task, jnp.asarray(outputs), batch)
    assert scores.correct.tolist() == [True, True, False, True]
    assert scores.error.tolist() == [0, 0, 1, 0]
    shared = np.log(np.exp(3.0) + CLASSES - 1)
    np.testing.assert_allclose(scores.loss, shared - np.array([3, 3, 0, 3]), rtol=1e-5)


def test_sizes_and_the_criterion() -> None:
    assert [task_of(order).input_size for order in ORDERS] == [4, 1, 1]
    assert [task_of(order).lag for order in ORDERS] == [3, 12, 12]
    assert task_of("rows").answers == ["0", "1", "2", "3", "4"]
    assert Images("rows", max_error=0.1, images=IMAGES).criterion == HeldOut(0.1)


def test_images_are_known_by_all_their_numbers() -> None:
    other = PIXELS.copy()
    other[5, 1, 2] += 0.25
    relabelled = np.roll(LABELS, 1)
    assert LabelledImages(PIXELS.copy(), LABELS.copy()) == IMAGES
    assert hash(LabelledImages(PIXELS.copy(), LABELS.copy())) == hash(IMAGES)
    transposed = LabelledImages(PIXELS.reshape(90, 4, 3), LABELS)
    for changed in (LabelledImages(other, LABELS), LabelledImages(PIXELS, relabelled), transposed):
        assert changed != IMAGES
        assert changed.data != IMAGES.data
    assert Images("rows", images=IMAGES).data == IMAGES.data
    assert "90 images of 3 x 4" in str(Images("rows", images=IMAGES))


@pytest.mark.usefixtures("bad_input")
@pytest.mark.parametrize(
    "pixels, labels, complaint",
    [
        (PIXELS[0], LABELS, r"\(N, H, W\) and their labels \(N,\), got \(3, 4\) and \(90,\)"),
        (PIXELS, LABELS[1:], r"got \(90, 3, 4\) and \(89,\)"),
        (PIXELS[:0], LABELS[:0], "there must be images, labelled from 0, got 0 images of 3 x 4"),
        (PIXELS[:2], np.int32([1, -1]), "labelled from 0, got the label -1"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(
    pixels: np.ndarray, labels: np.ndarray, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        LabelledImages(pixels, labels)


@pytest.mark.parametrize(
    "labels, held_out, complaint",
    [
        ([0, 0, 1, 1, 1], 0.6, "held_out=0.6 leaves class 0 without a training image of its 2"),
        ([0, 0, 2, 2], 0.5, "held_out=0.5 leaves class 1 without a training image of its 0"),
    ],
)
def test_a_class_needs_images_on_both_sides(
    labels: list[int], held_out: float, complaint: str
) -> None:
    images = LabelledImages(PIXELS[: len(labels)], np.int32(labels))
    with pytest.raises(ValueError, match=complaint):
        Images("rows", held_out=held_out, images=images)
