"""mcp: the door for agents on standard input and output: of the data folder of this machine, or a server elsewhere."""

import importlib.util
import logging
import os
import sys
from typing import TYPE_CHECKING

import click

from ctci.cli import client, garbage, session, wire
from ctci.cli.verb import verb
from ctci.model import Tier, Visitor

if TYPE_CHECKING:
    from ctci.mcp.asking import Ask

INSTALL = "agents are spoken to by an extra: pip install 'ctci[mcp]'"


@verb(examples=("ctci mcp --config /etc/ctci", "ctci mcp --server https://ci.example.org --allow-trigger"), remote=True)
@click.option("--allow-trigger", is_flag=True, help="With the tools that run, rerun and cancel; else all only read.")
def mcp(*, allow_trigger: bool) -> int:
    """For the configuration of an agent: it starts this verb and ends it. `ctci serve` answers the same at /mcp."""
    if importlib.util.find_spec("mcp") is None:
        raise session.Refused(INSTALL, session.WRONG)
    # Standard output is the agent's: whatever else is said goes to standard error.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    elsewhere = client.server()
    if elsewhere is None:
        ask = _here(allow_trigger=allow_trigger)
    else:
        from ctci.cli import far_agent  # noqa: PLC0415 - with the verb

        line = wire.Wire(elsewhere.url, elsewhere.token)
        click.get_current_context().call_on_close(line.close)
        ask = far_agent.Far(line, allow_trigger=allow_trigger)
    from ctci.mcp import server  # noqa: PLC0415 - optional, and 0.7 s

    garbage.usual()
    server.over_stdio(ask)
    return session.FINE


def _here(*, allow_trigger: bool) -> "Ask":
    """Whoever answers from this machine's ledger."""
    from ctci.api.operation import Context  # noqa: PLC0415 - with the verb
    from ctci.mcp import asking  # noqa: PLC0415

    ground = session.ground()
    db = session.need_ledger(ground.layout, session.AWAY)
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
    return asking.Local(context=context)
