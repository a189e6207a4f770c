"""What an order through the API does: it is checked against what is known, and written beside the lock or the lease."""

from __future__ import annotations

from collections.abc import Callable

from models.errors import BadInput
from models.handovers import Stage
from models.leadership import Ordered, Orders
from models.takeovers import ALL, Request, nodes_text
from service.page.bodies import PauseOrder, ResumeOrder, TakeoverOrder
from service.page.model import Done
from service.page.shown import Shown
from service.page.words import NAMES, moment


def pause(shown: Shown, order: PauseOrder) -> Done:
    """Pause moves. Raises BadInput or Unreachable, as all of these do."""
    _check_pool(shown, order.pool)
    ordered = _ordered(shown, order)
    _write(shown, lambda orders: orders.pause(order.open, order.pool, ordered))
    return Done(f"moves{_of(order.pool)} are paused; open hand-overs {order.open}")


def resume(shown: Shown, order: ResumeOrder) -> Done:
    """Let moves go on."""
    _check_pool(shown, order.pool)
    ordered = _ordered(shown, order)
    orders = _write(shown, lambda orders: orders.resume(order.pool, ordered))
    if orders.paused is not None:
        return Done("all pools stay paused, this one too")
    return Done(f"moves{_of(order.pool)} may begin again")


def announce(shown: Shown, order: TakeoverOrder) -> Done:
    """Announce a takeover."""
    _check_pool(shown, order.pool)
    now_s = shown.clock()
    wanted = ALL if order.nodes == "all" else int(order.nodes)
    _check_size(shown, order.pool, wanted)

    def with_it(orders: Orders) -> Orders:
        try:
            asked = Request(
                orders.next_ident(), order.pool, order.side, wanted, order.at_s, order.for_s, order.by, now_s
            )
        except ValueError as error:
            raise BadInput(str(error)) from error
        if asked.to_s <= now_s:
            raise BadInput("it would be over already")
        return orders.announce(asked, now_s)

    made = _write(shown, with_it).takeovers[-1]
    what = f"{nodes_text(made.nodes)} of pool {made.pool} for {NAMES[made.side]} at {moment(made.at_s)}"
    return Done(f"request {made.ident} is announced: {what}")


def cancel_takeover(shown: Shown, ident: str) -> Done:
    """Cancel an announced takeover."""
    _write(shown, lambda orders: orders.cancel(ident))
    return Done(f"request {ident} is cancelled")


def turn_back(shown: Shown, ident: str) -> Done:
    """Order one hand-over back, which the leader does at its next look if it still can."""
    known = shown.handovers.get(ident)
    if known is None or known.stage.finished:
        raise BadInput("no such hand-over is under way")
    if known.stage in (Stage.CANCELLING, Stage.OPENING):
        raise BadInput(f"it cannot be turned back any more: it is in stage {known.stage}")
    _write(shown, lambda orders: orders.turn_back(ident))
    return Done(f"hand-over {ident} of node {known.node} is ordered back; its node then stays for the pool's dwell")


def _ordered(shown: Shown, order: PauseOrder | ResumeOrder) -> Ordered:
    try:
        return Ordered(order.by, shown.clock(), order.why)
    except ValueError as error:
        raise BadInput(str(error)) from error


def _write(shown: Shown, new: Callable[[Orders], Orders]) -> Orders:
    if shown.book is None:
        raise BadInput("nothing is moved here, so there is nothing to order: the policy's mode is not auto")
    shown.orders = shown.book.order(new)
    return shown.orders


def _check_pool(shown: Shown, pool: str | None) -> None:
    known = [] if shown.status is None else [one.name for one in shown.status.pools]
    if pool is not None and pool not in known:
        raise BadInput(f"no pool is called {pool}; there are: {', '.join(known) or 'none yet'}")


def _check_size(shown: Shown, pool: str, wanted: int) -> None:
    """A slip of the finger would be announced, and found infeasible at its hour."""
    known = () if shown.status is None else shown.status.pools
    whole = next((one.nodes for one in known if one.name == pool), None)
    if whole is not None and wanted > whole:
        raise BadInput(f"pool {pool} has {whole} nodes, not {wanted}")


def _of(pool: str | None) -> str:
    return "" if pool is None else f" of pool {pool}"
