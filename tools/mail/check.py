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
from program import Program, expect
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
    finally:
        dovecot.stop()
        shutil.rmtree(folder) if "KEEP" not in os.environ else print(folder)
    os.makedirs(folder)
    try:
        leaf, key, authority = certificate(folder)
        print("SMTP: %d outcomes as expected, the mails read by Python alike" % check_send(program, leaf, key, open(authority).read()))
    finally:
        shutil.rmtree(folder)
    genuine, forged, counts = check_signatures(program, Names(), max(changed // 4, 200))
    print(f"DKIM: {genuine} genuine verified, {forged} forged refused; of changed mails {counts}")
    counts, agreed, different = check_changed(program, changed)
    print(f"changed mails: {counts}; read alike and otherwise: {agreed}")
    for name, ours, theirs, raw in different[:int(os.environ.get("SHOW", "5"))]:
        print(f"  {name}: Ken {ours!r}, Python {theirs!r}")
    if os.environ.get("REPLIES"):
        counts, different = compare(program, os.environ["REPLIES"])
        print("what the sender wrote:", counts)
        for one in different[:int(os.environ.get("SHOW", "0"))]:
            print("  ", *one, sep="\n    ")
    program.close()
    print("took %.0f s" % (time.monotonic() - begun))


if __name__ == "__main__":
    main()
