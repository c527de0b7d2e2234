"""TLS for tests, without certificates."""

import ssl


def anonymous(role: int) -> ssl.SSLContext:
    """Return a TLS context that needs no certificate on either side."""
    context = ssl.SSLContext(role)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH:@SECLEVEL=0")
    return context
