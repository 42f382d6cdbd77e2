"""What a broken configuration must not hide: the projects, as the ledger has them of better times."""

from ctci import ledger
from ctci.config.settings import Config, Project, Server, Subproject
from ctci.model import Recipe, Remote


def config(db: ledger.Ledger, server: Server) -> Config:
    """Every project that anything was recorded of, with the recipes that came to a result."""
    recipes: dict[str, dict[str, dict[str, Recipe]]] = {name: {} for name in ledger.projects_(db)}
    for job in ledger.standing(db):
        subs = recipes.setdefault(job.order.project, {})
        subs.setdefault(job.order.subproject, {})[job.order.recipe.name] = job.order.recipe
    projects = {
        name: Project(
            name=name,
            remote=Remote(url=""),
            subs={sub: Subproject(name=sub, recipes=theirs) for sub, theirs in subs.items()},
        )
        for name, subs in recipes.items()
    }
    return Config(projects=projects, notify={}, server=server, folder=server.data_dir)
