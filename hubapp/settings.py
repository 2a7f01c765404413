"""Every setting: an environment variable HUB_…, secrets also as HUB_…_FILE. `hub settings` lists them with value and source."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HUB_", extra="forbid")

    home: Path = Field(Path(".hub"), description="Directory of the embedded services and of the workers' tables")
    name: str = Field("hub", description="Which hub this is; stands in every row of the store")
    group: str = Field("hub", description="Consumer group of the workers, and prefix of changelog topics and transactional ids")
    worker: str = Field("worker", description="This worker's own name, which it keeps: its tables are under HOME/workers/NAME")

    kafka: str | None = Field(None, description="HOST:PORT,… of a Kafka of one's own; without it the embedded one is used")
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field("PLAINTEXT", description="Kafka security protocol")
    kafka_ca: Path | None = Field(None, description="CA certificates (PEM) that sign the brokers'")
    kafka_certificate: Path | None = Field(None, description="Client certificate (PEM)")
    kafka_key: Path | None = Field(None, description="Client key (PEM)")
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field("SCRAM-SHA-512", description="SASL mechanism")
    kafka_user: str | None = Field(None, description="SASL user")
    kafka_password: SecretStr | None = Field(None, description="SASL password")
    kafka_version: Literal["4.1.1", "3.7.1"] = Field("4.1.1", description="Version of the embedded Kafka")
    kafka_brokers: Literal[1, 3] = Field(1, description="How many embedded brokers")
    kafka_port: int = Field(0, ge=0, le=65535, description="First port of the embedded Kafka; 0: free ones, kept afterwards")

    database: SecretStr | None = Field(None, description="postgresql://… of a database of one's own; without it the embedded one is used")
    archive: bool = Field(True, description="Archive facts and findings to PostgreSQL in this worker")

    topics: dict[str, str] = Field({}, description="Names of source topics that differ from their role, as JSON {role: name}")
    replication: int = Field(0, ge=0, description="Replication of our own topics; 0: 3, or the number of brokers where there are fewer")
    zone_authentication: str = Field("UTC", description="IANA zone of naive times of the authentication service")
    zone_platform: str = Field("UTC", description="IANA zone of naive times of the platform services")
    config: Path | None = Field(None, description="Path of hub.toml, the thresholds that `hub rules apply` writes into the logs")
    input: bool = Field(False, description="Input of the past: progress by the input's own times, windows closed by an end-of-input")
    delivery_timeout: float = Field(120, gt=0, description="Seconds that a producer may hold a record back: idle claims rest as long after an error")
    session_timeout: float = Field(10, ge=6, description="Seconds after which a silent worker loses its partitions")
    commit_interval: float = Field(0.1, ge=0, description="Seconds between two transactions of a partition number")

    web_host: str = Field("127.0.0.1", description="Address of the web server; loopback only")
    web_port: int = Field(0, ge=0, le=65535, description="Port of the web server; 0: a free one")
    log_format: Literal["text", "json"] = Field("text", description="Form of the log lines")


@cache
def settings() -> Settings:
    """The settings of this process. Raises pydantic's ValidationError, which the command line turns into one line."""
    return Settings()
