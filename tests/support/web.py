# SPDX-License-Identifier: MPL-2.0
"""Certificates, web configurations and clients for tests of the exporter's HTTP side."""

import base64
import ctypes
import gzip
import http.client
import socket
import ssl
import subprocess
import warnings

DEADLINE_S = 60


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bcrypt(password, cost=4):
    """A hash, as htpasswd makes it; of the lowest cost by default."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    setting = f"$2b${cost:02d}$abcdefghijklmnopqrstuu"
    return library.crypt(password.encode(), setting.encode()).decode()


class Authority:
    """A certificate authority of one test, in a folder of its own."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self._path("key"),
                      "-out", self.certificate)

    def _path(self, kind):
        return self.folder / f"{self.name}.{kind}"

    @property
    def certificate(self):
        return self._path("crt")

    def _openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, cwd=self.folder,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=DEADLINE_S)

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1"):
        """Writes <name>.crt and <name>.key into the folder."""
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n")
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        request = self.folder / f"{name}.csr"
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        # Each file appears whole, as a good renewal does it.
        fresh = self.folder / f"{name}.new"
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey",
                      self._path("key"), "-CAcreateserial", "-days", "2", "-extfile", extensions,
                      "-out", fresh)
        fresh.rename(certificate)
        return certificate, key

    def context(self, client=None, **options):
        """A client that trusts this authority; `client` is a name that was issued."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if client:
            context.load_cert_chain(self.folder / f"{client}.crt", self.folder / f"{client}.key")
        for option, value in options.items():
            with warnings.catch_warnings():  # of versions that a test has reason to try
                warnings.simplefilter("ignore", DeprecationWarning)
                setattr(context, option, value)
        return context


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=DEADLINE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(DEADLINE_S)
        self.sock.connect(str(self.path))


def connect(address, context=None):
    """A connection to HOST:PORT, with TLS if there is a context."""
    if context:
        return http.client.HTTPSConnection(address, context=context, timeout=DEADLINE_S)
    return http.client.HTTPConnection(address, timeout=DEADLINE_S)


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        body = response.read()
        if response.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.text = body.decode()


def get(connection, path="/-/healthy", headers=None):
    """One request on an open connection, which stays open if the server lets it."""
    connection.request("GET", path, headers=headers or {})
    return Answer(connection.getresponse())


def fetch(address, path="/-/healthy", context=None, headers=None):
    """One request on a connection of its own."""
    connection = connect(address, context)
    try:
        return get(connection, path, headers)
    finally:
        connection.close()
