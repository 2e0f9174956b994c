# SPDX-License-Identifier: MPL-2.0
"""Web configurations judged by the toolkit itself, which promtool holds, and by the exporter.

What can never serve anybody is refused by the exporter alone: that, and keys newer than Debian's
promtool (inline texts, allowed names, rate limit) are judged in
tests/unit/http_web_config_test.c, from the toolkit's documentation.
"""

import shutil

import pytest

from support import products, web
from support.process import run

FILES = "  cert_file: server.crt\n  key_file: server.key\n"
HASH = web.bcrypt("x")

CASES = {
    "nothing": "",
    "blank parts": "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\n",
    "no mapping": "- a\n",
    "a text": "junk\nmore junk\n",
    "not YAML": "a: [\n",
    "unknown part": "tls: {}\n",
    "unknown key": "tls_server_config: {cert_filse: server.crt}\n",
    "key twice": f"tls_server_config:\n{FILES}  key_file: server.key\n",
    "files": f"tls_server_config:\n{FILES}",
    "files, quoted": "tls_server_config: {'cert_file': \"server.crt\", 'key_file': 'server.key'}\n",
    "no key": "tls_server_config: {cert_file: server.crt}\n",
    "no cert": "tls_server_config: {key_file: server.key}\n",
    "blank cert": "tls_server_config:\n  cert_file:\n  key_file: server.key\n",
    "null cert": "tls_server_config: {cert_file: ~, key_file: server.key}\n",
    "missing cert": "tls_server_config: {cert_file: no.crt, key_file: server.key}\n",
    "missing key": "tls_server_config: {cert_file: server.crt, key_file: no.key}\n",
    "swapped": "tls_server_config: {cert_file: server.key, key_file: server.crt}\n",
    "another's key": "tls_server_config: {cert_file: server.crt, key_file: authority.key}\n",
    "garbage cert": "tls_server_config: {cert_file: web.yml, key_file: server.key}\n",
    "only versions": "tls_server_config: {min_version: TLS13}\n",
    "only a policy": "tls_server_config: {client_auth_type: NoClientCert}\n",
    **{f"policy {name or 'empty'}": f"tls_server_config:\n{FILES}  client_auth_type: '{name}'\n"
       for name in ("", "NoClientCert", "RequestClientCert", "RequireAnyClientCert",
                    "RequireClientCert", "VerifyClientCertIfGiven", "requireandverifyclientcert",
                    "Other")},
    "CA without a policy": f"tls_server_config:\n{FILES}  client_ca_file: authority.crt\n",
    "CA and policy": f"tls_server_config:\n{FILES}  client_ca_file: authority.crt\n"
                     "  client_auth_type: RequireAndVerifyClientCert\n",
    "missing CA": f"tls_server_config:\n{FILES}  client_ca_file: no.crt\n"
                  "  client_auth_type: RequireAndVerifyClientCert\n",
    **{f"{key} {value}": f"tls_server_config:\n{FILES}  {key}: {value}\n"
       for key, value in (("min_version", "TLS10"), ("min_version", "TLS13"),
                          ("min_version", "TLS14"), ("max_version", "TLS12"),
                          ("max_version", "1.2"), ("cipher_suites", "[]"),
                          ("cipher_suites", "[TLS_AES_128_GCM_SHA256]\nhttp_server_config: {http2: "
                           "false}"),  # else refused at the toolkit's start, not by its check
                          ("cipher_suites", "[TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"),
                          ("cipher_suites", "[TLS_ECDHE_RSA_WITH_RC4_128_SHA]"),
                          ("cipher_suites", "TLS_AES_128_GCM_SHA256x"),
                          ("curve_preferences", "[CurveP256, X25519]"),
                          ("curve_preferences", "[CurveP257]"),
                          ("prefer_server_cipher_suites", "no"),
                          ("prefer_server_cipher_suites", "maybe"))},
    "http2 off": "http_server_config: {http2: false}\n",
    "http2 a number": "http_server_config: {http2: 2}\n",
    **{f"header {name} {value}": f"http_server_config: {{headers: {{{name}: '{value}'}}}}\n"
       for name, value in (("X-Frame-Options", "deny"), ("X-Frame-Options", "sameorigin"),
                           ("X-Frame-Options", "DENY"), ("X-Frame-Options", ""),
                           ("X-Content-Type-Options", "nosniff"),
                           ("X-Content-Type-Options", "sniff"), ("X-XSS-Protection", "1"),
                           ("X-XSS-Protection", ""), ("Content-Security-Policy", "a b"),
                           ("Strict-Transport-Security", "max-age=1"), ("Content-Type", "x"),
                           ("x-frame-options", "deny"))},
    "user": f"basic_auth_users: {{prometheus: {HASH}}}\n",
    "two users": f"basic_auth_users: {{a: {HASH}, b c: {HASH}}}\n",
    "user with a plain password": "basic_auth_users: {john: doe}\n",
    "user without a password": "basic_auth_users: {john: ''}\n",
    "users in a list": f"basic_auth_users: [{HASH}]\n",
    "cost too low": f"basic_auth_users: {{a: {HASH.replace('$04$', '$03$')}}}\n",
    "cost too high": f"basic_auth_users: {{a: {HASH.replace('$04$', '$32$')}}}\n",
    "hash of $2a$": f"basic_auth_users: {{a: {HASH.replace('$2b$', '$2a$')}}}\n",
    "hash of $2y$": f"basic_auth_users: {{a: {HASH.replace('$2b$', '$2y$')}}}\n",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    for program in ("promtool", "openssl"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("verdicts")
    web.Authority(folder, "authority").issue("server")
    return folder


@pytest.mark.parametrize("name", CASES)
def test_verdict__any_file__is_the_toolkits(place, name):
    path = place / "web.yml"
    path.write_text(CASES[name])
    theirs = run(["promtool", "check", "web-config", path])
    ours = run([products.exporter(), "check", f"--web.config.file={path}"])
    assert ours.returncode in (0, 1)
    assert (ours.returncode == 0) == (theirs.returncode == 0), (ours.stderr, theirs.stderr)
    if ours.returncode:
        assert ours.stderr.startswith(str(path))
