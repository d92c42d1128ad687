"""Says what went wrong and what to do, as a page or, to programs, as JSON."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from monitor.errors import ArchiveUnavailable, PresswatchError, QueryError
from monitor.untrusted import printable
from monitor.web.rendering import fault_page

METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
METHOD_NOT_ALLOWED = 405


def handle_faults(api: FastAPI) -> None:
    """Gives an answer to each kind of error that a route may raise."""

    @api.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        answer = _answer(request, error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        if error.status_code == METHOD_NOT_ALLOWED:
            answer.headers["Allow"] = ", ".join(_allowed(api, request))
        return answer

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        faults = (f"{' '.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return _answer(request, 422, f"{printable('; '.join(faults))}.")

    @api.exception_handler(QueryError)
    async def broken_query(request: Request, error: QueryError) -> Response:
        return _answer(request, 422, str(error))

    @api.exception_handler(ArchiveUnavailable)
    async def no_archive(request: Request, error: ArchiveUnavailable) -> Response:
        return _answer(request, 503, f"The archive cannot be read: {error}.")

    @api.exception_handler(PresswatchError)
    async def failed(request: Request, error: PresswatchError) -> Response:
        return _answer(request, 503, f"{error}.")

    @api.exception_handler(RedisError)
    async def no_redis(request: Request, error: RedisError) -> Response:
        return _answer(
            request, 503, f"Redis does not answer ({type(error).__name__}). Is the daemon running?"
        )


def _answer(request: Request, status: int, message: str) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": message}, status)
    return fault_page(request, status, message)


def _allowed(api: FastAPI, request: Request) -> list[str]:
    """Returns the methods of all routes at an address; the error names those of the first."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    return [
        method
        for method, scope in scopes.items()
        if any(route.matches(scope)[0] is Match.FULL for route in api.routes)
    ]
