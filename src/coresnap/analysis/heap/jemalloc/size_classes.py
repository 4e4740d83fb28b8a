"""The sizes that jemalloc rounds to, by their index.

8, then multiples of the quantum of 16 up to 128, then four classes per doubling
(``sc.h`` of 5.2.1 and 5.3.0; ``size_classes.sh`` before).
"""

from __future__ import annotations

__all__ = ["CLASS_LIMIT", "size_of"]

CLASS_LIMIT = 232
"""Classes of a 64-bit system: the last one is 7 EiB. Larger indexes mean none."""

_LINEAR = 9
"""Classes up to 128 bytes."""
_QUANTUM = 16


def size_of(index: int) -> int:
    """Bytes of the size class at ``index``, 0 to ``CLASS_LIMIT`` - 1."""
    if index < _LINEAR:
        return max(8, index * _QUANTUM)
    doubling, step = divmod(index - _LINEAR, 4)
    return (5 + step) << doubling + 5
