"""Erlang-A: what service so many agents give callers who arrive at random and lose patience.

Arrivals are Poisson, handling times and patience exponential (M/M/n+M); callers who never
hang up make it Erlang-C. The wait counts to the answer, ringing included, as everywhere here:
an agent is taken while the phone rings, and a caller may hang up meanwhile.

Source: Mandelbaum and Zeltyn, "Service Engineering in Action: The Palm/Erlang-A Queue, with
Applications to Call Centers" (2005), section 5. Its integrals J are incomplete gamma
functions (Abramowitz and Stegun, 6.5.29), summed here as series of positive terms.
"""

from dataclasses import dataclass
from math import exp, expm1, inf, lgamma, log, sqrt

_NEGLIGIBLE = 1e-16

AGENT_LIMIT = 1_000_000
"""More than any company has: beyond it a search is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Callers of one room, as means."""

    calls_per_s: float
    handle_s: float
    """Talk, hold and wrap-up."""
    hang_ups_per_s: float
    """How often one waiting caller gives up: 1 / mean patience; 0.0: never."""
    ring_s: float = 0.0

    @property
    def stays(self) -> float:
        """The share of callers who are still there when the ringing phone is answered."""
        return exp(-self.hang_ups_per_s * self.ring_s)

    @property
    def taken_s(self) -> float:
        """How long a call takes an agent, ringing included; who hangs up meanwhile takes little."""
        rings_s = self.ring_s
        if self.hang_ups_per_s > 0:
            rings_s = (1 - self.stays) / self.hang_ups_per_s
        return rings_s + self.stays * self.handle_s

    @property
    def work(self) -> float:
        """Erlangs: how many agents the calls keep busy, were none to hang up in the queue."""
        return self.calls_per_s * self.taken_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What callers meet in the long run; shares of all offered calls, 0 to 1."""

    within: float
    """Answered by a person within the target."""
    abandoned: float
    mean_wait_s: float
    """Of the answered; infinite where the queue grows without end."""
    occupancy: float
    """Share of an agent's time with a call."""


def service(demand: Demand, agents: int, target_s: float) -> Service:
    """The service that `agents` give; `target_s` counts from the request to the answer."""
    if demand.calls_per_s <= 0:
        return Service(within=1.0, abandoned=0.0, mean_wait_s=demand.ring_s, occupancy=0.0)
    if agents <= 0 or demand.taken_s <= 0:
        return _trivial(demand, agents, target_s)
    if demand.hang_ups_per_s <= 0:
        return _erlang_c(demand, agents, target_s - demand.ring_s)
    return _erlang_a(demand, agents, target_s - demand.ring_s)


def highest_share(demand: Demand, target_s: float) -> float:
    """What no number of agents exceeds: some hang up while the phone rings."""
    if target_s < demand.ring_s:
        return 0.0
    return demand.stays


def agents_needed(demand: Demand, share: float, target_s: float) -> int | None:
    """The fewest agents with whom `share` of the calls is answered in time; None when none suffice."""
    if demand.calls_per_s <= 0:
        return 0
    if share >= highest_share(demand, target_s):
        return None
    # The answer lies within a few square roots of the work (Halfin and Whitt): two steps, not twenty.
    enough = max(1, round(demand.work))
    step = max(1, round(sqrt(demand.work)))
    too_few = 0
    while service(demand, enough, target_s).within < share:
        if enough > AGENT_LIMIT:
            return None
        too_few = enough
        enough, step = enough + step, 2 * step
    while too_few == 0 and enough > step and service(demand, enough - step, target_s).within >= share:
        enough, step = enough - step, 2 * step
    too_few = max(too_few, enough - step)
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if service(demand, middle, target_s).within < share:
            too_few = middle
        else:
            enough = middle
    return enough


def _trivial(demand: Demand, agents: int, target_s: float) -> Service:
    """Nobody works, or nothing is to be done."""
    if agents > 0:
        is_in_time = target_s >= demand.ring_s
        return Service(within=float(is_in_time), abandoned=0.0, mean_wait_s=0.0, occupancy=0.0)
    is_patient = demand.hang_ups_per_s <= 0
    return Service(within=0.0, abandoned=0.0 if is_patient else 1.0, mean_wait_s=inf, occupancy=0.0)


def _erlang_c(demand: Demand, agents: int, target_s: float) -> Service:
    work = demand.work
    if work >= agents:
        return Service(within=0.0, abandoned=0.0, mean_wait_s=inf, occupancy=1.0)
    waits = 1 / (1 + _idle_odds(work, agents) * (agents - work) / work)
    spare_per_s = (agents - work) / demand.taken_s
    return Service(
        within=1 - waits * exp(-spare_per_s * target_s) if target_s >= 0 else 0.0,
        abandoned=0.0,
        mean_wait_s=demand.ring_s + waits / spare_per_s,
        occupancy=work / agents,
    )


def _erlang_a(demand: Demand, agents: int, target_s: float) -> Service:
    theta = demand.hang_ups_per_s
    x = demand.calls_per_s / theta
    y = agents / demand.taken_s / theta
    # Everything is a multiple of J, which may be too large for a float itself.
    log_j, _ = _log_series(x, y)
    log_served, slowness = _log_series(x, y + 1)
    idle = _idle_odds(demand.work, agents) * exp(-log_j) * theta
    scale = idle + demand.calls_per_s
    # Written so that an infinite chance of an idle agent is just that.
    at_once, later = 1 - demand.calls_per_s / scale, demand.calls_per_s * exp(log_served - log_j) / scale
    in_time = at_once + later * _share_until(target_s, x, y + 1, theta, log_served)
    return Service(
        within=demand.stays * in_time if target_s >= 0 else 0.0,
        abandoned=1 - demand.stays * (at_once + later),
        mean_wait_s=demand.ring_s + later * slowness / theta / (at_once + later),
        occupancy=min(1.0, demand.calls_per_s * (at_once + later) / (y * theta)),
    )


def _idle_odds(work: float, agents: int) -> float:
    """The chance that somebody is idle, over the chance that just one is.

    Erlang-B's recursion upside down: nothing cancels, and it may grow to infinity.
    """
    odds = 1.0
    for number in range(1, agents):
        odds = 1 + number / work * odds
    return odds


def _share_until(target_s: float, x: float, y: float, theta: float, log_whole: float) -> float:
    """1 - J(target) / J, for J with the exponent y, whose series has this logarithm."""
    q = exp(-theta * target_s)
    log_rest, _ = _log_series(x * q, y)
    return -expm1(x * (1 - q) - y * theta * target_s + log_rest - log_whole)


def _log_series(z: float, y: float) -> tuple[float, float]:
    """The logarithm of the sum over k of z^k / (y (y+1) ... (y+k)), and minus its slope in y.

    Summed outward from the largest term, until terms no longer count.
    """
    peak = max(0, int(z - y))
    log_peak = peak * log(z) - lgamma(y + peak + 1) + lgamma(y) if z > 0 else -log(y)
    slope = sum(1 / (y + number) for number in range(peak + 1))
    total, slopes = 1.0, slope
    term, steps, k = 1.0, slope, peak
    while term > _NEGLIGIBLE * total:
        k += 1
        term *= z / (y + k)
        steps += 1 / (y + k)
        total += term
        slopes += term * steps
    term, steps = 1.0, slope
    for k in range(peak, 0, -1):
        steps -= 1 / (y + k)
        term *= (y + k) / z
        total += term
        slopes += term * steps
        if term <= _NEGLIGIBLE * total:
            break
    return log_peak + log(total), slopes / total
