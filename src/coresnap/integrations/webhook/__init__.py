"""Tells any program that takes HTTP: documented JSON, signed.

::

    kind      what is set of one
    payload   what is sent
    signing   how the receiver knows who sent it
    channel   the Channel
"""
