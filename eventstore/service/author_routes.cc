#include "eventstore/service/author_routes.h"

#include <utility>

namespace keytrail::eventstore {

void AuthorRoutes::learn(const std::string& identity, std::uint64_t epoch, Bytes route) {
  std::map<std::uint64_t, Bytes>& of_author = routes_[identity];
  of_author.insert_or_assign(epoch, std::move(route));
  if (of_author.size() > kRoutesPerAuthorMax) of_author.erase(of_author.begin());
}

const Bytes* AuthorRoutes::find(std::string_view identity, std::uint64_t epoch) const {
  const auto of_author = routes_.find(identity);
  if (of_author == routes_.end()) return nullptr;
  const auto route = of_author->second.find(epoch);
  return route != of_author->second.end() ? &route->second : nullptr;
}

void AuthorRoutes::keep(const Identities& identities) {
  std::erase_if(routes_, [&](const auto& one) { return identities.find(one.first) == nullptr; });
}

}  // namespace keytrail::eventstore
