"""Look inside: what gates, states and gradients do along a sequence, over any cell.

`traces` shows every step, `gate_statistics` gathers what units do without keeping the steps;
`gradient_flow` and `decay` tell how far back a gradient reaches, `state_jacobian` and
`lyapunov_spectrum` how the state stretches; `memory_curve` what of the past it still holds, and
`ablation` what each gate is worth. All of them take a `SequenceModel`, a `Stack`, a
`Bidirectional` or a cell, with regularisers off, and give an entry for each of its cells; the two
about Jacobians take one cell. They choose their own executor, as `executor="auto"`.
"""

from lstm_jax.diagnostics.ablation import Ablation, ablation
from lstm_jax.diagnostics.decay import Decay, decay
from lstm_jax.diagnostics.gradient import gradient_flow, last_scored
from lstm_jax.diagnostics.jacobians import lyapunov_spectrum, state_jacobian
from lstm_jax.diagnostics.memory import memory_curve, recall
from lstm_jax.diagnostics.statistics import Statistics, gate_statistics, statistics_of_model
from lstm_jax.diagnostics.subjects import cell_names
from lstm_jax.diagnostics.trace import traces

__all__ = [
    "Ablation",
    "Decay",
    "Statistics",
    "ablation",
    "cell_names",
    "decay",
    "gate_statistics",
    "gradient_flow",
    "last_scored",
    "lyapunov_spectrum",
    "memory_curve",
    "recall",
    "state_jacobian",
    "statistics_of_model",
    "traces",
]
