#include "bus/protocol/messages.h"

#include <algorithm>

namespace keytrail::protocol {
namespace {

// clang-format off
constexpr std::array<std::string_view, kTopicCount> kTopicNames = {
    "eventstore.change", "eventstore.note",
    "kms.change",        "kms.note",
    "vcenter.change",    "vcenter.note",
    "esxi.change",       "esxi.note",
    "kms.sealed",        "head"};
// clang-format on

constexpr std::array<std::string_view, kFactTopicCount / 2> kParts = {"eventstore", "kms",
                                                                      "vcenter", "esxi"};

}  // namespace

std::string_view to_string(Topic topic) { return kTopicNames.at(static_cast<std::size_t>(topic)); }

std::optional<Topic> topic_from(std::string_view text) {
  const auto* const at = std::find(kTopicNames.begin(), kTopicNames.end(), text);
  if (at == kTopicNames.end()) return std::nullopt;
  return static_cast<Topic>(at - kTopicNames.begin());
}

std::optional<Topic> topic_of(std::string_view author, Effect effect) {
  const std::string_view part = author.substr(0, author.find('/'));
  const auto* const at = std::find(kParts.begin(), kParts.end(), part);
  if (at == kParts.end()) return std::nullopt;
  return static_cast<Topic>(2 * (at - kParts.begin()) + (effect == Effect::kNote ? 1 : 0));
}

}  // namespace keytrail::protocol
