"""A small S3 server for the tests, written from S3's documentation: it checks signatures, checksums and parts.

usage: s3_server.py PORT [LEAST_PART]

The key is test-id, the secret test/secret+key; a session token is wanted of those who come as session-id. The bucket
`data` is there. Lists come in pages of PAGE keys.
"""

import base64
import hashlib
import hmac
import re
import struct
import sys
import threading
import time
import urllib.parse
import uuid
from email.utils import formatdate
from xml.sax.saxutils import escape

import faulty

SECRETS = {"test-id": "test/secret+key", "session-id": "session-secret"}
TOKEN = "session/token=="
REGION = "eu-test-1"
PAGE = 7

_TABLE = []
for _i in range(256):
    _c = _i
    for _ in range(8):
        _c = _c >> 1 ^ (0x82F63B78 if _c & 1 else 0)
    _TABLE.append(_c)


def crc32c(data):
    """S3's way to write the CRC32C of DATA."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return base64.b64encode(struct.pack(">I", crc ^ 0xFFFFFFFF)).decode()


class Refusal(Exception):
    """What S3 says no with."""

    def __init__(self, status, code, message="refused by the test's server"):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


class Object:
    """What is stored under a key."""

    def __init__(self, data, tag=None, crc=None):
        self.data, self.crc, self.time = data, crc, time.time()
        self.tag = tag or f'"{hashlib.md5(data).hexdigest()}"'


def _encode(text, safe="-_.~"):
    return urllib.parse.quote(text, safe=safe)


def _canonical_query(query):
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    pairs = sorted((_encode(urllib.parse.unquote(k)), _encode(urllib.parse.unquote(v))) for k, _, v in pairs)
    return "&".join(f"{k}={v}" for k, v in pairs)


def check_signature(method, path, headers, body):
    """Refusal unless the request is signed as it has to be (Signature Version 4, in a header)."""
    given = headers.get("Authorization", "")
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                         r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})", given)  # fmt: skip
    if not found:
        raise Refusal(403, "AccessDenied", f"no signature: {given!r}")
    user, day, region, names, signature = found.groups()
    names = names.split(";")
    if names != sorted(names):
        raise Refusal(403, "SignatureDoesNotMatch", f"the signed headers are not in order: {names}")
    if user not in SECRETS:
        raise Refusal(403, "InvalidAccessKeyId")
    if region != REGION:
        raise Refusal(400, "AuthorizationHeaderMalformed", f"the region is {REGION}, and not {region}")
    if user == "session-id" and headers.get("x-amz-security-token") != TOKEN:
        raise Refusal(400, "ExpiredToken", "The provided token has expired.")
    missing = [name.lower() for name in headers if name.lower().startswith("x-amz-") and name.lower() not in names]
    if missing or "host" not in names:
        raise Refusal(403, "AccessDenied", f"not signed: {missing or 'host'}")
    stamp = headers["x-amz-date"]
    if abs(time.time() - time.mktime(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) + time.timezone) > 900:
        raise Refusal(403, "RequestTimeTooSkewed")
    payload = headers["x-amz-content-sha256"]
    if payload != hashlib.sha256(body).hexdigest():
        raise Refusal(400, "XAmzContentSHA256Mismatch")
    raw, _, query = path.partition("?")
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
    request = [
        method,
        _encode(urllib.parse.unquote(raw), "/-_.~"),
        _canonical_query(query),
        lines,
        ";".join(names),
        payload,
    ]
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{region}/s3/aws4_request\n{digest}"
    key = f"AWS4{SECRETS[user]}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    if hmac.new(key, text.encode(), hashlib.sha256).hexdigest() != signature:
        raise Refusal(403, "SignatureDoesNotMatch", "\n".join(request))


class State(faulty.State):
    """Buckets and uploads."""

    def __init__(self, least):
        super().__init__()
        self.least = least
        self.buckets = {"data": {}}
        self.uploads = {}


class Handler(faulty.Handler):
    """A request to S3, with the bucket in its path."""

    def serve(self):
        try:
            check_signature(self.command, self.path, self.headers, self.body)
            path, _, query = self.path.partition("?")
            self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
            bucket, _, self.key = urllib.parse.unquote(path).lstrip("/").partition("/")
            with self.state.lock:
                if bucket not in self.state.buckets:
                    raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
                self.objects = self.state.buckets[bucket]
                status, body, headers = getattr(self, f"on_{self.command.lower()}")()
        except Refusal as no:
            text = f"<Error><Code>{no.code}</Code><Message>{escape(no.message)}</Message></Error>"
            status, body, headers = no.status, b"" if self.command == "HEAD" else text.encode(), {}
        self.answer(status, body, headers)

    def _object(self, key=None):
        found = self.objects.get(self.key if key is None else key)
        if not found:
            raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
        return found

    def _about(self, found):
        about = {"ETag": found.tag, "Last-Modified": formatdate(found.time, usegmt=True)}
        if found.crc and self.headers.get("x-amz-checksum-mode") == "ENABLED":
            about["x-amz-checksum-crc32c"] = found.crc
        return about

    def on_head(self):
        found = self._object()
        return 200, b"", {**self._about(found), "Content-Length": str(len(found.data))}

    def on_get(self):
        if "list-type" in self.query:
            return self._list()
        found = self._object()
        if self.headers.get("If-Match", found.tag) != found.tag:
            raise Refusal(412, "PreconditionFailed")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            return 200, found.data, self._about(found)
        begin, end = int(wanted[1]), int(wanted[2]) + 1
        if begin >= len(found.data):
            raise Refusal(416, "InvalidRange")
        span = f"bytes {begin}-{min(end, len(found.data)) - 1}/{len(found.data)}"
        return 206, found.data[begin:end], {**self._about(found), "Content-Range": span}

    def _list(self):
        prefix, delimiter = self.query.get("prefix", ""), self.query.get("delimiter")
        most, after = int(self.query.get("max-keys", PAGE)), self.query.get("continuation-token", "")
        entries = {}
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            cut = key.find(delimiter, len(prefix)) if delimiter else -1
            entries.setdefault(key[: cut + 1] if cut >= 0 else key, cut >= 0)
        rest = [(name, folder) for name, folder in entries.items() if name > after]
        page = rest[: min(most, PAGE)]
        encoded = self.query.get("encoding-type") == "url"
        lines = []
        for name, folder in page:
            text = urllib.parse.quote_plus(name, safe="/") if encoded else escape(name)
            if folder:
                lines.append(f"<CommonPrefixes><Prefix>{text}</Prefix></CommonPrefixes>")
            else:
                lines.append(f"<Contents><Key>{text}</Key><Size>{len(self.objects[name].data)}</Size></Contents>")
        more = len(rest) > len(page)
        text = f"<IsTruncated>{str(more).lower()}</IsTruncated>{''.join(lines)}"
        if more:
            text += f"<NextContinuationToken>{escape(page[-1][0])}</NextContinuationToken>"
        if encoded:
            text += "<EncodingType>url</EncodingType>"
        head = (
            '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        )
        return 200, f"{head}{text}</ListBucketResult>".encode(), {"Content-Type": "application/xml"}

    def _checked(self):
        """The body, after its checksum."""
        crc = self.headers.get("x-amz-checksum-crc32c")
        if crc and crc != crc32c(self.body):
            raise Refusal(400, "BadDigest")
        return Object(self.body, crc=crc)

    def _source(self):
        name = urllib.parse.unquote(self.headers["x-amz-copy-source"]).lstrip("/")
        bucket, _, key = name.partition("/")
        self_objects = self.objects
        self.objects = self.state.buckets[bucket]
        found = self._object(key)
        self.objects = self_objects
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("x-amz-copy-source-range", ""))
        return Object(found.data[int(wanted[1]) : int(wanted[2]) + 1]) if wanted else Object(found.data, crc=found.crc)

    def on_put(self):
        copies = "x-amz-copy-source" in self.headers
        made = self._source() if copies else self._checked()
        if "uploadId" in self.query:
            self._upload()[int(self.query["partNumber"])] = made
            kind = "CopyPartResult"
        else:
            self.objects[self.key] = made
            kind = "CopyObjectResult"
        text = f"<{kind}><ETag>{escape(made.tag, {chr(34): '&quot;'})}</ETag></{kind}>" if copies else ""
        return 200, text.encode(), {"ETag": made.tag}

    def _upload(self):
        if self.query["uploadId"] not in self.state.uploads:
            raise Refusal(404, "NoSuchUpload")
        return self.state.uploads[self.query["uploadId"]]

    def on_post(self):
        if "uploads" in self.query:
            name = uuid.uuid4().hex + "+/="
            self.state.uploads[name] = {}
            text = f"<InitiateMultipartUploadResult><UploadId>{name}</UploadId></InitiateMultipartUploadResult>"
            return 200, text.encode(), {}
        parts = self._upload()
        text = self.body.decode()
        named = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>&quot;(\w+)&quot;</ETag>", text)
        if [(int(n), f'"{tag}"') for n, tag in named] != [(n, parts[n].tag) for n in sorted(parts)]:
            raise Refusal(400, "InvalidPart", text)
        if any(len(parts[n].data) < self.state.least for n in sorted(parts)[:-1]):
            raise Refusal(400, "EntityTooSmall")
        tags = b"".join(bytes.fromhex(tag) for _, tag in named)
        whole = b"".join(parts[n].data for n in sorted(parts))
        self.objects[self.key] = Object(whole, f'"{hashlib.md5(tags).hexdigest()}-{len(parts)}"')
        del self.state.uploads[self.query["uploadId"]]
        return 200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>", {}

    def on_delete(self):
        if "uploadId" in self.query:
            self._upload()
            del self.state.uploads[self.query["uploadId"]]
        else:
            self.objects.pop(self.key, None)
        return 204, b"", {}


def main():
    Handler.state = State(int(sys.argv[2]) if len(sys.argv) > 2 else 5 << 20)
    faulty.serve(Handler, int(sys.argv[1]))
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
