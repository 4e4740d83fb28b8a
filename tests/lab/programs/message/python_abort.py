# Python's interpreter gives up: a fatal error of its own.
#
# must: abort
# may: fatal panic
# never: memory.* null* heap.* use-after-free double-free assert
# kind: aborted
import ctypes


def shut_down(reason: str) -> None:
    ctypes.pythonapi.Py_FatalError(reason.encode())


names = {i: str(i) * 3 for i in range(1000)}
shut_down("no more " + names[7])
