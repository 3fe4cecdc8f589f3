"""Plays one world again with every fact, order and entry: `python -m tests.sim.replay SEED`."""

import sys

from router.facts import LoadSeen, ViewConfirmed
from router.ids import SiteId
from router.orders import PublishLoad
from tests.sim.worlds import draw_world, play

_QUIET = (LoadSeen, ViewConfirmed, PublishLoad)


def main() -> int:
    if len(sys.argv) < 2 or not sys.argv[1].isdigit():
        sys.stderr.write("usage: python -m tests.sim.replay SEED [ID]   (only lines that contain ID)\n")
        return 2
    wanted = sys.argv[2] if len(sys.argv) > 2 else ""

    def trace(now: int, site_id: SiteId, item: object) -> None:
        line = f"{now:>8} {site_id} {item}"
        if not isinstance(item, _QUIET) and wanted in line:
            sys.stdout.write(line + "\n")

    seed = int(sys.argv[1])
    world = draw_world(seed)
    played = play(world, seed, trace)
    sys.stdout.write(f"\n{world.scenario}\n{world.faults}\n")
    for violation in played.violations:
        sys.stdout.write(f"VIOLATION {violation}\n")
    return 1 if played.violations else 0


if __name__ == "__main__":
    sys.exit(main())
