"""Documents that people write: YAML in, a declared form out, or every mistake at once with its line and column.

Here may not be what a document means; forms are declared elsewhere, as ``models.fields.Part``.
"""
