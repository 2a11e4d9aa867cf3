#include "tests/simulation/installation/replica_bugs.h"

#include <algorithm>

#include "tests/simulation/installation/customer.h"

namespace keytrail::simulation {
namespace {

template <class E>
bool is(const Body& body) {
  const auto* event = std::get_if<kms::Event>(&body.event);
  return event != nullptr && std::holds_alternative<E>(*event);
}

bool is_refusal(const protocol::Decision& decision) {
  return !decision.facts.empty() &&
         std::all_of(decision.facts.begin(), decision.facts.end(), is<kms::OperationRefused>);
}

}  // namespace

protocol::Decision with(const ReplicaBugs& bugs, protocol::Decision decision) {
  if (bugs.unguarded_refusals && is_refusal(decision)) decision.guards.clear();
  if (bugs.unguarded_clients) {
    std::erase_if(decision.guards, [](const protocol::Guard& guard) {
      return guard.stream.find("/client/") != std::string::npos;
    });
  }
  return decision;
}

bool leases_leaves(const protocol::Decision& decision) {
  return std::any_of(decision.facts.begin(), decision.facts.end(), is<kms::LeafBlockLeased>);
}

bool is_of_customer(const protocol::Decision& decision) {
  return !decision.facts.empty() && decision.facts.front().user == Customer::kName;
}

}  // namespace keytrail::simulation
