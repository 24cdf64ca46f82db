"""Certificates are made once, made anew before they end, and looked at when they were brought along."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from stat import S_IMODE

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner

from deploy.provision import certificates
from deploy.provision.__main__ import app as provisioning
from deploy.provision.certificates import CLIENT, SERVER, SERVER_LIVES, SOON, keep
from deploy.provision.secrets import MADE_FOR, Owners, write_certificates
from shared.clock import machine_now
from shared.problems import Invalid

SERVERS = {"broker": ["rabbitmq", "127.0.0.1"], "database": ["mongo1", "mongo2"]}


def in_days(monkeypatch: pytest.MonkeyPatch, days: float) -> None:
    later = machine_now() + timedelta(days=days)
    monkeypatch.setattr(certificates, "machine_now", lambda: later)


def test_what_was_made_stays(tmp_path: Path) -> None:
    first = keep(tmp_path, SERVERS)
    assert first.made == ["ca", "broker", "database"]
    again = keep(tmp_path, SERVERS)
    assert again.made == []
    assert (again.authority, again.servers) == (first.authority, first.servers)


def test_a_certificate_names_its_server_and_is_vouched_for(tmp_path: Path) -> None:
    found = keep(tmp_path, SERVERS)
    authority = x509.load_pem_x509_certificate(found.authority.encode())
    for server, names in SERVERS.items():
        pair = found.servers[server]
        pair.first.verify_directly_issued_by(authority)
        assert pair.names == {*names}
        assert pair.belongs_together
        assert not pair.first.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert ssl.create_default_context(cafile=tmp_path / "ca.pem").get_ca_certs()


def test_keys_are_for_their_owners_eyes(tmp_path: Path) -> None:
    keep(tmp_path, SERVERS)
    assert {S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*.key")} == {0o600}


@pytest.mark.parametrize(
    ("days", "made"),
    [(1, []), (366, []), (368, ["broker", "database"]), (4000, ["ca", "broker", "database"])],
)
def test_what_ends_within_thirty_days_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, made: list[str]
) -> None:
    assert timedelta(days=367) == SERVER_LIVES - SOON
    keep(tmp_path, SERVERS)
    in_days(monkeypatch, days)
    found = keep(tmp_path, SERVERS)
    assert found.made == made
    assert {pair.first.not_valid_after_utc > machine_now() + SOON for pair in found.servers.values()} == {
        True
    }


def test_a_server_gets_another_name(tmp_path: Path) -> None:
    keep(tmp_path, SERVERS)
    found = keep(tmp_path, SERVERS | {"broker": ["rabbit.example.org"]})
    assert found.made == ["broker"]
    assert found.servers["broker"].names == {"rabbit.example.org"}


@pytest.mark.parametrize("name", ["broker.key", "broker.pem", "ca.key"])
def test_a_crash_while_they_are_written_is_mended(tmp_path: Path, name: str) -> None:
    """One file is of another time than the one that belongs to it."""
    other = tmp_path / "other"
    keep(tmp_path, SERVERS)
    keep(other, SERVERS)
    (other / name).replace(tmp_path / name)
    found = keep(tmp_path, SERVERS)
    assert "broker" in found.made
    assert all(pair.belongs_together for pair in found.servers.values())
    assert keep(tmp_path, SERVERS).made == []


def brought(tmp_path: Path) -> Path:
    """Certificates that an authority elsewhere has made: its key is not here."""
    keep(tmp_path, SERVERS)
    (tmp_path / "ca.key").unlink()
    return tmp_path


def test_certificates_may_be_brought_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_text() for path in brought(tmp_path).iterdir()}
    assert keep(tmp_path, SERVERS).made == []
    in_days(monkeypatch, 380)
    found = keep(tmp_path, SERVERS)
    assert (found.made, found.ending) == ([], ["broker", "database"])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "broker.key").unlink(), "broker.key are needed"),
        (lambda folder: (folder / "broker.key").write_text("x"), "broker.key are needed"),
        (lambda folder: (folder / "database.key").replace(folder / "broker.key"), "is not the key of"),
    ],
)
def test_what_was_brought_along_and_cannot_serve_is_named(
    tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    spoil(brought(tmp_path))
    with pytest.raises(Invalid, match=told):
        keep(tmp_path, SERVERS)


def test_what_was_brought_along_must_name_the_servers_and_not_have_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought(tmp_path)
    with pytest.raises(Invalid, match="does not name mongo3"):
        keep(tmp_path, SERVERS | {"database": ["mongo1", "mongo3"]})
    in_days(monkeypatch, 398)
    with pytest.raises(Invalid, match="ended on"):
        keep(tmp_path, SERVERS)


# whom an authority vouches for


def authority(name: str, by: "Authority | None" = None, ca: bool = True, days: int = 90) -> "Authority":
    key, subject = ec.generate_private_key(ec.SECP256R1()), named(name)
    builder = certificate_of(subject, by.certificate.subject if by else subject, key, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    return Authority(builder.sign(by.key if by else key, hashes.SHA256()), key)


@dataclass(frozen=True)
class Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate_of(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = machine_now()
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
    )


def bring(
    folder: Path, by: Authority, trusted: Authority, *between: Authority,
    purposes: Sequence[x509.ObjectIdentifier] = (SERVER, CLIENT), names: Sequence[str] = ("rabbitmq",),
) -> None:  # fmt: skip
    """The broker's certificate signed by one authority, others after it, and the one that is trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = certificate_of(named("broker"), by.certificate.subject, key, 90)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage([*purposes]), critical=False)
    if names:
        told = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
        builder = builder.add_extension(told, critical=False)
    signed = builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    (folder / "broker.pem").write_text(signed + "".join(each.pem for each in between))
    hidden = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "broker.key").write_bytes(hidden)
    (folder / "ca.pem").write_text(trusted.pem)


