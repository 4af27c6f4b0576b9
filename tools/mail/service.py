"""The whole service with a mailbox, on dovecot and aiosmtpd: mails are answered once, in their thread, also when the service is
killed; senders are verified; programs do not answer each other for ever.

Argument: the binary `ken`. KEN_MODELS__DIR: the folder of its models.
"""

import email
import email.policy
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from program import equal, expect
from send import Handler, controller
from servers import PASSWORD, USER, Dovecot, Names, certificate, tls_context
from sign import keys, signed

KEN, SHOP = os.path.abspath(sys.argv[1]), os.path.abspath("corpus/shop/knowledge")
MODELS = os.path.abspath(os.environ.get("KEN_MODELS__DIR", "models"))
QUESTION = "DoorMate K1 可以裝在玻璃門嗎？"


class Service:
    def __init__(self, folder, names):
        self.folder = folder
        with open(os.path.join(folder, "ken.toml"), "w") as file:
            file.write(f'[desk]\ndns_servers = ["{names.address}"]\n')
        self.environment = {**os.environ, "KEN_MODELS__DIR": MODELS}
        subprocess.run([KEN, "ingest", SHOP], cwd=folder, env=self.environment, check=True, stdout=subprocess.DEVNULL)
        self.start()

    def start(self):
        self.process = subprocess.Popen([KEN, "serve", "--listen", "127.0.0.1:0"], cwd=self.folder, env=self.environment,
                                        stdout=subprocess.PIPE, stderr=open(os.path.join(self.folder, "log"), "a"), text=True)
        line = self.process.stdout.readline()
        self.address = next(word for word in line.split() if word.startswith("http://"))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            expect(False, method, path, error.code, error.read())

    def conversations(self):
        return self.call("GET", "/v1/conversations?inbox_id=mail")["conversations"]

    def messages(self, conversation):
        return self.call("GET", f"/v1/conversations/{conversation['id']}/messages")["messages"]


def until(what, found, service):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    for conversation in service.conversations():
        for one in service.messages(conversation):
            print(one["direction"], one["delivery"], one["parts"], file=sys.stderr)
    expect(False, "waited for", what, open(os.path.join(service.folder, "log")).read()[-3000:])


