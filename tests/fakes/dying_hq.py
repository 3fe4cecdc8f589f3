"""An HQ that gets a damaged batch, and dies at a step of what it does with it and its neighbours.

`python -m tests.fakes.dying_hq STEP COUNT hq run FILE`: the third batch that this process reads is
damaged on its way, and at the COUNTth STEP since then it dies by SIGKILL. Steps are

- `opened`: a batch is unpacked, in a thread beside the one in which another is committed;
- `taken`: a batch is committed, and nobody knows;
- `refused`: a batch is found damaged, and nobody knows;
- `acked`, `nacked`: the branch is told.
"""

import os
import sys
from dataclasses import replace
from signal import SIGKILL
from typing import Any

from trunkline.journal.v1 import journal_pb2 as pb

import hq.app
from hq.consolidate import taking
from hq.store import opening
from hq.store.applying import Applied, Applier, NotTaken
from hq.store.opening import Opened
from node import cli
from sync.journal import wire
from sync.journal.batch import Batch
from sync.journal.position import Mark
from sync.journal.receiving import pull as receiving
from sync.records.shape import ConsolidatedTable

DAMAGED_BATCH = 3


class Steps:
    """What the process has come to since it read the damaged batch."""

    def __init__(self, deadly: str, count: int) -> None:
        self._deadly = deadly
        self._left = count
        self._batch_count = 0

    def damaged(self, batch: Batch) -> Batch:
        self._batch_count += 1
        if self._batch_count != DAMAGED_BATCH:
            return batch
        return replace(batch, payload=replace(batch.payload, packed=batch.payload.packed[:-1]))

    def come_to(self, step: str) -> None:
        if self._batch_count < DAMAGED_BATCH or step != self._deadly:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), SIGKILL)


def make_deadly(steps: Steps) -> None:
    """From here on this process's pulls come to steps."""
    read_batch = wire.batch_from

    class DyingApplier(Applier):
        def apply(self, *given: Any, **named: Any) -> Applied | NotTaken:
            answer = super().apply(*given, **named)
            steps.come_to("taken" if isinstance(answer, Applied) else "refused")
            return answer

    class DyingPull(receiving.Pull):
        async def ack(self, stream: str, mark: Mark) -> None:
            await super().ack(stream, mark)
            steps.come_to("acked")

        async def nack(self, stream: str, expected: Mark, reason: str) -> None:
            await super().nack(stream, expected, reason)
            steps.come_to("nacked")

    def opened(site_id: str, shape: ConsolidatedTable, batch: Batch) -> Opened:
        found = opening.opened(site_id, shape, batch)
        steps.come_to("opened")
        return found

    def damaged(message: pb.Batch) -> Batch:
        return steps.damaged(read_batch(message))

    # The one place where each is made or called.
    for where, name, deadly in (
        (hq.app, "Applier", DyingApplier),
        (receiving, "Pull", DyingPull),
        (taking, "opened", opened),
        (wire, "batch_from", damaged),
    ):
        setattr(where, name, deadly)


def main() -> None:
    deadly, count = sys.argv.pop(1), int(sys.argv.pop(1))
    make_deadly(Steps(deadly, count))
    cli.main()


if __name__ == "__main__":
    main()
