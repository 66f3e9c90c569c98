# The image of Ingest: a build stage that may use the network and compilers, a runtime stage that holds neither pip caches
# nor locks nor tests. docs/container.md says how to run it.

FROM python:3.12-slim AS build

# UV_SYSTEM_CERTS: trust what the base image trusts, so that a company's own certificate works by adding it there.
# PYC_INVALIDATION_MODE: the files never change again, so no start has to compare them with their sources.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYC_INVALIDATION_MODE=UNCHECKED_HASH \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_SYSTEM_CERTS=1

WORKDIR /build

# Everything that is downloaded is named with its hash: uv, the build backend, the packages. --no-build and --only-binary
# keep out source archives, whose own build would fetch tools that nobody hashed.
COPY requirements-uv.lock requirements-build.lock requirements.lock ./
RUN python -m pip install --quiet --require-hashes --only-binary :all: -r requirements-uv.lock -r requirements-build.lock \
    && python -m venv --without-pip /opt/venv \
    && uv pip install --quiet --python /opt/venv/bin/python --no-build --require-hashes -r requirements.lock

# The package goes in as the wheel that would be published, after the dependencies: a change of code leaves their layer as it is.
COPY pyproject.toml README.md LICENSE ./
COPY ingest ingest
RUN python -m hatchling build -t wheel -d /wheel \
    && uv pip install --quiet --python /opt/venv/bin/python --no-deps --offline /wheel/*.whl


FROM python:3.12-slim

LABEL org.opencontainers.image.title="Ingest" \
      org.opencontainers.image.description="Turns web feeds into clean, deduplicated articles in a database, and keeps doing so for years." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"

# The number is fixed, so that a folder on the host can be given to it (chown 10001:10001) and a cluster can see it is not root.
# /app/data leads the default database, sqlite:///data/ingest.db, into the volume. An INGEST_DATABASE_URL set here would do so
# too, but it would override a mounted ingest.toml and refuse to stand beside an INGEST_DATABASE_URL_FILE.
# The base image ships its standard library without bytecode: left so, every start and every health check would compile what
# it imports anew (0.29 instead of 0.06 CPU s for a bare start with urllib, json and argparse).
RUN groupadd --gid 10001 ingest \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin ingest \
    && install --directory --owner=ingest --group=ingest --mode=0750 /data \
    && install --directory /app \
    && ln -s /data /app/data \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash -x 'site-packages|/test/|/tests/|idlelib|lib2to3|tkinter' \
       "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"

COPY --from=build /opt/venv /opt/venv
COPY LICENSE /app/
COPY config /app/config
COPY seeds /app/seeds

# The root file system may be read-only: state lives in /data, scratch files in /tmp, nothing needs a home.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/tmp \
    INGEST_HTTP_HOST=0.0.0.0

WORKDIR /app
VOLUME /data
EXPOSE 8080
USER 10001:10001
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=20s --timeout=10s --start-period=30s --retries=3 CMD ["ingest", "healthcheck"]

ENTRYPOINT ["ingest"]
CMD ["run"]
