"""Kernel dumps: what a FreeBSD kernel left of itself, read on any host."""

from coresnap.elfcore.vmcore.vmcore import Vmcore, is_vmcore, open_vmcore

__all__ = ["Vmcore", "is_vmcore", "open_vmcore"]
