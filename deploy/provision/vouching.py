"""Whether an authority vouches for a server's certificate, by whatever lies between, and for which purposes.

Profile: RFC 5280, sections 4.2.1 and 6.1, as far as servers of one house need it; nobody is asked
about revocation.
"""

from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from shared.clock import machine_now
from shared.problems import Invalid

LONGEST = 8
"""Certificates of a chain at most."""
PURPOSE = {ExtendedKeyUsageOID.SERVER_AUTH: "servers", ExtendedKeyUsageOID.CLIENT_AUTH: "clients"}


def check_vouched_for(chain: str, authorities: str, purposes: Sequence[x509.ObjectIdentifier]) -> None:
    """Raises Invalid unless one of the authorities vouches for the chain's first certificate (both PEM)."""
    first, *between = x509.load_pem_x509_certificates(chain.encode())
    try:
        trusted = x509.load_pem_x509_certificates(authorities.encode())
    except ValueError:
        raise Invalid("cannot be checked: ca.pem holds no certificate") from None
    if lacking := [PURPOSE[each] for each in purposes if not _serves(first, each)]:
        raise Invalid(f"is not good for {' and '.join(lacking)} (extended key usage)")
    if not _leads(first, between, trusted):
        raise Invalid("is not vouched for by ca.pem; whoever stands between belongs into the same file")


def _leads(
    first: x509.Certificate, between: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate]
) -> bool:
    """Whether somebody trusted signed it, or somebody that it brought along and for whom that holds."""
    seen, standing = {first}, [first]
    for _ in range(LONGEST):
        if any(_signed(each, issuer) for each in standing for issuer in trusted):
            return True
        standing = [each for each in between if each not in seen and _signed_any(standing, each)]
        seen |= {*standing}
    return False


def _signed_any(certificates: Iterable[x509.Certificate], issuer: x509.Certificate) -> bool:
    return any(_signed(each, issuer) for each in certificates)


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether an authority that may, and that has not ended, signed this."""
    if not issuer.not_valid_before_utc <= machine_now() <= issuer.not_valid_after_utc:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
        return _is_authority(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False


def _is_authority(issuer: x509.Certificate) -> bool:
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def _serves(certificate: x509.Certificate, purpose: x509.ObjectIdentifier) -> bool:
    """Without the extension it is good for everything."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return purpose in found or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in found
