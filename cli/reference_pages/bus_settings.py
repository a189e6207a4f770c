"""The reference page of bus settings."""

from __future__ import annotations

from cli.reference_pages.policy import schema_of, sections
from connectors.bus.settings import BusSettings

_HEAD = """# Bus settings

Generated from the declaration of the settings; do not edit it, run `make generate`.

`--bus kafka:HOST:PORT[,HOST:PORT]` says where a broker is; what else it takes to reach it stands in a YAML file that
`--bus-settings FILE` names. [bus-settings.yaml](../../examples/bus-settings.yaml) is one to start from. Every key is
optional, unknown keys are refused, and every mistake is told with its line and column. Of a bus in a file
(`--bus sqlite:FILE`) only `prefix` matters, and to who only looks `spool` and `spoolMost` do not.

`tidegate bus ...`, `tidegate replay` and `tidegate demo` take the file as an option; for `tidegate run` and
`tidegate doctor` the [site file](site.md) names it. A replay leaves `spool` alone: its processes each have a temporary
one. Its topics and groups begin with `prefix` and `replay-`.

Paths that are not absolute are taken from the folder of the settings file. No secret belongs into it: the password is
alone in a file of its own, without quotes; a line break at its end does not count. The command warns when everybody on
the machine can read that file or the private key.
"""
_RIGHTS = """## Rights on the broker

What whoever looks or listens must be allowed, as `kafka-acls.sh --operation` calls it:

* `tidegate bus tail` and `dead-letter list`: `Read` on the topic.
* `tidegate bus lag`: `Describe` on the topics and on the groups. What this user may not see is left out.
* `tidegate bus dead-letter replay`: besides, `Write` on the topic that a message came from, and `Read` on it where it
  is one of state.
* What publishes and listens: `Read` on the topics and the groups, `Write` on `dead-letter` and on its own topics, and
  nobody else on these: `connect` on `work`, `nodes` and `demand`, `forecast` on `forecasts`, `control` on `plans` and
  `handovers`. Whoever forges forecasts or demand takes nodes from a side, within floors and `forecast.aheadMost`.
  Besides, `Create` on the topics, or somebody makes them with the commands that the refusal shows.
* `tidegate replay --bus` and `tidegate demo --bus`: all of these, and `Delete` on the topics. Names that begin with
  `prefix` and `replay-` will do.

All names begin with `prefix`, so one rule with `--resource-pattern-type prefixed` covers them for who reads.
`tidegate bus tail`, `lag` and `dead-letter list` join no group, commit nothing and make no topic.

## Dead letters

A message that could not be used is put aside, as it was, on `tidegate.dead-letter`, and stays there for 30 days.
`tidegate bus dead-letter list` shows each message once, however many readers put it aside.
`tidegate bus dead-letter replay` sends it again to the topic that it came from: the same key, headers and body, if
possible to the same partition. One that still cannot be read is put aside again, under a new key.

* Nothing marks a letter as sent again: the list shows it until its 30 days are over. Name keys, or `--all --since`
  with the time of the last replay. A message that is there twice changes nothing for readers that go by
  `ce_sequence`.
* What was too large to be kept whole, and what was refused before it was sent, is not sent again.
* On a topic of state (`work`, `nodes`, `handovers`) a message is left out when a later one of its key is there:
  compaction would keep the older one. Seldom is anything to be sent there: whoever starts reads such a topic from its
  beginning, and a release that can read the message finds it where it is.
"""


def settings_page() -> str:
    """The reference page, in Markdown."""
    return f"{_HEAD}\n{sections(schema_of(BusSettings))}\n{_RIGHTS}"
