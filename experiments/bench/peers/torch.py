"""`torch.nn.LSTM`: on the CPU with a thread for every core, on an NVIDIA GPU by cuDNN."""

import functools
from typing import Any

import jax
import numpy as np
import torch

from experiments.bench.entry import Entry
from experiments.bench.peers import Unavailable
from experiments.bench.problem import Problem
from experiments.run.environment import cores
from lstm_jax.interop import to_torch

DEVICE = "cuda" if jax.default_backend() == "gpu" else "cpu"

if DEVICE == "cuda" and not torch.cuda.is_available():
    raise Unavailable("this torch has no CUDA; install one that has, or leave torch out")


def entries(name: str, problem: Problem, devices: list[jax.Device]) -> list[Entry]:
    """The layer, on the kind of device that JAX runs on."""
    use_all_cores()
    write = functools.partial(to_torch, problem.cell)
    module = torch.nn.LSTM(problem.xs.shape[-1], problem.cell.hidden_size)
    module.load_state_dict({key: torch.tensor(a) for key, a in write(problem.params).items()})
    module = module.to(DEVICE)
    xs, weights = (torch.tensor(a, device=DEVICE) for a in (problem.xs, problem.weights))

    def forward() -> Any:
        with torch.no_grad():
            ys = module(xs)[0]
        finish()
        return ys

    def gradient() -> Any:
        module.zero_grad()
        (module(xs)[0] * weights).sum().backward()
        finish()
        return {key: leaf.grad for key, leaf in module.named_parameters()}

    def by_name(gradient: Any) -> dict[str, np.ndarray]:
        return {key: leaf.cpu().numpy() for key, leaf in gradient.items()}

    return [
        Entry(
            name="torch.nn.LSTM",
            peer=name,
            runs_on="cuDNN" if DEVICE == "cuda" else f"{torch.get_num_threads()} threads",
            sharded=False,
            forward=forward,
            gradient=gradient,
            outputs=lambda ys: ys.cpu().numpy(),
            by_name=by_name,
            write=write,
        )
    ]


def use_all_cores() -> None:
    """Give torch a thread for every core."""
    torch.set_num_threads(cores())


def finish() -> None:
    """Wait until the numbers are there."""
    if DEVICE == "cuda":
        torch.cuda.synchronize()
