"""Login by OpenID Connect Core 1.0, the code flow with PKCE (RFC 7636).

::

    flow      what goes through the browser, bound to its cookie
    provider  the other side: where it is, codes for tokens, and who a token names
"""
