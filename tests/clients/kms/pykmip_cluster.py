"""Debian's PyKMIP client against replicas, as an application would use them.

usage: pykmip_cluster.py STEP CERTIFICATE KEY CA PORT…
"""
import sys
import warnings

warnings.simplefilter("ignore")
from kmip import enums
from kmip.pie import exceptions, objects
from kmip.pie.client import ProxyKmipClient

step, certificate, key, authority = sys.argv[1:5]
rest = sys.argv[5:]


def client(port):
    return ProxyKmipClient(hostname="127.0.0.1", port=int(port), cert=certificate, key=key,
                           ca=authority, ssl_version="PROTOCOL_TLSv1_2",
                           kmip_version=enums.KMIPVersion.KMIP_1_4)


def refused(call):
    try:
        call()
    except exceptions.KmipOperationFailure as failure:
        return failure
    sys.exit("it was not refused")


if step == "everywhere":
    first, second, third = rest
    with client(first) as c:
        uid = c.create(enums.CryptographicAlgorithm.AES, 256, name="disk key")
        value = c.get(uid).value
        assert len(value) == 32
        secret = c.register(objects.SecretData(b"a passphrase", enums.SecretDataType.PASSWORD))
        opaque = c.register(objects.OpaqueObject(b"\x00" * 5000, enums.OpaqueDataType.NONE))
    for port in (second, third):
        with client(port) as c:
            assert c.get(uid).value == value
            assert c.get(secret).value == b"a passphrase"
            assert c.get(opaque).value == b"\x00" * 5000
    with client(second) as c:
        c.activate(uid)
        names = [str(a.attribute_name.value) for a in c.get_attributes(uid)[1]]
        assert "Digest" in names and "State" in names, names
        assert "Name" in c.get_attribute_list(uid)
    with client(third) as c:
        state = c.get_attributes(uid, ["State"])[1][0]
        assert state.attribute_value.value == enums.State.ACTIVE, state
        failure = refused(lambda: c.destroy(uid))
        assert failure.reason == enums.ResultReason.PERMISSION_DENIED, failure
        c.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, uid)
        c.destroy(uid)
    for port in rest:
        with client(port) as c:
            refused(lambda: c.get(uid))
    with client(first) as c:
        assert uid not in c.locate()
        assert secret in c.locate()
    print(uid)
elif step == "create":
    with client(rest[0]) as c:
        print(c.create(enums.CryptographicAlgorithm.AES, 256))
elif step == "get":
    with client(rest[0]) as c:
        print(c.get(rest[1]).value.hex())
elif step == "stranger":
    with client(rest[0]) as c:
        failure = refused(lambda: c.get("anything"))
        assert failure.reason == enums.ResultReason.AUTHENTICATION_NOT_SUCCESSFUL, failure
