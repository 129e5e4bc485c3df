# The build stage installs the locked packages; only what it made goes into the final image.
# Python and Debian releases are pinned; a rebuild picks up their security patches.
FROM python:3.13-slim-trixie AS build

COPY requirements/runtime.txt /build/runtime.txt
# Wheels only, but for stem, which has none and is plain Python: nothing is compiled, so no stage
# needs a compiler. pip is of no use afterwards.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: --no-binary stem --requirement /build/runtime.txt \
    && /opt/venv/bin/python -m pip uninstall --yes pip

COPY . /app
# The root file system is read-only at run time, so bytecode is made now.
RUN python -m compileall -q /app

FROM python:3.13-slim-trixie

LABEL org.opencontainers.image.title="imdb-title-collector" \
      org.opencontainers.image.licenses="MIT"

# A fixed id, so that the owner of a mounted folder can be set from outside: chown 10001 folder
RUN groupadd --gid 10001 collector \
    && useradd --uid 10001 --gid collector --no-create-home --home-dir /tmp \
        --shell /usr/sbin/nologin collector \
    && install --directory --owner collector --group collector /data

COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OUTPUT_DIR=/data

WORKDIR /app
USER 10001:10001
VOLUME ["/data"]

# A one-shot job has no port to ask: that the program and its packages load is what can be checked.
HEALTHCHECK --interval=60s --timeout=10s --start-period=5s --retries=3 \
    CMD ["python", "main.py", "--version"]

ENTRYPOINT ["python", "main.py"]
