"""`trunkline explain CALL_ID`."""

from contextlib import ExitStack
from typing import Annotated

import typer

from node.words import text as _


def register(root: typer.Typer) -> None:
    """Add the command."""

    @root.command(help=_("Tell one call's whole story, across sites, with the reason of every decision."))
    def explain(
        call_id: Annotated[str, typer.Argument(help=_("The call's id, as records and logs show it."))],
        from_ledger: Annotated[
            list[str],
            typer.Option(
                help=_(
                    "A branch's or HQ's database: a SQLite file or postgresql://USER@HOST/NAME; repeatable."
                )
            ),
        ],
        as_json: Annotated[bool, typer.Option("--json", help=_("Print JSON."))] = False,
    ) -> None:
        _explain(call_id, from_ledger, is_json=as_json)


def _explain(call_id: str, databases: list[str], *, is_json: bool) -> None:
    from hq.explain.printed import print_story, story_tree, zone_of
    from hq.explain.story import read_story
    from hq.planning.ledger_book import open_book
    from node.terminal import print_json
    from router.ids import CallId

    with ExitStack() as opened:
        books = [opened.enter_context(open_book(each)) for each in databases]
        story = read_story(books, CallId(call_id.strip().lower()))
        zones = {site: zone for book in books for site, zone in book.time_zones().items()}
    if is_json:
        print_json(story_tree(story))
    else:
        print_story(story, zone_of(zones, story.began.site_id))
