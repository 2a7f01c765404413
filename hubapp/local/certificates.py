"""A certificate authority of a directory's own, and what it signs: for the embedded broker's TLS listeners."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID = timedelta(days=7)


@dataclass(frozen=True)
class Certificates:
    """PEM files. server: key and certificate of 127.0.0.1 in one, as Kafka wants it; client: of CN=hub."""

    authority: Path
    server: Path
    client: Path
    client_key: Path


def make(directory: Path, client: str = "hub") -> Certificates:
    """Write a new authority's certificate, and a server's and a client's signed by it, into *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    made = Certificates(*(directory / name for name in ("ca.pem", "server.pem", "client.pem", "client.key")))
    authority_key, key, client_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    authority = _sign(authority_key, "hub authority", authority_key, None)
    made.authority.write_bytes(_pem(authority))
    made.server.write_bytes(_private(key) + _pem(_sign(key, "127.0.0.1", authority_key, authority)))
    made.client.write_bytes(_pem(_sign(client_key, client, authority_key, authority)))
    made.client_key.write_bytes(_private(client_key))
    made.client_key.chmod(0o600)
    return made


def _sign(
    key: ec.EllipticCurvePrivateKey, name: str, by: ec.EllipticCurvePrivateKey, authority: x509.Certificate | None
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.now(UTC) - timedelta(minutes=5)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + VALID)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    return builder.sign(by, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
