"""``tidegate policy``: check a policy, print its JSON Schema."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from basics.documents.document import READ_MOST, decode, parse_document, read_document
from basics.text import clean
from cli.policy_summary import NOT_YET, not_acted_on, split_of, summary
from cli.reference_pages.policy import schema_text
from models.hostlists import hosts
from service.policy_file import POLICY, old_forms

app = typer.Typer(help="Check a policy file, or print the JSON Schema of one.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="The policy file; - reads standard input.", metavar="FILE")],
    nodes: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, metavar="N", help="Also check that the first pool can have N nodes."),
    ] = None,
) -> None:
    """Show every mistake in a policy at once, or sum it up when there is none.

    Ends with 0 when the policy can be used, and with 1 when not.
    """
    if file == "-":
        document = parse_document(decode(sys.stdin.buffer.read(READ_MOST), "<stdin>"), "<stdin>", POLICY)
    else:
        document = read_document(file, POLICY)
    policy = document.value
    lines = [f"{document.name}: ok, policy {policy.metadata.name}: {summary(policy)}"]
    if nodes is not None:
        named = len(hosts(policy.spec.pools[0].nodes or ""))
        if named not in (0, nodes):
            raise document.bad(("spec", "pools", 0, "nodes"), f"these are {named} nodes, and --nodes says {nodes}")
        try:
            lines.append(split_of(policy, nodes))
        except ValueError as error:
            raise document.bad(("spec", "pools", 0), str(error)) from None
    lines += [f"note: {text}" for text in old_forms(document)]
    lines += [f"note: {key} is accepted, but not acted on everywhere: {NOT_YET[key]}" for key in not_acted_on(policy)]
    typer.echo("\n".join(map(clean, lines)))


@app.command()
def schema() -> None:
    """Print the JSON Schema (2020-12) of a policy, for editors and charts."""
    typer.echo(schema_text(), nl=False)
