"""What people are told of: rules, what is found to be told, and how it gets there.

Faults are accepted without any of this. A loop looks at the groups that changed since
it last looked (``detecting``), and puts deliveries into a queue in the transaction that
remembers how far it came; another one brings them to their channels (``delivering``).
"""
