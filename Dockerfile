# Tollhouse as a service: everything pinned with hashes by requirements.lock, running as a user without rights.
FROM python:3.12-slim-bookworm

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 PATH=/opt/tollhouse/bin:$PATH
RUN python -m venv /opt/tollhouse
WORKDIR /src
COPY requirements.lock .
RUN pip install --quiet --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY engine engine
COPY sql sql
COPY schemas schemas
COPY web web
RUN pip install --quiet --no-deps --no-build-isolation .

RUN useradd --system --create-home --home-dir /var/lib/tollhouse tollhouse
USER tollhouse
WORKDIR /var/lib/tollhouse
EXPOSE 8321
# Only the compose file decides who can reach this: see there.
CMD ["tollhouse", "serve", "--host", "0.0.0.0", "--port", "8321"]
