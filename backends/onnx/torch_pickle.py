"""Follows the pickle of a file that `torch.save` wrote.

A pickle is a program for a stack machine that may import and call anything. This machine has only the
instructions that torch writes for dictionaries, lists, tuples, text, numbers and tensors, and refuses all
others. Of the names in the program it knows two, an ordered dictionary and a tensor.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ORDERED_DICT, TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


class UnreadableWeightsError(ValueError):
    """A file of weights is damaged or holds more than tensors, text and numbers."""


@dataclass(frozen=True, slots=True)
class Name:
    """A module and a name in it, which the pickle mentions."""

    text: str


def build(program: bytes, storage: Callable[..., Any], tensor: Callable[..., Any]) -> Any:
    """What the pickle builds. `storage(*identifier)` gives a storage, `tensor(*arguments)` a tensor.

    Raises UnreadableWeightsError. Time and memory are linear in the length of the program.
    """
    machine = _Machine(storage, tensor)
    try:
        for opcode, argument, _ in pickletools.genops(program):
            machine.run(opcode.name, argument)
        (result,) = machine.stack
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise UnreadableWeightsError(f"not a pickle of tensors: {error}") from error
    return result


class _Machine:
    def __init__(self, storage: Callable[..., Any], tensor: Callable[..., Any]) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._storage, self._tensor = storage, tensor

    def run(self, instruction: str, argument: Any) -> None:
        match instruction:
            case "PROTO" | "STOP":
                pass
            case "MARK":
                self._marks.append(len(self.stack))
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self.stack[-1]
            case "APPEND" | "APPENDS":
                values = self._pop(1) if instruction == "APPEND" else self._pop_marked()
                self._top(list).extend(values)
            case "SETITEM" | "SETITEMS":
                values = self._pop(2) if instruction == "SETITEM" else self._pop_marked()
                self._top(dict).update(_pairs(values))
            case "BUILD":  # attributes of a dictionary: torch keeps versions there, which nobody needs
                self._pop(1)
                self._top(dict)
            case _:
                self.stack.append(self._value(instruction, argument))

    def _value(self, instruction: str, argument: Any) -> Any:
        """The value that the instruction pushes."""
        match instruction:
            case "BININT" | "BININT1" | "BININT2" | "BINFLOAT" | "BINUNICODE":
                return argument
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                return CONSTANTS[instruction]
            case "BINGET" | "LONG_BINGET":
                return self._memo[argument]
            case "EMPTY_DICT":
                return {}
            case "EMPTY_LIST":
                return []
            case "EMPTY_TUPLE":
                return ()
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                return tuple(self._pop(int(instruction[-1])))
            case "TUPLE":
                return tuple(self._pop_marked())
            case "GLOBAL":
                return Name(argument)
            case "BINPERSID":
                return self._storage(*self._pop(1)[0])
            case "REDUCE":
                return self._call(*self._pop(2))
        raise UnreadableWeightsError(f"the instruction {instruction}")

    def _call(self, function: Any, arguments: Any) -> Any:
        if function == Name(ORDERED_DICT) and arguments == ():
            return {}
        if function == Name(TENSOR):
            return self._tensor(*arguments)
        raise UnreadableWeightsError(
            f"a call of {function.text if isinstance(function, Name) else type(function).__name__}"
        )

    def _pop(self, number: int) -> list[Any]:
        first = len(self.stack) - number
        if first < (self._marks[-1] if self._marks else 0):
            raise UnreadableWeightsError("a value is missing")
        values = self.stack[first:]
        del self.stack[first:]
        return values

    def _pop_marked(self) -> list[Any]:
        return self._pop(len(self.stack) - self._marks.pop())

    def _top(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise UnreadableWeightsError(f"no {kind.__name__}")
        return self.stack[-1]


def _pairs(values: list[Any]) -> dict[str, Any]:
    keys = values[::2]
    if not all(isinstance(key, str) for key in keys):
        raise UnreadableWeightsError("a key that is no text")
    return dict(zip(keys, values[1::2], strict=True))
