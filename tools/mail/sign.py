"""Signatures by dkimpy: genuine, forged, and changed mails, which dkimpy verifies too."""

import base64
import random

import dkim
import nacl.signing
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from program import encoded, equal, expect

MAIL = (b"From: Mei <mei@mail.example>\r\nTo: help@shop.example\r\nSubject: return\r\nDate: Mon, 30 Nov 2026 08:00:00 +0800\r\n"
        b"Message-ID: <1@mail.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        b"Can I  return it? \r\n\r\n\xe5\x8f\xaf\xe4\xbb\xa5\xe9\x80\x80\xe8\xb2\xa8\xe5\x97\x8e\r\n\r\n\r\n")
FIELDS = [b"From", b"To", b"Subject", b"Date", b"Message-ID"]


def keys(names):
    """Private keys by selector, whose records are published for two domains."""
    private = {}
    for selector, bits in [("r1", 1024), ("r2", 2048)]:
        key = rsa.generate_private_key(65537, bits)
        public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        private[selector] = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        text = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
        for domain in ("mail.example", "attacker.example", "bulk.mail.example"):
            names.records[f"{selector}._domainkey.{domain}"] = text
    key = nacl.signing.SigningKey.generate()
    private["e1"] = base64.b64encode(bytes(key))
    text = "v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(key.verify_key)).decode()
    for domain in ("mail.example", "attacker.example", "bulk.mail.example"):
        names.records[f"e1._domainkey.{domain}"] = text
    return private


def signed(private, selector="r2", domain=b"mail.example", mail=MAIL, fields=FIELDS, **more):
    more.setdefault("signature_algorithm", b"ed25519-sha256" if selector == "e1" else b"rsa-sha256")
    return dkim.sign(mail, selector.encode(), domain, private[selector], include_headers=fields, **more) + mail


def signed_part(raw):
    """The signed fields and the text, without regard to spaces and to capital letters."""
    head, _, body = raw.partition(b"\r\n\r\n")
    head = head[head.index(b"\r\nFrom:"):head.index(b"\r\nMIME-Version")]
    return [b" ".join(part.lower().split()) for part in (head, body)]


def check_signatures(program, names, mutations):
    private = keys(names)

    def verified(raw):
        reply = program.ask("verify", raw=encoded(raw), dns=names.address)
        expect("verified" in reply or "doubt" in reply, reply)
        return reply.get("verified") or reply["doubt"]

    def lookup(name, timeout=5):
        text = names.records.get(name.decode().rstrip("."))
        return text and text.encode()

    def by_dkimpy(raw):
        try:
            return dkim.verify(raw, dnsfunc=lookup)
        except Exception:  # dkimpy raises several kinds for what it cannot read.
            return False

    genuine = 0
    for selector in private:
        for header in (b"relaxed", b"simple"):
            for body in (b"relaxed", b"simple"):
                raw = signed(private, selector, canonicalize=(header, body))
                expect(by_dkimpy(raw), "dkimpy refuses its own", selector, header, body)
                equal(verified(raw), "mail.example", selector, header, body)
                genuine += 1
    both = signed(private, "e1", mail=signed(private, "r2"))
    equal(verified(both), "mail.example", "two signatures")
    names.records["_dmarc.mail.example"] = "v=DMARC1; p=reject"
    equal(verified(signed(private, domain=b"bulk.mail.example")), "mail.example", "relaxed alignment")
    names.records["_dmarc.attacker.example"] = "v=DMARC1; p=none"
    good = signed(private)
    two = MAIL.replace(b"<mei@mail.example>", b"<mei@mail.example>, <boss@bank.example>")
    with_reply = MAIL.replace(b"Subject", b"Reply-To: x@attacker.example\r\nSubject")
    forged = {
        "unsigned": (MAIL, "unsigned"),
        "another domain": (signed(private, domain=b"attacker.example"), "other_domain"),
        "another domain's i=": (signed(private, domain=b"attacker.example", identity=b"@attacker.example"), "other_domain"),
        "l= tag": (signed(private, length=True), "invalid_signature"),
        "l= tag and more text": (signed(private, length=True) + b"more\r\n", "invalid_signature"),
        "SHA-1": (signed(private, signature_algorithm=b"rsa-sha1"), "invalid_signature"),
        "two senders": (signed(private, mail=two), "several_senders"),
        "a second sender above": (b"From: boss@mail.example\r\n" + good, "repeated_field"),
        "a second sender below": (good.replace(b"\r\n\r\n", b"\r\nFrom: boss@mail.example\r\n\r\n", 1), "repeated_field"),
        "a second subject": (b"Subject: pay\r\n" + good, "repeated_field"),
        "a second content type": (b"Content-Type: text/html\r\n" + good, "repeated_field"),
        "subject not signed": (signed(private, fields=[b"From", b"Date"]), "partly_signed"),
        "reply address not signed": (signed(private, mail=with_reply), "partly_signed"),
        "text changed": (good.replace(b"return it", b"keep it"), "invalid_signature"),
        "subject changed": (good.replace(b"Subject: return", b"Subject: pay"), "invalid_signature"),
        "sender changed": (good.replace(b"mei@", b"boss@"), "invalid_signature"),
        "key withdrawn": (signed(private, domain=b"gone.example"), "invalid_signature"),
    }
    for name, (raw, doubt) in forged.items():
        equal(verified(raw), doubt, name)

    # Changed bytes: Ken verifies none that dkimpy refuses.
    counts = {"both": 0, "neither": 0, "only dkimpy": 0, "only Ken, what is signed unchanged": 0}
    draw = random.Random(11)
    for n in range(mutations):
        selector = draw.choice(list(private))
        raw = bytearray(signed(private, selector, canonicalize=(draw.choice([b"relaxed", b"simple"]),) * 2))
        for _ in range(draw.randrange(3)):
            at = draw.randrange(len(raw))
            kind = draw.randrange(3)
            letter = draw.choice(b" \t\r\n;:=,<>@aZ9\x00\xe5")
            raw[at:at + (0 if kind == 1 else 1)] = b"" if kind == 0 else bytes([letter])
        raw = bytes(raw)
        reply = program.ask("verify", raw=encoded(raw), dns=names.address)
        ours, theirs = "verified" in reply, by_dkimpy(raw)
        if ours and not theirs:
            # dkimpy is stricter with the spelling of the signature, such as a lost `=` at its end. What is signed is unchanged.
            expect(signed_part(raw) == signed_part(b"\r\n" + MAIL), "only Ken verifies", raw, reply)
        counts[{(True, True): "both", (False, False): "neither", (False, True): "only dkimpy"}.get((ours, theirs), "only Ken, what is signed unchanged")] += 1
    expect(counts["both"] and counts["neither"], counts)
    return genuine + 2, len(forged), counts
