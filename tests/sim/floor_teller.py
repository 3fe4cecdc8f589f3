"""Tells one floor anything well-formed, in any order and twice; restarts it; knows nothing of the world."""

import random
from collections import Counter

from router import facts, ledger
from router.callback.policy import CallbackPolicy
from router.errors import RouterError
from router.facts import Fact
from router.floor import Floor
from router.ids import (
    CallId,
    Instant,
)
from router.ivr import IvrPlan
from router.orders import Answer, Outcome
from router.overflow.policy import LinkPolicy, Media, OverflowPolicy
from router.parts import Parts
from tests.sim.floor_callers import CallerFacts
from tests.sim.floor_cast import (
    FLOWS,
    HOME,
    NOON,
    OUTBOUND,
    PEERS,
    QUEUES,
    draw_policy,
)
from tests.sim.floor_desks import DeskFacts
from tests.sim.floor_left_behind import LeftBehind
from tests.sim.floor_lines import LineFacts
from tests.sim.floor_names import FactMakers, Names
from tests.sim.floor_sites import SiteFacts
from tests.sim.floor_soundness import state_of

IVR_SHARE = 0.5


class Teller:
    """Draws facts about what the floor has shown so far, about what is over, and about nothing at all."""

    restart_share = 0.015
    pause_share = 0.235
    pauses_ms: tuple[int, ...] = (1, 200, 1_000, 4_000, 31_000)

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self._has_ivr = self.rng.random() < IVR_SHARE
        self.now = Instant(1_000)
        self.ended: Counter[CallId] = Counter()
        self.rows: list[ledger.LedgerRow] = []
        self._names = Names(self.rng, self._floor(incarnation=1))
        self._told: list[Fact] = []
        self._facts = self._makers()

    @property
    def floor(self) -> Floor:
        return self._names.floor

    @property
    def parts(self) -> Parts:
        return self._names.parts

    def _makers(self) -> FactMakers:
        return (
            *CallerFacts(self._names).makers(),
            *DeskFacts(self._names).makers(),
            *LineFacts(self._names).makers(),
            *SiteFacts(self._names).makers(),
            (1, lambda: facts.PbxDied(reason="PBX_DOWN")),
            (1, facts.PbxSilent),
            (3, facts.PbxHeard),
            (1, self._policy_applied),
            (1, self._accepting_changed),
            (6, self._told_again),
        )

    def tell_one(self) -> None:
        """Tell one fact, or let time pass, or restart the process."""
        draw = self.rng.random()
        if draw < self.restart_share:
            self._restart()
        elif draw < self.restart_share + self.pause_share:
            self.now = Instant(self.now + self.rng.choice(self.pauses_ms))
            self._listen(self.floor.handle_timer(self.now))
        else:
            weights = [weight for weight, _ in self._facts]
            fact = self.rng.choices(self._facts, weights)[0][1]()
            self._told.append(fact)
            self._tell(fact)

    def _tell(self, fact: Fact) -> None:
        before = state_of(self.floor)
        try:
            outcome = self.floor.handle(fact, self.now)
        except RouterError:
            assert state_of(self.floor) == before, f"{fact} was refused and changed something"
            return
        if isinstance(fact, facts.SiteAsked):
            assert sum(isinstance(item, Answer) for item in outcome) == 1
        self._listen(outcome)

    def _listen(self, outcome: Outcome) -> None:
        self._names.hear(outcome)
        for item in outcome:
            if isinstance(item, ledger.Entry):
                self._write(item)
            if isinstance(item, ledger.CallEnded | ledger.OutboundEnded):
                self.ended[item.call_id] += 1

    def _write(self, entry: ledger.Entry) -> None:
        self.rows.append(
            ledger.LedgerRow(
                site_id=HOME,
                seq=len(self.rows) + 1,
                at_utc_us=self.now * 1_000,
                mono_ms=self.now,
                incarnation=1,
                business_date="2026-01-05",
                entry=entry,
            )
        )

    def _policy_applied(self) -> Fact:
        return facts.PolicyApplied(policy=draw_policy(self.rng, self.rng.choice(QUEUES)))

    def _accepting_changed(self) -> Fact:
        return facts.AcceptingChanged(is_accepting=self.rng.random() < 0.7, reason="DRAIN")

    def _told_again(self) -> Fact:
        """Anything but the beginning of a call that has ended: its teller remembers what is over."""
        again = self.rng.choice(self._told[-200:] or [facts.ViewConfirmed()])
        beginnings = facts.CallArrived | facts.MessageFound | facts.CallerLeftAlone | facts.DialAsked
        is_over = isinstance(again, beginnings) and again.call_id in self.ended
        return facts.ViewConfirmed() if is_over else again

    # --- a restart -----------------------------------------------------------------------

    def _restart(self) -> None:
        """A new process takes up what the old one had open; of its channels some have gone meanwhile."""
        work, alive = LeftBehind(self.floor, self.rng, self.now).draw()
        self._names.restarted(self._floor(incarnation=2))
        self._listen(self.floor.resume(work, alive, self.now))
        self._listen(self.floor.handle(facts.NodeStarted(version="1"), self.now))

    def _floor(self, incarnation: int) -> Floor:
        """Queue A always stands, so that callers always have somewhere to go."""
        ids = iter(range(10**9))
        links = {
            peer: LinkPolicy(site_id=peer, leg_limit=3, media=self.rng.choice(list(Media))) for peer in PEERS
        }
        return Floor(
            site_id=HOME,
            incarnation=incarnation,
            policies=[draw_policy(self.rng, queue_id) for queue_id in QUEUES],
            overflow=OverflowPolicy(
                links=links,
                home_reserve=self.rng.choice((0, 0, 1)),
                max_own_loss=self.rng.choice((None, None, 0.0, 1.0, 5.0)),
            ),
            new_id=lambda: f"home-{self.rng.getrandbits(32)}-{next(ids)}",
            rng=random.Random(self.rng.getrandbits(32)),
            mint_token=lambda handoff_id, site_id: f"{handoff_id}:{site_id}",
            ivr=IvrPlan(flow=FLOWS[0], local_time=lambda _now: NOON) if self._has_ivr else None,
            outbound=OUTBOUND,
            callback=CallbackPolicy(try_limit=2, pause_ms=self.rng.choice((500, 20_000))),
        )
