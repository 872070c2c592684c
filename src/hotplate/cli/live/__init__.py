"""What `hotplate watch` shows: the live view in a terminal, plain lines, and JSON lines; and how a watch ends.

`watching` is where to begin. It needs a `Live` of hotplate.reload and knows nothing of compilers or files.
"""
