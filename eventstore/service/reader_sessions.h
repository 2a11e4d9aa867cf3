// ReaderSessions: who said HELLO on the read socket, bounded.
//
// A routing id is what its connection makes it: who left one behind is not who comes back under it.
// So a session is only for the identity that said HELLO. Nobody tells when a reader goes away
// without BYE, so when there are too many the one that was silent longest is forgotten; if it is
// there after all, it is told to say HELLO again. Pure; one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "bus/wire/read_protocol.h"

namespace keytrail::eventstore {

struct ReaderSession {
  std::string identity;
  wire::PayloadForm form = wire::PayloadForm::kFacts;
};

class ReaderSessions {
 public:
  // Whether the reader at this routing id must stay: it follows, so it is silent by nature.
  using MustStay = std::function<bool(const Bytes& route)>;

  // REQUIRES: fewer than `sessions_max` readers must stay.
  ReaderSessions(std::size_t sessions_max, MustStay must_stay);

  void admit(const Bytes& route, ReaderSession session);
  // The session of a reader that was just heard; null: `identity` has to say HELLO first.
  [[nodiscard]] const ReaderSession* hear(const Bytes& route, std::string_view identity);
  void forget(const Bytes& route);
  void clear();

 private:
  struct Heard {
    ReaderSession session;
    std::uint64_t last = 0;  // which of all requests was its last
  };

  void make_room();

  const std::size_t sessions_max_;
  const MustStay must_stay_;
  std::uint64_t requests_ = 0;
  std::map<Bytes, Heard> sessions_;  // by routing id
};

}  // namespace keytrail::eventstore
