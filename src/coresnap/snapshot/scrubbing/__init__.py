"""Secrets of a process are taken out of its snapshot before others see it."""
