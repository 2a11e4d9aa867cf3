// AuthorRoutes: where the processes of an author are connected, so that acknowledgements find them.
//
// By identity and epoch: a process that was fenced hears of it too. An author says itself which
// epoch it is in, so each has room for kRoutesPerAuthorMax alone; beyond, the oldest epoch goes,
// whose process asks again if it lives. Learnt from every message. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "bus/secret/bytes.h"
#include "eventstore/model/identities.h"

namespace keytrail::eventstore {

inline constexpr std::size_t kRoutesPerAuthorMax = 8;

class AuthorRoutes {
 public:
  void learn(const std::string& identity, std::uint64_t epoch, Bytes route);
  // nullptr: unknown, or forgotten.
  [[nodiscard]] const Bytes* find(std::string_view identity, std::uint64_t epoch) const;
  // Those who are not on the list any more are forgotten.
  void keep(const Identities& identities);

 private:
  std::map<std::string, std::map<std::uint64_t, Bytes>, std::less<>> routes_;
};

}  // namespace keytrail::eventstore
