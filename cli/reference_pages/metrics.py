"""The reference page of metrics."""

from __future__ import annotations

from cli.reference_pages.markdown import table
from models.metrics import Family, Kind, Label
from service.metric_catalogue import CATALOGUE, families, roles_of
from service.roles import Role

_HEAD = """# Metrics

Generated from the declarations of the metrics; do not edit it, run `make generate`.

With [`spec.metrics`](site.md#specmetrics) in the site file every process shows its metrics at `/metrics`, whatever its
role; a page shows those of its own process, too. Rules, alerts and dashboards for them are in
[helm/monitoring](../../helm/monitoring/README.md), with how to scrape several roles; what to do at an alert is in the
[runbooks](../runbooks.md).

* `GET /metrics`: what all parts of the process count, as of the last seconds; 503 until it is drawn first.
* `GET /livez`: 503 once no step was taken for 3 minutes. Start the process anew.
* `GET /readyz`: 503 until all parts are open, and while something keeps a part from its work, with a line for each: a
  source or the bus that does not answer, moves that are held. That is nothing to start it anew for.

Of the metrics themselves:

* Labels have few values, which are listed here or follow from the policy: never the name of a node, a job or a user.
  `pool` is a pool of the policy. Prometheus adds `job` and `instance`; let one job scrape all processes of one site.
* What is not known is left out, and is no 0. A family is there all the same, without a sample.
* A counter begins at 0 when its process starts. So do the scores of forecasts, but for the past that the bus still has,
  which is forecast and scored again at the start.
"""


def metrics_page() -> str:
    """The page, in Markdown."""
    parts = {part: own for part, own in CATALOGUE.items() if part != "kubernetes"}  # shares those of its sources
    return "\n".join([_HEAD, *(_section(part, own) for part, own in parts.items()), _labels()])


def _section(part: str, own: tuple[Family, ...]) -> str:
    rows = table(("name", "kind", "unit", "labels", "meaning"), (_row(family) for family in own))
    return f"## {part.capitalize()}\n\n{_shown_by(own)}\n\n{rows}"


def _shown_by(own: tuple[Family, ...]) -> str:
    roles = [f"`{role}`" for role in roles_of(own[0]) if role is not Role.ALL]
    return f"Of role {' and '.join(roles)}, and of `all`."


def _row(family: Family) -> tuple[str, ...]:
    name = f"{family.name}_bucket" if family.kind is Kind.HISTOGRAM else family.shown_as
    labels = ", ".join(f"`{label.name}`" for label in family.labels)
    text = f"{family.help} No sample {family.lacks}." if family.lacks else family.help
    return f"`{name}`", family.kind, family.unit, labels, text


def _labels() -> str:
    """What each label can be; families that share a name and not its values are told apart."""
    found: dict[tuple[str, tuple[str, ...], str], list[Family]] = {}
    for family in families().values():
        for label in family.labels:
            found.setdefault((label.name, label.values, label.bound), []).append(family)
    names = [name for name, _, _ in found]
    rows = (
        (f"`{name}`", _whose(own) if names.count(name) > 1 else "all that have it", _values(Label(name, values, bound)))
        for (name, values, bound), own in sorted(found.items())
    )
    return f"## Labels\n\n{table(('label', 'of', 'values'), rows)}"


def _whose(own: list[Family]) -> str:
    return ", ".join(f"`{family.shown_as}`" for family in own)


def _values(label: Label) -> str:
    return ", ".join(f"`{value}`" if value else "nothing" for value in label.values) or label.bound
