"""The least that a hub's Kafka user must be allowed, as lines for kafka-acls and as a KafkaUser for Strimzi."""

from __future__ import annotations

from typing import NamedTuple

from hubapp.declaration import name_of
from hubapp.settings import Settings
from hubapp.topics import OURS, READ


class Right(NamedTuple):
    """resource: topic, group, transactional-id, cluster. pattern: literal, prefixed."""

    resource: str
    name: str
    pattern: str
    operations: tuple[str, ...]


def rights(settings: Settings) -> list[Right]:
    """What workers, and `hub topics apply` and `check`, do. Faust's changelogs and the archive's group begin with HUB_GROUP."""
    ours = [topic.role for topic in OURS if not topic.role.startswith(f"{settings.group}-")]
    owned = ("Read", "Write", "Create", "Describe", "DescribeConfigs", "Alter", "AlterConfigs")
    return [
        *(Right("topic", name_of(topic, settings), "literal", ("Read", "Describe", "DescribeConfigs")) for topic in READ),
        *(Right("topic", name, "literal", owned) for name in ours),
        Right("topic", f"{settings.group}-", "prefixed", owned),
        Right("group", settings.group, "prefixed", ("Read", "Describe")),
        Right("transactional-id", settings.group, "prefixed", ("Write", "Describe")),
        *(
            Right("topic", name, "literal", ("Describe", "DescribeConfigs"))
            for name in ("__consumer_offsets", "__transaction_state")
        ),
        Right("cluster", "kafka-cluster", "literal", ("DescribeConfigs",)),
    ]


def kafka_acls(settings: Settings, principal: str) -> list[str]:
    """A command for each right."""
    return [_command(right, principal) for right in rights(settings)]


def strimzi(settings: Settings, principal: str) -> str:
    """A KafkaUser, as YAML: the rights, and how the user proves who it is."""
    authentication = "tls" if settings.kafka_security == "SSL" else "scram-sha-512"
    lines = [
        "apiVersion: kafka.strimzi.io/v1beta2",
        "kind: KafkaUser",
        "metadata:",
        f"  name: {user_name(principal)}",
        "spec:",
        "  authentication:",
        f"    type: {authentication}",
        "  authorization:",
        "    type: simple",
        "    acls:",
    ]
    return "\n".join(lines + [line for right in rights(settings) for line in _yaml(right)])


def principal_of(settings: Settings) -> str:
    """Who the hub is to Kafka: its SASL user, or the name of its certificate."""
    if settings.kafka_user:
        return f"User:{settings.kafka_user}"
    return "User:CN=hub" if settings.kafka_security == "SSL" else "User:hub"


def user_name(principal: str) -> str:
    return principal.removeprefix("User:").removeprefix("CN=")


def _command(right: Right, principal: str) -> str:
    resource = "--cluster" if right.resource == "cluster" else f"--{right.resource} '{right.name}'"
    pattern = " --resource-pattern-type prefixed" if right.pattern == "prefixed" else ""
    operations = "".join(f" --operation {operation}" for operation in right.operations)
    return f"kafka-acls --bootstrap-server \"$KAFKA\" --add --allow-principal '{principal}' {resource}{pattern}{operations}"


def _yaml(right: Right) -> list[str]:
    kind = {"transactional-id": "transactionalId"}.get(right.resource, right.resource)
    pattern = "prefix" if right.pattern == "prefixed" else "literal"
    named = [] if kind == "cluster" else [f"          name: {right.name}", f"          patternType: {pattern}"]
    return ["      - resource:", f"          type: {kind}", *named, f"        operations: [{', '.join(right.operations)}]"]
