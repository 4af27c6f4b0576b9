"""Servers on loopback: dovecot in a temporary folder, the domain name system, and a certificate for them."""

import datetime
import imaplib
import ipaddress
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from program import expect

USER, PASSWORD = "help@shop.example", 'pass "word\\ 1'


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def certificate(folder):
    """An authority and a certificate for 127.0.0.1 and localhost; paths of the certificate, its key and the authority."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def make(name, issuer, key, signing_key, is_authority):
        builder = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(1))
                   .not_valid_after(now + datetime.timedelta(30))
                   .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True))
        if not is_authority:
            names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(signing_key, hashes.SHA256())

    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Ken test authority", "localhost")]
    authority = make(names[0], names[0], keys[0], keys[0], True)
    leaf = make(names[1], names[0], keys[1], keys[0], False)
    paths = [os.path.join(folder, name) for name in ("leaf.pem", "leaf.key", "authority.pem")]
    private = keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for path, text in zip(paths, [leaf.public_bytes(serialization.Encoding.PEM), private, authority.public_bytes(serialization.Encoding.PEM)]):
        with open(path, "wb") as file:
            file.write(text)
    return paths


class Dovecot:
    """Debian's dovecot, as an unprivileged user, with a mailbox of one account."""

    def __init__(self, folder, leaf, key):
        self.folder, self.process = folder, None
        self.port, self.tls_port = free_port(), free_port()
        # Dovecot serves no mailbox of root's.
        self.is_root = os.geteuid() == 0
        user = "nobody" if self.is_root else subprocess.check_output(["id", "-un"], text=True).strip()
        group = subprocess.check_output(["id", "-gn", user], text=True).strip()
        for name in ("run", "state", "mail"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        with open(os.path.join(folder, "users"), "w") as users:
            users.write(USER + ":{PLAIN}" + PASSWORD + "\n")
        self.settings = f"""
            protocols = imap
            listen = 127.0.0.1
            base_dir = {folder}/run
            state_dir = {folder}/state
            log_path = {folder}/log
            default_internal_user = {user}
            default_internal_group = {group}
            default_login_user = {user}
            first_valid_uid = 1
            mail_location = maildir:{folder}/mail
            mail_uid = {user}
            mail_gid = {group}
            ssl = yes
            ssl_cert = <{leaf}
            ssl_key = <{key}
            disable_plaintext_auth = yes
            passdb {{
              driver = passwd-file
              args = scheme=PLAIN username_format=%u {folder}/users
            }}
            userdb {{
              driver = static
              args = uid={user} gid={group} home={folder}/mail
            }}
            service anvil {{
              chroot =
            }}
            service stats {{
              chroot =
            }}
            service imap-login {{
              chroot =
              inet_listener imap {{
                port = {self.port}
              }}
              inet_listener imaps {{
                port = {self.tls_port}
                ssl = yes
              }}
            }}
        """
        self.give(folder)

    def give(self, path):
        if self.is_root:
            subprocess.check_call(["chown", "-R", "nobody:nogroup", path])

    def start(self, more=""):
        config = os.path.join(self.folder, "dovecot.conf")
        with open(config, "w") as file:
            file.write("\n".join(line.strip() for line in (self.settings + more).splitlines()) + "\n")
        command = [shutil.which("dovecot") or "/usr/sbin/dovecot", "-F", "-c", config]
        if self.is_root:
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        self.process = subprocess.Popen(command, start_new_session=True)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            expect(self.process.poll() is None, "dovecot ended", self.log())
            try:
                return self.client().logout()
            except (OSError, imaplib.IMAP4.error):
                time.sleep(0.05)
        expect(False, "dovecot does not answer", self.log())

    def stop(self):
        if self.process is not None:
            # With the processes of open connections, which dovecot leaves alone.
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(20)
            self.process = None

    def log(self):
        path = os.path.join(self.folder, "log")
        return open(path).read()[-2000:] if os.path.exists(path) else ""

    def client(self, mailbox=None):
        """Python's own IMAP client, logged in."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        client.starttls(ssl._create_unverified_context())
        client.login(USER, PASSWORD)
        if mailbox:
            client.select(mailbox, readonly=True)
        return client

    def append(self, raw, at=None):
        client = self.client()
        kind, reply = client.append("INBOX", None, imaplib.Time2Internaldate(at) if at else None, raw)
        expect(kind == "OK", "append", reply)
        client.logout()

    def flags(self):
        """The flags of every mail."""
        client = self.client("INBOX")
        found = client.uid("FETCH", "1:*", "(FLAGS)")[1]
        client.logout()
        return [imaplib.ParseFlags(one) for one in found if one]

    def renumber(self):
        """Has the mailbox numbered again, as after its restoration from a backup. Dovecot must be stopped."""
        for name in os.listdir(os.path.join(self.folder, "mail")):
            if name.startswith("dovecot"):
                os.remove(os.path.join(self.folder, "mail", name))

    def settings_for(self, security, **more):
        port = self.tls_port if security == "tls" else self.port
        return {"host": "127.0.0.1", "port": port, "security": security, "user": USER, "password": PASSWORD, **more}


class Names:
    """A server of the domain name system: TXT records from memory."""

    def __init__(self):
        self.records = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            data, source = self.socket.recvfrom(4096)
            question = dns.message.from_wire(data)
            reply = dns.message.make_response(question)
            name = question.question[0].name
            text = self.records.get(str(name).lower().rstrip("."))
            if text is None:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            elif question.question[0].rdtype == dns.rdatatype.TXT:
                pieces = " ".join('"%s"' % text[at:at + 255] for at in range(0, len(text), 255))
                reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", pieces))
            self.socket.sendto(reply.to_wire(), source)


def tls_context(leaf, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf, key)
    return context
