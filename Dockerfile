# One image for the worker, the server and the app: the locked packages, a user without rights, and
# one folder that lives on (/app/data). What builds it and what it holds: docs/containers.md.
# The release is pinned here; pin the digest of what you pulled beside it in your own registry.
ARG PYTHON=3.11.13-slim-bookworm

FROM python:${PYTHON} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY requirements.container.lock ./
# by hash: a package that is not the one locked ends the build
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --quiet --require-hashes --no-deps \
        -r requirements.container.lock \
    && .venv/bin/python -m compileall -q .venv/lib

FROM python:${PYTHON}
# LightGBM needs OpenMP's library; its release comes with the pinned base
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 tillcast \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app/data tillcast
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY . .
# what the image was built of, for the runs it writes: --build-arg COMMIT="$(git rev-parse HEAD)"
ARG COMMIT=
ENV PATH=/app/.venv/bin:$PATH \
    TILLCAST_COMMIT=${COMMIT} \
    HOME=/app/data \
    PREFECT_HOME=/app/data/prefect \
    PYTHONUTF8=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    OMP_WAIT_POLICY=passive DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false PREFECT_SERVER_ANALYTICS_ENABLED=false
# DVC writes dvc.lock, its own folder and .gitignore files beside the code. A checkout made under a
# strict umask holds files that only its owner may read: here nobody is that owner
RUN dvc init --no-scm --quiet --force \
    && dvc config core.analytics false \
    && dvc config core.check_update false \
    && dvc cache dir data/dvc-cache \
    && mkdir -p data/inbox \
    && find . -path ./.venv -prune -o -exec chmod a+rX {} + \
    && chown -R 10001:10001 /app/data /app/.dvc /app/dvc.lock /app/shop.yaml \
    && chown 10001:10001 /app
USER 10001:10001
VOLUME /app/data
# exit code 0, 1 or 2 by the worst line; a warning is for people, the container is well
HEALTHCHECK --interval=5m --timeout=2m --start-period=15m --retries=2 \
    CMD ["sh", "-c", "python monitor.py health || test $? -eq 1"]
CMD ["python", "flows/deploy.py"]
