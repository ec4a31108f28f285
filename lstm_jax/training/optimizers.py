"""Optimisers as settings: what a config says of them, and the optax chain it means."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Literal

import optax
from annotated_types import Ge, Gt

from lstm_jax.checks import Fraction, Settings


@dataclasses.dataclass(frozen=True)
class Optimizer(Settings, abc.ABC):
    """What all optimisers share.

    Args:
        learning_rate: its highest value.
        schedule: from the highest value to zero at the last step, along a line or half a cosine,
            or constant.
        warmup_steps: steps of linear growth from zero before that.
        clip_norm: gradients longer than this are scaled back to it; without one none are.
    """

    learning_rate: Annotated[float, Gt(0.0)]
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: Annotated[int, Ge(0)] = 0
    clip_norm: Annotated[float, Gt(0.0)] | None = None

    @abc.abstractmethod
    def update(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        """The optax transformation, without clipping."""

    def build(self, total_steps: int) -> Callable[[Any], optax.GradientTransformation]:
        """The whole chain for a run of `total_steps`, as a function of the highest learning rate.

        Raises ValueError if the warm-up is longer than the run.
        """
        if self.warmup_steps >= total_steps:
            raise ValueError(
                f"warmup_steps={self.warmup_steps} must be below the run's {total_steps} steps"
            )

        def chain(learning_rate: Any) -> optax.GradientTransformation:
            clip = [] if self.clip_norm is None else [optax.clip_by_global_norm(self.clip_norm)]
            update = self.update(self._scheduled(learning_rate, total_steps))
            # flat: XLA rounds Adam's division of one array alike with one partition and several
            return optax.flatten(optax.chain(*clip, update))

        return chain

    def _scheduled(self, highest: Any, total_steps: int) -> optax.Schedule:
        decay_steps = total_steps - self.warmup_steps
        rate = {
            "constant": optax.constant_schedule(highest),
            "linear": optax.linear_schedule(highest, 0.0, decay_steps),
            "cosine": optax.cosine_decay_schedule(highest, decay_steps),
        }[self.schedule]
        if not self.warmup_steps:
            return rate
        warmup = optax.linear_schedule(0.0, highest, self.warmup_steps)
        return optax.join_schedules([warmup, rate], [self.warmup_steps])


@dataclasses.dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015); with weight decay, AdamW (Loshchilov & Hutter 2019)."""

    b1: Fraction = 0.9
    b2: Fraction = 0.999
    weight_decay: Annotated[float, Ge(0.0)] = 0.0

    def update(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        return optax.adamw(learning_rate, self.b1, self.b2, weight_decay=self.weight_decay)


@dataclasses.dataclass(frozen=True)
class RMSProp(Optimizer):
    """RMSProp (Tieleman & Hinton 2012)."""

    decay: Fraction = 0.9
    momentum: Fraction = 0.0

    def update(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        return optax.rmsprop(learning_rate, self.decay, momentum=self.momentum)


@dataclasses.dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if asked."""

    momentum: Fraction = 0.0

    def update(self, learning_rate: optax.Schedule) -> optax.GradientTransformation:
        return optax.sgd(learning_rate, self.momentum)


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSProp, "sgd": SGD}
"""Every optimiser by the name that configs use."""
