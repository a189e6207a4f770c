"""Whether Slurm can be reached, who answers, and what the token may do there."""

from __future__ import annotations

import http.client
import shlex
import socket
import ssl
from collections.abc import Collection, Iterator
from contextlib import suppress

from connectors.checkup.format import span_text
from connectors.slurm.acts import NOT_ALLOWED
from connectors.slurm.checkup.token import RENEW
from connectors.slurm.checkup_wire import Pings
from connectors.slurm.rest.client import VERSIONS, Denied, NotOffered, Reply, Rest
from connectors.slurm.wire import Diagnosis
from models.errors import Unreachable
from models.findings import Finding, skipped, warning, well, wrong
from models.policies import Mode, Policy

REST, CONTROLLER, RELEASE, RIGHTS, CLOCK, JOBS = (
    "slurm.rest",
    "slurm.controller",
    "slurm.release",
    "slurm.rights",
    "slurm.clock",
    "slurm.jobs",
)
ADVICE = "Name the folder of Slurm's commands as spec.slurm.commands: squeue reads them in a fraction of a second."
RECORDS_MOST = 4000  # that slurmrestd tells in a few seconds, and with less than 1 GB
TRIED = ("24.11", "26.05")
OFF_S = 5  # whole seconds are told, and a busy slurmctld takes its time
OFF_MOST_S = 60
NO_NODE = "tidegate-doctor"  # no node is called so: a change of it is refused, by rights first and by name second
NO_SUCH_NODE = 2018  # ESLURM_INVALID_NODE_NAME
TAKE_ANOTHER, RUN_AS_ANOTHER = "take a token of one's", "run Tidegate as one"
DOWN, HUNG = 1800, 5004  # slurmctld cannot be connected to; it does not answer


def unreached(url: str, error: Unreachable) -> Finding:
    """Why slurmrestd gave no answer that can be used."""
    cause = error.__cause__
    if isinstance(error, Denied):
        remedy = (
            "See slurm.token. If that is well: the user must be known to slurmctld's host, and slurmctld must have the"
            " key with which the token was made (AuthAltParameters=jwt_key=...) and a clock that is right."
        )
        return wrong(REST, str(error), remedy, RENEW)
    what, remedy = str(error), "See what serves there: spec.slurm.url must be the address of slurmrestd."
    for kind, words, advice in _CAUSES:
        if isinstance(cause, kind):
            what, remedy = f"{url}: {words}", advice
            if kind in (OSError, ssl.SSLError, ssl.SSLCertVerificationError, socket.gaierror):
                what += f" ({getattr(cause, 'verify_message', '') or getattr(cause, 'strerror', '') or cause})"
            break
    return wrong(REST, what, remedy)


_CAUSES: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        socket.gaierror,
        "this host name is not known here",
        "Mend spec.slurm.url, or see why the name does not resolve.",
    ),
    (
        ssl.SSLCertVerificationError,
        "its certificate is not trusted",
        "Give the CA that signed it as spec.slurm.caFile, and connect by a name that is in the certificate.",
    ),
    (ssl.SSLError, "it does not speak TLS with us", "Write http:// rather than https:// in spec.slurm.url?"),
    (
        ConnectionRefusedError,
        "nothing listens there",
        "Start slurmrestd on that host, or mend host and port in spec.slurm.url.",
    ),
    (
        TimeoutError,
        "no answer in time",
        "See whether a firewall drops it, whether the host is up, and whether slurmrestd hangs.",
    ),
    (
        http.client.HTTPException,
        "what answers there does not speak HTTP as slurmrestd does",
        "Mend the port in spec.slurm.url; write https:// if slurmrestd speaks TLS.",
    ),
    (OSError, "it cannot be connected to", "Mend spec.slurm.url, or the network on the way."),
)


def no_slurmrestd(url: str, reply: Reply) -> Finding | None:
    """What is wrong where somebody else answers than slurmrestd, whose answers are all JSON."""
    if reply.faults is None:
        what = f"{url}: what answers there is not slurmrestd, or something on the way changes its answers"
        remedy = "See what serves there, and proxies on the way: spec.slurm.url must be the address of slurmrestd."
        return wrong(REST, f"{what} ({reply.status}: {reply.text[:100]!r})", remedy)
    return None


def asked(rest: Rest, path: str) -> Reply:
    """The answer as it is, whatever its status. Raises Unreachable when there is none."""
    return rest.write("GET", path)


def spoken(rest: Rest) -> list[str]:
    """The data parsers, of those that we know, that slurmrestd speaks. Raises Unreachable."""
    chosen, found = rest.version, []
    try:
        for version in sorted(VERSIONS):
            rest.version = version
            with suppress(NotOffered):
                asked(rest, "ping")
                found += [version] * (rest.version == version)
    finally:
        rest.version = chosen
    return found


def controller_findings(reply: Reply) -> Iterator[Finding]:
    """What the answer to diag says of slurmctld, when it is none to work with."""
    numbers = _numbers(reply)
    if DOWN in numbers or (reply.status == 502 and HUNG not in numbers):
        yield wrong(
            CONTROLLER,
            f"slurmrestd answers, but no slurmctld does: {reply.text}",
            "Start slurmctld, and see how its log ends.",
            "scontrol ping",
            "systemctl status slurmctld",
        )
    elif HUNG in numbers or reply.status == 504:
        yield wrong(
            CONTROLLER,
            f"slurmctld takes requests and does not answer them: {reply.text}",
            "See what it is busy with; what it was asked may still come true.",
            "sdiag",
        )
    else:
        yield wrong(CONTROLLER, f"answer {reply.status} when asked how it is: {reply.text}", "See slurmctld's log.")


