"""`trunkline pki init|issue|show`: the cluster's CA and certificates at the command line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from node import pki
from node.terminal import output, print_json, print_table
from node.words import plural
from node.words import text as _


def register(root: typer.Typer) -> None:
    """Add the `pki` group."""
    group = typer.Typer(no_args_is_help=True, help=_("The cluster's certificate authority and certificates."))
    group.command("init", help=_("Make the cluster's certificate authority."))(_init)
    group.command("issue", help=_("Issue a certificate for a site, the HQ, an operator or a service."))(
        _issue
    )
    group.command("show", help=_("Show whose certificates these are and when they end."))(_show)
    root.add_typer(group, name="pki")


_FOLDER = typer.Option(
    "--dir", file_okay=False, help=_("The folder of the CA's files; keep it off the nodes.")
)
_DAYS = typer.Option("--days", min=1, help=_("How long it is valid."))


def _init(
    cluster: Annotated[
        str, typer.Argument(help=_("The cluster's name: lower-case letters, digits, hyphens."))
    ],
    folder: Annotated[Path, _FOLDER] = Path("pki"),
    days: Annotated[int, _DAYS] = pki.CA_DAYS,
) -> None:
    _print_issued(pki.init_ca(folder, cluster, now=datetime.now(UTC), days=days))


def _issue(
    kind: Annotated[pki.Kind, typer.Argument(help=_("Who it is for."))],
    name: Annotated[str, typer.Argument(help=_("The owner's name, such as a site's id."))] = "hq",
    folder: Annotated[Path, _FOLDER] = Path("pki"),
    host: Annotated[
        list[str] | None,
        typer.Option("--host", help=_("A DNS name or IP address it is reached at; repeatable.")),
    ] = None,
    days: Annotated[int, _DAYS] = pki.CERTIFICATE_DAYS,
) -> None:
    _print_issued(pki.issue(folder, kind, name, host or [], now=datetime.now(UTC), days=days))


def _show(
    files: Annotated[list[Path], typer.Argument(help=_("Certificate files (.pem)."))],
    as_json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
) -> None:
    now = datetime.now(UTC)
    certificates = [pki.show(file) for file in files]
    if as_json:
        print_json([_as_json(each, now) for each in certificates])
        return
    columns = [_("file"), _("names"), _("issuer"), _("valid until"), _("left")]
    print_table(columns, [_row(each, now) for each in certificates])


def _print_issued(issued: pki.Issued) -> None:
    output().print(
        _(
            "{certificate} and {key}, valid until {date}",
            certificate=issued.certificate,
            key=issued.key,
            date=issued.not_after.date(),
        ),
        markup=False,
    )


def _row(facts: pki.CertificateFacts, now: datetime) -> list[str]:
    left = facts.days_left(now)
    left_in_words = _("EXPIRED") if left < 0 else plural("{count} day", "{count} days", left)
    return [facts.path.name, "\n".join(facts.names), facts.issuer, str(facts.not_after.date()), left_in_words]


def _as_json(facts: pki.CertificateFacts, now: datetime) -> dict[str, object]:
    return {
        "file": str(facts.path),
        "subject": facts.subject,
        "issuer": facts.issuer,
        "names": list(facts.names),
        "not_before": facts.not_before.isoformat(),
        "not_after": facts.not_after.isoformat(),
        "days_left": facts.days_left(now),
        "fingerprint_sha256": facts.fingerprint_sha256,
    }
