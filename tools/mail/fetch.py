"""Fetching from dovecot: each mail once, a new numbering, a restart, waiting."""

import base64
import threading
import time

from program import equal, expect


def mail(n, size=0):
    text = f"From: Mei <mei@mail.example>\r\nTo: help@shop.example\r\nSubject: {n}\r\nMessage-ID: <{n}@mail.example>\r\n\r\nquestion {n}\r\n"
    return text.encode() + b"\r\n".join([b"y" * 70] * (size // 72))


def numbers(batch):
    """The subjects of a batch's mails."""
    raws = [base64.b64decode(one["raw"]) for one in batch["mails"]]
    return [int(raw.split(b"Subject: ")[1].split(b"\r\n")[0]) for raw in raws]


def check_refusals(program, dovecot, authority):
    def opened(**settings):
        return program.ask("open", server=settings, mailbox="INBOX")

    good = dovecot.settings_for("none")
    for security in ("none", "starttls", "tls"):
        reply = opened(**dovecot.settings_for(security, authority=authority))
        expect("end" in reply and reply["can_idle"], security, reply)
        program.ask("close")
    cases = [
        ("wrong password", {**good, "password": "wrong"}, "refused"),
        ("wrong account", {**good, "user": "nobody@shop.example"}, "refused"),
        ("unknown authority", dovecot.settings_for("starttls"), "unreachable"),
        ("unknown authority", dovecot.settings_for("tls"), "unreachable"),
        ("another name", {**dovecot.settings_for("tls", authority=authority), "host": "127.0.0.2"}, "unreachable"),
        ("unprotected to another machine", {**good, "host": "192.0.2.1"}, "refused"),
        ("tls on the port without", {**dovecot.settings_for("tls", authority=authority), "port": dovecot.port}, "unreachable"),
        ("line break in the password", {**good, "password": "a\r\nb LOGOUT"}, "refused"),
    ]
    for name, settings, kind in cases:
        equal(opened(**settings).get("kind"), kind, name)
    reply = program.ask("open", server=good, mailbox="No such mailbox")
    equal(reply.get("kind"), "refused", "no mailbox", reply)
    return 3 + len(cases) + 1


def check_fetch(program, dovecot):
    server = dovecot.settings_for("none")

    def open_it():
        reply = program.ask("open", server=server, mailbox="INBOX")
        expect("end" in reply, reply)
        return reply["end"]

    def fetched(cursor, **more):
        reply = program.ask("fetch", cursor=cursor, **more)
        expect("mails" in reply, reply)
        return reply

    # What was there before the inbox was connected stays there.
    dovecot.append(mail(1))
    start = open_it()
    equal(numbers(fetched(start)), [], "old mails")
    dovecot.append(mail(2))
    dovecot.append(mail(3, size=300_000))
    dovecot.append(mail(4))
    batch = fetched(start, max_bytes=200_000)
    equal(numbers(batch), [2, 4], "new mails")
    equal([bytes_ for _, bytes_ in batch["oversize"]], [len(mail(3, size=300_000))], "oversize")
    equal(base64.b64decode(batch["mails"][0]["raw"]), mail(2), "bytes")
    cursor = batch["cursor"]
    equal(numbers(fetched(cursor)), [], "nothing new")
    expect(all(b"\\Seen" not in flags for flags in dovecot.flags()), "a mail was marked", dovecot.flags())
    equal(len(dovecot.flags()), 4, "a mail was deleted")

    # The server ends and comes back, with a mail more.
    dovecot.stop()
    reply = program.ask("fetch", cursor=cursor)
    equal(reply.get("kind"), "unreachable", "no server", reply)
    reply = program.ask("open", server=server, mailbox="INBOX")
    equal(reply.get("kind"), "unreachable", "no server", reply)
    dovecot.start()
    dovecot.append(mail(5))
    open_it()
    batch = fetched(cursor)
    equal(numbers(batch), [5], "after a restart")
    cursor = batch["cursor"]

    # A new numbering: everything since the inbox was connected comes again, and nothing from before.
    program.ask("close")
    dovecot.append(mail(6), at=start["since"] - 400 * 86_400)
    dovecot.stop()
    dovecot.renumber()
    dovecot.start()
    dovecot.append(mail(7))
    end = open_it()
    expect(end["uid_validity"] != cursor["uid_validity"], "the numbering is the same", end, cursor)
    batch = fetched(cursor)
    # Mail 1 has the second of the connection, which counts as after it, or an earlier one.
    equal([n for n in sorted(numbers(batch)) if n != 1], [2, 3, 4, 5, 7], "after a new numbering")
    equal(batch["cursor"]["uid_validity"], end["uid_validity"], "cursor")
    cursor = batch["cursor"]
    equal(numbers(fetched(cursor)), [], "once")

    # Many mails, in batches.
    for n in range(100, 220):
        dovecot.append(mail(n))
    found, more = [], []
    while not more or more[-1]:
        batch = fetched(cursor)
        cursor = batch["cursor"]
        found += numbers(batch)
        more.append(batch["has_more"])
    equal(found, list(range(100, 220)), "batches")
    equal(more, [True, True, False], "batches")
    return cursor


def check_wait(program, dovecot, cursor):
    server = dovecot.settings_for("none")

    def waited(seconds, during=None):
        program.begin("wait", seconds=seconds)
        if during:
            threading.Thread(target=during).start()
        reply = program.end()
        expect("has_changed" in reply, reply)
        return reply

    reply = waited(2)
    expect(not reply["has_changed"] and 1_900 < reply["waited_ms"] < 4_000, "nothing happens", reply)
    for n in range(300, 310):

        def arrive():
            time.sleep(0.3)
            dovecot.append(mail(n))

        reply = waited(30, arrive)
        expect(reply["has_changed"] and reply["waited_ms"] < 10_000, "a mail arrives", reply)
        batch = program.ask("fetch", cursor=cursor)
        equal(numbers(batch), [n], "after waiting")
        cursor = batch["cursor"]
    # A mail that arrived between fetching and waiting.
    for n in range(310, 320):
        dovecot.append(mail(n))
        reply = waited(30)
        expect(reply["has_changed"] and reply["waited_ms"] < 5_000, "a mail arrived before", reply)
        batch = program.ask("fetch", cursor=cursor)
        equal(numbers(batch), [n], "after waiting")
        cursor = batch["cursor"]
    program.ask("close")
    # A server that cannot announce.
    dovecot.stop()
    dovecot.start("imap_capability = IMAP4rev1 UIDPLUS\n")
    reply = program.ask("open", server=server, mailbox="INBOX")
    equal(reply["can_idle"], False, "capability")
    reply = waited(1, lambda: dovecot.append(mail(400)))
    expect(reply["has_changed"] and 900 < reply["waited_ms"] < 4_000, "without IDLE", reply)
    equal(numbers(program.ask("fetch", cursor=cursor)), [400], "without IDLE")
    program.ask("close")
    expect(all(b"\\Seen" not in flags for flags in dovecot.flags()), "a mail was marked")
    return 20
