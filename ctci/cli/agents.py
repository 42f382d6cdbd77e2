"""mcp: the door for agents on standard input and output, on the data folder of this machine."""

import importlib.util
import logging
import os
import sys

import click

from ctci.cli import session
from ctci.cli.verb import verb
from ctci.model import Tier, Visitor

INSTALL = "agents are spoken to by an extra: pip install 'ctci[mcp]'"


@verb(examples=("ctci mcp", "ctci mcp --config /etc/ctci --allow-trigger"))
@click.option("--allow-trigger", is_flag=True, help="With the tools that run, rerun and cancel; else all only read.")
def mcp(*, allow_trigger: bool) -> int:
    """For the configuration of an agent: it starts this verb and ends it. `ctci serve` answers the same at /mcp."""
    if importlib.util.find_spec("mcp") is None:
        raise session.Refused(INSTALL, session.WRONG)
    from ctci.api.operation import Context  # noqa: PLC0415 - with the verb
    from ctci.mcp import asking  # noqa: PLC0415

    ground = session.ground()
    db = session.need_ledger(ground.layout, session.AWAY)
    # Standard output is the agent's: whatever else is said goes to standard error.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    visitor = Visitor(
        name=f"{session.me()} through an agent", tier=Tier.TRIGGER if allow_trigger else Tier.READ, local=True
    )
    context = Context(
        db=db,
        layout=ground.layout,
        settings=ground.config or session.load(),
        environ=os.environ,
        visitor=visitor,
        via="command line",
    )
    from ctci.mcp import server  # noqa: PLC0415 - optional, and 0.7 s

    server.over_stdio(asking.Local(context=context))
    return session.FINE
