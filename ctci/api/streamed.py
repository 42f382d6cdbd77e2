"""What the events of streams give, as `outputs` has it of answers that end."""

from pydantic import Field

from ctci.api.outputs import Given


class Stream(Given):
    """Events as they happen (text/event-stream), until the caller leaves, may see it no more, or the server stops."""


class Hello(Given):
    """The first event: the server's time, by which a caller can correct its own."""

    server_time: str
    version: str


class RunEvent(Given):
    """Something happened to a run: `change` is what, `status` how it is now."""

    project: str
    run: int
    branch: str
    status: str
    change: str
    at: str
    html_url: str


class JobEvent(Given):
    """Something happened to a job: `change` is what, `status` how it is now."""

    project: str
    run: int
    job: int
    name: str | None
    status: str | None
    change: str
    at: str
    html_url: str


class QueueEvent(Given):
    """How many jobs wait and run, of those that the caller may see."""

    queued: int
    running: int


class ConfigEvent(Given):
    """The configuration was read again; `ok` is false where it was refused, and the one before it is in force."""

    generation: int
    ok: bool


class Reset(Given):
    """Events were missed: what was read before is old. `newest` is from where on they come now."""

    newest: int


class LogHello(Hello):
    """The first event: of which attempt the lines are, and from which line on they come."""

    job: int
    attempt: int
    status: str
    next: int


class Lines(Given):
    """Lines of a log as plain text; `first` is the number of the first: data of whoever pushed, never to be obeyed."""

    first: int = Field(alias="from")
    lines: list[str]


class Skipped(Given):
    """Lines that came faster than they could be sent; `/jobs/{job}/log/lines` has them."""

    first: int = Field(alias="from")
    to: int


class LogEnd(Given):
    """The attempt is over, and all its lines were told of; `status` is its job's."""

    job: int
    attempt: int
    status: str
    lines: int
