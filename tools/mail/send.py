"""Sending to aiosmtpd: the outcomes, the protection, and the mail as Python's own parser reads it."""

import email
import email.policy
import email.utils
import logging
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from program import equal, expect
from servers import free_port, tls_context

# One server asks for a login without protection, on loopback.
warnings.filterwarnings("ignore", message="Requiring AUTH")
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

REFUSALS = {
    "later@mail.example": ("RCPT", "451 4.7.1 greylisted"),
    "unknown@mail.example": ("RCPT", "550 5.1.1 no such user"),
    "full@mail.example": ("DATA", "452 4.2.2 mailbox full"),
    "spam@mail.example": ("DATA", "554 5.7.1 rejected"),
}


class Handler:
    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        stage, reply = REFUSALS.get(address, ("", ""))
        if stage == "RCPT":
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        stage, reply = REFUSALS.get(envelope.rcpt_tos[0], ("", ""))
        if stage == "DATA":
            return reply
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    is_known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"help@shop.example", "s3cret é".encode())
    return AuthResult(success=is_known, handled=is_known)


def controller(handler, context=None, starttls=None, mechanisms=()):
    one = Controller(handler, hostname="127.0.0.1", port=free_port(), ssl_context=context, tls_context=starttls,
                     require_starttls=starttls is not None, auth_required=True, auth_require_tls=starttls is not None,
                     authenticator=authenticate, auth_exclude_mechanism=mechanisms, decode_data=False)
    one.start()
    return one


def check_send(program, leaf, key, authority):
    handler = Handler()
    servers = {
        "none": controller(handler),
        "starttls": controller(handler, starttls=tls_context(leaf, key)),
        "tls": controller(handler, context=tls_context(leaf, key)),
        "login": controller(handler, mechanisms=["PLAIN"]),
    }

    def settings(security, **more):
        return {"host": "127.0.0.1", "port": servers[security].port, "security": "none" if security == "login" else security,
                "user": "help@shop.example", "password": "s3cret é", "authority": authority, **more}

    def sent(server, **more):
        reply = {"message_id": "msg_0192f3a1b2c37d4e8f901234567890ab", "from": "help@shop.example", "name": "小店 客服", "to": "mei@mail.example",
                 "to_name": "林, 小姐", "reply_to": "help+abcdefgh@shop.example", "subject": "RE: 退貨 \"問題\"", "in_reply_to": "q1@mail.example",
                 "references": ["a@mail.example", "b@mail.example"], "text": "可以。\n\n.\n..dots\n見 https://shop.example/a?b=1&c=2。\n" + "長" * 600,
                 "by_bot": True, "at": 1_796_000_000, **more}
        return program.ask("send", server=server, **reply)

    count = 0
    for security in servers:
        equal(sent(settings(security))["outcome"], ["accepted"], security)
        equal(program.ask("check", server=settings(security))["outcome"], ["accepted"], "check", security)
        count += 2
    for address, outcome in [("later", ["retry", "smtp_451"]), ("unknown", ["give_up", "smtp_550"]), ("full", ["retry", "smtp_452"]), ("spam", ["give_up", "smtp_554"])]:
        equal(sent(settings("starttls"), to=f"{address}@mail.example")["outcome"], outcome, address)
        count += 1
    for name, server, outcome in [
        ("wrong password", settings("starttls", password="wrong"), ["reconnect", "smtp_535"]),
        ("wrong password", settings("none", password="wrong"), ["reconnect", "smtp_535"]),
        ("wrong password", settings("login", password="wrong"), ["reconnect", "smtp_535"]),
        ("no login", settings("none", user=""), ["reconnect", "smtp_530"]),
        ("unknown authority", settings("starttls", authority=None), ["retry", "connection"]),
        ("unknown authority", settings("tls", authority=None), ["retry", "connection"]),
        ("another name", settings("tls", host="127.0.0.2"), ["retry", "connection"]),
        ("no STARTTLS", {**settings("none"), "security": "starttls"}, ["reconnect", "no_starttls"]),
        ("nobody there", settings("none", port=free_port()), ["retry", "connection"]),
        ("unprotected", settings("none", host="192.0.2.1"), ["reconnect", "unprotected"]),
    ]:
        found = sent(server)["outcome"]
        if outcome == ["retry", "connection"]:
            expect(found[0] == "retry" and found[1] in ("connection", "protection"), name, found)
        else:
            equal(found, outcome, name)
        count += 1
    for one in servers.values():
        one.stop()
    equal(len(handler.mails), len(servers), "mails")
    for sender, recipients, raw in handler.mails:
        equal((sender, recipients), ("help@shop.example", ["mei@mail.example"]), "envelope")
        check_mail(raw)
    return count


def check_mail(raw):
    """The fields and bodies as Python reads them."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    equal(mail.defects, [], "defects")
    for name, wanted in {
        "From": "小店 客服 <help@shop.example>", "To": '"林, 小姐" <mei@mail.example>', "Subject": 'Re: 退貨 "問題"',
        "Message-ID": "<msg_0192f3a1b2c37d4e8f901234567890ab@shop.example>", "In-Reply-To": "<q1@mail.example>",
        "References": "<a@mail.example> <b@mail.example> <q1@mail.example>", "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "All", "MIME-Version": "1.0",
    }.items():
        equal([str(one) for one in mail.get_all(name)], [wanted], name)
    equal(mail["Reply-To"].addresses[0].addr_spec, "help+abcdefgh@shop.example", "Reply-To")
    equal(email.utils.parsedate_to_datetime(str(mail["Date"])).timestamp(), 1_796_000_000, "Date")
    equal(mail.get_content_type(), "multipart/alternative", "type")
    plain, html = [part.get_content().replace("\r\n", "\n") for part in mail.iter_parts()]
    expect(plain.startswith("可以。\n\n.\n..dots\n見 https://shop.example/a?b=1&c=2。\n" + "長" * 600), "text", plain)
    expect('<a href="https://shop.example/a?b=1&amp;c=2">' in html, "html", html)
    expect(all(len(line) <= 998 for line in raw.split(b"\r\n")), "a line is too long")
    expect(b"\n" not in raw.replace(b"\r\n", b""), "a bare line feed")
