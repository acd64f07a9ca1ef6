"""What TLS with a registry needs, and what is said when a file for it is of no use."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from regtui.errors import ConfigError
from regtui.registry.endpoint import Endpoint
from regtui.registry.tls import ssl_context
from tests.registry.wire import Authority


def test_certificates_are_checked_unless_told_otherwise() -> None:
    careful = ssl_context(Endpoint("registry.example.com"))
    careless = ssl_context(Endpoint("registry.example.com", insecure_tls=True))
    assert (careful.verify_mode, careful.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (careless.verify_mode, careless.check_hostname) == (ssl.CERT_NONE, False)


def test_a_ca_file_is_trusted_beside_the_systems_cas(tmp_path: Path) -> None:
    before = ssl_context(Endpoint("registry.example.com")).cert_store_stats()["x509_ca"]
    after = ssl_context(Endpoint("registry.example.com", ca_file=Authority(tmp_path).ca_file)).cert_store_stats()
    assert after["x509_ca"] == before + 1


def test_a_ca_file_that_is_missing_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "missing.pem")
    with pytest.raises(ConfigError, match=r"ca_file .*missing\.pem can't be used: no such file or directory"):
        ssl_context(Endpoint("registry.example.com", ca_file=path))


@pytest.mark.parametrize("setting", ["ca_file", "client_cert"])
def test_a_file_that_holds_something_else_is_named_without_openssls_words(setting: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are no certificates")
    with pytest.raises(ConfigError, match=rf"{setting} .*notes\.txt can't be used") as caught:
        ssl_context(Endpoint("registry.example.com", **{setting: str(path)}))  # type: ignore[arg-type]
    assert "PEM" in caught.value.advice
    assert "ssl.c" not in str(caught.value)


def test_a_client_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="client_cert"):
        ssl_context(Endpoint("registry.example.com", client_cert=Authority(tmp_path).ca_file))


def test_a_client_key_with_a_password_is_refused_instead_of_asked_for(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    path = tmp_path / "locked.pem"
    path.write_bytes(pem + Path(Authority(tmp_path).client_cert).read_bytes())
    with pytest.raises(ConfigError, match="client_cert"):
        ssl_context(Endpoint("registry.example.com", client_cert=str(path)))


def test_a_system_store_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(ConfigError, match="CA certificates of this system") as caught:
        ssl_context(Endpoint("registry.example.com"))
    assert "SSL_CERT_FILE" in caught.value.advice
