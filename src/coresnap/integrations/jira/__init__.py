"""Tells groups to Jira, Cloud and Data Center, and hears what becomes of tickets.

::

    channel      the Channel: deliver, preview, changes
    telling      what each kind of notice does
    listening    what people did, as changes of groups
    tickets      finding and making; ticket: one of them, and its labels
    syncing      state and assignee, set in a ticket; moving: ways through a workflow
    states       what a status means; people: who is who
    wording      what is said; template, document: its form
    adf, wiki    the two markups; plain: for previews
    service      the calls of the API; dialect: what differs; answers, failures
    settings     what is set; checking: whether it works; kind: what there is to set
"""
