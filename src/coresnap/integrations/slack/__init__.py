"""Tells groups to Slack: one message per group, changed as counts grow.

::

    kind      what is set of one
    blocks    a notice as Block Kit
    service   the two ways in: the Web API with a bot's token, an incoming webhook
    failures  what Slack refused: whether to try again, and when
    opening   which of the two; bot, hook: the two Channels
"""
