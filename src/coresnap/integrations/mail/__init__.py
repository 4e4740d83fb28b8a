"""Tells groups and digests by mail.

::

    kind      what is set of one
    settings  the same, checked
    message   a notice as a message of RFC 5322: text and HTML
    page      its HTML part
    sending   SMTP, with STARTTLS or TLS and a login
    channel   the Channel
"""
