# syntax=docker/dockerfile:1
# The bot alone: no sandbox, no tests, no compiler. Data (SQLite file and key) lives in the volume /data.
# Pin the base to what you have reviewed: docs/deployment.md says how the digest is found.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# requirements-otel.txt sends traces as well (docs/operations.md).
ARG REQUIREMENTS=requirements.txt
WORKDIR /build
COPY requirements.txt requirements-otel.txt ./
# Wheels only: nothing that is downloaded is run while the image is built.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r "${REQUIREMENTS}" \
    && /venv/bin/pip uninstall --yes --quiet pip setuptools \
    && /venv/bin/python -c "import aiohttp, asyncpg, re2, slack_bolt, sr25519, uvloop"
WORKDIR /app
COPY bot bot
COPY handlers handlers
COPY storage storage
# The tree is read-only later, so the bytecode is made now.
RUN /venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${PYTHON_IMAGE}
# As process 1, Python would ignore a SIGTERM that comes before the bot can take it.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bot \
    && install -d -o bot -g bot -m 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app

# HOME: a library wants one, also of an account that has none.
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app HOME=/data \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HTTP_HOST=0.0.0.0 HEALTH_HOST=127.0.0.1 HEALTH_PORT=8080 LOG_FORMAT=json

# The database is data/dbc-bot.db from here unless DATABASE_URL says otherwise, or its file.
WORKDIR /
USER 10001:10001
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# The loop turns. Readiness is another matter: a bot that waits for Slack must not be restarted.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "bot.cli.health"]
ENTRYPOINT ["tini", "--", "python", "-m", "bot"]
CMD ["run"]
