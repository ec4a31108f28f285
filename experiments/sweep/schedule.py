"""The trials of a sweep, each run to its end whatever happens to its worker."""

import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from experiments.sweep.engines import Engine, Job
from experiments.sweep.stopping import StopRequests

RETRIES = 3
POLL = 0.1
"""Seconds between looks at the engine."""

ENDED_BY_SIGNAL = {128 + number for number in (signal.SIGINT, signal.SIGKILL, signal.SIGTERM)}
"""The status of a run that saved and ended at a signal, or of a shell whose command was killed."""


class State(NamedTuple):
    """Where the trials of a sweep stand, by name."""

    waiting: Collection[str]
    running: Collection[str]
    done: Collection[str]
    failed: Mapping[str, str]
    """With the reason."""
    retries: int


def run_trials(
    jobs: Sequence[Job],
    engine: Engine,
    finished: Callable[[str], bool],
    signals: StopRequests,
    show: Callable[[State], None],
) -> State:
    """Run every job until it has its result, fails by itself, or is killed once too often.

    A job that is killed begins anew, which goes on from its checkpoint, up to `RETRIES` times.
    A job has its result when `finished` says so of its name. After a signal no job begins and those
    under way are asked to save and end; after a second they are killed.
    """
    waiting, running = deque(jobs), dict[str, Job]()
    done, failed = list[str](), dict[str, str]()
    kills: Counter[str] = Counter()
    heeded = 0
    state = State([job.name for job in jobs], (), (), {}, 0)
    while running or (waiting and not signals.received):
        if len(signals.received) > heeded:
            heeded = len(signals.received)
            engine.stop() if heeded == 1 else engine.kill()
        while waiting and len(running) < engine.workers and not signals.received:
            job = waiting.popleft()
            running[job.name] = job
            engine.begin(job)
        for job, status in engine.ended():
            del running[job.name]
            kills[job.name] += is_killed(status) and not signals.received
            if finished(job.name):
                done.append(job.name)
            elif is_killed(status) and (signals.received or kills[job.name] <= RETRIES):
                waiting.appendleft(job)
            elif is_killed(status):
                failed[job.name] = f"was killed {kills[job.name]} times"
            else:
                failed[job.name] = f"ended with exit status {status}"
        retries = sum(min(count, RETRIES) for count in kills.values())
        state = State([job.name for job in waiting], list(running), done, failed, retries)
        show(state)
        time.sleep(POLL)
    return state


def is_killed(status: int) -> bool:
    """Whether a process ended by a signal rather than by itself.

    >>> is_killed(-9), is_killed(143), is_killed(1)
    (True, True, False)
    """
    return status < 0 or status in ENDED_BY_SIGNAL
