#!/usr/bin/env python3
"""Deterministic sample data in the two real DynamoDB formats a CDC reader sees, with the right answer beside it.

  sample.py OUT [--seed 1 --items 2000 --changes 6000 --files 4 ...]

writes, from one simulated table history:
  OUT/s3/<prefix>/AWSDynamoDB/<export-id>/{_started,manifest-summary.json,manifest-files.json,*.md5,data/*.json.gz}
      a FULL_EXPORT in DYNAMODB_JSON taken in the middle of the history (one file is empty, as for an empty partition)
  OUT/stream.ndjson     one line per Kinesis record: {"PartitionKey","ArrivalMs","Data"}; Data is the change record as JSON
                        text. INSERT/MODIFY/REMOVE, duplicates, out-of-order deliveries, TTL removals, changes older than
                        the export (already inside it) and newer ones.
  OUT/expected.ndjson   the final table, one DynamoDB-JSON item a line, sorted by key
  OUT/expected_at_export.ndjson   the table at the export time
  OUT/summary.json      counts

  sample.py --upload URL BUCKET FOLDER

makes the bucket and puts all files below FOLDER into it; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY sign.

Standard library only. The same arguments give the same bytes.

Formats: AWS documentation (S3DataExport.Output, kds) and real records seen in public repositories.
  - ApproximateCreationDateTime is epoch milliseconds (13 digits) without ApproximateCreationDateTimePrecision on old
    destinations, or milli-/microseconds with that member on newer ones (--precision).
  - The Kinesis partition key is 32 hex digits derived from the item's key: all changes of one item go to one shard.
  - Equal ApproximateCreationDateTime for two changes of one item can happen with millisecond precision; this generator
    makes none unless --ties is given.
  - s3 keys in both manifests carry the export prefix; .md5 files hold the base64 MD5 (24 bytes).
"""
import argparse, base64, gzip, hashlib, hmac, http.client, io, itertools, json, os, random, shutil, sys
from datetime import datetime, timezone
from urllib.parse import quote

T0_US = 1_760_000_000_000_000  # start of the history (2025-10-09T08:53:20Z), microseconds


