"""The words that pages, terminal and letters share: durations, ages, numbers, and why a job waits.

Pure: whoever calls passes the time. Between a number and its unit stands a narrow no-break space.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ctci.model import FINISHED, RED, Ack, Finding, Job, Life, Novel, Run, Sending, Silence, Status

#: Narrow no-break space: numbers keep their units, and thousands their groups.
THIN = "\u202f"

#: What may stand before the `@` of a mail address without quotes; its `/` is left out, for paths end there.
_LOCAL = r"[\w.!#$%&'*+=?^`{|}~-]"
#: The first character of a mail address, bare or in quotes, and its end from the `@` on. Who is named in an address
#: (`ssh://git@`) is none, nor is a version. No character is gone back to: a mail server's answer may be long.
_ADDRESS = re.compile(
    rf"(?:(?<!{_LOCAL})(?<!://)({_LOCAL}){_LOCAL}*+"
    r'|"((?:\\.|[^"\\]))(?:\\.|[^"\\]){0,63}+")'
    r"(@(?:(?:[\w-]+\.)*[^\W\d_][\w-]*|\[[\w.:]+\]))"
)

#: How a trigger's kind is said of a run.
ASKED = {
    "push": "pushed",
    "tag": "tagged",
    "schedule": "scheduled",
    "manual": "asked for",
    "rerun": "run again",
    "sweep": "found by the sweep",
    "bisect": "looking for what broke it",
    "try": "try",
}


#: What the word for a finding's life means.
LIVES = {
    "new": "seen here for the first time, or again after it was gone and not seen for 21 days",
    "still": "seen here before, and nothing has shown it gone since",
    "returned": "it was gone, and is here again within 21 days",
    "fixed": "a later job shows it gone",
    "flaky": "the same commit and recipe had it and had it not: for 14 days, or until 5 runs in a row show it gone",
}


def number(value: int) -> str:
    """`88 120`."""
    return f"{value:,}".replace(",", THIN)


def count(value: int, one: str, many: str | None = None) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def size(value: int) -> str:
    """`9.4 MB`, of bytes."""
    amount = float(value)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.1f}{THIN}{unit}" if unit != "B" and amount < 100 else f"{amount:.0f}{THIN}{unit}"


def sizes(values: Mapping[str, int]) -> str:
    """`ledger 9.4 MB, logs 3 GB`: of what takes room, with its bytes."""
    return ", ".join(f"{name} {size(value)}" for name, value in values.items())


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `1 m 12 s`, `1 h 47 m`, `3 d 4 h`."""
    if 0 < seconds < 1:
        return f"{max(seconds, 0.1):.1f}{THIN}s"
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if minutes == 0:
        return f"{whole}{THIN}s"
    if hours == 0:
        return f"{minutes}{THIN}m{THIN}{rest:02d}{THIN}s"
    if days == 0:
        return f"{hours}{THIN}h{THIN}{minutes_left:02d}{THIN}m"
    return f"{days}{THIN}d{THIN}{hours_left}{THIN}h"


def briefly(seconds: float) -> str:
    """`0.4s`, `41s`, `2m10s`, `61m`, `2h05m`: for columns, and for a line that has little room."""
    if 0 < seconds < 1:
        return f"{max(seconds, 0.1):.1f}s"
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    if whole < 60:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{rest:02}s"
    return f"{minutes}m" if minutes < 100 else f"{minutes // 60}h{minutes % 60:02}m"


def age(ms: int) -> str:
    """How long: `48 s`, `3 min`, `2 h`, `4 days`, of milliseconds."""
    seconds = max(0, ms) // 1000
    if seconds < 60:
        return f"{seconds}{THIN}s"
    if seconds < 120 * 60:
        return f"{seconds // 60}{THIN}min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600}{THIN}h"
    return f"{seconds // 86400}{THIN}days"


def ago(at: int, now: int) -> str:
    """`2 h ago`, or `just now` within two seconds; both Unix milliseconds."""
    return "just now" if now - at < 2000 else f"{age(now - at)} ago"


def status(value: str) -> str:
    """A status as people read it: `timed out`."""
    return value.replace("_", " ")


def sha(value: str | None) -> str:
    """The first seven digits of a commit id."""
    return (value or "")[:7]


def names(values: list[str]) -> str:
    """`api`, `api and web`, `api, web and docs`."""
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} and {values[-1]}" if values else ""


def decided(decision: str) -> str:
    """What became of a call of a hook, in the one word that every place has for it: `ignored`, `seen before`."""
    return {"duplicate": "seen before"}.get(decision, decision)


def called(forge: str, event: str) -> str:
    """Who called, and with what: `gitea push`; our own hook has one event of its own name."""
    forge = forge.replace("_", "-")
    return forge if forge == event else f"{forge} {event}"


