"""Who trains where: members in groups that run in lock-step, groups on devices.

    lanes   0 1 2 3 | 4 5 6 7 | 8 9 . .        ten members in groups of four
            device 0            device 1       a group done costs its device nothing

A lane is a place for a member. All groups are of one width, whatever the number of members, so that
each group is the same program and a member's numbers do not depend on who else there is; lanes
that are left over stay empty. When members have stopped, those that still run are packed together.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Lanes:
    """How many lanes there are, and how they fall to groups and devices.

    >>> Lanes(members=10, width=4, devices=2).count
    16
    """

    members: int
    width: int
    devices: int

    @property
    def groups(self) -> int:
        """Groups of a device; never one, as XLA rounds otherwise where a loop has one round."""
        return max(2, -(-self.members // (self.width * self.devices)))

    @property
    def count(self) -> int:
        """All lanes; the first ones of each device hold a member when training starts."""
        return self.devices * self.groups * self.width

    @property
    def start(self) -> np.ndarray:
        """The member of each lane at the start, -1 where there is none."""
        order = self._packed(np.arange(self.count) < self.members)
        return np.where(order < self.members, order, -1)

    def cost(self, running: np.ndarray) -> int:
        """The groups that the busiest device has to run; `running` says so of each lane."""
        groups = running.reshape(self.devices, self.groups, self.width).any(axis=2)
        return int(groups.sum(axis=1).max())

    def packed(self, running: np.ndarray) -> np.ndarray | None:
        """For each lane the one whose member should go there; None where nothing is gained."""
        order = self._packed(running)
        return order if self.cost(running[order]) < self.cost(running) else None

    def _packed(self, running: np.ndarray) -> np.ndarray:
        """Lanes that run in whole groups, dealt out to the devices in turn; then the others."""
        lanes = np.argsort(~running, kind="stable").reshape(self.groups, self.devices, self.width)
        return lanes.swapaxes(0, 1).reshape(-1)
