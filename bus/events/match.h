// match(variant, arms…): one arm per alternative, no catch-all, so a new alternative does not
// compile until every fold has said what it means to it.
#pragma once

#include <utility>
#include <variant>

namespace keytrail {

template <class... Arms>
struct Overloaded : Arms... {
  using Arms::operator()...;
};
template <class... Arms>
Overloaded(Arms...) -> Overloaded<Arms...>;

template <class Variant, class... Arms>
decltype(auto) match(Variant&& variant, Arms&&... arms) {
  return std::visit(Overloaded{std::forward<Arms>(arms)...}, std::forward<Variant>(variant));
}

}  // namespace keytrail
