"""Connectors: translate what schedulers say into the words of ``models``, and carry out what the ports ask.

``local/`` is what one machine gives, ``hooks/`` calls a site's services. Here will be one folder for each system
(``slurm/``, ``pbs/``, ``kube/``, ``prom/``, ``bus/``), each a pure ``read.py`` and a thin ``client.py``. Here may not
be a decision, a forecast, or an import of ``controller`` or ``forecasting``.
"""
