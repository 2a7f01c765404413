"""Every setting: an environment variable HUB_…, secrets also as HUB_…_FILE. `hub settings` lists them with value and source."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from hubapp.failure import Misuse
from hubapp.topics import SOURCES


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HUB_", env_ignore_empty=True, extra="forbid")

    home: Path = Field(Path(".hub"), description="Directory of the embedded services and of the workers' tables")
    name: str = Field("hub", description="Which hub this is; stands in every row of the store")
    group: str = Field("hub", description="Consumer group of the workers, and prefix of changelog topics and transactional ids")
    worker: str = Field("worker", description="This worker's own name, which it keeps: its tables are under HOME/workers/NAME")

    kafka: str | None = Field(None, description="HOST:PORT,… of a Kafka of one's own; without it the embedded one is used")
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Kafka security protocol"
    )
    kafka_ca: Path | None = Field(None, description="CA certificates (PEM) that sign the brokers'")
    kafka_certificate: Path | None = Field(None, description="Client certificate (PEM)")
    kafka_key: Path | None = Field(None, description="Client key (PEM)")
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("SCRAM-SHA-512", description="SASL mechanism")
    kafka_user: str | None = Field(None, description="SASL user")
    kafka_password: SecretStr | None = Field(None, description="SASL password")
    kafka_version: Literal["4.1.1", "3.7.1"] = Field("4.1.1", description="Version of the embedded Kafka")
    kafka_brokers: Literal[1, 3] = Field(1, description="How many embedded brokers")
    kafka_port: int = Field(0, ge=0, le=65535, description="First port of the embedded Kafka; 0: free ones, kept afterwards")

    database: SecretStr | None = Field(
        None, description="postgresql://… of a database of one's own; without it the embedded one is used"
    )
    archive: bool = Field(True, description="Archive facts and findings to PostgreSQL in this worker")
    store_gib: float = Field(5, gt=0, description="GiB that the store may take: `hub retention` says for how many days they last")

    topics: dict[str, str] = Field({}, description="Names of source topics that differ from their role, as JSON {role: name}")
    replication: int = Field(
        0, ge=0, description="Replication of our own topics; 0: 3, or the number of brokers where there are fewer"
    )
    zone_authentication: str = Field("UTC", description="IANA zone of naive times of the authentication service")
    zone_platform: str = Field("UTC", description="IANA zone of naive times of the platform services")
    config: Path | None = Field(None, description="Path of hub.toml, the thresholds that `hub rules apply` writes into the logs")
    input: bool = Field(
        False, description="Input of the past: progress by the input's own times, windows closed by an end-of-input"
    )
    delivery_timeout: float = Field(
        120, gt=0, description="Seconds that a producer may hold a record back: idle claims rest as long after an error"
    )
    session_timeout: float = Field(10, ge=6, description="Seconds after which a silent worker loses its partitions")
    commit_interval: float = Field(0.1, ge=0, description="Seconds between two transactions of a partition number")

    web_host: str = Field("127.0.0.1", description="Address of the web server; loopback only")
    web_port: int = Field(0, ge=0, le=65535, description="Port of the web server; 0: a free one")
    log_format: Literal["text", "json"] = Field("text", description="Form of the log lines")

    @field_validator("zone_authentication", "zone_platform")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no IANA time zone, such as Europe/Berlin") from error
        return name

    @field_validator("topics")
    @classmethod
    def _has_known_roles(cls, names: dict[str, str]) -> dict[str, str]:
        roles = {topic.role for topic in SOURCES}
        if unknown := sorted(set(names) - roles):
            raise ValueError(f"{unknown[0]!r} is no source; they are {', '.join(sorted(roles))}")
        return names


SECRETS = frozenset(name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation))
VARIABLES = {f"HUB_{name.upper()}": name for name in Settings.model_fields}
FILES = {f"HUB_{name.upper()}_FILE": name for name in SECRETS}


class Row(NamedTuple):
    """A line of `hub settings`. value: as text, a secret never shown. source: default, environment, or file PATH."""

    variable: str
    value: str | None
    source: str
    description: str


@cache
def settings() -> Settings:
    """The settings of this process. Raises `Misuse`, one line for each thing that is wrong with them."""
    try:
        return read(os.environ)
    except ValidationError as error:
        raise Misuse("; ".join(_complaint(wrong["loc"], wrong["msg"]) for wrong in error.errors())) from error
    except SettingsError as error:  # Of a dict that is no JSON; its text names the field and not the variable.
        raise Misuse("HUB_TOPICS: not a JSON object of role and name") from error


def read(environment: Mapping[str, str]) -> Settings:
    """Refuse what is no setting (a misspelt one would silently be ignored), and read the secrets that stand in files."""
    if lines := unknown(environment):
        raise Misuse("; ".join(lines))
    secrets = {FILES[name]: _secret(name, Path(path)) for name, path in environment.items() if name in FILES and path}
    for name in secrets:
        if environment.get(f"HUB_{name.upper()}"):
            raise Misuse(f"HUB_{name.upper()} and HUB_{name.upper()}_FILE are both set: unset one")
    return Settings(**secrets)  # type: ignore[arg-type]  # Each is a SecretStr field, which takes text.


def unknown(environment: Iterable[str]) -> list[str]:
    """A line for each variable HUB_… that is no setting, with the nearest that is one."""
    known = [*VARIABLES, *FILES]
    lines = []
    for name in sorted(environment):
        if name.upper().startswith("HUB_") and name.upper() not in known:
            near = get_close_matches(name.upper(), known, 1)
            lines.append(f"{name} is no setting: " + (f"did you mean {near[0]}?" if near else "`hub settings` lists them"))
    return lines


def listing(current: Settings, environment: Mapping[str, str]) -> list[Row]:
    """Every setting with its value and where it is from."""
    given = {name.upper(): value for name, value in environment.items() if value}
    return [
        Row(variable, _shown(current, name), _source(variable, given), Settings.model_fields[name].description or "")
        for variable, name in VARIABLES.items()
    ]


def _source(variable: str, given: Mapping[str, str]) -> str:
    if f"{variable}_FILE" in given and f"{variable}_FILE" in FILES:
        return f"file {given[f'{variable}_FILE']}"
    return "environment" if variable in given else "default"


def _shown(current: Settings, name: str) -> str | None:
    value = getattr(current, name)
    if value is None:
        return None
    return "********" if name in SECRETS else json.dumps(value) if isinstance(value, dict | bool) else str(value)


def _secret(variable: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse(f"{variable}: {path} cannot be read ({getattr(error, 'strerror', None) or 'it is no text'})") from error


def _complaint(place: tuple[int | str, ...], message: str) -> str:
    return f"HUB_{str(place[0]).upper()}: {message.removeprefix('Value error, ')}"
