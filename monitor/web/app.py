"""Builds the web application: routes, and what a request passes before it reaches one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from monitor.web import health, metrics
from monitor.web.access import SESSION_COOKIE, Gate, Harden, RememberPeer
from monitor.web.api import alerts as alerts_api
from monitor.web.api import articles as articles_api
from monitor.web.api import coverage as coverage_api
from monitor.web.api import deliveries as deliveries_api
from monitor.web.api import exports, files
from monitor.web.api import feeds as feeds_api
from monitor.web.api import mutes as mutes_api
from monitor.web.api import queues as queues_api
from monitor.web.api import watchlists as watchlists_api
from monitor.web.callbacks import Callbacks
from monitor.web.faults import handle_faults
from monitor.web.pages import alerts as alerts_pages
from monitor.web.pages import (
    bench,
    configuration,
    coverage,
    deliveries,
    feeds,
    later,
    login,
    mutes,
    queues,
    saving,
    stories,
    watchlists,
)
from monitor.web.rendering import STATIC
from monitor.web.searching import MOST_SEARCHES

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from monitor.web.backend import Backend

SESSION_DAYS = 30
# A form's fields are small, but for a note.
MAX_BODY_BYTES = 1_000_000
# An answer that is smaller fits into one packet anyway.
GZIP_FROM_BYTES = 1_000
# What is larger is compressed in a thread: 64 KB would hold all other requests for 3 to 13 ms.
GZIP_ASIDE_FROM_BYTES = 64 * 1024

# In this order: an address is served by the first that has it.
API_ROUTERS = (
    watchlists_api.router,
    # Before the addresses of single alerts.
    watchlists_api.feeds,
    exports.router,
    alerts_api.router,
    alerts_api.changes,
    mutes_api.router,
    mutes_api.changes,
    feeds_api.router,
    feeds_api.changes,
    coverage_api.router,
    deliveries_api.router,
    queues_api.router,
    articles_api.router,
)
PAGE_MODULES = (
    alerts_pages,
    watchlists,
    bench,
    saving,
    coverage,
    stories,
    later,
    feeds,
    queues,
    deliveries,
    mutes,
    configuration,
    login,
)


def create(backend: Backend) -> ASGIApp:
    """Returns the application, with everything around it that a request passes first."""
    settings = backend.runtime.config.settings.web
    api = FastAPI(
        title="Presswatch",
        version="1",
        description="Alerts, watchlists, coverage and feeds of a Presswatch daemon.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        max_body_size=MAX_BODY_BYTES,
    )
    api.state.backend = backend
    # Apart, since an export may take minutes, and somebody waits for a search at each key.
    api.state.exports = files.limiter()
    api.state.searches = CapacityLimiter(MOST_SEARCHES)
    for router in API_ROUTERS:
        api.include_router(router, prefix="/api/v1")
    for machine in (health, metrics):
        api.include_router(machine.router)
    for module in PAGE_MODULES:
        api.include_router(module.router, include_in_schema=False)
    api.mount("/static", StaticFiles(directory=STATIC), name="static")
    handle_faults(api)
    api.add_middleware(Gate)
    api.add_middleware(
        SessionMiddleware,
        secret_key=backend.runtime.store.visitors.session_key(),
        session_cookie=SESSION_COOKIE,
        max_age=SESSION_DAYS * 24 * 3600,
        same_site="lax",
    )
    api.add_middleware(
        GZipMiddleware,
        minimum_size=GZIP_FROM_BYTES,
        thread_minimum_size=GZIP_ASIDE_FROM_BYTES,
        exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, files.WORKBOOK),
    )
    proxies = [str(network) for network in settings.proxies]
    # Before the gate: hubs are strangers, who reach the callbacks and nothing else.
    hardened: Any = Harden(Callbacks(api, backend))
    trusting: Any = ProxyHeadersMiddleware(hardened, trusted_hosts=proxies)
    return RememberPeer(trusting)
