"""Optimisers as settings: each is the optax transformation it names, with the stated schedule."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lstm_jax.training import OPTIMIZERS, SGD, Adam, Optimizer, RMSProp

STEPS = 12
RATE = 0.05


def walk(transformation: optax.GradientTransformation) -> np.ndarray:
    return np.asarray(jax.jit(lambda: path(transformation))())


def path(transformation: optax.GradientTransformation) -> jax.Array:
    """Where random gradients, now small and now large, lead parameters of order 1."""
    gradients = jax.random.normal(jax.random.key(1), (STEPS, 3))
    gradients *= jnp.where(jnp.arange(STEPS) % 3 == 0, 10.0, 0.5)[:, None]
    start = jax.random.normal(jax.random.key(2), (3,))

    def step(carry: tuple, gradient: jax.Array) -> tuple[tuple, jax.Array]:
        params, state = carry
        updates, state = transformation.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        return (params, state), params

    return jax.lax.scan(step, (start, transformation.init(start)), gradients)[1]


@pytest.mark.parametrize(
    "settings, meant",
    [
        (Adam(RATE), optax.adam(RATE, b1=0.9, b2=0.999)),
        (Adam(RATE, b1=0.5, b2=0.9), optax.adam(RATE, b1=0.5, b2=0.9)),
        (Adam(RATE, weight_decay=0.1), optax.adamw(RATE, weight_decay=0.1)),
        (RMSProp(RATE), optax.rmsprop(RATE, decay=0.9)),
        (RMSProp(RATE, decay=0.5, momentum=0.8), optax.rmsprop(RATE, decay=0.5, momentum=0.8)),
        (SGD(RATE), optax.sgd(RATE)),
        (SGD(RATE, momentum=0.9), optax.sgd(RATE, momentum=0.9)),
        (
            SGD(RATE, momentum=0.9, clip_norm=1.0),
            optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(RATE, momentum=0.9)),
        ),
    ],
    ids=lambda value: repr(value) if isinstance(value, Optimizer) else "optax",
)
def test_each_is_the_transformation_it_names(
    settings: Optimizer, meant: optax.GradientTransformation
) -> None:
    built = settings.build(STEPS)(settings.learning_rate)
    np.testing.assert_allclose(walk(built), walk(meant), rtol=1e-6)


@pytest.mark.few(4)
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_rate_it_is_built_for_counts_not_the_one_in_the_settings(
    name: str, schedule: str
) -> None:
    """Where it is traced, too: one compiled step serves members of several rates."""
    settings = {"schedule": schedule, "warmup_steps": 2, "clip_norm": 2.0}
    build = OPTIMIZERS[name](RATE, **settings).build(STEPS)
    rates = jnp.array([RATE, 4 * RATE])
    found = jax.vmap(lambda rate: path(build(rate)))(rates)
    for rate, each in zip((RATE, 4 * RATE), found, strict=True):
        meant = OPTIMIZERS[name](rate, **settings).build(STEPS)(rate)
        np.testing.assert_allclose(each, walk(meant), rtol=1e-5, atol=1e-6)
    assert np.abs(found[0] - found[1]).max() > RATE


def test_the_norm_that_is_clipped_is_that_of_all_parameters() -> None:
    """As the tree of parameters is one vector to all that follows."""
    gradient = {"a": jnp.full((2, 2), 3.0), "b": jnp.array([8.0])}  # of length 10
    transformation = SGD(1.0, clip_norm=5.0).build(STEPS)(1.0)
    update, _ = transformation.update(gradient, transformation.init(gradient), gradient)
    np.testing.assert_allclose(update["a"], np.full((2, 2), -1.5), rtol=1e-6)
    np.testing.assert_allclose(update["b"], [-4.0], rtol=1e-6)


def test_one_vector_holds_the_moments_of_all_parameters() -> None:
    params = {"a": jnp.ones((2, 3)), "b": jnp.ones(4)}
    state = jax.eval_shape(Adam(RATE).build(STEPS)(RATE).init, params)
    shapes = [leaf.shape for leaf in jax.tree.leaves(state) if leaf.ndim]
    assert shapes == [(10,), (10,)]


def rates(settings: Optimizer, total: int, steps: int) -> np.ndarray:
    """The learning rate of each step: how far SGD moves along a gradient of 1."""
    transformation = settings.build(total)(settings.learning_rate)

    def step(state: optax.OptState, _: None) -> tuple[optax.OptState, jax.Array]:
        update, state = transformation.update(jnp.float32(1.0), state, jnp.float32(0.0))
        return state, -update

    run = jax.jit(lambda state: jax.lax.scan(step, state, length=steps)[1])
    return np.asarray(run(transformation.init(jnp.float32(0.0))))


@pytest.mark.parametrize("warmup", [0, 4])
@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_the_rate_grows_then_falls_to_zero_with_the_last_step(schedule: str, warmup: int) -> None:
    total = 14
    actual = rates(SGD(RATE, schedule=schedule, warmup_steps=warmup), total, steps=total + 1)
    rising = [RATE * step / warmup for step in range(warmup)]
    done = np.arange(total + 1 - warmup) / (total - warmup)
    falling = {
        "constant": np.ones_like(done),
        "linear": 1 - done,
        "cosine": (1 + np.cos(np.pi * done)) / 2,
    }[schedule]
    np.testing.assert_allclose(actual, [*rising, *(RATE * falling)], rtol=1e-5, atol=1e-8)


def test_the_longest_warm_up_leaves_one_step_at_the_full_rate() -> None:
    actual = rates(SGD(RATE, schedule="linear", warmup_steps=4), total=5, steps=5)
    np.testing.assert_allclose(actual, RATE * np.arange(5) / 4, rtol=1e-6)


def test_a_warm_up_as_long_as_the_run_is_refused() -> None:
    with pytest.raises(ValueError, match=r"warmup_steps=5 must be below the run's 5 steps"):
        Adam(RATE, warmup_steps=5).build(5)


@pytest.mark.parametrize(
    "settings, value, complaint",
    [
        (Adam, {"learning_rate": 0.0}, "Adam.learning_rate must be above 0"),
        (SGD, {"learning_rate": -1.0}, "SGD.learning_rate must be above"),
        (SGD, {"momentum": 1.0}, "SGD.momentum must be below 1.0, got 1.0"),
        (RMSProp, {"clip_norm": 0.0}, "RMSProp.clip_norm must be above"),
        (Adam, {"schedule": "cosin"}, "Adam.schedule is 'cosin'; did you mean 'cosine'?"),
        (Adam, {"warmup_steps": -1}, "Adam.warmup_steps must be at least 0"),
        (Adam, {"weight_decay": -0.1}, "Adam.weight_decay must be at least 0"),
    ],
)
def test_bad_settings_are_named(settings: type, value: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        settings(**{"learning_rate": RATE} | value)


def test_every_optimizer_is_tested_here() -> None:
    assert set(OPTIMIZERS.values()) == {Adam, RMSProp, SGD}
