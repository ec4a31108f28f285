"""Training as one compiled function: many steps per call, many seeds at once."""

from lstm_jax.training.examine import first_bad
from lstm_jax.training.lanes import Lanes
from lstm_jax.training.loop import Member, Model, SeedState, Totals, Training
from lstm_jax.training.nonfinite import MAX_IN_A_ROW
from lstm_jax.training.optimizers import OPTIMIZERS, SGD, Adam, Optimizer, RMSProp
from lstm_jax.training.parallel import (
    Program,
    Standing,
    build_program,
    choose_mesh,
    group_width,
    members,
    together,
)
from lstm_jax.training.settings import TrainSettings

__all__ = [
    "MAX_IN_A_ROW",
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "Lanes",
    "Member",
    "Model",
    "Optimizer",
    "Program",
    "RMSProp",
    "SeedState",
    "Standing",
    "Totals",
    "TrainSettings",
    "Training",
    "build_program",
    "choose_mesh",
    "first_bad",
    "group_width",
    "members",
    "together",
]
