"""Requests as they should be, as they are smuggled, and as chance makes them."""

VALID = [
    b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/openmetrics-text;version=1.0.0,"
    b"text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: application/vnd.google.protobuf;"
    b"proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;q=0.2\r\n"
    b"X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nOrigin: http://b\r\n"
    b"Access-Control-Request-Method: GET\r\n\r\n",
    b"GET /-/ready HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"GET /api/v1/processes HTTP/1.1\r\nHost: [::1]:7433\r\nConnection: close\r\n\r\n",
    b"GET /api/v1/snapshot?match=engram_*&match=x%7By%3D%22z%22%7D HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"HEAD /stream?interval=100&kinds=metrics&process=demo HTTP/1.1\r\nHost: localhost\r\n"
    b"Last-Event-ID: 1-2\r\n\r\n",
    b"GET /nothing?a=%41&b=+ HTTP/1.1\r\nHost: localhost\r\nCookie: x=y\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
]

# What chance needs for ever to find.
WORDS = [b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b"%", b"%00", b"%ff", b"?", b"&",
         b"HTTP/1.1", b"HTTP/0.9", b"HTTP/9.9", b"Content-Length: 0", b"Content-Length: 99999999999",
         b"Transfer-Encoding: chunked", b"Connection: close", b"Host: b", b"Expect: 100-continue",
         b"Range: bytes=0-", b"Upgrade: h2c", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\xff\xfe",
         b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"q=0.", b"a" * 300, b"/" * 100, b"*" * 50,
         b"A: b\r\n" * 120]

# The end of a head that one server sees elsewhere than another; each is followed by a request that
# must not be answered.
SMUGGLED = [
    b"Content-Length: 44\r\n\r\n",
    b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    b"Content-Length: 44\r\nContent-Length: 0\r\n\r\n",
    b"Content-Length: 0, 44\r\n\r\n",
    b"Content-Length: +0\r\n\r\n",
    b"Content-Length: 0x0\r\n\r\n",
    b"Content-Length:\r\n\r\n",
    b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: identity\r\n\r\n",
    b"Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b" Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    b"transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n",
    b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"X: a\rContent-Length: 44\r\n\r\n",
    b"X: a\0b\r\n\r\n",
    b"X: a\n\n",
    b"X: a\r\n\n\r\n",
    b"X: a\r\r\n\r\n",
    b"X\r\n\r\n",
    b": x\r\n\r\n",
    b"X y: z\r\n\r\n",
    b"Host: b\r\n\r\n",
]

# The same in the first line, with a head of their own.
LINES = [
    b"GET /-/healthy\r\n\r\n",
    b"GET /-/healthy HTTP/0.9\r\n\r\n",
    b"GET http://a/-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET  /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /-/healthy  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /-/healthy HTTP/1.1 \r\nHost: localhost\r\n\r\n",
    b"GET /-/healthy http/1.1\r\nHost: localhost\r\n\r\n",
    b"GET\t/-/healthy\tHTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\r\nGET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b" GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /-/healthy\nHTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /-/healthy HTTP/1.1\nHost: a\n\n",
    b"GET /-/healthy HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET /-/healthy HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"CONNECT a:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]

SECRET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: secret\r\n\r\n"


def smuggled():
    """Requests with one behind them that is not to be answered."""
    first = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n"
    return [first + end + SECRET for end in SMUGGLED] + [line + SECRET for line in LINES]


def _change(chance, request):
    """One change to a bytearray."""
    at = chance.randrange(len(request) + 1)
    end = min(len(request), at + chance.randrange(1, 9))
    kind = chance.randrange(6)
    if kind == 0:
        request[at:end] = b""
    elif kind == 1:
        request[at:at] = chance.choice(WORDS)
    elif kind == 2:
        request[at:end] = chance.choice(WORDS)
    elif kind == 3:
        request[at:at] = request[at:end] * chance.randrange(1, 20)
    elif kind == 4 and at < len(request):
        request[at] ^= 1 << chance.randrange(8)
    elif kind == 5 and at < len(request):
        request[at] = chance.randrange(256)


def mutated(chance):
    """One or two requests with some changes; `chance` is a random.Random."""
    request = bytearray(chance.choice(VALID))
    if chance.randrange(4) == 0:
        request += chance.choice(VALID)
    for _ in range(chance.randrange(1, 6)):
        _change(chance, request)
    return bytes(request)
