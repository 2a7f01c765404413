# One worker: the same command as in the Procfile. Kafka and PostgreSQL are outside: HUB_KAFKA, HUB_DATABASE.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/hub
COPY requirements.lock .
RUN /opt/hub/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /opt/hub/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home hub && install -d -o hub /data
COPY --from=build /opt/hub /opt/hub
ENV PATH=/opt/hub/bin:$PATH HUB_HOME=/data HUB_WEB_PORT=8080 HUB_LOG_FORMAT=json
USER hub
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
CMD ["hub", "worker"]
