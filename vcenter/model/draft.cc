#include "vcenter/model/draft.h"

#include <algorithm>

#include "bus/secret/sha256.h"

namespace keytrail::vcenter {

std::string quoted(std::string text) {
  constexpr std::string_view kMore = " ...";
  if (text.size() <= kQuotedBytesMax) return text;
  std::size_t end = kQuotedBytesMax - kMore.size();
  // Never in the middle of a letter: bytes 10xxxxxx go on with the one before them (UTF-8).
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text.append(kMore);
}

Draft& Draft::read(const std::string& stream) {
  if (stream.size() > kStreamBytesMax) return *this;
  const auto known = std::any_of(decision_.guards.begin(), decision_.guards.end(),
                                 [&](const auto& guard) { return guard.first == stream; });
  if (!known) decision_.guards.emplace_back(stream, state_.version_of(stream));
  return *this;
}

Draft& Draft::say(std::string stream, vcenter::Event event) {
  Body body;
  body.stream = std::move(stream);
  body.user = caller_.user;
  body.origin = caller_.origin;
  body.action = caller_.action;
  body.cause = caller_.cause;
  body.event = std::move(event);
  decision_.facts.push_back(std::move(body));
  return *this;
}

Draft& Draft::attach(Bytes bytes) {
  KEYTRAIL_CHECK(!decision_.facts.empty());
  decision_.facts.back().attachments.push_back(sha256(bytes));
  decision_.attachments.push_back({AttachmentKind::kClear, std::move(bytes)});
  return *this;
}

Draft& Draft::refuse(std::string command, std::string object, Refusal reason, std::string detail) {
  return say(action_stream(state_, caller_.action), CommandRefused{.command = std::move(command),
                                                                   .object = std::move(object),
                                                                   .reason = reason,
                                                                   .detail = std::move(detail)});
}

}  // namespace keytrail::vcenter
