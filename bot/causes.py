"""Why a connection, a file or a port could not be used, as words that a person reads.

What is common is said in the reader's language; the system's own text is kept where it is not. No
address and no text of the other side is told. Knows nothing of what was wanted.
"""

import errno
import http.client
import os
import socket
import ssl
from collections.abc import Mapping

import aiohttp

from bot.reply import Text, say

NAME_UNKNOWN = say("its name does not resolve")
TLS_REFUSED = say("its certificate or TLS is not accepted")
NO_ANSWER = say("no answer in time")
BROKEN = say("the connection broke")
NO_HTTP = say("an answer that is no HTTP")
_REFUSED = say("connection refused")
_RESET = say("connection reset by peer")
# In the words of the systems, which people search for.
_SYSTEM: Mapping[int, Text] = {
    errno.ECONNREFUSED: _REFUSED,
    errno.ECONNRESET: _RESET,
    errno.ECONNABORTED: BROKEN,
    errno.EPIPE: BROKEN,
    errno.ETIMEDOUT: NO_ANSWER,
    errno.EHOSTUNREACH: say("no route to host"),
    errno.EHOSTDOWN: say("host is down"),
    errno.ENETUNREACH: say("network is unreachable"),
    errno.EACCES: say("permission denied"),
    errno.EPERM: say("operation not permitted"),
    errno.ENOENT: say("no such file or directory"),
    errno.ENOTDIR: say("not a directory"),
    errno.EISDIR: say("is a directory"),
    errno.EROFS: say("read-only file system"),
    errno.ENOSPC: say("no space left on device"),
    errno.EDQUOT: say("disk quota exceeded"),
    errno.EIO: say("input/output error"),
    errno.ENXIO: say("nobody reads from the pipe"),
    errno.EAGAIN: say("the pipe is full"),
    errno.EMFILE: say("too many open files"),
    errno.EADDRINUSE: say("address already in use"),
    errno.EADDRNOTAVAIL: say("cannot assign requested address"),
}
_BY_TEXT = {str(one): one for one in (*_SYSTEM.values(), NAME_UNKNOWN, TLS_REFUSED, NO_HTTP)}


def cause(error: BaseException) -> Text:
    """What went wrong."""
    if isinstance(error, (aiohttp.ClientConnectorDNSError, socket.gaierror)):
        return NAME_UNKNOWN
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return TLS_REFUSED
    if isinstance(error, OSError) and error.errno:  # asyncio puts the address into its own text
        return _SYSTEM.get(error.errno, os.strerror(error.errno).lower())
    if isinstance(error, TimeoutError):
        return NO_ANSWER
    if isinstance(error, ConnectionRefusedError):
        return _REFUSED  # asyncio puts several into one, which has no number
    if isinstance(error, ConnectionResetError):
        return _RESET
    if isinstance(error, (aiohttp.ClientResponseError, http.client.HTTPException)):
        return NO_HTTP
    if isinstance(error, (aiohttp.ClientError, ConnectionError)):
        return BROKEN
    if isinstance(error, UnicodeDecodeError):
        return say("it is not a text file in UTF-8")
    return say("an unexpected error ({kind})", kind=type(error).__name__)


def known(text: str) -> Text:
    """The words of a cause that is kept as its English; another text as it is."""
    return _BY_TEXT.get(text, text)
