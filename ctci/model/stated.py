"""What is said of a commit to its forge: a status, the call that says it, and what the forge answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ctci.model.statuses import Status


@dataclass(frozen=True, kw_only=True)
class Say:
    """One status of one commit, in our words; each forge has its own for it."""

    #: The commit, in full: never a tag object.
    sha: str
    #: The ref that it was built for, in full.
    ref: str
    #: `ctci/api:test`, or `ctci` for all of them, at most 200 characters: what is said so replaces what was.
    context: str
    state: Status
    #: One line, at most 140 characters.
    description: str
    #: Where people read on: the log, at the first error.
    target_url: str

    @property
    def key(self) -> str:
        """What is said under one key goes in order, and the last word stands."""
        return f"{self.sha}/{self.context}"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A call that a forge is to be sent; the secret is not in it."""

    method: str
    url: str
    #: Beside those of every call that sends JSON and takes it.
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a call."""

    #: `done`; `same`: it was said already; `again`: later; `refused`: it would be refused again.
    kind: str
    #: With `again`, how long the forge wants to be left alone, seconds; None where it does not say.
    after_s: float | None = None
    #: With `again` and `refused` what happened, as a sentence for people that names what helps.
    said: str = ""
    #: With `again` and `refused`: it holds for every status of the project, not for this one alone.
    everywhere: bool = False
