"""Certificates of the broker and the database: made by an authority of the house, or brought along.

A folder holds `ca.pem` and, for each server, `<server>.pem` with `<server>.key`. Where `ca.key` lies beside
them the authority is the house's own, and what ends soon is made anew; without it the files were brought by
somebody, and are only looked at. Profile: RFC 5280; names as RFC 6125 wants them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.provision.passwords import write_secret
from deploy.provision.vouching import check_vouched_for
from shared.clock import machine_now
from shared.problems import Invalid

AUTHORITY_LIVES, SERVER_LIVES = timedelta(days=3650), timedelta(days=397)
SOON = timedelta(days=30)
"""Before its end a certificate is made anew by the next call."""
_EARLIER = timedelta(minutes=5)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
PURPOSES = {"broker": [SERVER], "database": [SERVER, CLIENT]}
"""What each must be good for: members of a replica set call each other with what they answer with."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (perhaps with those between it and the authority) and its key, as PEM."""

    certificate: str
    key: str

    @property
    def first(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.certificate.encode())

    @property
    def private(self) -> PrivateKeyTypes:
        return load_pem_private_key(self.key.encode(), None)

    @property
    def belongs_together(self) -> bool:
        mine, told = (
            each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            for each in (self.private.public_key(), self.first.public_key())
        )
        return mine == told

    @property
    def names(self) -> set[str]:
        """What the certificate says its server is called: nothing, if it has no such extension."""
        try:
            found = self.first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return set()
        addresses = {str(each) for each in found.get_values_for_type(x509.IPAddress)}
        return addresses | set(found.get_values_for_type(x509.DNSName))


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the parts need: the authority's certificate and each server's pair.

    `made` names what this call made, `ending` what was brought along and ends soon.
    """

    authority: str
    servers: Mapping[str, Pair]
    made: Sequence[str]
    ending: Sequence[str]


def keep(folder: Path, servers: Mapping[str, Sequence[str]]) -> Certificates:
    """The folder's certificates for these servers and the names they are reached by, fit to be used.

    Raises Invalid for files brought along that cannot serve, naming the file.
    """
    brought = (folder / "ca.pem").exists() and not (folder / "ca.key").exists()
    return _brought(folder, servers) if brought else _own(folder, servers)


def _brought(folder: Path, servers: Mapping[str, Sequence[str]]) -> Certificates:
    pairs = {server: _checked(folder, server, names) for server, names in servers.items()}
    ending = [server for server, pair in pairs.items() if _ends_soon(pair)]
    return Certificates((folder / "ca.pem").read_text(), pairs, [], ending)


def _checked(folder: Path, server: str, names: Sequence[str]) -> Pair:
    pair = _read(folder, server)
    if pair is None:
        raise Invalid(f"{folder}/{server}.pem and {server}.key are needed, as PEM and without a password")
    if not pair.belongs_together:
        raise Invalid(f"{folder}/{server}.key is not the key of {server}.pem")
    if missing := {*names} - pair.names:
        raise Invalid(f"{folder}/{server}.pem does not name {', '.join(sorted(missing))}")
    if pair.first.not_valid_after_utc <= machine_now():
        raise Invalid(f"{folder}/{server}.pem ended on {pair.first.not_valid_after_utc:%Y-%m-%d}")
    try:
        check_vouched_for(pair.certificate, _read_authorities(folder), PURPOSES[server])
    except Invalid as refused:
        raise Invalid(f"{folder}/{server}.pem {refused}") from None
    return pair


def _read_authorities(folder: Path) -> str:
    return (folder / "ca.pem").read_text()


def _own(folder: Path, servers: Mapping[str, Sequence[str]]) -> Certificates:
    authority, made = _read(folder, "ca"), []
    if authority is None or _ends_soon(authority) or not authority.belongs_together:
        authority = _authority()
        _write(folder, "ca", authority)
        made.append("ca")
    pairs: dict[str, Pair] = {}
    for server, names in servers.items():
        pair = _read(folder, server)
        if pair is None or not _serves(pair, names, authority):
            pair = _server(server, names, authority)
            _write(folder, server, pair)
            made.append(server)
        pairs[server] = pair
    return Certificates(authority.certificate, pairs, made, [])


def _serves(pair: Pair, names: Sequence[str], authority: Pair) -> bool:
    try:
        pair.first.verify_directly_issued_by(authority.first)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return pair.belongs_together and pair.names == {*names} and not _ends_soon(pair)


def _ends_soon(pair: Pair) -> bool:
    return pair.first.not_valid_after_utc - machine_now() < SOON


def _read(folder: Path, name: str) -> Pair | None:
    """None for what is not there or cannot be read."""
    try:
        pair = Pair((folder / f"{name}.pem").read_text(), (folder / f"{name}.key").read_text())
        _ = pair.first, pair.private
    except (OSError, ValueError, TypeError):
        return None
    return pair


def _write(folder: Path, name: str, pair: Pair) -> None:
    """A crash in between leaves two that do not belong together, and the next call makes them anew."""
    write_secret(folder / f"{name}.key", pair.key)
    write_secret(folder / f"{name}.pem", pair.certificate)


def _authority() -> Pair:
    key, now = ec.generate_private_key(ec.SECP256R1()), machine_now()
    # A second authority has another name, so that nobody takes one's signature for the other's.
    name = _named(f"Redress {now:%Y-%m-%d %H:%M:%S}")
    builder = _builder(name, name, key, now, AUTHORITY_LIVES)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_others=True), critical=True)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def _server(server: str, names: Sequence[str], authority: Pair) -> Pair:
    key, now, issuer = ec.generate_private_key(ec.SECP256R1()), machine_now(), authority.first
    lives = min(SERVER_LIVES, issuer.not_valid_after_utc - now)
    builder = _builder(_named(server), issuer.subject, key, now, lives)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    for extension, critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(signs_others=False), True),
        (x509.ExtendedKeyUsage([SERVER, CLIENT]), False),
        (x509.SubjectAlternativeName([_reached_by(each) for each in names]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False),
    ):
        builder = builder.add_extension(extension, critical)
    signer = authority.private
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    return _pair(builder.sign(signer, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, lives: timedelta
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + lives)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_others,
        key_cert_sign=signs_others,
        crl_sign=signs_others,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _reached_by(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    told = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM).decode(), told.decode())
