"""man and openapi: what ctci says of itself, for people and for programs."""

from ctci import config
from ctci.cli import client, session, terminal, wire
from ctci.cli.verb import verb
from ctci.config.settings import Server


@verb(examples=("ctci man > ctci.1", "ctci man > ~/.local/share/man/man1/ctci.1"))
def man() -> int:
    """What the help of every verb says, for man."""
    from ctci.cli import manual  # noqa: PLC0415 - it imports every verb

    terminal.raw(manual.page().encode())
    return session.FINE


@verb(examples=("ctci openapi > ctci.json", "ctci openapi --server https://ci.example.org/"), remote=True)
def openapi() -> int:
    """OpenAPI 3.1, as a server answers it at /api/v1/openapi.json."""
    elsewhere = client.server()
    if elsewhere is not None:
        line = wire.Wire(elsewhere.url, elsewhere.token)
        terminal.json(line.get("/openapi.json", {}))
        line.close()
        return session.FINE
    from ctci.api import document  # noqa: PLC0415 - slow

    try:
        url = session.ground().public_url
    except config.ConfigError:
        # The API is the same wherever it is.
        url = Server.public_url
    terminal.json(document.document(url))
    return session.FINE
