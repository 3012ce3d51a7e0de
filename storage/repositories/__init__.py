"""One repository for each kind of row. They live inside a unit of work and never commit.

`get` raises `NotFound`, `find` returns None, `claim…` leases, and what is conditional says
whether it won.
"""
