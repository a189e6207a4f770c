"""Kubernetes behind the port.

``access/`` is how an API server is reached: configuration, who we are, one request, one watch. ``wire/`` is what is
answered, as far as it is read. ``watching/`` holds what lists and watches tell, once for all pools. ``demand/`` makes
of pods, jobs and queues what ``models`` has words for, and ``work.py`` puts that together; ``nodes.py`` and
``seen_nodes.py`` do so for nodes. ``node_patch.py``, ``eviction.py``, ``quota.py`` and ``node_events.py`` are what is
asked for, ``kubernetes.py`` is the port, and ``lease.py`` where leaders agree. ``checkup/`` looks a cluster over for a
person. Nothing here may decide which node moves, and no part of a picture may be made up: what cannot be told is
``Unreachable``.
"""
