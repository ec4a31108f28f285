"""What we do with `lstm_jax`: runs of configs. The only code that does input and output."""

import time

STARTED = time.perf_counter()
"""When the command began: before anything else was imported."""
