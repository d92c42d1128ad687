"""Says to load balancers and supervisors whether this process serves, and Presswatch works."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from monitor.overview.readiness import unready_reasons
from monitor.web.backend import Served

router = APIRouter(include_in_schema=False)

# Whoever asks will not wait for long.
PATIENCE_S = 2.0


@router.get("/healthz")
async def healthz() -> JSONResponse:
    """Answers, which shows that this process serves."""
    return JSONResponse({"serves": True})


@router.get("/readyz")
async def readyz(served: Served) -> JSONResponse:
    """Answers 200 if Presswatch works, else 503 with the reasons in words."""
    now = datetime.now(UTC)
    try:
        async with asyncio.timeout(PATIENCE_S):
            reasons = await run_in_threadpool(unready_reasons, served.runtime, now)
    except (RedisError, TimeoutError):
        reasons = ["Redis does not answer: see whether it runs, and what it logs"]
    return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)
