"""Debian's PyKMIP client against replicas, as an application would use them.

usage: pykmip_cluster.py STEP CERTIFICATE KEY CA PORT…
"""
import socket
import ssl
import sys
import warnings

warnings.simplefilter("ignore")
sys.dont_write_bytecode = True  # No cache beside the sources.
from kmip import enums
from kmip.pie import exceptions, objects
from kmip.pie.client import ProxyKmipClient
import pykmip_messages as low

step, certificate, key, authority = sys.argv[1:5]
rest = sys.argv[5:]
VERSIONS = [version for version in enums.KMIPVersion if version < enums.KMIPVersion.KMIP_2_0]
assert len(VERSIONS) == 5, VERSIONS


def client(port, version=enums.KMIPVersion.KMIP_1_4, tls="PROTOCOL_TLSv1_2"):
    return ProxyKmipClient(hostname="127.0.0.1", port=int(port), cert=certificate, key=key,
                           ca=authority, ssl_version=tls, kmip_version=version)


def session(port, version=enums.KMIPVersion.KMIP_1_4):
    return low.Session("127.0.0.1", int(port), keyfile=key, certfile=certificate,
                       ca_certs=authority, ssl_version="PROTOCOL_TLSv1_2", kmip_version=version)


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
elif step == "versions":
    first, second, third = rest
    for version in VERSIONS:
        with client(first, version) as c:
            uid = c.create(enums.CryptographicAlgorithm.AES, 256, name=f"of {version.value}")
            value = c.get(uid).value
        for port in (second, third):
            with client(port, version) as c:
                assert c.get(uid).value == value, version
                assert "Name" in c.get_attribute_list(uid), version
        with client(third, version) as c:
            c.destroy(uid)
        for port in rest:
            with client(port, version) as c:
                refused(lambda: c.get(uid))
elif step == "batches":
    done, failed, undone = (enums.ResultStatus.SUCCESS, enums.ResultStatus.OPERATION_FAILED,
                            enums.ResultStatus.OPERATION_UNDONE)
    on_error = enums.BatchErrorContinuationOption
    first, second, third = rest
    for version in VERSIONS:
        mark = f"{version.value}"
        with session(first, version) as c:
            # What follows means the object that was made: the ID placeholder.
            made = c.batch(low.create("kept " + mark), low.AddAttribute(low.custom("x-mark", mark)),
                           low.payloads.ActivateRequestPayload(), low.payloads.GetRequestPayload())
            assert low.outcomes(made) == [done] * 4, (version, low.outcomes(made))
            uid = made[0].response_payload.unique_identifier
            added = made[1].response_payload
            assert added.unique_identifier.value == uid
            assert added.attribute.attribute_value.value == mark
            assert made[3].response_payload.unique_identifier == uid
        with session(second, version) as c:
            for wanted in ([low.custom("x-mark", mark)],
                           [low.name("kept " + mark),
                            low.attribute(enums.AttributeType.STATE, enums.State.ACTIVE)]):
                found = c.batch(low.locate(*wanted))[0].response_payload.unique_identifiers
                assert found == [uid], (version, found)
            undo = c.batch(low.create("undone " + mark), low.destroy("nothing"),
                           low.create("never " + mark), on_error=on_error.UNDO)
            assert low.outcomes(undo) == [undone, failed], (version, low.outcomes(undo))
            stop = c.batch(low.create("stopped " + mark), low.destroy("nothing"),
                           low.create("never " + mark), on_error=on_error.STOP)
            assert low.outcomes(stop) == [done, failed], (version, low.outcomes(stop))
            go_on = c.batch(low.destroy("nothing"), low.create("went on " + mark),
                            on_error=on_error.CONTINUE)
            assert low.outcomes(go_on) == [failed, done], (version, low.outcomes(go_on))
        with session(third, version) as c:
            there = [len(c.batch(low.locate(low.name(f"{title} {mark}")))[0]
                         .response_payload.unique_identifiers)
                     for title in ("undone", "never", "stopped", "went on")]
            assert there == [0, 0, 1, 1], (version, there)
elif step == "tls":
    with client(rest[0], tls="PROTOCOL_TLS") as c:  # The best that both speak.
        assert c.proxy.socket.version() == "TLSv1.3", c.proxy.socket.version()
        assert len(c.get(c.create(enums.CryptographicAlgorithm.AES, 256)).value) == 32
    with client(rest[0]) as c:
        assert c.proxy.socket.version() == "TLSv1.2", c.proxy.socket.version()
    old = ssl.create_default_context(cafile=authority)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")  # Below that, OpenSSL would not even offer it.
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", int(rest[0]))) as plain:
        try:
            old.wrap_socket(plain, server_hostname="127.0.0.1")
        except ssl.SSLError as failure:
            assert failure.reason == "TLSV1_ALERT_PROTOCOL_VERSION", failure  # The server's word.
        else:
            sys.exit("TLS 1.1 was not refused")