def backup_findings(pings: Pings) -> Iterator[Finding]:
    """Whether every slurmctld answers."""
    silent = sorted(one.hostname for one in pings.pings if not one.responding)
    if silent:
        yield warning(
            CONTROLLER,
            f"slurmctld on {', '.join(silent)} does not answer: nobody takes over when the other one ends",
            "Start it.",
            "scontrol ping",
        )
    else:
        yield well(CONTROLLER, f"slurmctld answers on {', '.join(one.hostname for one in pings.pings) or 'its host'}")


def release_findings(diagnosis: Diagnosis, versions: list[str], chosen: str, policy: Policy) -> Iterator[Finding]:
    """Which Slurm it is, and whether Tidegate was tried with it."""
    release = diagnosis.meta.slurm.release
    series = tuple(int(part) for part in release.split(".")[:2] if part.isdecimal())
    low, high = (tuple(int(part) for part in one.split(".")) for one in TRIED)
    what = f"Slurm {release or 'of an unknown release'}, data parsers {', '.join(versions)}; {chosen} is used"
    if series < low or series > high:
        age = "older" if series < low else "newer"
        yield warning(
            RELEASE,
            f"{what}. This is {age} than what Tidegate was tried with ({' to '.join(TRIED)})",
            "Let it run in mode recommend for some days, and see that it tells what squeue and sinfo do.",
        )
    elif _reserves(policy) and max(versions, default="") <= "v0.0.42":
        yield warning(
            RELEASE,
            f"{what}. It cannot make reservations over REST: nothing is reserved ahead, nodes are drained only",
            "Set moves.reserveAhead to false and moves.loans to never, or upgrade Slurm.",
        )
    else:
        yield well(RELEASE, what)


def _reserves(policy: Policy) -> bool:
    return policy.spec.moves.reserve_ahead or policy.spec.moves.loans != "never"


def load_findings(diagnosis: Diagnosis) -> Iterator[Finding]:
    """Whether more jobs wait than slurmrestd can well tell; their records are not asked for, as that could cost it
    minutes."""
    waiting = diagnosis.statistics.jobs_pending if diagnosis.statistics else 0
    if waiting > RECORDS_MOST:
        what = (
            f"{waiting} jobs wait, tasks of arrays among them; each record of a poll costs slurmrestd 1 ms and 160 KiB"
        )
        yield warning(JOBS, what, ADVICE)


def clock_findings(diagnosis: Diagnosis, before_s: float, after_s: float) -> Iterator[Finding]:
    """How far slurmctld's clock is from ours, which was so before and after it was asked."""
    told = diagnosis.statistics.req_time.value if diagnosis.statistics else None
    if told is None:
        yield skipped(CLOCK, "slurmctld does not tell its time")
        return
    off_s = told + 0.5 - (before_s + after_s) / 2  # half a second on the average since the second began
    side = "ahead of" if off_s > 0 else "behind"
    what = f"slurmctld's clock is {span_text(off_s)} {side} that of this machine"
    remedy = "Let both hosts take their time from the same servers."
    if abs(off_s) >= OFF_MOST_S:
        more = "; what it tells is taken as old, or as of the future, and tokens end too early or too late"
        yield wrong(CLOCK, what + more, remedy, "chronyc tracking")
    elif abs(off_s) >= OFF_S:
        yield warning(CLOCK, what, remedy, "chronyc tracking")
    else:
        yield well(CLOCK, f"slurmctld's clock and ours are the same, within {max(1, round(abs(off_s)))} s")


def rights_findings(rest: Rest, policy: Policy | None, user: str) -> Iterator[Finding]:
    """Whether the token's user may change nodes.

    Asked without a change: a change of nothing, on a node that is not there, which slurmctld refuses for another reason
    to an administrator than to others, operators too. It leaves a line in slurmctld's log.
    """
    reply = rest.write("POST", f"node/{NO_NODE}", {})
    numbers = _numbers(reply)
    if reply.status == 200 and not numbers:
        numbers = {NO_SUCH_NODE}
    yield rights_finding(numbers, reply.text, policy, user or "the token's user", TAKE_ANOTHER)


def rights_finding(numbers: Collection[int], text: str, policy: Policy | None, whose: str, otherwise: str) -> Finding:
    """What the refusal of that change says of the user; ``otherwise`` is what else can be done about a wrong one."""
    if NOT_ALLOWED in numbers:
        kind = warning if policy is not None and policy.spec.mode is not Mode.AUTO else wrong
        name = "USER" if " " in whose else whose
        return kind(
            RIGHTS,
            f"{whose} is no Slurm administrator: Tidegate can look, and only at what others may see, but move nothing",
            f"Make the user an administrator, or {otherwise}: an operator of Slurm's may not change nodes.",
            shlex.join(("sacctmgr", "modify", "user", "where", f"name={name}", "set", "adminlevel=admin")),
        )
    if NO_SUCH_NODE in numbers:
        return well(RIGHTS, f"{whose} is a Slurm administrator, and may drain and reserve")
    return skipped(RIGHTS, f"slurmctld says neither yes nor no: {text}")


def _numbers(reply: Reply) -> set[int]:
    return {fault.error_number for fault in reply.faults or ()}
