"""What nodes answer: one module per area, one function per operation.

An operation gets a request and a peer and returns the reply as text, unescaped like the real ones.
"""
