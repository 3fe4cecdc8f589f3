"""Options that several commands share. Light: it is read before any command is chosen."""

from pathlib import Path
from typing import Annotated

import typer

from node.words import text as _

SiteFile = Annotated[
    Path,
    typer.Option("--site", envvar="TRUNKLINE_SITE_FILE", help=_("The site's TOML file."), show_default=False),
]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", help=_("Read the password from this file; - is standard input.")),
]
AsJson = Annotated[bool, typer.Option("--json", help=_("Print JSON."))]
