"""What the store and the load board say, to the desk."""

from collections.abc import Callable

from branch.desk.admission import Admission
from branch.desk.hearing import Tellable
from branch.store.committer import Commit, Standing
from branch.store.health import StoreState
from router.facts import LoadSeen, SiteGone, ViewConfirmed
from router.ids import SiteId
from router.overflow.load import SiteLoad

STORE_REFUSES = "STORE_REFUSES"


class StoreEar:
    """Listens to the store: what is written, what a commit took, whether it can go on."""

    def __init__(
        self,
        *,
        committed: Callable[[int], None],
        admission: Admission,
        note_commit_s: Callable[[float], None],
    ) -> None:
        self._committed = committed
        self._admission = admission
        self._note_commit_s = note_commit_s

    def note_written(self, seq: int) -> None:
        self._committed(seq)

    def note_commit(self, commit: Commit) -> None:
        self._note_commit_s(commit.duration_ms / 1_000)

    def note_standing(self, standing: Standing) -> None:
        if standing.state is StoreState.REFUSING:
            self._admission.close(STORE_REFUSES)
        else:
            self._admission.open(STORE_REFUSES)


class BoardEar:
    """Listens to the load board."""

    def __init__(
        self,
        desk: Tellable,
        note_incarnation: Callable[[SiteId, int], None],
        note_address: Callable[[SiteId, str], None] | None = None,
    ) -> None:
        """`note_address` hears where other sites say that they listen."""
        self._desk = desk
        self._note_incarnation = note_incarnation
        self._note_address = note_address

    def load_seen(self, load: SiteLoad, address: str | None = None) -> None:
        if address is not None and self._note_address is not None:
            self._note_address(load.site_id, address)
        self._note_incarnation(load.site_id, load.incarnation)
        self._desk.tell(LoadSeen(load=load))

    def site_gone(self, site_id: SiteId) -> None:
        self._desk.tell(SiteGone(site_id=site_id))

    def view_confirmed(self) -> None:
        self._desk.tell(ViewConfirmed())
