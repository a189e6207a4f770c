"""The reference of a site file: its JSON Schema and the page."""

from __future__ import annotations

from cli.reference_pages.policy import published, schema_of, schema_text, sections
from service.site import Site

SCHEMA_ID = "https://tidegate.dev/v1/site.schema.json"
_HEAD = """# Site file

Generated from the declaration of the site file; do not edit it, run `make generate`.

A site file is one YAML document that says where the schedulers and the bus of a site are, and where state is kept; what
Tidegate may do there stands in [the policy](policy.md). [site.yaml](../../examples/site.yaml) is one to start from.
Every key is optional but for those marked *required*, unknown keys are refused, and every mistake is told with its line
and column. Paths that are not absolute are taken from the folder of the site file. No secret belongs into it: tokens
are in files of their own. `tidegate doctor --site FILE` says what is not as it should be;
[site.schema.json](site.schema.json) serves editors. YAML is read by the core schema of version 1.2, without tags,
anchors and aliases.
"""
_MORE = """## Slurm's token

To observe and to recommend, the JWT of any user will do who sees everybody's jobs. In mode `auto` slurmrestd asks for
that of a Slurm administrator, who may drain nodes and make reservations; to what Slurm calls an operator it refuses the
drains (tried with 24.11 and 26.05):

```
sacctmgr modify user where name=tidegate set adminlevel=admin
(umask 077; scontrol token username=tidegate lifespan=86400 > token)
```

Both what `scontrol token` prints and the token alone are understood. The file is read again whenever it changes, so a
timer that writes a new token before the old one ends is all it takes; write it beside and rename it.

## Kubernetes' token

`tidegate rights` prints an account with the least rights for `kubectl apply`, and
[getting started](../getting-started.md) has the commands for its token and its CA.

## What `tidegate doctor` asks of Slurm

One answer each of `ping` (for every data parser), `diag`, the nodes, partitions and reservations, and, where slurmrestd
tells it (data parser v0.0.45), `conf`. It is not asked for the jobs, which can cost it minutes. Rights are found out
without a change: a change of nothing is asked for, of a node called tidegate-doctor that there is not. slurmctld
refuses it to an administrator because there is no such node, and to others because they may not; it writes a line into
its log each time. Over pyslurm doctor asks for `diag`, the jobs, nodes, partitions and reservations, and for that node
to be undrained. Where `commands` is given, squeue and scontrol are run once.
"""


def site_schema_text() -> str:
    """The JSON Schema as text."""
    return schema_text(published(Site, SCHEMA_ID, "Tidegate site"))


def site_page() -> str:
    """The reference page, in Markdown."""
    return f"{_HEAD}\n{sections(schema_of(Site))}\n{_MORE}"
