"""Builds the web application: routes, who may use them, and what faults look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from anyio import CapacityLimiter
from fastapi import FastAPI, Request
from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from monitor.errors import ArchiveUnavailable, PresswatchError, QueryError
from monitor.web import health, metrics
from monitor.web.access import Gate, Harden, RememberPeer
from monitor.web.api import alerts as alerts_api
from monitor.web.pages import alerts as alerts_pages
from monitor.web.pages import (
    bench,
    configuration,
    coverage,
    deliveries,
    feeds,
    login,
    queues,
    stories,
    watchlists,
)
from monitor.web.rendering import STATIC, fault_page
from monitor.web.searching import MOST_SEARCHES

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from monitor.web.backend import Backend

SESSION_DAYS = 30
SESSION_COOKIE = "presswatch"
# An answer that is smaller fits into one packet anyway.
GZIP_FROM_BYTES = 1_000


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
    )
    api.state.backend = backend
    api.include_router(alerts_api.router, prefix="/api/v1")
    api.state.searches = CapacityLimiter(MOST_SEARCHES)
    for machine in (health, metrics):
        api.include_router(machine.router)
    for module in (
        alerts_pages,
        watchlists,
        bench,
        coverage,
        stories,
        feeds,
        queues,
        deliveries,
        configuration,
        login,
    ):
        api.include_router(module.router, include_in_schema=False)
    api.mount("/static", StaticFiles(directory=STATIC), name="static")
    _handle_faults(api)
    api.add_middleware(Gate)
    api.add_middleware(
        SessionMiddleware,
        secret_key=backend.runtime.store.visitors.session_key(),
        session_cookie=SESSION_COOKIE,
        max_age=SESSION_DAYS * 24 * 3600,
        same_site="lax",
    )
    api.add_middleware(Harden)
    api.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES)
    proxies = [str(network) for network in settings.proxies]
    trusting: Any = ProxyHeadersMiddleware(cast("Any", api), trusted_hosts=proxies)
    return RememberPeer(trusting)


def _handle_faults(api: FastAPI) -> None:
    """Says what happened and what to do, as a page or, to programs, as JSON."""

    @api.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if _is_program(request):
            return await http_exception_handler(request, error)
        return fault_page(request, error.status_code, str(error.detail))

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        if _is_program(request):
            return await request_validation_exception_handler(request, error)
        first = error.errors()[0]
        return fault_page(request, 422, f"{first['loc'][-1]}: {first['msg']}.")

    _handle_failures(api)


def _is_program(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _handle_failures(api: FastAPI) -> None:
    async def answer(request: Request, status: int, message: str) -> Response:
        if _is_program(request):
            return JSONResponse({"detail": message}, status)
        return fault_page(request, status, message)

    @api.exception_handler(QueryError)
    async def broken_query(request: Request, error: QueryError) -> Response:
        return await answer(request, 422, str(error))

    @api.exception_handler(ArchiveUnavailable)
    async def no_archive(request: Request, error: ArchiveUnavailable) -> Response:
        return await answer(request, 503, f"The archive cannot be read: {error}.")

    @api.exception_handler(PresswatchError)
    async def failed(request: Request, error: PresswatchError) -> Response:
        return await answer(request, 503, f"{error}.")

    @api.exception_handler(RedisError)
    async def no_redis(request: Request, error: RedisError) -> Response:
        return await answer(
            request, 503, f"Redis does not answer ({type(error).__name__}). Is the daemon running?"
        )
