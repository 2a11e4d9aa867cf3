// Hostile KMIP requests and answers: whatever arrives is decoded or refused, and what was decoded
// is written again and reads as the same bytes from then on.
#include <cstdlib>

#include "kms/kmip/messages.h"

namespace {

using namespace keytrail;        // NOLINT: a fuzz target of one page.
using namespace keytrail::kmip;  // NOLINT

// Requests whose items could all be read go round.
void check_request(ByteView bytes) {
  DecodedRequest decoded = decode_request(bytes);
  if (const auto* malformed = std::get_if<MalformedRequest>(&decoded)) {
    const SecretBytes answer = encode_error_response(*malformed, 0);
    if (!decode_response(answer.read(SecretAccess())).ok()) std::abort();
    return;
  }
  const auto& message = std::get<RequestMessage>(decoded);
  for (const RequestItem& item : message.items) {
    if (std::holds_alternative<Failure>(item.content)) return;
  }
  for (const Credential& credential : message.header.credentials) {
    if (std::holds_alternative<OtherCredential>(credential)) return;
  }
  const SecretBytes first = encode_request(message);
  DecodedRequest again = decode_request(first.read(SecretAccess()));
  const auto* reread = std::get_if<RequestMessage>(&again);
  if (reread == nullptr || !encode_request(*reread).equals(first)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  check_request(bytes);
  const Result<ResponseMessage> response = decode_response(bytes);
  if (response.ok() && encode_response(*response).empty()) std::abort();
  return 0;
}
