#include "eventstore/service/reader_sessions.h"

#include <algorithm>
#include <utility>

namespace keytrail::eventstore {

ReaderSessions::ReaderSessions(Limits limits, MustStay must_stay)
    : limits_(limits), must_stay_(std::move(must_stay)) {}

void ReaderSessions::admit(const Bytes& route, ReaderSession session) {
  if (!sessions_.contains(route)) make_room(session.identity);
  sessions_.insert_or_assign(route, Heard{std::move(session), ++requests_});
}

const ReaderSession* ReaderSessions::hear(const Bytes& route, std::string_view identity) {
  const auto found = sessions_.find(route);
  if (found == sessions_.end() || found->second.session.identity != identity) return nullptr;
  found->second.last = ++requests_;
  return &found->second.session;
}

void ReaderSessions::forget(const Bytes& route) { sessions_.erase(route); }

void ReaderSessions::clear() { sessions_.clear(); }

void ReaderSessions::make_room(const std::string& identity) {
  const auto is_its = [&](const auto& entry) { return entry.second.session.identity == identity; };
  const auto its = std::count_if(sessions_.begin(), sessions_.end(), is_its);
  const bool has_too_many = static_cast<std::size_t>(its) >= limits_.per_identity_max;
  if (!has_too_many && sessions_.size() < limits_.in_all_max) return;
  auto oldest = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (has_too_many && !is_its(*at)) continue;
    const bool older = oldest == sessions_.end() || at->second.last < oldest->second.last;
    if (older && !must_stay_(at->first)) oldest = at;
  }
  KEYTRAIL_CHECK(oldest != sessions_.end());
  sessions_.erase(oldest);
}

}  // namespace keytrail::eventstore
