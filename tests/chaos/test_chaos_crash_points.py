"""A branch process dies by its own hand at every step of a hand-off, as origin and as helper, and comes back.

What was under way is resolved by asking: the caller is served once, every law holds, and the agent
is free again. The steps are those that two undisturbed calls go through.
"""

import pytest

from router.ledger import CallArrived, HandoffConfirmed
from router.records.handoff_stage import HandoffStage
from tests.chaos.overflow_pair import HELPER, HOME, Pair, Site
from tests.fakes.ledger_reading import broken_laws, entries

UNDECIDED = {HandoffStage.ASKED, HandoffStage.RESERVED, HandoffStage.DIALED, HandoffStage.RANG}
ASKING = {"left GetHandoff", "left Confirm", "left Cancel"}
"""Orders that ask the other site how a hand-off stands: all three are answered with its state. A helper
asks its PBX, which holds the legs, and has its answer ready for the origin."""

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("side", [HOME, HELPER])
async def test_whoever_dies_at_whatever_step_of_a_hand_off_the_caller_is_served_once(
    pair: Pair, side: str
) -> None:
    await pair.start()
    dying = pair.home if side == HOME else pair.helper
    before_any_call = set(dying.steps())
    first, second = [await steps_of_a_call(pair, dying) for _ in range(2)]
    steps = [step for step in first if step in second and step not in before_any_call]
    assert {step.split()[0] for step in steps} == {"decided", "given", "written", "left"}

    for step in steps:
        await pair.call_until_death(dying, step)
        undecided = UNDECIDED & set(dying.branch.open_handoffs().values())
        known = len(dying.steps())
        await dying.come_back()
        await pair.until_served()

        assert broken_laws(pair.rows()) == {}, step
        if undecided and dying is pair.home:
            assert ASKING & set(dying.steps()[known:]), f"{step}: the helper was not asked"

    rows = pair.rows()
    assert len(entries(rows, CallArrived)) == pair.call_count
    assert len(entries(rows, HandoffConfirmed)) >= pair.call_count - len(steps)
    assert await pair.connected_twice() == 0


async def steps_of_a_call(pair: Pair, site: Site) -> list[str]:
    """What the site comes to while nothing goes wrong, each step once."""
    known = len(site.steps())
    await pair.serve_one()
    return list(dict.fromkeys(site.steps()[known:]))
