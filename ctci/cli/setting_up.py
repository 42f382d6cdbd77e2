"""init, demo, hook install: the first steps."""

import sys
from pathlib import Path

import click

from ctci.cli import completing, session, terminal
from ctci.cli.verb import Verb, verb, write_examples
from ctci.config import keys

#: What sends webhooks.
FORGES = [each for each in keys.FORGES if each != "none"]


@verb(
    examples=(
        "ctci init ci --from /srv/git/shop.git",
        "ctci init --from https://git.example.org/acme/shop.git --forge gitea",
    )
)
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--from", "source", metavar="URL|PATH", help="The repository of the first project.")
@click.option("--forge", type=click.Choice(FORGES), help="What hosts it, where its address does not tell.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option("--systemd", is_flag=True, help="Write what makes a systemd service of it, too.")
@click.option("--compose", is_flag=True, help="Write what runs it in a container behind Caddy, too.")
def init(*, directory: Path, source: str | None, forge: str | None, force: bool, systemd: bool, compose: bool) -> int:
    """Writes config/projects.toml with its schema, config/ctci.toml, .gitignore and, of a known forge, a secret."""
    from ctci import scaffold  # noqa: PLC0415 - a verb's module

    made = scaffold.init(directory, source=source, forge=forge, force=force, systemd=systemd, compose=compose)
    for path in made.written:
        terminal.note(f"wrote {path}")
    if made.webhook is not None:
        hook = made.webhook
        terminal.note(f"\nAdd a webhook: open {hook.page}")
        terminal.note(f"  {hook.how}")
        terminal.note(f"  URL     {hook.url}")
        # A secret in a file of a script's output would be a secret no more.
        shown = hook.secret_file.read_text().strip() if sys.stdout.isatty() else f"the content of {hook.secret_file}"
        terminal.note(f"  secret  {shown}")
    for line in made.remarks:
        terminal.note(f"\n{line}")
    terminal.note("\nnext: `ctci check`" + (f" in {directory}" if directory != Path() else ""))
    return session.FINE


@verb(examples=("ctci demo", "ctci demo --check"))
@click.option("--check", is_flag=True, help="End after the story; exit 0 if it went as it must.")
@click.option("--keep", is_flag=True, help="Leave the folder behind.")
def demo(*, check: bool, keep: bool) -> int:
    """A repository with a real hook, a server on a free port of loopback, four pushes. Leaves nothing behind."""
    from ctci import demo as story  # noqa: PLC0415 - a verb's module

    return story.run(check=check, keep=keep)


class _Hook(click.Group):
    """A group whose help begins with two examples too."""

    examples = ("ctci hook install /srv/git/shop.git --project shop", "ctci hook install --help")

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)
        super().format_help(context, formatter)


@click.group("hook", cls=_Hook, no_args_is_help=True)
def hook() -> None:
    """The post-receive hook of a bare repository on this machine."""


@verb(
    examples=(
        "ctci hook install /srv/git/shop.git --project shop",
        "ctci hook install /srv/git/shop.git --project shop --chain",
    )
)
@click.argument("repository", metavar="REPO.git", type=click.Path(path_type=Path))
@click.option("--project", required=True, help="Its name in projects.toml.", shell_complete=completing.projects)
@click.option("--chain", is_flag=True, help="Keep a hook that is there, and run both.")
def install(*, repository: Path, project: str, chain: bool) -> int:
    """Copies the hook and its small configuration, and lets push options through. Again: brings it up to date."""
    from ctci import setup  # noqa: PLC0415 - a verb's module

    ground = session.ground()
    settings = ground.config
    configured = session.project(settings, project).remote.url if settings is not None else ""
    place = ground.layout
    for line in setup.install_hook(
        repository,
        project=project,
        socket=place.socket,
        url=None,
        secret_file=None,
        spool=place.spool,
        chain=chain,
    ):
        terminal.note(line)
    there = setup.local(configured)
    if there is not None and there.resolve() not in (repository.resolve(), setup.git_folder(repository).resolve()):
        terminal.note(f"but {project} is configured at {there}: what is pushed here is not what it fetches")
    return session.FINE


assert isinstance(install, Verb)  # noqa: S101 - the decorator's promise
hook.add_command(install)


@verb(examples=("ctci hook print > /srv/git/.ctci/post-receive", "ctci hook print --help"))
def print_() -> int:
    """The hook itself, for a file that several repositories link to."""
    from ctci import setup  # noqa: PLC0415 - a verb's module

    click.echo(setup.HOOK.read_text(), nl=False)
    return session.FINE


assert isinstance(print_, Verb)  # noqa: S101 - the decorator's promise
hook.add_command(print_)


class _Secret(click.Group):
    """A group whose help begins with two examples too."""

    examples = ("ctci secret new shop-webhook", "ctci secret new --help")

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)
        super().format_help(context, formatter)


@click.group("secret", cls=_Secret, no_args_is_help=True)
def secret() -> None:
    """Secrets lie in files beside the configuration, never in it."""


@verb(examples=("ctci secret new shop-webhook", "ctci secret new ops-webhook --signing"))
@click.argument("name")
@click.option("--signing", is_flag=True, help="A `whsec_…`, for the webhook of a notify table.")
def new(*, name: str, signing: bool) -> int:
    """Writes secrets/NAME (mode 0600) beside the configuration; prints it once on a terminal, else its file."""
    from ctci import scaffold  # noqa: PLC0415 - a verb's module

    path = scaffold.secret(session.folder(), name, signing=signing)
    shown = path.read_text().strip() if sys.stdout.isatty() else str(path)
    terminal.say(shown)
    terminal.note(f'say where it lies: webhook-secret = {{ file = "secrets/{name}" }}')
    return session.FINE


assert isinstance(new, Verb)  # noqa: S101 - the decorator's promise
secret.add_command(new)