def mail(number, text, sender="mei@mail.example", subject="玻璃門", to=USER, **fields):
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = f"Mei <{sender}>", to, subject
    message["Date"], message["Message-ID"] = email.utils.formatdate(), f"<{number}@mail.example>"
    for name, value in fields.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return bytes(message)


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def main():
    folder = tempfile.mkdtemp(prefix="ken-mail.")
    os.chmod(folder, 0o755)
    for name in ("dovecot", "ken"):
        os.mkdir(os.path.join(folder, name))
    leaf, key, authority = certificate(folder)
    dovecot = Dovecot(os.path.join(folder, "dovecot"), leaf, key)
    handler, names = Handler(), Names()
    private = keys(names)
    smtp = controller(handler, starttls=tls_context(leaf, key))
    dovecot.start()
    dovecot.append(mail(0, "An old mail, from before the inbox."))
    service = Service(os.path.join(folder, "ken"), names)
    try:
        settings = {"mode": "live", "burst_ms": 0, "auto_send_level": "lenient", "email": {
            "address": USER, "imap_host": "127.0.0.1", "imap_port": dovecot.tls_port, "smtp_host": "127.0.0.1", "smtp_port": smtp.port,
            "authority": open(authority).read()}}
        secrets = {"imap_password": PASSWORD, "smtp_password": "wrong"}
        inbox = {"channel": "email", "name": "小店客服", "settings": settings, "secrets": secrets}
        service.call("PUT", "/v1/inboxes/mail", inbox)
        tested = service.call("POST", "/v1/inboxes/mail:test")
        expect(not tested["is_ready"] and "SMTP" in tested["faults"][0], tested)
        inbox["secrets"] = {"smtp_password": "s3cret é"}
        service.call("PUT", "/v1/inboxes/mail", inbox)
        equal(service.call("POST", "/v1/inboxes/mail:test")["faults"], [])
        # A verified customer asks, and gets one mail in the thread, with sources.
        first = signed(private, mail=mail(1, QUESTION), fields=[b"From", b"To", b"Subject", b"Date", b"Message-ID"])
        dovecot.append(first)
        dovecot.append(first)
        until("the answer", lambda: len(handler.mails) == 1, service)
        answer = read(handler.mails[0][2])
        equal(answer["In-Reply-To"], "<1@mail.example>")
        expect(answer["Subject"].lower().startswith("re:") and "玻璃門" in answer["Subject"], answer["Subject"])
        equal(answer["Auto-Submitted"], "auto-replied")
        text = answer.get_body(("plain",)).get_content()
        expect("玻璃" in text, text)
        conversation, = service.conversations()
        equal(len(service.messages(conversation)), 2, "the same mail twice, and the old one not at all")
        customer = service.call("GET", f"/v1/customers/{conversation['identity_id']}")
        verified = {identity["kind"]: identity["verified_by"] for identity in customer["identities"]}
        equal(verified, {"channel_user": "dkim", "email": "dkim"}, customer)

        # A reply without a signature, to the signed address, belongs to the same customer; one that claims the address does not.
        reply = mail(2, "退款要多久？\n\nOn Mon, Ken wrote:\n> 玻璃門", subject="Re: 玻璃門", to=answer["Reply-To"],
                     In_Reply_To=answer["Message-ID"], References=answer["Message-ID"])
        dovecot.append(reply)
        until("the second answer", lambda: len(handler.mails) == 2, service)
        conversation, = service.conversations()
        said, = (one["parts"] for one in service.messages(conversation) if one["provider_message_id"] == "2@mail.example")
        equal([part["text"] for part in said if part["type"] == "text"], ["退款要多久？"], "the quoted text is cut")
        dovecot.append(mail(3, "我的訂單呢？退款要多久？"))
        until("the answer to a claim", lambda: len(handler.mails) == 3, service)
        equal(len(service.conversations()), 2, "who claims the address is another customer")

        # Killed, with a mail that comes meanwhile and the numbering of the mailbox made again.
        service.kill()
        dovecot.append(mail(4, "運費多少？", sender="ann@mail.example", subject="運費"))
        dovecot.stop()
        dovecot.renumber()
        dovecot.start()
        service.start()
        until("the answer after the kill", lambda: len(handler.mails) == 4, service)
        equal(read(handler.mails[3][2])["In-Reply-To"], "<4@mail.example>")

        # Automatic mails are not answered.
        dovecot.append(mail(5, "I am on holiday.", Auto_Submitted="auto-replied"))
        dovecot.append(mail(6, "News!", Precedence="bulk"))
        # A program that hides that it is one is answered three times a day; then a person has to.
        to_robot = lambda: [one for one in handler.mails if one[1] == ["robot@mail.example"]]
        for number in range(1, 5):
            subject, text = [("退款", "退款要多久？"), ("玻璃門", QUESTION), ("refund", "How long does a refund take?"), ("退款", "退款要多久？")][number - 1]
            dovecot.append(mail(9 + number, text, sender="robot@mail.example", subject=subject))
            if number < 4:
                until(f"answer {number} to the program", lambda: len(to_robot()) == number, service)
        until("the handoff", lambda: [of for of in service.conversations() if of["responder"] == "human"], service)
        equal(len(to_robot()), 3, "mails to the program")
        sent = {read(raw)["In-Reply-To"] for _, _, raw in handler.mails}
        expect(not sent & {"<5@mail.example>", "<6@mail.example>", "<0@mail.example>"}, sent)
        equal([flags for flags in dovecot.flags() if rb"\Seen" in flags], [], "nothing is marked in the mailbox")
        print(f"mailbox: {len(handler.mails)} answers to {len(service.conversations())} customers, each once")
    finally:
        service.kill()
        smtp.stop()
        dovecot.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
