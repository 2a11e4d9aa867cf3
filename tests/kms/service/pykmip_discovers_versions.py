"""Debian's PyKMIP client shakes hands with a server and asks what it speaks.

usage: pykmip_discovers_versions.py PORT CERTIFICATE KEY CA
Prints the versions, the preferred first.
"""
import sys

from kmip.core.enums import ResultStatus
from kmip.services.kmip_client import KMIPProxy

port, certificate, key, authority = sys.argv[1:]
client = KMIPProxy(host="127.0.0.1", port=int(port), certfile=certificate, keyfile=key,
                   ca_certs=authority, cert_reqs="CERT_REQUIRED", ssl_version="PROTOCOL_SSLv23")
client.open()
result = client.discover_versions()
client.close()
if result.result_status.value != ResultStatus.SUCCESS:
    sys.exit("refused: %s" % result.result_message)
print(" ".join("%d.%d" % (v.major, v.minor) for v in result.protocol_versions))
