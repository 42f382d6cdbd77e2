"""A certificate of this machine, by itself, for servers on loopback."""

import ssl
import subprocess
from pathlib import Path


def certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key), made in `folder`."""
    made, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=mail.example.org", "-keyout", str(key), "-out", str(made)),
            *("-addext", "subjectAltName=IP:127.0.0.1,IP:0.0.0.0,DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    return made, key


def server(pair: tuple[Path, Path]) -> ssl.SSLContext:
    """What a server shows it with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context
