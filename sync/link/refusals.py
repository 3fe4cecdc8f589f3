"""What the link itself refuses, before a message reaches whom it is for.

Like the domain's refusals each has a stable `reason`; `sync.link.status` gives it a status.
One that begins with PEER_ says that the sender is not who it should be: it is logged, once
for each peer, beside being counted.
"""

from collections.abc import Mapping
from pathlib import Path

from router.errors import RouterError
from router.ids import SiteId


class LinkRefusalError(RouterError):
    """The link's own refusals: nobody behind it has seen the message."""

    reason = "LINK_REFUSED"


class TlsFilesError(LinkRefusalError):
    """This node's own key, certificate or CA cannot be used."""

    reason = "TLS_FILES_UNUSABLE"

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{file} {problem}; `trunkline pki show` says what a certificate is")
        self.file = file
        self.problem = problem


class UnnamedPeerError(LinkRefusalError):
    """The peer's certificate carries no name of ours."""

    reason = "PEER_UNNAMED"

    def __init__(self) -> None:
        super().__init__(
            "the peer's certificate names neither a site, nor HQ, nor an operator; "
            "issue one with `trunkline pki issue`"
        )


class ForeignClusterError(LinkRefusalError):
    """The peer's certificate is for another cluster."""

    reason = "PEER_OF_ANOTHER_CLUSTER"

    def __init__(self, theirs: str, ours: str) -> None:
        super().__init__(f"the peer belongs to cluster {theirs!r}, this node to {ours!r}")
        self.cluster = theirs


class ForeignSiteError(LinkRefusalError):
    """A message names a site that is not the one in its sender's certificate."""

    reason = "PEER_NAMES_ANOTHER_SITE"

    def __init__(self, named: SiteId, peer: str) -> None:
        super().__init__(f"the message speaks for site {named!r}, its sender is {peer}")
        self.site_id = named
        self.peer = peer


class MissingDeadlineError(LinkRefusalError):
    """A unary call came, or was about to leave, without a deadline."""

    reason = "DEADLINE_MISSING"

    def __init__(self, method: str) -> None:
        super().__init__(f"deadline missing: every call of {method} has to set one")
        self.method = method


class InvalidFieldError(LinkRefusalError):
    """A message's field holds what no node of ours would send."""

    reason = "FIELD_INVALID"

    def __init__(self, field: str, problem: str, *, case: str = "", shown: str = "") -> None:
        """`case` and `shown`, the value, are given where a person may have typed it: it is worded anew."""
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
        self.case = case
        self.shown = shown


class RefusedError(RouterError):
    """Another node's refusal as it came over the wire, or the link's failure to get there.

    `values` are the ids that the refusal named, for whoever words it anew.
    """

    def __init__(self, reason: str, message: str, values: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.values = dict(values or {})
