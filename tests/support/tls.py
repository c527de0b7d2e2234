"""TLS for tests: without certificates, and with ones that are valid or are not.

`certificates/` holds an authority of these tests alone, and what it signed for 127.0.0.1: valid until 2199, expired, for
another host, and one that signed itself. The key is for tests and protects nothing.
"""

import ssl
from functools import cache
from pathlib import Path
from typing import Final

_CERTIFICATES = Path(__file__).parent / "certificates"
#: The authority's certificate, for SSL_CERT_FILE.
AUTHORITY: Final = _CERTIFICATES / "authority.pem"
#: By the name of a certificate that is not valid, what OpenSSL says of it.
INVALID: Final = {
    "expired": "certificate has expired",
    "elsewhere": "mismatch",
    "self-signed": "self-signed certificate",
}


def anonymous(role: int) -> ssl.SSLContext:
    """Return a TLS context that needs no certificate on either side."""
    context = ssl.SSLContext(role)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH:@SECLEVEL=0")
    return context


def serving(name: str) -> ssl.SSLContext:
    """Return the TLS context of a server with one of the certificates, such as "valid"."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_CERTIFICATES / f"{name}.pem")
    return context


@cache
def unused() -> ssl.SSLContext:
    """Return one TLS context for all clients that speak no TLS: to load authorities takes longer than a test."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusting() -> ssl.SSLContext:
    """Return the TLS context of a client that trusts the authority of these tests, and checks what it gets."""
    return ssl.create_default_context(cafile=AUTHORITY)
