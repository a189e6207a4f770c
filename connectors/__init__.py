"""Connectors: translate what schedulers say into the words of ``models``, and carry out what the ports ask.

One folder for each system, none of which knows the others: ``slurm/`` is Slurm, ``bus/`` the event bus, ``local/`` what
one machine gives, ``hooks/`` a site's own services. ``publishing/`` tells the bus what sources show; ``sources/`` and
``kafka_client/`` are what several of them stand on. How a scheduler is added: ``README.md``. Here may not be a
decision, a forecast, or an import of ``controller`` or ``forecasting``.
"""
