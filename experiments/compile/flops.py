"""The floating-point operations of a program's matrix products, each as often as it is made.

XLA's own cost analysis counts the body of a loop once, however often it runs, and so leaves out
nearly all of a recurrent network. A scan and the grid of a Pallas kernel tell how often they
run, and a kernel that gives an estimate of its cost is taken at its word. A `while` loop does not
tell: of a training loop, one step is counted. Products that a cell writes as sums count as well.
"""

import math
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn
from jax.interpreters.partial_eval import dce_jaxpr

from lstm_jax.cells.base import AS_SUMS


def matmul_flops(jaxpr: ClosedJaxpr | Jaxpr) -> int:
    """Two for each multiplication and addition, on one device; of branches, the dearest.

    What nothing is made of is left out, as XLA leaves it out.

    >>> step = lambda h, x: (h @ jax.numpy.ones((4, 4)), None)
    >>> run = lambda h: jax.lax.scan(step, h, length=10)
    >>> matmul_flops(jax.make_jaxpr(run)(jax.numpy.ones((3, 4))))  # 10 times 2 * 3 * 4 * 4
    960
    """
    whole: Any = getattr(jaxpr, "jaxpr", jaxpr)
    used, _ = dce_jaxpr(whole, [True] * len(whole.outvars))
    return sum(_flops(equation) for equation in used.eqns)


def _flops(equation: JaxprEqn) -> int:
    params = equation.params
    inputs: list[Any] = [variable.aval for variable in equation.invars]
    outputs: list[Any] = [variable.aval for variable in equation.outvars]
    match equation.primitive.name:
        case "dot_general":
            (contracted, _), _ = params["dimension_numbers"]
            terms = math.prod(inputs[0].shape[axis] for axis in contracted)
            return 2 * terms * math.prod(outputs[0].shape)
        case "mul" if AS_SUMS in str(equation.source_info.name_stack):
            return 2 * math.prod(outputs[0].shape)
        case "cond":
            return max(map(matmul_flops, params["branches"]))
        case "scan":
            return params["length"] * matmul_flops(params["jaxpr"])
        case "pallas_call" if params["cost_estimate"] is not None:
            return params["cost_estimate"].flops
        case "pallas_call":
            return math.prod(params["grid_mapping"].grid) * matmul_flops(params["jaxpr"])
        case "rnn_fwd":
            return _of_cudnn(inputs[0], inputs[3], params)
        case "rnn_bwd":  # a product for the inputs and one for the weights
            return 2 * _of_cudnn(inputs[3], inputs[6], params)
        case _:
            return sum(map(matmul_flops, _within(params)))


def _of_cudnn(xs: Any, packed: Any, params: dict[str, Any]) -> int:
    """Forwards, of `jax.experimental.rnn`: each weight that is no bias, for each (B, T)."""
    layers = params["num_layers"] * (1 + params["bidirectional"])
    weights = packed.size - layers * 8 * params["hidden_size"]
    return 2 * math.prod(xs.shape[:2]) * weights


def _within(params: dict[str, Any]) -> list[ClosedJaxpr | Jaxpr]:
    def is_program(leaf: Any) -> bool:
        return isinstance(leaf, ClosedJaxpr | Jaxpr)

    return [leaf for leaf in jax.tree.leaves(params, is_leaf=is_program) if is_program(leaf)]
