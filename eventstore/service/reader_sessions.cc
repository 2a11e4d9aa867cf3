#include "eventstore/service/reader_sessions.h"

#include <utility>

namespace keytrail::eventstore {

ReaderSessions::ReaderSessions(std::size_t sessions_max, MustStay must_stay)
    : sessions_max_(sessions_max), must_stay_(std::move(must_stay)) {}

void ReaderSessions::admit(const Bytes& route, ReaderSession session) {
  if (!sessions_.contains(route)) make_room();
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

void ReaderSessions::make_room() {
  if (sessions_.size() < sessions_max_) return;
  auto oldest = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    const bool older = oldest == sessions_.end() || at->second.last < oldest->second.last;
    if (older && !must_stay_(at->first)) oldest = at;
  }
  KEYTRAIL_CHECK(oldest != sessions_.end());
  sessions_.erase(oldest);
}

}  // namespace keytrail::eventstore
