"""The login, where the settings ask for a password."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.web.access import begin_session, from_our_pages, is_password
from monitor.web.backend import Served
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

MAX_PASSWORD_LENGTH = 1_000


@router.get("/login")
def login(request: Request, served: Served, next: str = "/") -> Response:  # noqa: A002 - as other sites call it
    """Asks for the password."""
    if served.runtime.config.settings.web.is_open:
        return RedirectResponse("/", 303)
    return _form(request, next)


@router.post("/login")
def log_in(
    request: Request,
    served: Served,
    password: Annotated[str, Form(max_length=MAX_PASSWORD_LENGTH)] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Begins a session if the password is right."""
    settings = served.runtime.config.settings.web
    visitors = served.runtime.store.visitors
    address = request.client.host if request.client else ""
    if not visitors.may_log_in(address):
        return _form(request, next, 429, "Too many attempts. Wait five minutes, then try again.")
    if not is_password(settings, password):
        visitors.login_failed(address)
        return _form(request, next, 403, "This is not the password.")
    begin_session(request, settings)
    return RedirectResponse(_local(next), 303)


@router.post("/logout")
def log_out(request: Request) -> Response:
    """Ends the session."""
    request.session.clear()
    return RedirectResponse("/login", 303)


def _form(request: Request, back: str, status: int = 200, error: str = "") -> HTMLResponse:
    return page(request, "login.html", status, back=_local(back), error=error)


def _local(path: str) -> str:
    """Returns a path on this site, and `/` for an address that would lead to another one."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_path and path.isprintable() else "/"
