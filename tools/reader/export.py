"""Exports a trained reader to reader.npz: linear layers in 8 bits, the rest in 16, without the word embeddings. Several
checkpoints are averaged; the shipped weights may be one of them.

    python export.py --sources DIR --weights reader-N.pt|reader.npz… --data FOLDER --out reader.npz --version TEXT

Then builds the same ONNX model as `ken setup` and compares it with the checkpoint on held-out examples.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from network import WIDTH, Pieces, Reader, batch, read_shipped, read_source, stretch
from train import auroc, prepare

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "encoder"))
import reader  # noqa: E402
from graph import quantise_weight  # noqa: E402


def quantised(state, version):
    """The state of network.Reader without word embeddings → arrays as reader.py wants them."""
    arrays = {"version": np.array(version)}

    def half(name, values):
        arrays[name] = values.astype(np.float16)

    def linear(name, weight, bias):
        arrays[f"{name}.w"], arrays[f"{name}.s"] = quantise_weight(weight)
        half(f"{name}.b", bias)
    for i in range(1 + max(int(n.split(".")[1]) for n in state if n.startswith("layers."))):
        def of(name, i=i):
            return state[f"layers.{i}.{name}"]
        for k, name in enumerate("qkv"):
            rows = slice(k * WIDTH, (k + 1) * WIDTH)
            linear(f"{i}.{name}", of("qkv.weight")[rows] * stretch(), of("qkv.bias")[rows])
        linear(f"{i}.ao", of("ao.weight"), of("ao.bias"))
        linear(f"{i}.fi", of("fi.weight") * stretch(), of("fi.bias"))
        linear(f"{i}.fo", of("fo.weight"), of("fo.bias"))
        for norm in ("aln", "oln"):
            half(f"{i}.{norm}.w", of(f"{norm}.weight"))
            half(f"{i}.{norm}.b", of(f"{norm}.bias"))
    half("places", state["places"])
    half("types", state["types"])
    half("norm.w", state["norm.weight"])
    half("norm.b", state["norm.bias"])
    half("hidden.w", state["answers.0.weight"].T)
    half("hidden.b", state["answers.0.bias"])
    half("answers.w", state["answers.2.weight"].T)
    half("answers.b", state["answers.2.bias"])
    half("span.w", state["span.weight"].T)
    half("span.b", state["span.bias"])
    return arrays


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, nargs="+")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--examples", type=int, default=400)
    arguments = parser.parse_args()
    checkpoints = [read_shipped(path) if path.suffix == ".npz" else torch.load(path, map_location="cpu")
                   for path in arguments.weights]
    trained = {name: sum(checkpoint[name].float() for checkpoint in checkpoints) / len(checkpoints)
               for name in checkpoints[0]}
    state = {name: value.numpy() for name, value in trained.items()}
    np.savez_compressed(arguments.out, **quantised(state, arguments.version))
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")

    source, kept, tokenizer = read_source(arguments.sources)
    weights = dict(np.load(arguments.out))
    model = reader.build_graph(weights, source, kept)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    network = Reader(source, kept)
    network.load_state_dict(trained, strict=False)
    network.eval()
    pieces = Pieces(tokenizer)
    lines = (arguments.data / "held-out.jsonl").read_text("utf-8").splitlines()[:arguments.examples]
    rows = [row for line in lines if (row := prepare(line, pieces))]
    exact, rounded, same_span, n_spans = [], [], 0, 0
    for at in range(0, len(rows), 16):
        part = rows[at:at + 16]
        ids, types, present = batch(part)
        with torch.no_grad():
            answers, start, end = network(ids, types, present)
        feed = {"input_ids": ids.numpy(), "attention_mask": present.long().numpy(), "token_type_ids": types.numpy()}
        logits, span = session.run(None, feed)
        exact += answers.tolist()
        rounded += logits[:, 0].tolist()
        for i, row in enumerate(part):
            inside = types[i].numpy() == 1
            if row[2]:
                n_spans += 1
                best = [int(np.where(inside, values, -1e9).argmax())
                        for values in (start[i].numpy(), span[i, :, 0], end[i].numpy(), span[i, :, 1])]
                same_span += best[0] == best[1] and best[2] == best[3]
    gap = np.abs(np.array(exact) - np.array(rounded))
    labels = [row[2] for row in rows]
    print(f"logits: mean gap {gap.mean():.3f}, largest {gap.max():.3f}; AUROC {auroc(exact, labels):.4f} in 32 bits, "
          f"{auroc(rounded, labels):.4f} in 8; same span {same_span}/{n_spans}")


if __name__ == "__main__":
    main()