def iso(us):
    return datetime.fromtimestamp(us // 1000 / 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (us // 1000 % 1000)


def dumps(o):
    return json.dumps(o, ensure_ascii=False, separators=(",", ":"))


def size_of(av):
    (t, v), = av.items()
    if t == "S": return len(v.encode())
    if t == "N": return (len(v.lstrip("-").replace(".", "")) + 1) // 2 + 1
    if t == "B": return len(base64.b64decode(v))
    if t in ("BOOL", "NULL"): return 1
    if t == "M": return 3 + sum(1 + len(k.encode()) + size_of(x) for k, x in v.items())
    if t == "L": return 3 + sum(1 + size_of(x) for x in v)
    return sum(size_of({t[0]: x}) for x in v)


def item_size(item):
    return sum(len(k.encode()) + size_of(v) for k, v in item.items())


class Gen:
    def __init__(self, a):
        self.a, self.r, self.now, self.n = a, random.Random(a.seed), T0_US, 0

    def key(self, i):
        return {"customer_id": {"S": "C#%06d" % (i // 5)}, "order_no": {"N": str(i)}}

    def b64(self, n):
        return base64.b64encode(self.r.randbytes(n)).decode()

    def fill(self, it):
        r = self.r
        it["status"] = {"S": r.choice(["NEW", "PAID", "SHIPPED", "RETURNED", "отменён", "完了", ""])}
        it["total"] = {"N": r.choice(["0", "-1", "12.50", "99999999999999999999999999999999999999", "1.0E-30", str(r.randrange(10**6) / 100)])}
        it["qty"] = {"N": str(r.randrange(-5, 1000))}
        it["paid"] = {"BOOL": r.random() < 0.5}
        it["updated_us"] = {"N": str(self.now)}
        if r.random() < 0.3: it["note"] = {"NULL": True}
        if r.random() < 0.3: it["note"] = {"S": r.choice(['q"uote\\ and \n newline', "tab\there", "emoji 🚚", "x" * 300])}
        if r.random() < 0.4: it["tags"] = {"SS": sorted(r.sample(["a", "b", "c", "d", "ü"], r.randrange(1, 4)))}
        if r.random() < 0.2: it["sizes"] = {"NS": sorted(r.sample(["1", "2.5", "-7", "1E+2"], 2))}
        if r.random() < 0.2: it["blob"] = {"B": self.b64(r.randrange(0, 40))}
        if r.random() < 0.1: it["blobs"] = {"BS": sorted([self.b64(4), self.b64(5)])}
        if r.random() < 0.5:
            it["ship"] = {"M": {"city": {"S": r.choice(["Oslo", "Zürich", "東京"])}, "geo": {"L": [{"N": "59.91"}, {"N": str(r.randrange(180))}]},
                                "opt": {"M": {"gift": {"BOOL": True}, "none": {"NULL": True}, "empty": {"M": {}}, "list": {"L": []}}}}}
        return it

    def change(self, name, keys, old, new, ttl=False):
        a, d = self.a, {}
        d["ApproximateCreationDateTime"] = self.now if a.precision == "MICROSECOND" else self.now // 1000
        d["Keys"] = keys
        if new is not None: d["NewImage"] = new
        if old is not None: d["OldImage"] = old
        d["SizeBytes"] = item_size(keys) + item_size(new or {}) + item_size(old or {})
        if a.precision != "LEGACY": d["ApproximateCreationDateTimePrecision"] = a.precision
        h = hashlib.md5(b"ev%d/%d" % (a.seed, self.n)).hexdigest()
        rec = {"awsRegion": "us-east-1", "eventID": "%s-%s-4%s-8%s-%s" % (h[:8], h[8:12], h[13:16], h[17:20], h[20:]), "eventName": name,
               "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"} if ttl else None,
               "recordFormat": "application/json", "tableName": a.table, "dynamodb": d, "eventSource": "aws:dynamodb"}
        self.n += 1
        pk = hashlib.md5(dumps(keys).encode()).hexdigest().upper()
        return {"us": self.now, "PartitionKey": pk, "Data": dumps(rec)}

    def run(self):
        a, r, table, changes, next_id = self.a, self.r, {}, [], 0
        export = None
        before = max(a.items, 1)  # the first `items` changes are the loading of the table
        for step in range(before + a.changes):
            self.now += r.randrange(1000, 50_000) if not (a.ties and r.random() < 0.05) else 0
            roll = r.random()
            if step < before or not table or roll < 0.25:
                k = self.key(next_id); next_id += 1
                it = self.fill(dict(k)); table[dumps(k)] = it
                changes.append(self.change("INSERT", k, None, it))
            else:
                ks = r.choice(self.some_keys(table))
                k, old = json.loads(ks), table[ks]
                if roll < 0.85:
                    new = self.fill(dict(old if r.random() < 0.5 else k)); table[ks] = new
                    changes.append(self.change("MODIFY", k, old, new))
                else:
                    del table[ks]
                    changes.append(self.change("REMOVE", k, old, None, ttl=r.random() < 0.3))
                    if r.random() < 0.3:  # the same key comes back
                        self.now += r.randrange(1000, 9000)
                        it = self.fill(dict(k)); table[ks] = it
                        changes.append(self.change("INSERT", k, None, it))
            if export is None and step >= before + a.changes * a.export_at:
                export = (self.now + 500, {k: v for k, v in table.items()})
        if export is None: export = (self.now + 500, dict(table))
        return table, changes, export

    cache = []

    def some_keys(self, table):
        """Half of the picks fall on the 20 oldest keys, so some items see many changes."""
        r = self.r
        if len(table) > 50 and r.random() < 0.5: return list(itertools.islice(table, 20))
        if not self.cache or r.random() < 0.02: self.cache = list(table)
        return [k for k in r.choices(self.cache, k=8) if k in table] or [next(iter(table))]

    def deliver(self, changes):
        """What Kinesis holds: a delivery order with repeats and local disorder."""
        a, r, out = self.a, self.r, []
        dups = ooo = 0
        for i, c in enumerate(changes):
            late = 0
            if r.random() < a.ooo_rate: late = r.randrange(1, 400_000); ooo += 1
            out.append((c["us"] + 200_000 + late, i, c))
            if r.random() < a.dup_rate:
                dups += 1
                out.append((c["us"] + 200_000 + late + r.randrange(1, 2_000_000), i, c))
        out.sort(key=lambda x: (x[0], x[1]))
        return [{"PartitionKey": c["PartitionKey"], "ArrivalMs": t // 1000, "Data": c["Data"]} for t, _, c in out], dups, ooo


def gz(b):
    f = io.BytesIO()
    with gzip.GzipFile(fileobj=f, mode="wb", mtime=0, filename="") as z: z.write(b)
    return f.getvalue()


def write(p, b):
    os.makedirs(os.path.dirname(p), exist_ok=True)
    with open(p, "wb") as f: f.write(b if isinstance(b, bytes) else b.encode())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    if sys.argv[1:2] == ["--upload"]: return upload(*sys.argv[2:])
    p.add_argument("out"); p.add_argument("--seed", type=int, default=1)
    p.add_argument("--items", type=int, default=2000); p.add_argument("--changes", type=int, default=6000)
    p.add_argument("--files", type=int, default=4); p.add_argument("--export-at", type=float, default=0.4)
    p.add_argument("--dup-rate", type=float, default=0.03); p.add_argument("--ooo-rate", type=float, default=0.05)
    p.add_argument("--precision", choices=["MICROSECOND", "MILLISECOND", "LEGACY"], default="MICROSECOND")
    p.add_argument("--ties", action="store_true"); p.add_argument("--table", default="Orders")
    p.add_argument("--account", default="123456789012"); p.add_argument("--bucket", default="exports"); p.add_argument("--prefix", default="orders-cdc")
    a = p.parse_args()
    g = Gen(a)
    table, changes, (ex_us, snap) = g.run()
    stream, dups, ooo = g.deliver(changes)
    shutil.rmtree(a.out, ignore_errors=True)
    # export
    h = hashlib.md5(b"export%d" % a.seed).hexdigest()
    eid = "%014d-%s" % (ex_us // 1000, h[:8]); tarn = "arn:aws:dynamodb:us-east-1:%s:table/%s" % (a.account, a.table)
    root = "/".join(x for x in (a.prefix.strip("/"), "AWSDynamoDB", eid) if x)
    parts = [[] for _ in range(a.files)]
    for ks, it in snap.items():  # by hash of the partition key, as partitions would; the last file stays empty
        parts[int(hashlib.md5(it["customer_id"]["S"].encode()).hexdigest(), 16) % max(1, a.files - 1)].append(dumps({"Item": it}) + "\n")
    S3 = os.path.join(a.out, "s3"); lines = []; total = 0
    write(f"{S3}/{root}/_started", b"")
    for i, part in enumerate(parts):
        raw = "".join(part).encode(); body = gz(raw); total += len(raw); md5 = hashlib.md5(body)
        name = "".join(random.Random(f"{a.seed}/{i}").choices("abcdefghijklmnopqrstuvwxyz234567", k=26))
        key = f"{root}/data/{name}.json.gz"; write(f"{S3}/{key}", body)
        lines.append(dumps({"itemCount": len(part), "md5Checksum": base64.b64encode(md5.digest()).decode(), "etag": md5.hexdigest() + "-1", "dataFileS3Key": key}))
    files = "\n".join(lines) + "\n"
    summ = dumps({"version": "2020-06-30", "exportArn": f"{tarn}/export/{eid}", "startTime": iso(ex_us + 2_000_000), "endTime": iso(ex_us + 302_000_000),
                  "tableArn": tarn, "tableId": "%s-%s-%s-%s-%s" % (h[:8], h[8:12], h[12:16], h[16:20], h[20:32]), "exportTime": iso(ex_us), "s3Bucket": a.bucket,
                  "s3Prefix": a.prefix or None, "s3SseAlgorithm": "AES256", "s3SseKmsKeyId": None, "manifestFilesS3Key": f"{root}/manifest-files.json",
                  "billedSizeBytes": total, "itemCount": len(snap), "outputFormat": "DYNAMODB_JSON", "exportType": "FULL_EXPORT"})
    for n, b in (("manifest-files", files), ("manifest-summary", summ)):
        write(f"{S3}/{root}/{n}.json", b); write(f"{S3}/{root}/{n}.md5", base64.b64encode(hashlib.md5(b.encode()).digest()))
    write(f"{a.out}/stream.ndjson", "".join(dumps(x) + "\n" for x in stream))
    srt = lambda t: "".join(dumps(t[k]) + "\n" for k in sorted(t, key=lambda k: int(json.loads(k)["order_no"]["N"])))
    write(f"{a.out}/expected.ndjson", srt(table)); write(f"{a.out}/expected_at_export.ndjson", srt(snap))
    ev = {n: sum('"eventName":"%s"' % n in c["Data"] for c in changes) for n in ("INSERT", "MODIFY", "REMOVE")}
    s = dict(seed=a.seed, export_time=iso(ex_us), export_time_us=ex_us, export_root=root, manifest=f"{root}/manifest-summary.json", items_in_export=len(snap), items_final=len(table),
             changes=len(changes), changes_before_export=sum(c["us"] <= ex_us for c in changes), changes_after_export=sum(c["us"] > ex_us for c in changes),
             stream_records=len(stream), duplicates=dups, delayed=ooo, precision=a.precision, **ev)
    write(f"{a.out}/summary.json", json.dumps(s, indent=1) + "\n"); print(json.dumps(s))


def put(url, path, body):
    """One signed PUT. A bucket that is there already is fine."""
    host, now = url.split("://")[1].rstrip("/"), datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    digest, path = hashlib.sha256(body).hexdigest(), quote(path)
    headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": now}
    signed = ";".join(sorted(headers))
    canonical = "\n".join(["PUT", path, "", *("%s:%s" % (k, headers[k]) for k in sorted(headers)), "", signed, digest])
    scope = now[:8] + "/us-east-1/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in (now[:8], "us-east-1", "s3", "aws4_request"): key = hmac.digest(key, part.encode(), "sha256")
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        os.environ["AWS_ACCESS_KEY_ID"], scope, signed, hmac.digest(key, text.encode(), "sha256").hex())
    wire = http.client.HTTPConnection(host, timeout=60)
    wire.request("PUT", path, body, headers)
    answer = wire.getresponse()
    said = answer.read()
    wire.close()
    if answer.status >= 300 and b"BucketAlready" not in said: sys.exit("PUT %s: %d %s" % (path, answer.status, said.decode()))


def upload(url, bucket, folder):
    put(url, "/" + bucket, b"")
    for d, _, fs in os.walk(folder):
        for f in fs:
            p = os.path.join(d, f)
            with open(p, "rb") as body: put(url, "/%s/%s" % (bucket, os.path.relpath(p, folder)), body.read())


if __name__ == "__main__":
    main()
