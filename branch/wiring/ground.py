"""What is there before anything runs: settings, clock, store, and what the last process left in it."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from branch import parts
from branch.ivr.reading import FlowRead
from branch.settings import BranchSettings
from branch.store.records import AgentDirectory
from branch.store.store import Start, Store, open_store
from router.acd.policy import QueuePolicy
from router.ids import SiteId
from sync.clock import Clock
from sync.journal.sending.journal import SiteJournal, open_journal
from sync.link.tls import Security
from sync.records.business_day import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A site's settings, clock and store, picked up where the last process left them."""

    settings: BranchSettings
    site_id: SiteId
    clock: Clock
    calendar: BusinessCalendar
    security: Security
    store: Store
    journal: SiteJournal
    directory: AgentDirectory
    policies: tuple[QueuePolicy, ...]
    flow: FlowRead | None
    start: Start
    registry: CollectorRegistry

    @property
    def incarnation(self) -> int:
        return self.start.incarnation


def lay_ground(settings: BranchSettings, registry: CollectorRegistry) -> Ground:
    """Blocks while the database is opened, migrated and read."""
    site_id = SiteId(settings.site.id)
    clock, calendar = parts.clock(settings.clock), BusinessCalendar(settings.site.time_zone)
    security, flow = parts.security(settings), parts.flow(settings)
    url = settings.database.url.get_secret_value()
    store = open_store(url, site_id=site_id, calendar=calendar, clock=clock)
    try:
        store.queues.seed(each.policy() for each in settings.queue)
        return Ground(
            settings=settings,
            site_id=site_id,
            clock=clock,
            calendar=calendar,
            security=security,
            store=store,
            journal=open_journal(url, site_id, settings.site.time_zone, clock),
            directory=AgentDirectory(store.people),
            policies=tuple(each.policy for each in store.queues.in_force()),
            flow=flow,
            start=store.pick_up(),
            registry=registry,
        )
    except BaseException:
        store.close()
        raise
