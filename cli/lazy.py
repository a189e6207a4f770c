"""Commands that are imported when they are called: the help, and a name that is none, need none of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import cleandoc
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_group

from models.errors import clean


class Command(NamedTuple):
    """A command or a group: where its function or its Typer is, as ``module:name``, and its line of the help."""

    where: str
    help: str
    hidden: bool = False


class PlainGroup(TyperGroup):
    """A group whose help tells the whole first paragraph of each command's help, and not its beginning."""

    def lines(self) -> list[tuple[str, str]]:
        """Each command and what it is for."""
        return [(name, cleandoc(one.help or "").split("\n\n")[0]) for name, one in self.commands.items()]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: D102 - as click knows it
        with formatter.section("Commands"):
            formatter.write_dl(self.lines())


_SHOWN: Any = typer.BadParameter.__mro__[2]  # the base of all that click itself shows


def _said_clean(step: Any) -> Any:
    """Wrong usage repeats what was typed: names of files that others gave, where a shell has put them in."""

    def stepped(*words: Any, **more: Any) -> Any:
        try:
            return step(*words, **more)
        except _SHOWN as error:
            told = clean(error.format_message())
            error.format_message = lambda: told
            raise

    return stepped


def lazy_group(commands: Mapping[str, Command]) -> type[TyperGroup]:
    """A kind of group that has these commands, in this order."""

    class LazyGroup(PlainGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands: Any = dict.fromkeys(commands)  # the names: what is like a wrong one is looked for in them

        make_context = _said_clean(PlainGroup.make_context)
        invoke = _said_clean(PlainGroup.invoke)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return _loaded(cmd_name, commands[cmd_name].where) if cmd_name in commands else None

        def lines(self) -> list[tuple[str, str]]:
            return [(name, one.help) for name, one in commands.items() if not one.hidden]

    return LazyGroup


def _loaded(name: str, where: str) -> Any:
    module, _, attribute = where.partition(":")
    made = getattr(import_module(module), attribute)
    around = typer.Typer(rich_markup_mode=None)
    if isinstance(made, typer.Typer):
        around.add_typer(made, name=name, cls=PlainGroup)
    else:
        around.command(name)(made)
    return get_group(around).commands[name]
