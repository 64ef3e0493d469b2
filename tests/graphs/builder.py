"""Builds an ONNX graph whose weights are given when it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

OPSET, IR_VERSION = 20, 10

Shape = Sequence[int | str]


class GraphBuilder:
    """Values are named by what made them. Every method returns the name of its value."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._weights: dict[str, TensorProto] = {}
        self._inputs: list[ValueInfoProto] = []

    def input(self, name: str, shape: Shape) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def weight(self, name: str, *shape: int) -> str:
        """An array that the caller gives on loading."""
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="given on loading")
        self._weights[name] = tensor
        return name

    def integers(self, *values: int) -> str:
        """A constant."""
        name = "integers " + " ".join(map(str, values))
        self._weights[name] = numpy_helper.from_array(np.array(values, np.int64), name)
        return name

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        (output,) = self.nodes(operator, *inputs, **attributes)
        return output

    def nodes(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        names = [f"{operator} {len(self._nodes)}.{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def model(self, output: str, shape: Shape) -> ModelProto:
        outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self._nodes, "graph", self._inputs, outputs, list(self._weights.values()))
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
