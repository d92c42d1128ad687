# All of Presswatch in one image; the command chooses the process: run, scheduler, worker, archive, web.
# compose.yaml runs each in a container of its own, with Redis and PostgreSQL.

FROM python:3.12-slim AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# The lock files are complete, and name a hash for each file; wheels only, so no compiler is needed.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/presswatch \
    && /opt/presswatch/bin/pip install --no-deps --only-binary :all: --require-hashes -r requirements.lock \
    && python -m pip install --no-deps --only-binary :all: --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE Procfile ./
COPY packaging/share packaging/share
COPY config config
COPY monitor monitor
COPY workers workers
RUN python -m hatchling build -t wheel -d dist \
    && /opt/presswatch/bin/pip install --no-deps --no-index dist/*.whl

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/presswatch presswatch
COPY --from=build /opt/presswatch /opt/presswatch
ENV PATH=/opt/presswatch/bin:$PATH PRESSWATCH_DATA=/var/lib/presswatch PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/presswatch
VOLUME /var/lib/presswatch
# By number, so that Kubernetes sees that it is not root.
USER 10001
EXPOSE 8080
# A silent feed is a matter for operators, but no reason to restart a container.
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s --retries=3 CMD ["presswatch", "status", "--alive"]
ENTRYPOINT ["presswatch"]
CMD ["run"]
