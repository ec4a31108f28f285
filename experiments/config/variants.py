"""Variants: settings in which the members of one compiled program may differ.

    variants:
      - {optimizer.learning_rate: 1e-3}
      - {optimizer.learning_rate: 3e-3, model.bias: {name: forget, value: 2.0}}

Every variant stands for a whole config, the one around it with the variant's keys laid over it.
"""

import difflib
from typing import Any

from experiments.config.laid_over import Keys, List, check_with
from experiments.config.models import Check

NAME = "variants"
MAY_VARY = (
    "optimizer.learning_rate",
    "train.first_seed",
    *("model.bias", "model.input_bias", "model.forget_bias", "model.output_bias"),
)
"""Keys, and those one level below them, that change neither the shape of an array nor the step."""


def may_vary(key: str) -> bool:
    """Whether members of one program may differ in a key.

    >>> may_vary("model.bias.value"), may_vary("model.biased")
    (True, False)
    """
    return key in MAY_VARY or key.rpartition(".")[0] in MAY_VARY


def check_with_variants(check: Check, config: Any) -> tuple[Any, list[tuple[Keys, Any]]]:
    """What `check` makes of a config without its variants, and of each variant.

    Raises ValidationError with the faults of all of them, each said once.
    """
    return check_with(check, config, List(NAME, _misnamed, distinct=True))


def _misnamed(key: str) -> str | None:
    if may_vary(key):
        return None
    close = difflib.get_close_matches(key[:80], MAY_VARY, n=1, cutoff=0.8)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"cannot differ within one program; {hint}known: {', '.join(MAY_VARY)}"
