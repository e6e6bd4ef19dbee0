"""An authority and one certificate for the Dask cluster, whose every holder may run code on it.

    python deploy/certificates.py FOLDER HOST [HOST...]

Files that are there already are kept; they are good for a year.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

YEAR = dt.timedelta(days=365)


def make(folder: Path, hosts: list[str]) -> None:
    """Write ca.pem, cert.pem and key.pem, the key for its owner alone; the authority's own key is forgotten."""
    if (folder / "key.pem").exists():
        return
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = _name("twinpipe authority"), _name("twinpipe cluster")
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ca.pem").write_bytes(
        _pem(_unsigned(issuer, issuer, authority, ca=True).sign(authority, hashes.SHA256()))
    )
    certificate = _unsigned(subject, issuer, own, ca=False).add_extension(names, critical=False)
    (folder / "cert.pem").write_bytes(_pem(certificate.sign(authority, hashes.SHA256())))
    key = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(folder / "key.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + YEAR)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: certificates.py FOLDER HOST [HOST...]")
    make(Path(sys.argv[1]), sys.argv[2:])
