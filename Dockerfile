# docker build --target cpu -t transcription-server .
# docker build --target gpu -t transcription-server:gpu .
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt requirements-studio.txt requirements-gpu.txt ./

FROM build AS build-cpu
# Where plain pip would take a CUDA build of torch, name PyTorch's CPU index: --build-arg TORCH_INDEX=...
ARG TORCH_INDEX=
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0 \
    && pip install -r requirements.txt

FROM build AS build-gpu
RUN pip install -r requirements-gpu.txt

FROM python:${PYTHON} AS base
RUN useradd --create-home --uid 10001 server \
    && install -d -o server /data /data/work /data/models
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 PORT=8000 WORKSPACE_DIR=/data/work DATA_DIR=/data/kept HF_HOME=/data/models ORT_DISABLE_TELEMETRY=1
COPY requirements*.txt ./
COPY server.py assembly.py loaders.py seams.py models.py options.py config.py exceptions.py ./
COPY cli cli
COPY backends backends
COPY routes routes
COPY services services
COPY utils utils
COPY transcription_server transcription_server
USER server
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10m \
    CMD ["python", "-c", "import os,urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=4)"]
CMD ["python", "server.py"]

FROM base AS gpu
COPY --from=build-gpu /opt/venv /opt/venv
ENV LD_LIBRARY_PATH=/opt/venv/lib/python3.11/site-packages/nvidia/cublas/lib \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM base AS cpu
COPY --from=build-cpu /opt/venv /opt/venv
