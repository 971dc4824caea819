"""The lab's own certificate authority and what it signs, made with openssl in some tens of milliseconds."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.errors import Refused

AUTHORITY: Final = "ca"
ACCOUNTS_KEY: Final = "accounts.key"
"""The key that service accounts' tokens are signed with."""
_CURVE: Final = "prime256v1"
_DAYS: Final = "365"
_AUTHORITY_CONFIG: Final = """\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
_SIGNED: Final = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class Certificate(Struct, frozen=True):
    """One certificate: the stem of its two files, whom it stands for, and where that answers, as in `IP:127.0.0.1`."""

    name: str
    subject: str
    places: tuple[str, ...] = ()


def make(folder: Path, certificates: Sequence[Certificate]) -> None:
    """Writes `ca.crt`, the accounts' key, and `<name>.crt` with `<name>.key` for each.

    Raises Refused when there is no openssl, or when it says no.
    """
    folder.mkdir(mode=0o700)
    config = folder / "openssl.cnf"
    config.write_text(_AUTHORITY_CONFIG, encoding="utf-8")
    openssl = _Openssl(folder)
    openssl("ecparam", "-genkey", "-name", _CURVE, "-noout", "-out", ACCOUNTS_KEY)
    openssl("ecparam", "-genkey", "-name", _CURVE, "-noout", "-out", f"{AUTHORITY}.key")
    openssl("req", "-x509", "-new", "-key", f"{AUTHORITY}.key", "-out", f"{AUTHORITY}.crt", "-days", _DAYS,
            "-subj", "/CN=chaos-runner-lab", "-config", config.name, "-extensions", "authority")
    for certificate in certificates:
        _sign(openssl, folder, certificate)


def _sign(openssl: "_Openssl", folder: Path, certificate: Certificate) -> None:
    name = certificate.name
    places = f"subjectAltName = {', '.join(certificate.places)}\n" if certificate.places else ""
    (folder / f"{name}.cnf").write_text(_SIGNED + places, encoding="utf-8")
    openssl("ecparam", "-genkey", "-name", _CURVE, "-noout", "-out", f"{name}.key")
    openssl("req", "-new", "-key", f"{name}.key", "-out", f"{name}.csr", "-subj", certificate.subject,
            "-config", "openssl.cnf")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{AUTHORITY}.crt", "-CAkey", f"{AUTHORITY}.key",
            "-CAcreateserial", "-days", _DAYS, "-out", f"{name}.crt", "-extfile", f"{name}.cnf")


class _Openssl:
    """openssl, called in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = shutil.which("openssl") or ""
        if not self._program:
            raise Refused("the lab's certificates are made with openssl, and it is not there: install openssl")

    def __call__(self, *words: str) -> None:
        done = subprocess.run([self._program, *words], cwd=self._folder, stdin=subprocess.DEVNULL, capture_output=True,
                              check=False)
        if done.returncode != 0:
            raise Refused(f"openssl {words[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
