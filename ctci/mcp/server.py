"""The SDK's server around the tools, for both transports. The only file that knows the SDK; importing it is slow.

It keeps nothing between two calls: each asks anew who the caller is, and what is there for them.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from starlette.types import ASGIApp

import ctci
from ctci.mcp import naming, plain, table, telling
from ctci.mcp.asking import Ask
from ctci.mcp.outputs import UNTRUSTED

log = logging.getLogger(__name__)

INSTRUCTIONS = (
    "ctci is a CI server. Start with get_failures: of a run, of an address of ctci, or of project@branch it tells what "
    f"is red, since when, by which commit, and how to reproduce it. {UNTRUSTED}"
)
AGAIN = "Try again in a moment; get_status shows whether ctci answers."
#: Bytes of a call.
BODY = 256 * 1024


def build(asking: Callable[[Any], Ask]) -> Server[Any]:
    """The server; `asking` makes of a request (None on stdio) what answers it."""
    # Its lines name methods and sessions, which ours do already; what fails is said.
    logging.getLogger("mcp").setLevel(logging.WARNING)
    door = _Door(asking)
    return Server(
        "ctci",
        version=ctci.__version__,
        title="ctci",
        instructions=INSTRUCTIONS,
        on_list_tools=door.list_tools,
        on_call_tool=door.call_tool,
        on_list_resources=_list_resources,
        on_list_resource_templates=_list_templates,
        on_read_resource=door.read_resource,
        on_list_prompts=_list_prompts,
        on_get_prompt=_get_prompt,
    )


class _Door:
    """What is answered, as who asks may see it; the ledger is asked in a thread."""

    def __init__(self, asking: Callable[[Any], Ask]) -> None:
        self._asking = asking

    async def list_tools(self, context: Any, _: Any) -> types.ListToolsResult:
        ask = self._asking(context.request)
        return types.ListToolsResult(tools=[_tool(each) for each in table.offered(ask)])

    async def call_tool(self, context: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        ask = self._asking(context.request)
        try:
            told = await anyio.to_thread.run_sync(table.call, ask, asked.name, asked.arguments or {})
        except Exception:  # what it says may be nobody's business: it is for the log alone
            log.exception("the tool %s failed", plain.clean(asked.name)[:100])
            told = table.Told(text=telling.refusal("ctci could not answer; its log says why.", AGAIN), structured=None)
        return types.CallToolResult(
            content=[types.TextContent(text=told.text)],
            structured_content=told.structured,
            is_error=told.structured is None,
        )

    async def read_resource(self, context: Any, asked: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        ask, uri = self._asking(context.request), str(asked.uri)
        told = await anyio.to_thread.run_sync(table.resource, ask, uri)
        if told is None:
            raise MCPError(code=types.INVALID_PARAMS, message=f"There is no such resource; runs are {table.RUNS}ID.")
        contents = types.TextResourceContents(uri=uri, mime_type="text/plain", text=told)
        return types.ReadResourceResult(contents=[contents])


async def _list_resources(_: Any, __: Any) -> types.ListResourcesResult:
    """None by name: runs are many, and list_runs knows them."""
    return types.ListResourcesResult(resources=[])


async def _list_templates(_: Any, __: Any) -> types.ListResourceTemplatesResult:
    run = types.ResourceTemplate(
        name="run",
        title="A run",
        uri_template=f"{table.RUNS}{{id}}",
        description="A run with its jobs, their verdicts, and the commits it brought.",
        mime_type="text/plain",
    )
    return types.ListResourceTemplatesResult(resource_templates=[run])


async def _list_prompts(_: Any, __: Any) -> types.ListPromptsResult:
    of = types.PromptArgument(
        name="of", description="A run's number, an address of ctci, or project@branch.", required=True
    )
    about = "Find out why something is red, and how to mend it."
    prompt = types.Prompt(name="diagnose_failure", title="Why is it red?", description=about, arguments=[of])
    return types.ListPromptsResult(prompts=[prompt])


async def _get_prompt(_: Any, asked: types.GetPromptRequestParams) -> types.GetPromptResult:
    if asked.name != "diagnose_failure":
        raise MCPError(code=types.INVALID_PARAMS, message="There is no such prompt; there is diagnose_failure.")
    try:
        text = table.prompt((asked.arguments or {}).get("of", ""))
    except naming.Wrong as error:
        raise MCPError(code=types.INVALID_PARAMS, message=str(error)) from None
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=types.TextContent(text=text))])


def _tool(tool: table.Tool) -> types.Tool:
    """As the protocol tells of it; of the hints none is left to its default, which is the worst."""
    hints = types.ToolAnnotations(
        read_only_hint=not tool.changes,
        destructive_hint=tool.destructive,
        idempotent_hint=tool.idempotent,
        open_world_hint=False,
    )
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.summary,
        input_schema=table.schema(tool.takes),
        output_schema=table.schema(tool.gives),
        annotations=hints,
    )


@contextlib.asynccontextmanager
async def over_http(asking: Callable[[Any], Ask]) -> AsyncIterator[ASGIApp]:
    """What answers calls over streamable HTTP, for as long as this is entered, by one task."""
    # Hosts and origins are the guard's, which every call has passed.
    walls = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    manager = StreamableHTTPSessionManager(
        build(asking), json_response=True, stateless=True, security_settings=walls, max_request_body_size=BODY
    )
    async with manager.run():
        yield manager.handle_request


def over_stdio(ask: Ask) -> None:
    """Answer whoever has our standard input and output, until the input ends."""

    async def serve() -> None:
        server = build(lambda _: ask)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(serve)