ONE = {"broker": ["rabbitmq"]}
ROOT = authority("root")
BETWEEN = authority("between", ROOT)
BELOW = authority("below", BETWEEN)
ROOT_AGAIN = authority("root")  # the same name, another key
ENDED = authority("ended", ROOT, days=-1)
NONE = authority("none", ROOT, ca=False)


@pytest.mark.parametrize(
    ("by", "trusted", "between"),
    [
        (ROOT, ROOT, ()),
        (BETWEEN, ROOT, (BETWEEN,)),
        (BELOW, ROOT, (BETWEEN, BELOW)),
        (BELOW, BETWEEN, (BELOW,)),
    ],
)
def test_whom_the_authority_vouches_for_is_let_in(
    tmp_path: Path, by: Authority, trusted: Authority, between: Sequence[Authority]
) -> None:
    bring(tmp_path, by, trusted, *between)
    assert keep(tmp_path, ONE).made == []
    bring(tmp_path, by, trusted, *between, purposes=())
    assert keep(tmp_path, ONE).made == [], "good for everything"


@pytest.mark.parametrize(
    ("by", "trusted", "between"),
    [
        (ROOT_AGAIN, ROOT, ()),
        (ROOT_AGAIN, ROOT, (ROOT_AGAIN,)),
        (BETWEEN, ROOT, ()),
        (BELOW, ROOT, (BELOW,)),
        (ENDED, ROOT, (ENDED,)),
        (NONE, ROOT, (NONE,)),
    ],
)
def test_whom_the_authority_does_not_vouch_for_is_named(
    tmp_path: Path, by: Authority, trusted: Authority, between: Sequence[Authority]
) -> None:
    bring(tmp_path, by, trusted, *between)
    with pytest.raises(Invalid, match=r"broker\.pem is not vouched for by ca\.pem"):
        keep(tmp_path, ONE)


def test_a_certificate_for_other_ends_or_without_names_is_refused(tmp_path: Path) -> None:
    bring(tmp_path, ROOT, ROOT, purposes=[CLIENT])
    with pytest.raises(Invalid, match="not good for servers"):
        keep(tmp_path, ONE)
    bring(tmp_path, ROOT, ROOT, purposes=[SERVER])
    assert keep(tmp_path, ONE).made == []
    for end in ("pem", "key"):
        (tmp_path / f"database.{end}").write_text((tmp_path / f"broker.{end}").read_text())
    with pytest.raises(Invalid, match=r"database\.pem is not good for clients"):
        keep(tmp_path, ONE | {"database": ["rabbitmq"]})
    bring(tmp_path, ROOT, ROOT, names=())
    with pytest.raises(Invalid, match="does not name rabbitmq"):
        keep(tmp_path, ONE)
    bring(tmp_path, ROOT, ROOT)
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(Invalid, match=r"ca\.pem holds no certificate"):
        keep(tmp_path, ONE)


def test_everybody_finds_their_own(tmp_path: Path) -> None:
    write_certificates(tmp_path, Owners(services=-1, database=-1, broker_group=0))
    assert S_IMODE((tmp_path / "broker" / "server.key").stat().st_mode) == 0o640
    assert S_IMODE((tmp_path / "mongo" / "server.pem").stat().st_mode) == 0o600
    with_key = {
        path.parent.name for path in tmp_path.rglob("*") if path.is_file() and "PRIVATE" in path.read_text()
    }
    assert with_key == {"tls", "broker", "mongo"}
    keys = [(tmp_path / "tls" / f"{server}.key").read_text() for server in MADE_FOR]
    assert keys[1] not in (tmp_path / "broker" / "server.key").read_text()
    assert keys[0] not in (tmp_path / "mongo" / "server.pem").read_text()
    authority = (tmp_path / "tls" / "ca.pem").read_text()
    for user in ("intake", "triage", "sla", "notify", "survey", "operator", "broker", "mongo"):
        assert (tmp_path / user / "ca.pem").read_text() == authority


def test_the_broker_gets_the_names_that_other_teams_call_it_by(tmp_path: Path) -> None:
    said = CliRunner().invoke(
        provisioning,
        [
            "secrets",
            str(tmp_path),
            "--tls",
            "--broker-name",
            "events.example.com",
            "--broker-name",
            "10.1.2.3",
        ],
    )
    assert said.exit_code == 0, said.output
    server = x509.load_pem_x509_certificate((tmp_path / "broker" / "server.pem").read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["rabbitmq", "localhost", "events.example.com"]
    assert {*map(str, names.get_values_for_type(x509.IPAddress))} == {"127.0.0.1", "10.1.2.3"}
    assert write_certificates(tmp_path, broker_names=["events.example.com", "10.1.2.3"]).made == []
    assert write_certificates(tmp_path, broker_names=["localhost"]).made == ["broker"]
