"""A site file: text in, Site out, or every mistake at once with its line and column."""

from __future__ import annotations

from pathlib import Path

from basics.documents.document import Form, read_document
from service.site import Site

SITE = Form(Site, "site", "site file")


def read_site(path: Path) -> Site:
    """The site in a file, its paths taken from its folder. Raises BadDocument or BadInput."""
    return read_document(path, SITE).value.beside(path.absolute().parent)
