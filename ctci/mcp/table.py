"""Every tool: what it does, takes and gives, what a client may think of it; and how each of them is called."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from ctci import clock
from ctci.api.operation import Known
from ctci.api.problem import ApiError
from ctci.mcp import acting, failures, inputs, naming, outputs, plain, reading, telling, weighing
from ctci.mcp.asking import Ask


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool; `do(ask, arguments, key)` gives its text and its structured answer."""

    name: str
    title: str
    summary: str
    takes: type[Known]
    gives: type[BaseModel]
    do: Callable[[Ask, Any, str], tuple[str, Any]]
    #: What a client may think of it (the four hints). None is open to the world: all is of this server.
    changes: bool = False
    destructive: bool = False
    idempotent: bool = True


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a call came to; without a structured answer it was refused."""

    text: str
    structured: dict[str, Any] | None


TOOLS: tuple[Tool, ...] = (
    Tool(
        name="get_failures",
        title="Why is it red?",
        summary="Start here. Of a run or a branch: each red recipe with its verdict, the culprit or the suspects, the "
        "first error with the log around it, the failed tests, and the steps that reproduce it.",
        takes=inputs.Failing,
        gives=outputs.Failures,
        do=lambda ask, asked, key: failures.get(ask, asked.of, key),
    ),
    Tool(
        name="list_projects",
        title="Projects",
        summary="The projects, their recipes and default branches.",
        takes=inputs.Nothing,
        gives=outputs.Projects,
        do=reading.list_projects,
    ),
    Tool(
        name="get_status",
        title="How branches stand",
        summary="Of each branch its newest run, and the recipes whose last result is red.",
        takes=inputs.OfProject,
        gives=outputs.Branches,
        do=reading.get_status,
    ),
    Tool(
        name="list_runs",
        title="Runs",
        summary="Runs, newest first, by project, branch and status.",
        takes=inputs.Runs,
        gives=outputs.Runs,
        do=reading.list_runs,
    ),
    Tool(
        name="get_run",
        title="One run",
        summary="A run with its jobs, their verdicts, and the commits it brought.",
        takes=inputs.OneRun,
        gives=outputs.RunWhole,
        do=reading.get_run,
    ),
    Tool(
        name="tail_log",
        title="The end of a log",
        summary="The last lines of a job's log.",
        takes=inputs.Tail,
        gives=outputs.LogLines,
        do=reading.tail_log,
    ),
    Tool(
        name="search_log",
        title="Search a log",
        summary="The lines of a job's log that have a text, with those around them.",
        takes=inputs.Search,
        gives=outputs.LogHits,
        do=reading.search_log,
    ),
    Tool(
        name="read_log",
        title="Read a log",
        summary="Lines of a job's log by their numbers.",
        takes=inputs.Window,
        gives=outputs.LogLines,
        do=reading.read_log,
    ),
    Tool(
        name="compare_runs",
        title="What differs",
        summary="What differs between two runs of a project: which recipes, and which of their findings.",
        takes=inputs.Two,
        gives=outputs.Comparison,
        do=weighing.compare_runs,
    ),
    Tool(
        name="list_flaky",
        title="What is flaky",
        summary="The tests and recipes of a project that fail and pass at one commit: not to be relied on.",
        takes=inputs.OneBranch,
        gives=outputs.Flaky,
        do=weighing.list_flaky,
    ),
    Tool(
        name="trigger_run",
        title="Run a project",
        summary="Run the recipes of a project, or of some subprojects, on a branch.",
        takes=inputs.Trigger,
        gives=outputs.Asked,
        do=acting.trigger_run,
        changes=True,
    ),
    Tool(
        name="rerun",
        title="Run again",
        summary="Run a run again at the same commit; by default only what did not succeed.",
        takes=inputs.Again,
        gives=outputs.Asked,
        do=acting.rerun,
        changes=True,
        idempotent=False,
    ),
    Tool(
        name="cancel",
        title="End a run",
        summary="End a run: what waits is dropped, what runs is stopped.",
        takes=inputs.Cancel,
        gives=outputs.Ended,
        do=acting.cancel,
        changes=True,
        destructive=True,
    ),
)
#: Where a run is a resource.
RUNS = "ctci://runs/"
#: The call that helps, by the code of a refusal.
THEN = {
    "not_found": "list_projects and list_runs show what there is.",
    "invalid": "Mend the arguments and call again; list_projects has the names.",
    "conflict": "get_run shows how it stands.",
    "not_allowed": "Ask a person for a token of the tier that it takes.",
    "not_signed_in": "Ask a person for a token that is known and not over.",
    "bad_request": "Mend the arguments and call again.",
    "failed": "Tell a person: the server's log has the cause.",
}


def offered(ask: Ask) -> tuple[Tool, ...]:
    """The tools that are there for who asks."""
    return tuple(tool for tool in TOOLS if ask.may_trigger or not tool.changes)


def call(ask: Ask, name: str, arguments: dict[str, Any]) -> Told:
    """Call a tool; whatever the caller did wrong is told, with the call that helps next."""
    tool = next((each for each in offered(ask) if each.name == name), None)
    if tool is None:
        there = ", ".join(each.name for each in offered(ask))
        return _refused("There is no such tool here.", f"The tools are {there}.")
    try:
        asked = tool.takes.model_validate(arguments)
    except ValidationError as error:
        # Of a value only what is wrong with it is told: it may be a secret in the wrong place.
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        said = "; ".join(f"{'/'.join(map(str, each['loc'][:2]))}: {each['msg']}" for each in wrong[:10])
        return _refused(said, f"The arguments of {name} are {', '.join(_names(tool))}.")
    try:
        text, structured = tool.do(ask, asked, clock.new_key()[:12])
    except naming.Wrong as error:
        return _refused(str(error), error.then)
    except ApiError as error:
        return _refused(str(error), THEN.get(error.code, "Try again in a moment."))
    except OverflowError:
        return _refused("The answer would be too large.", "Ask for less, or open the page of the run.")
    return Told(text=text, structured=structured)


def _refused(detail: str, then: str) -> Told:
    return Told(text=telling.refusal(detail, then), structured=None)


def _names(tool: Tool) -> list[str]:
    return [field.alias or name for name, field in tool.takes.model_fields.items()]


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """Its JSON Schema, as the protocol wants it: by the names on the wire."""
    return model.model_json_schema(by_alias=True)


def resource(ask: Ask, uri: str) -> str | None:
    """What `ctci://runs/{id}` says, the same as get_run; None where there is no such run."""
    if not uri.startswith(RUNS):
        return None
    told = call(ask, "get_run", {"run": uri})
    return told.text if told.structured is not None else None


def prompt(of: str) -> str:
    """What an agent is told to do about a failure. Raises naming.Wrong where nothing is named."""
    naming.target(of)
    return telling.DIAGNOSE.format(of=plain.cut(plain.clean(of), 300))
