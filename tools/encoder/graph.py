"""What the encoders' ONNX graphs have in common: a small graph writer and the int8 linear layer.

The int8 linear layer
    Each row of activations (one token) gets its own scale, so a token's result never depends on
    what else is in the batch; the integer product accumulates exactly, so it does not depend on
    padding either. Dynamic quantisation as ONNX Runtime offers it has one scale per batch.

        scale[row] = max|x[row]| / 127
        xq         = round(x / scale[row]) + 128                      uint8
        y          = (xq - 128) @ Wq * column_scale * scale[row]      int32, then float
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CONTRIB = "com.microsoft"  # ONNX Runtime's own operators
GELU_MINIMUM = 0.17  # gelu(x) > -0.17 for every x


class GraphWriter:
    """Collects nodes and constants; every method returns the name(s) of what it added."""

    def __init__(self):
        self.nodes = []
        self.constants = []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def floats(self, value):
        return self.constant(np.asarray(value, np.float32))

    def integers(self, *values):
        return self.constant(np.array(values, np.int64))

    def int4(self, nibbles):
        """Values -8..7 as ONNX int4, two a byte, the first in the low half."""
        packed = (nibbles[..., 0::2] & 15) | ((nibbles[..., 1::2] & 15) << 4)
        name = f"c{len(self.constants)}"
        data = packed.astype(np.uint8).tobytes()
        self.constants.append(
            helper.make_tensor(name, TensorProto.INT4, nibbles.shape, data, raw=True))
        return name

    def op(self, kind, *inputs, outputs=1, domain="", **attributes):
        names = [f"n{len(self.nodes)}" + (f"_{i}" if i else "") for i in range(outputs)]
        self.nodes.append(
            helper.make_node(kind, inputs, names, domain=domain, name=f"{kind}_{len(self.nodes)}",
                             **attributes))
        return names[0] if outputs == 1 else names

    def contrib(self, kind, *inputs, **attributes):
        return self.op(kind, *inputs, domain=CONTRIB, **attributes)

    def model(self, name, output, output_shape):
        """The finished model: input_ids and attention_mask in, last_hidden_state out."""
        self.nodes.append(helper.make_node("Identity", [output], ["last_hidden_state"]))
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "sequence"])
                  for n in ("input_ids", "attention_mask")]
        result = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, output_shape)
        graph = helper.make_graph(self.nodes, name, inputs, [result], self.constants)
        return helper.make_model(
            graph, producer_name="ken", ir_version=10,
            opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(CONTRIB, 1)])


class Int8Linear:
    """Writes quantised linear layers into a graph whose activations are [rows, width]."""

    def __init__(self, graph, row_count):
        """`row_count`: name of a 1-element int64 tensor holding the number of rows."""
        self.graph = graph
        self.zero_point = graph.constant(np.uint8(128))
        fill = helper.make_tensor("value", TensorProto.UINT8, [1], [128])
        self.row_zero_points = graph.op("ConstantOfShape", row_count, value=fill)
        self.last_axis = graph.integers(1)
        self.one = graph.floats(1)
        self.step = graph.floats(1 / 127)
        self.smallest = graph.floats(1e-10)  # keeps an all-zero row from dividing by zero
        self.gelu_minimum = graph.floats(GELU_MINIMUM)

    def quantise(self, x, after_gelu=False):
        """Rows of floats → (rows of uint8, their scales as a column). Use once, multiply often."""
        g = self.graph
        highest = g.op("ReduceMax", x, self.last_axis, keepdims=0)
        if after_gelu:  # no need to look for the lowest
            reach = g.op("Max", highest, self.gelu_minimum)
        else:
            lowest = g.op("ReduceMin", x, self.last_axis, keepdims=0)
            reach = g.op("Max", highest, g.op("Neg", lowest), self.smallest)
        scale = g.op("Mul", reach, self.step)
        quantised = g.op("QuantizeLinear", x, scale, self.row_zero_points, axis=0)
        return quantised, g.op("Unsqueeze", scale, self.last_axis)

    def multiply(self, rows, weight):
        """rows from `quantise`; weight from `quantise_weight`. The bias is left to the caller."""
        g = self.graph
        quantised, row_scale = rows
        weight8, column_scale = weight
        y = g.contrib("MatMulIntegerToFloat", quantised, g.constant(weight8), self.one,
                      g.constant(column_scale), self.zero_point)
        return g.op("Mul", y, row_scale)


def quantise_weight(weight):
    """float [outputs, inputs] → (int8 [inputs, outputs], float scale [outputs]).

    On processors without VNNI, ONNX Runtime adds the products of two neighbouring inputs in 16
    bits, which saturate. So the scale also bounds the sum of each pair of neighbours: rounded,
    |a + b| <= 128, and 255 * 128 < 32767. It costs a quarter of a bit and makes all processors agree.
    """
    pair_sums = np.abs(weight[:, 0::2] + weight[:, 1::2])
    reach = np.maximum(np.abs(weight).max(axis=1), pair_sums.max(axis=1))
    scale = (reach / 127).astype(np.float32)
    weight8 = np.round(weight / scale[:, None]).astype(np.int8)
    return np.ascontiguousarray(weight8.T), scale


def save(model, path):
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
