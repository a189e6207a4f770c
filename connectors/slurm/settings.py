"""How a site reaches its Slurm. Declared once, as pydantic models."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_IROTH
from typing import Annotated, ClassVar, Literal

from pydantic import model_validator
from pydantic.alias_generators import to_camel

from models.fields import PATH, Contradiction, Part, field, lasting, matching

_URL = matching(r"https?://[A-Za-z0-9.:\[\]-]+(/[!$-~]*)?", "an address such as http://slurmctl:6820", longest=2048)
_SERVERS = matching(r"[^\s:,]+:[0-9]{1,5}(,[^\s:,]+:[0-9]{1,5})*", "brokers such as host:9092,other:9092", longest=2048)
_TOPIC = matching(r"[A-Za-z0-9._-]{1,249}", "the name of a topic", longest=249)


class CompletionSettings(Part):
    """Where Slurm's own plug-in ``jobcomp/kafka`` tells which jobs have started and ended."""

    servers: Annotated[str, _SERVERS] = field(
        ..., "The brokers that the plug-in writes to: HOST:PORT, several with commas between them."
    )
    topic: Annotated[str, _TOPIC] = field("tidegate-slurm", "Its topic, `topic=` in JobCompParams of slurm.conf.")
    start_topic: Annotated[str, _TOPIC] | None = field(
        None, "The topic of starts, `topic_job_start=` there, where it is another one."
    )
    settings: Annotated[Path, PATH] | None = field(
        None, "A file of bus settings for these brokers: TLS, who we are. Of it only `security` matters here."
    )


class SlurmSettings(Part):
    """How to reach Slurm."""

    REFUSED: ClassVar[Mapping[str, str]] = {
        "token": "no token belongs in this file, which others may read; put it into a file and give that as tokenFile",
    }

    over: Literal["rest", "native"] = field(
        "rest", "How Slurm is spoken to: rest through slurmrestd, native through pyslurm on a host of the cluster."
    )
    url: Annotated[str, _URL] | None = field(None, "The address of slurmrestd. Needed with rest.")
    token_file: Annotated[Path, PATH] | None = field(
        None,
        "The file that holds the JWT of a Slurm user, in mode auto of an administrator, and nothing else. It is read"
        " again whenever it changes. Needed with rest.",
    )
    user: Annotated[str, matching(r"[!-~]+", "the name of a user", longest=200)] | None = field(
        None, "Whose token it is, where the token does not say so itself."
    )
    ca_file: Annotated[Path, PATH] | None = field(
        None, "The CA that signed slurmrestd's certificate (PEM). Without it, those that the system trusts."
    )
    commands: Annotated[Path, PATH] | None = field(
        None,
        "The folder of Slurm's commands, /usr/bin say. Jobs and nodes are then read by its squeue and scontrol: for a"
        " site with thousands of jobs, which slurmrestd takes a second or more for each thousand of.",
    )
    poll: Annotated[int, lasting("1s", "10m")] = field(
        "30s", "How often Slurm is read; less often where slurmctld is slow."
    )
    conf: Annotated[Path, PATH] | None = field(
        None, "The site's slurm.conf, where `tidegate doctor` may read it to warn of settings that endanger moves."
    )
    completions: CompletionSettings | None = field(
        None, "Slurm's own stream of jobs that start and end, read besides. Without it, the polls tell all."
    )

    @model_validator(mode="after")
    def _whole(self) -> SlurmSettings:
        found: list[tuple[tuple[str, ...], str]]
        if self.over == "native":
            given = ((to_camel(name), getattr(self, name)) for name in ("url", "token_file", "user", "ca_file"))
            found = [
                ((to_camel(name),), "is only for rest; leave it out") for name, value in given if value is not None
            ]
        else:
            needed = (("url", self.url), ("tokenFile", self.token_file))
            found = [((), f"lacks {name}, which rest needs") for name, value in needed if value is None]
        if found:
            raise Contradiction(*found)
        return self

    def exposed(self) -> list[Path]:
        """The file of the token, where everybody on this machine can read it."""
        path = self.token_file
        with suppress(OSError):
            return [path] if path is not None and path.stat().st_mode & S_IROTH else []
        return []
