"""Changed mails: Ken's program never ends, and reads sender, identifier and subject as Python's own parser does."""

import base64
import email
import email.message
import email.policy
import random
import re

from program import expect


def fixtures():
    """Mails of several shapes and charsets."""
    bodies = {
        "big5": ("big5", "可以退貨嗎？"), "gb18030": ("gb18030", "可以退货吗？"), "iso-2022-jp": ("iso-2022-jp", "返品できますか"), "utf-8": ("utf-8", "可以退貨嗎？"),
    }
    for name, (charset, text) in bodies.items():
        mail = email.message.EmailMessage(policy=email.policy.SMTP)
        mail["From"] = f"林小姐 <mei.{name}@mail.example>"
        mail["To"] = "help@shop.example"
        mail["Subject"] = "問題 " + text
        mail["Message-ID"] = f"<{name}.1@mail.example>"
        mail["Date"] = "Mon, 30 Nov 2026 08:00:00 +0800"
        mail.set_content(text + "\n" * 2 + "> 舊\n", charset=charset)
        yield mail.as_bytes()
        mail.add_alternative("<p>" + text + "<blockquote type=cite>old</blockquote>", subtype="html")
        mail.add_attachment(b"\x89PNG" * 20, maintype="image", subtype="png", filename="照片.png")
        yield mail.as_bytes()
    yield (b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example (Mail Delivery)\r\nTo: help@shop.example\r\nSubject: Undelivered\r\nMessage-ID: <dsn@mx.example>\r\n"
           b"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n--b\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
           b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; mei@mail.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
           b"Content-Type: message/rfc822\r\n\r\nMessage-ID: <msg_7@shop.example>\r\nFrom: help@shop.example\r\n\r\nx\r\n--b--\r\n")
    yield (b"From: \"Lin, Mei\" <mei@mail.example>\r\nSubject: plain\r\n words\r\nMessage-ID:\r\n <long.identifier@mail.example>\r\nReferences: <a@x>\r\n <b@x>\r\n"
           b"Content-Type: text/plain; charset=us-ascii; format=flowed\r\n\r\nOne \r\ntwo\r\n-- \r\nMei\r\n")


def changed(raw, draw):
    raw = bytearray(raw)
    head = raw.find(b"\r\n\r\n")
    for _ in range(draw.randrange(1, 5)):
        # Half of the changes are in the header, which is compared.
        at = draw.randrange(head if draw.randrange(2) else len(raw))
        kind = draw.randrange(3)
        byte = draw.randrange(256) if draw.randrange(2) else draw.choice(b"<>@\"()=?:;,\r\n\t \\")
        raw[at:at + (0 if kind == 1 else 1)] = b"" if kind == 0 else bytes([byte])
        head = min(head, len(raw))
    return bytes(raw)


WORD = re.compile(rb"=\?[a-z0-9-]+\?b\?([A-Za-z0-9+/]*={0,2})\?=", re.I)


def is_whole(field):
    """Whether a field keeps the grammar of RFC 5322 and RFC 2047 so far that parsers need not guess: printable ASCII, quotes
    and comments that end, and whole encoded words between spaces."""
    if not all(byte in b"\r\n" or 32 <= byte < 127 for byte in field):
        return False
    if field.count(b'"') % 2 or field.count(b"(") != field.count(b")") or b"\\" in field or b"\r\n" in field.rstrip().replace(b"\r\n ", b""):
        return False
    for token in field.split():
        if b"=?" not in token and b"?=" not in token:
            continue
        word = WORD.fullmatch(token)
        try:
            if not word or b"\xef\xbf\xbd" in base64.b64decode(word[1], validate=True).decode("utf-8", "replace").encode():
                return False
        except ValueError:
            return False
    return True


def raw_field(raw, name):
    """The bytes of a field's value; empty if it is not there once."""
    head = b"\r\n" + raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    if head.count(b"\r") != head.count(b"\r\n") or head.count(b"\n") != head.count(b"\r\n"):
        return b""
    found = re.findall(rb"(?i)\r\n" + name.encode() + rb":((?:[^\r]|\r\n[ \t])*)(?=\r\n)", head)
    return found[0] if len(found) == 1 else b""


def by_python(raw):
    """Sender, identifier and subject, where the field is whole and Python finds no fault in it."""
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    found = {}
    for name in ("From", "Message-ID", "Subject"):
        field = raw_field(raw, name)
        if not field.strip() or not is_whole(field):
            continue
        try:
            values = mail.get_all(name)
            if values is None or len(values) != 1 or values[0].defects:
                continue
            text = str(values[0])
            if name == "From":
                if len(values[0].addresses) != 1:
                    continue
                local, _, domain = values[0].addresses[0].addr_spec.rpartition("@")
                text = f"{local}@{domain.lower()}"
            if name == "Message-ID":
                text = text.strip()
                if not (text.startswith("<") and text.endswith(">")):
                    continue
                text = text[1:-1]
        except Exception:  # Python's parser raises several kinds for what it cannot read.
            continue
        found[name] = " ".join(text.split())
    return found


def check_changed(program, count):
    seeds, draw = list(fixtures()), random.Random(3)
    for raw in seeds:
        reply = program.parse(raw)
        ours = {"From": reply["from"], "Message-ID": reply["message_id"], "Subject": reply["subject"]}
        expect(ours == by_python(raw), "unchanged", ours, by_python(raw))
    counts = {"read": 0, "refused": 0, "From": 0, "Message-ID": 0, "Subject": 0}
    for n in range(count):
        raw = changed(seeds[n % len(seeds)], draw)
        reply = program.parse(raw)
        theirs = by_python(raw)
        if "error" in reply:
            # Only a mail without a sender is refused.
            expect("From" not in theirs, "Ken refuses", raw, reply)
            counts["refused"] += 1
            continue
        counts["read"] += 1
        ours = {"From": reply["from"], "Message-ID": reply["message_id"], "Subject": reply["subject"]}
        for name, value in theirs.items():
            expect(ours[name] == value, "read otherwise", name, ours[name], value, raw)
            counts[name] += 1
    return counts
