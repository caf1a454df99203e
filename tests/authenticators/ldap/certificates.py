"""An authority and the certificates that it signs, good ones and bad ones."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)
_USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
_MORE_USAGES = ("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A server's certificate and its key, both PEM files."""

    certificate_file: Path
    key_file: Path


class Authority:
    """Signs certificates; its own is in `ca_file`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Authority of the tests")
        self._identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_bytes(_pem(self._make_own()))

    def sign(self, host: str, *, days_left: int = 2) -> Certificate:
        """A certificate for `host`, a name or an address; one that has expired if days are below 0.

        Written into the directory, each under another name.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        made = (
            _begin(_name(host), key, self._name, days_left)
            .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._identifier),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        stem = f"{host}-{days_left}"
        certificate_file, key_file = (self._directory / f"{stem}{end}" for end in (".pem", ".key"))
        certificate_file.write_bytes(_pem(made))
        key_file.write_bytes(_key_pem(key))
        return Certificate(certificate_file=certificate_file, key_file=key_file)

    def _make_own(self) -> x509.Certificate:
        return (
            _begin(self._name, self._key, self._name, 10)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(self._identifier, critical=False)
            .add_extension(_may_sign_certificates(), critical=True)
            .sign(self._key, hashes.SHA256())
        )


def _begin(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, days_left: int
) -> x509.CertificateBuilder:
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * _DAY)
        .not_valid_after(now + days_left * _DAY)
    )


def _may_sign_certificates() -> x509.KeyUsage:
    usages = dict.fromkeys((*_USAGES, *_MORE_USAGES), False)
    return x509.KeyUsage(**{**usages, "key_cert_sign": True, "crl_sign": True})


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
