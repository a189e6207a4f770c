"""The hooks of one pool as its policy has them, behind the port: each phase by the way that is written for it."""

from __future__ import annotations

from connectors.hooks.asking import Asking
from connectors.hooks.command import Commands
from connectors.hooks.http import post
from models.acts import Outcome
from models.handovers import Direction
from models.hooks import HookCall, Hooks
from models.identity import PoolId

BEFORE, AFTER = "before", "after"


class SiteHook:
    """Calls what a policy's ``hooks`` name, as the port ``Hook``; where there is nothing, all is done."""

    def __init__(self, hooks: Hooks, whose: PoolId, commands: Commands) -> None:
        self._hooks = hooks
        self._whose = whose
        self._commands = commands

    def before(self, node: str, direction: Direction, ident: str) -> Outcome:
        """See the port. Takes no longer than a url's timeout, but for the search of its host's address; a command is
        not waited for."""
        return self._ask(self._hooks.before, Asking(self._whose, node, direction, ident, BEFORE))

    def after(self, node: str, direction: Direction, ident: str) -> Outcome:
        """See the port; as ``before``."""
        return self._ask(self._hooks.after, Asking(self._whose, node, direction, ident, AFTER))

    def let_go(self, node: str, direction: Direction, ident: str) -> bool:
        """See the port. What a service over HTTP does meanwhile is not known here."""
        return self._commands.let_go(Asking(self._whose, node, direction, ident, BEFORE))

    def _ask(self, call: HookCall | None, asking: Asking) -> Outcome:
        if call is None:
            return Outcome.DONE
        return post(call, asking) if call.command is None else self._commands.ask(call, asking)
