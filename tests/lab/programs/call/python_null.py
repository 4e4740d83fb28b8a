# Python reads through a null pointer that a C function was given.
#
# must: null memory.read
# may: null.read memory.unmapped call-contract
# never: use-after-free double-free heap.* abort memory.write
import ctypes


class Parser:
    def __init__(self, text: bytes | None) -> None:
        self.text = text

    def length(self) -> int:
        return int(ctypes.CDLL(None).strlen(self.text))


print(Parser(b"text").length())
print(Parser(None).length())
