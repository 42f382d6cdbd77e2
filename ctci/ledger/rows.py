"""Rows to nouns and back: what leaves this room is a noun of the model, what enters a row is plain JSON."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from ctci.model import (
    Attempt,
    Commit,
    Delivery,
    Exit,
    Finding,
    Job,
    NewLine,
    Novel,
    Order,
    Reading,
    Recipe,
    Remote,
    Run,
    SecretRef,
    Sending,
    Status,
    Tally,
)


def order_json(order: Order) -> dict[str, Any]:
    """An order as plain JSON."""
    return asdict(order)


def order(plain: dict[str, Any]) -> Order:
    """The order that order_json wrote, also by an older ctci: fields it did not know have their defaults."""
    lists = ("env_pass", "needs", "vars", "junit", "sarif", "matchers", "facts")
    recipe = {
        **plain["recipe"],
        **{name: tuple(plain["recipe"].get(name, ())) for name in lists},
        "on": None if plain["recipe"].get("on") is None else tuple(plain["recipe"]["on"]),
    }
    remote = {
        **plain["remote"],
        **{
            name: SecretRef(**plain["remote"][name])
            for name in ("token", "ssh_key")
            if plain["remote"].get(name) is not None
        },
    }
    paths = tuple(plain.get("paths", ()))
    return Order(**{**plain, "recipe": Recipe(**recipe), "remote": Remote(**remote), "paths": paths})


def exit_json(exit: Exit) -> dict[str, Any]:  # noqa: A002 - the glossary's word
    """An exit as plain JSON."""
    return asdict(exit)


def exit_(plain: dict[str, Any] | None) -> Exit | None:
    """The exit that exit_json wrote."""
    if plain is None:
        return None
    return Exit(**{**plain, "leftovers": tuple(plain["leftovers"]), "survivors": tuple(plain["survivors"])})


def run(row: Row[Any]) -> Run:
    """A row of `runs`."""
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Run(
        **{name: fields[name] for name in Run.__dataclass_fields__ if name not in ("options", "status", "ref")},
        ref=fields["hunted_ref"] or fields["ref"],
        options=tuple(fields["options"]),
        status=Status(fields["status"]),
    )


_JOB_AS_IS = tuple(name for name in Job.__dataclass_fields__ if name not in ("order", "status", "exit", "wait"))


def job(row: Row[Any]) -> Job:
    """A row of `jobs`."""
    fields = row._mapping  # noqa: SLF001
    return Job(
        **{name: fields[name] for name in _JOB_AS_IS},
        order=order(fields["order"]),
        status=Status(fields["status"]),
        exit=exit_(fields["exit"]),
    )


def attempt(row: Row[Any]) -> Attempt:
    """A row of `attempts`."""
    fields = row._mapping  # noqa: SLF001
    return Attempt(
        job=fields["job"],
        number=fields["number"],
        began_at=fields["began_at"],
        finished_at=fields["finished_at"],
        status=Status(fields["status"]) if fields["status"] else None,
        exit=exit_(fields["exit"]),
        facts=fields["facts"] or {},
    )


def delivery(row: Row[Any]) -> Delivery:
    """A row of `deliveries`."""
    return Delivery(**row._mapping)  # noqa: SLF001


def commit(row: Row[Any]) -> Commit:
    """A row of `commits`."""
    fields = row._mapping  # noqa: SLF001
    return Commit(
        sha=fields["sha"],
        author=fields["author"],
        email=fields["email"],
        subject=fields["subject"],
        at=fields["at"],
        touches=tuple(fields["touches"]),
    )


def sending(row: Row[Any]) -> Sending:
    """A row of `sendings`."""
    fields = row._mapping  # noqa: SLF001
    return Sending(
        **{name: fields[name] for name in Sending.__dataclass_fields__ if name != "jobs"}, jobs=tuple(fields["jobs"])
    )


def reading(row: Row[Any]) -> Reading:
    """A row of `readings`."""
    fields = row._mapping  # noqa: SLF001
    tests, novel = fields["tests"], fields["novel"]
    return Reading(
        **{
            **fields,
            "tests": None if tests is None else Tally(**tests),
            "novel": None if novel is None else novel_(novel),
        }
    )


def novel_(plain: dict[str, Any]) -> Novel:
    """What is new in a log, of plain JSON."""
    return Novel(count=plain["count"], lines=tuple(NewLine(**each) for each in plain["lines"]))


def finding(row: Row[Any]) -> Finding:
    """A row of `findings`."""
    fields = row._mapping  # noqa: SLF001
    return Finding(**{name: fields[name] for name in Finding.__dataclass_fields__})