def novel(novel: Novel) -> str:
    """`12 lines never seen in a green log, the first is line 214`."""
    said = f"{count(novel.count, 'line')} never seen in a green log"
    return f"{said}{': ' if novel.count == 1 else ', the first is '}line {number(novel.lines[0].line)}"


def silence(silence: Silence, moment: Callable[[int], str]) -> str:
    """That a hook does not call; `moment` says a Unix time in milliseconds."""
    pushes = count(silence.missed, "push came", "pushes came")
    if silence.since is None:
        return f"the webhook of {silence.project} has never called, while {pushes}"
    return f"the webhook of {silence.project} has been silent since {moment(silence.since)} while {pushes}"


#: What was given up is told for so long, milliseconds.
UNSENT_MS = 7 * 86_400_000


def unsent(found: Sequence[Sending]) -> str:
    """That messages (letters, statuses, calls) did not go, and why the newest did not; empty where there are none."""
    due = sum(each.state == "due" for each in found)
    lost = len(found) - due
    told = [count(due, "message is", "messages are") + " held up"] if due else []
    told += [count(lost, "message was", "messages were") + " given up in the last 7 days"] if lost else []
    cause = next((each.last_error for each in found if each.last_error), "")
    return f"{names(told)}{': ' + cause.rstrip('.') if cause else ''}"


def veiled(text: str) -> str:
    """The text with each mail address in it as `a…@example.org`: whoever reads a page need not know them."""
    return _ADDRESS.sub(r"\1\2…\3", text)


def waits(job: Job, run: Run) -> str:
    """Why a queued job does not run yet."""
    wait = job.wait
    if run.prepared_at is None:
        return f"waits for its commit to be fetched{': ' + run.reason if run.reason else ''}"
    if run.behind is not None:
        return f"waits behind #{run.behind} (on-new-push = queue)"
    if wait is not None and wait.kind == "recipe":
        return f"needs {names(list(wait.names))}, which {'has' if len(wait.names) == 1 else 'have'} not ended"
    if wait is not None and wait.kind == "lock":
        of = f" of #{wait.run}" if wait.run is not None else ""
        return f"waits for the lock {wait.names[0]}, which {wait.holder}{of} holds"
    before = f"; {count(wait.ahead, 'job is', 'jobs are')} before it" if wait is not None and wait.ahead else ""
    return f"waits for a free slot{before}{': ' + job.reason if job.reason else ''}"


def said(job: Job, run: Run) -> str:
    """What there is to say of a job beside its status; empty where the status says all."""
    if job.status is Status.QUEUED:
        return waits(job, run)
    if job.status not in FINISHED and job.cancel_asked_at is not None:
        return f"{job.cancel_by} asked it to end" + (f": {job.cancel_reason}" if job.cancel_reason else "")
    if job.status is Status.CANCELLED and job.cancel_by:
        return f"cancelled by {job.cancel_by}" + (f": {job.reason}" if job.reason else "")
    if job.status in RED and job.order.recipe.allow_failure:
        return f"{job.reason or status(job.status)} (allowed to fail)"
    return job.reason or ""


def seconds(job: Job, now: int) -> float | None:
    """How long a job took, or has been running; None when it never began."""
    if job.began_at is None:
        return None
    if job.exit is not None and job.exit.how != "lost":
        # What its keeper measured: it may have been settled long after, by the next server.
        return job.exit.seconds
    return max(0, (job.finished_at or now) - job.began_at) / 1000


def short_name(finding: Finding) -> str:
    """The beginning of its fingerprint: what `ctci ack` takes."""
    return finding.fingerprint[:8]


def lived(life: Life) -> str:
    """What has become of a finding: `new`, `still, 9 days`, `flaky, seen in 3 of 14`."""
    if life.word == "flaky":
        return f"flaky, seen in {number(life.times)} of {number(life.looks)}"
    if life.word == "still" and life.age >= 60_000:
        return f"still, {age(life.age)}"
    return life.word


def known(acks: Iterable[Ack], day: Callable[[int], str]) -> list[str]:
    """`3 known, acknowledged by ana until 24 Dec: …`, a line for each reason; each ack once for what it hides."""
    counted: dict[tuple[str, str, str], int] = {}
    for ack in acks:
        told = (ack.acked_by, day(ack.until - 1), ack.why)
        counted[told] = counted.get(told, 0) + 1
    return [
        f"{number(times)} known, acknowledged by {by} until {last}: {why}" for (by, last, why), times in counted.items()
    ]


def lapsed(ack: Ack, day: Callable[[int], str]) -> str:
    """`acknowledged by ana until 24 Dec: lapsed`; `day` says a Unix time in milliseconds."""
    return f"acknowledged by {ack.acked_by} until {day(ack.until - 1)}: lapsed"
