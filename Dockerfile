# The bot alone: no sandbox, no tests. Data (SQLite file and key) lives in the volume /data.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DATABASE_URL=sqlite+aiosqlite:////data/dbc-bot.db \
    HTTP_HOST=0.0.0.0 LOG_FORMAT=json

# As process 1, Python would ignore a SIGTERM that comes before the bot can take it.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/*

RUN useradd --system --uid 10001 --home-dir /app bot && install -d -o bot -g bot -m 0700 /data

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY bot bot
COPY handlers handlers
COPY storage storage

USER bot
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "python", "-m", "bot"]
CMD ["run"]
