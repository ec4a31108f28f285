"""Training as one compiled function: many steps per call, many seeds at once."""

from lstm_jax.training.loop import Model, SeedState, Totals, Training
from lstm_jax.training.optimizers import OPTIMIZERS, SGD, Adam, Optimizer, RMSProp
from lstm_jax.training.parallel import Program, build_program, choose_mesh
from lstm_jax.training.settings import TrainSettings

__all__ = [
    "OPTIMIZERS",
    "SGD",
    "Adam",
    "Model",
    "Optimizer",
    "Program",
    "RMSProp",
    "SeedState",
    "Totals",
    "TrainSettings",
    "Training",
    "build_program",
    "choose_mesh",
]
