"""PyKMIP below its client: batches, and the AddAttribute that it has no payload for."""
from kmip.core import attributes, enums, objects, primitives, utils
from kmip.core.factories.attributes import AttributeFactory
from kmip.core.factories.payloads.response import ResponsePayloadFactory
from kmip.core.messages import contents, messages, payloads
from kmip.core.messages.payloads import base
from kmip.services.kmip_client import KMIPProxy

AES256 = {enums.AttributeType.CRYPTOGRAPHIC_ALGORITHM: enums.CryptographicAlgorithm.AES,
          enums.AttributeType.CRYPTOGRAPHIC_LENGTH: 256,
          enums.AttributeType.CRYPTOGRAPHIC_USAGE_MASK: [enums.CryptographicUsageMask.ENCRYPT,
                                                         enums.CryptographicUsageMask.DECRYPT]}


def name(text):
    return attribute(enums.AttributeType.NAME, text)


def attribute(kind, value):
    if kind is enums.AttributeType.NAME:
        value = attributes.Name.create(value, enums.NameType.UNINTERPRETED_TEXT_STRING)
    return AttributeFactory().create_attribute(kind, value)


def custom(title, text):
    return objects.Attribute(attribute_name=objects.Attribute.AttributeName(title),
                             attribute_value=attributes.CustomAttribute(text))


def create(title):
    kinds = [attribute(kind, value) for kind, value in AES256.items()] + [name(title)]
    return payloads.CreateRequestPayload(object_type=enums.ObjectType.SYMMETRIC_KEY,
                                         template_attribute=objects.TemplateAttribute(
                                             attributes=kinds))


def locate(*wanted):
    return payloads.LocateRequestPayload(attributes=list(wanted))


def destroy(uid):
    return payloads.DestroyRequestPayload(attributes.UniqueIdentifier(uid))


class AddAttribute(base.RequestPayload):
    """To the object of the ID placeholder."""

    def __init__(self, added):
        super().__init__()
        self.added = added

    def write(self, ostream, kmip_version):
        content = utils.BytearrayStream()
        self.added.write(content, kmip_version=kmip_version)
        self.length = content.length()
        super().write(ostream, kmip_version=kmip_version)
        ostream.write(content.buffer)


class AddedAttribute(base.ResponsePayload):
    def read(self, istream, kmip_version):
        super().read(istream, kmip_version=kmip_version)
        content = utils.BytearrayStream(istream.read(self.length))
        self.unique_identifier = attributes.UniqueIdentifier()
        self.unique_identifier.read(content, kmip_version=kmip_version)
        self.attribute = objects.Attribute()
        self.attribute.read(content, kmip_version=kmip_version)
        self.is_oversized(content)


ResponsePayloadFactory._create_add_attribute_payload = lambda factory: AddedAttribute()

OPERATIONS = {payloads.CreateRequestPayload: enums.Operation.CREATE,
              payloads.ActivateRequestPayload: enums.Operation.ACTIVATE,
              payloads.GetRequestPayload: enums.Operation.GET,
              payloads.LocateRequestPayload: enums.Operation.LOCATE,
              payloads.DestroyRequestPayload: enums.Operation.DESTROY,
              AddAttribute: enums.Operation.ADD_ATTRIBUTE}


class Session(KMIPProxy):
    """Whole messages. Takes what KMIPProxy takes; use it in a `with`."""

    def __enter__(self):
        self.open()
        return self

    def __exit__(self, *_):
        self.close()

    def batch(self, *asked, on_error=None):
        """The items of the answer, each checked to be the answer to its own question."""
        items = [messages.RequestBatchItem(
            operation=primitives.Enumeration(enums.Operation, OPERATIONS[type(payload)],
                                             tag=enums.Tags.OPERATION),
            unique_batch_item_id=contents.UniqueBatchItemID(bytes([number])),
            request_payload=payload) for number, payload in enumerate(asked)]
        message = self._build_request_message(None, items)
        if on_error is not None:
            message.request_header.batch_error_cont_option = (
                contents.BatchErrorContinuationOption(on_error))
        answers = self._send_and_receive_message(message).batch_items
        for number, answer in enumerate(answers):
            assert answer.unique_batch_item_id.value == bytes([number]), number
        return answers


def outcomes(answers):
    return [answer.result_status.value for answer in answers]
