"""What knows no word of the domain: documents that people write, HTTP, whole files, text for people, logging.

Here may not be a node, a job, a side or a forecast; of ``models`` only ``errors`` and ``fields`` may be imported.
"""
