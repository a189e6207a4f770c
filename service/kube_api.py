"""The way to a site's API server."""

from __future__ import annotations

import time
from functools import partial

from connectors.kube.access.config import open_access
from connectors.kube.access.http_api import HttpApi
from connectors.kube.settings import KubernetesSettings


def open_api(settings: KubernetesSettings) -> HttpApi:
    """Nothing is asked yet. Raises BadInput."""
    return HttpApi(partial(open_access, settings, monotonic=time.monotonic))
