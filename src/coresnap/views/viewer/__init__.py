"""The terminal viewer: threads, frames, variables, and tabs that follow them."""
