"""The `trunkline` command's first step, before anything heavy is imported."""

import signal


def main() -> None:
    """Run one command and exit, as `node.cli.main` says; Ctrl-C before it has begun ends without a word."""
    # Imports take a second on a cold machine, and a traceback through them helps nobody.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from node import cli

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()
