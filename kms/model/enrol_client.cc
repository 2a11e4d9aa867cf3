#include "kms/model/enrol_client.h"

#include <algorithm>

namespace keytrail::kms {
namespace {

constexpr std::size_t kClientNameBytesMax = 48;  // Escaped, it still fits a stream's name.

Refusal refusal(Reason reason, std::string message) {
  return {.reason = reason, .message = std::move(message), .detail = {}};
}

bool has_pinned(const Client& client, const Hash& certificate) {
  return std::find(client.certificates.begin(), client.certificates.end(), certificate) !=
         client.certificates.end();
}

std::optional<Refusal> check(const EnrolClient& command) {
  const bool group_ok = command.group.empty() || is_client_name(command.group);
  if (is_client_name(command.client) && group_ok) return std::nullopt;
  return refusal(Reason::kInvalidField,
                 "A client and a group have names of 1 to 48 letters, digits, '.', '_' and '-'.");
}

}  // namespace

bool is_client_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= kClientNameBytesMax &&
         std::all_of(text.begin(), text.end(), allowed);
}

Decided<ClientChanged> decide(Draft& draft, const EnrolClient& command) {
  if (auto wrong = check(command)) return *wrong;
  const Client* holder = draft.client_with(command.fingerprint);
  if (holder != nullptr && holder->name != command.client) {
    return refusal(Reason::kPermissionDenied,
                   "That certificate is pinned to the client '" + holder->name + "' already.");
  }
  const Client* before = draft.client(command.client);
  ClientEnrolled enrolled{.client = command.client, .group = command.group, .certificates = {}};
  if (before != nullptr && !before->removed) {
    if (!command.group.empty() && command.group != before->group) {
      return refusal(Reason::kPermissionDenied,
                     "The client '" + command.client +
                         "' is enrolled in another group: its "
                         "objects would be out of its reach. Remove it first.");
    }
    if (has_pinned(*before, command.fingerprint)) {
      return ClientChanged{.client = before->name, .group = before->group};
    }
    if (before->certificates.size() >= kCertificatesPerClientMax) {
      return refusal(Reason::kPermissionDenied, "The client '" + command.client +
                                                    "' has as many certificates as are allowed.");
    }
    enrolled.group = before->group;
    enrolled.certificates = before->certificates;
  }
  enrolled.certificates.push_back(command.fingerprint);
  ClientChanged changed{.client = enrolled.client, .group = enrolled.group};
  draft.record(std::move(enrolled),
               {{.kind = AttachmentKind::kClear, .bytes = command.certificate}});
  return changed;
}

Decided<ClientChanged> decide(Draft& draft, const RemoveClient& command) {
  const Client* client = is_client_name(command.client) ? draft.client(command.client) : nullptr;
  if (client == nullptr) {
    return refusal(Reason::kItemNotFound, "No client '" + command.client + "' is enrolled.");
  }
  ClientChanged changed{.client = client->name, .group = client->group};
  if (!client->removed) draft.record(ClientRemoved{.client = command.client});
  return changed;
}

}  // namespace keytrail::kms
