"""The listeners that a hospital's Kafka has: SCRAM with and without TLS, and client certificates; with an authorizer if asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hubapp.local import ports
from hubapp.local.certificates import Certificates

LISTENERS = ("SASL_PLAINTEXT", "SASL_SSL", "SSL")
PROPERTIES = """\
sasl.enabled.mechanisms=SCRAM-SHA-512
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.ssl.ssl.client.auth=required
listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
AUTHORIZER = """\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


@dataclass
class Doors:
    """users: name -> password. authorize: nobody but who comes by PLAINTEXT may do what no ACL allows."""

    certificates: Certificates
    users: Mapping[str, str] = field(default_factory=dict)
    authorize: bool = False
    _ports: dict[Path, dict[str, int]] = field(default_factory=dict)

    def listeners(self, directory: Path) -> dict[str, int]:
        """Listener -> port of the broker in *directory*."""
        return self._ports.setdefault(directory, dict(zip(LISTENERS, ports.free(len(LISTENERS)), strict=True)))

    def address(self, listener: str) -> str:
        return ",".join(f"127.0.0.1:{listeners[listener]}" for listeners in self._ports.values())

    def properties(self) -> str:
        text = PROPERTIES.format(keystore=self.certificates.server, authority=self.certificates.authority)
        return text + (AUTHORIZER if self.authorize else "")
