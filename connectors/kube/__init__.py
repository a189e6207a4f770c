"""Kubernetes behind the port.

``access/`` is how an API server is reached: configuration, who we are, one request, one watch. ``wire/`` is what is
answered, as far as it is read. ``demand/`` makes of pods, jobs and queues what ``models`` has words for; ``nodes.py``
does so for nodes. ``cluster.py`` holds what lists and watches tell, once for all pools, and ``kubernetes.py`` is the
port. ``checkup/`` looks a cluster over for a person. Nothing here may decide which node moves, and no part of a picture
may be made up: what cannot be told is ``Unreachable``.
"""
