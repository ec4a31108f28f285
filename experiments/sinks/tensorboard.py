"""TensorBoard: event files under RUN/tensorboard, for `tensorboard --logdir RUN`.

They are written with the synchronous writer of tensorboardX: its `SummaryWriter` hands events to
a thread that dies unheard when the disk is full, after which it blocks its caller.
"""

import json
import shutil
import time
from typing import Any

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.summary import text

from experiments.sinks.base import Subject, scalars

FLUSH_EVERY = 1.0
"""Seconds between flushes, each of which waits for the disk."""


class TensorBoard:
    """A view for TensorBoard.

    A resumed run gets its view anew, from `past`, in place of the one that may have gone beyond
    the checkpoint; the wall-clock time of those lines is then that of the resumption.
    """

    def __init__(self, subject: Subject) -> None:
        self._members = subject.members
        self._step = 0
        folder = subject.run / "tensorboard"
        partial = folder.with_suffix(".partial")
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir()
        self._events = EventsWriter(str(partial / "events"))
        self._write(text("config", f"{subject.title}\n\n```yaml\n{subject.config}\n```"))
        for line in subject.past:
            self._log(line)
        self._flush()
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)

    def log(self, line: dict[str, Any]) -> None:
        self._log(line)
        if time.monotonic() - self._flushed >= FLUSH_EVERY:
            self._flush()

    def close(self, summary: dict[str, Any]) -> None:
        self._write(text("summary", f"```json\n{json.dumps(summary, indent=2)}\n```"))
        self._events.close()

    def _log(self, line: dict[str, Any]) -> None:
        self._step = line["step"]
        found = scalars(line, self._members)
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in found.items()]
        self._write(Summary(value=values))

    def _write(self, summary: Summary) -> None:
        self._events.write_event(Event(wall_time=time.time(), step=self._step, summary=summary))

    def _flush(self) -> None:
        self._events.flush()
        self._flushed = time.monotonic()
