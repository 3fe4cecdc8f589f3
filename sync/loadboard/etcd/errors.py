"""What can go wrong with an etcd session. Nothing of it reaches the branch: the view just ages."""

import grpc


class EtcdError(Exception):
    """Base of a session's failures; each has a stable `reason` for the log."""

    reason = "ETCD_FAILED"


class EtcdCallError(EtcdError):
    """A call failed: etcd is out of reach, without a leader, refuses us, or is too slow."""

    def __init__(self, endpoint: str, status: grpc.StatusCode, details: str) -> None:
        super().__init__(f"etcd at {endpoint} answered {status.name}: {details}")
        self.endpoint = endpoint
        self.status = status
        self.details = details

    @property
    def reason(self) -> str:  # type: ignore[override]  # the status is the reason, of each error its own
        """The gRPC status's name."""
        return self.status.name

    @property
    def is_revision_out_of_range(self) -> bool:
        """Whether a revision was asked for that is compacted away or still to come."""
        return self.status is grpc.StatusCode.OUT_OF_RANGE


class EtcdTlsFilesError(EtcdError):
    """A certificate or key file cannot be read."""

    reason = "TLS_FILES_UNREADABLE"


class LeaseLostError(EtcdError):
    """The lease is no more: it ran out or was revoked. Grant again, put again."""

    reason = "LEASE_LOST"


class WatchSilentError(EtcdError):
    """The watch neither told anything nor answered a progress request in time."""

    reason = "WATCH_SILENT"


class WatchCanceledError(EtcdError):
    """etcd ended the watch, or refused it."""

    reason = "WATCH_CANCELED"


class ViewOutdatedError(EtcdError):
    """The watch cannot go on from where it was: list again."""

    reason = "VIEW_OUTDATED"
