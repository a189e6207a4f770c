"""The way to a site's API server."""

from __future__ import annotations

import time
from functools import partial

from connectors.kube.access.config import open_access
from connectors.kube.access.http_api import HttpApi
from connectors.kube.settings import KubernetesSettings
from models.errors import BadInput


def open_api(settings: KubernetesSettings | None) -> HttpApi:
    """Nothing is asked yet. Raises BadInput."""
    if settings is None:
        raise BadInput("the site file has no spec.kubernetes", remedy="name a kubeconfig there")
    return HttpApi(partial(open_access, settings, monotonic=time.monotonic))
