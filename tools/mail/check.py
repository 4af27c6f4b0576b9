"""Checks ken-mail with real servers: `tools/mail/run.sh`.

Arguments: the program `mail` (crates/mail/examples/mail.rs), and how many changed mails are compared.
"""

import os
import shutil
import sys
import tempfile
import time

from fetch import check_fetch, check_refusals, check_wait
from mutate import check_changed
from program import Program
from replies import compare
from send import check_send
from servers import Dovecot, Names, certificate
from sign import check_signatures


def main():
    program, changed = Program(sys.argv[1]), int(sys.argv[2])
    folder = tempfile.mkdtemp(prefix="ken-mail.")
    os.chmod(folder, 0o755)
    leaf, key, authority = certificate(folder)
    trusted = open(authority).read()
    dovecot = Dovecot(folder, leaf, key)
    begun = time.monotonic()
    try:
        dovecot.start()
        print("IMAP: %d connections opened or refused as expected" % check_refusals(program, dovecot, trusted))
        cursor = check_fetch(program, dovecot)
        print("IMAP: each mail once, over a restart and a new numbering; nothing marked or deleted")
        print("IMAP: woken by %d mails" % check_wait(program, dovecot, cursor))
        outcomes = check_send(program, leaf, key, trusted)
        print(f"SMTP: {outcomes} outcomes as expected, the mails read by Python alike")
    finally:
        dovecot.stop()
        shutil.rmtree(folder)
    genuine, forged, counts = check_signatures(program, Names(), max(changed // 4, 200))
    print(f"DKIM: {genuine} genuine verified, {forged} forged refused; of changed mails {counts}")
    counts = check_changed(program, changed)
    print(f"changed mails: {counts['read']} read, {counts['refused']} without a sender refused; alike in Python:",
          ", ".join(f"{counts[name]} {name}" for name in ("From", "Message-ID", "Subject")))
    if os.environ.get("REPLIES"):
        counts, different = compare(program, os.environ["REPLIES"])
        for name, kinds in counts.items():
            print(f"what the sender wrote, {name}: {kinds}")
        for one in different[:int(os.environ.get("SHOW", "0"))]:
            print("  ", *one, sep="\n    ")
    program.close()
    print("took %.0f s" % (time.monotonic() - begun))


if __name__ == "__main__":
    main()
