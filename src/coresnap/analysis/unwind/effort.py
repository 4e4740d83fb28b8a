"""How much guessing a core is worth: its bytes may be chosen to make it endless."""

from __future__ import annotations

import msgspec

__all__ = ["Effort"]


class Effort(msgspec.Struct, eq=False):
    """What is left for all stacks of one core."""

    scans: int = 4096
    """Searches of a stack for return addresses: milliseconds each, at worst."""
    code: int = 8 << 20
    """Bytes of functions that are followed from their start: two seconds per MiB."""
    windows: int = 16
    """Windows of code that are searched for calls: two seconds each, at worst."""

    frames: int = 2_000_000
    """Frames beyond what is kept of a stack: two microseconds each. A thread's stack
    of 8 MiB has room for half a million."""

    def take_scan(self) -> bool:
        """Whether there is one left; it is spent then."""
        self.scans -= 1
        return self.scans >= 0

    def take_frame(self) -> bool:
        """Whether there is one left; it is spent then."""
        self.frames -= 1
        return self.frames >= 0

    def take_code(self, size: int) -> bool:
        """Whether ``size`` bytes are left; they are spent then."""
        if size > self.code:
            return False
        self.code -= max(size, 0)
        return True

    def take_window(self) -> bool:
        """Whether there is one left; it is spent then."""
        self.windows -= 1
        return self.windows >= 0
