"""Every command of this part of the branch: the site's people, queues and customers, and its desks."""

import typer

from branch.admin import agent_commands, customer_commands, queue_commands
from branch.terminal import commands as desk_commands


def register(root: typer.Typer) -> None:
    """Add them all."""
    for each in (agent_commands, queue_commands, customer_commands, desk_commands):
        each.register(root)
